//! PgBouncer's `SHOW STATS` and `SHOW POOLS`: transactions a second, statements in each, how long they take.

use super::table::Table;
use super::{Load, distribution, rounded};
use crate::experiment::diagnose::Source;
use crate::shells::import::found::Found;

/// What `SHOW STATS` says of this database, or of the busiest one.
pub fn stats(name: &str, text: &str, database: &str) -> Result<Load, String> {
    let table = Table::read(text, "avg_xact_count")
        .ok_or_else(|| format!("{name} has no column avg_xact_count: psql -p 6432 pgbouncer -c 'SHOW STATS' > {name}"))?;
    let (line, row) = pick(&table, database, "avg_xact_count").ok_or_else(|| format!("{name} lists no database of an application"))?;
    let number = |column: &str| table.number(row, &[column]).unwrap_or(0.0);
    let (transactions, statements) = (number("avg_xact_count"), number("avg_query_count"));
    if transactions <= 0.0 || statements <= 0.0 {
        return Err(format!("{name}: nothing happened in the last stats_period; take it under load"));
    }
    // Until 1.22 avg_wait_time is microseconds of waiting in each second; since then, for each assignment of a server.
    let newer = table.names.iter().any(|column| column == "avg_server_assignment_count");
    let assignments = if newer { number("avg_server_assignment_count") } else { 1.0 };
    let waits = number("avg_wait_time") * assignments / statements;
    let shown = number("avg_query_time");
    let service = (shown - waits).max(0.0);
    let found = place(name, text, *line, "SHOW STATS");
    let mut decided = vec![format!(
        "PgBouncer's query time runs from the client's packet, so it holds the wait for a server: {shown:.0} us less {waits:.0} us of waiting are taken as service; the network behind PgBouncer is still in it"
    )];
    decided.push("PgBouncer shows means only: the times are taken to vary with cv 1".to_owned());
    let each = (statements / transactions).round().clamp(1.0, 1000.0);
    let query = format!("Query({}),", distribution(service / 1e3, service / 1e3));
    let steps = match each as u32 {
        1 => vec![query],
        each => vec![format!("Transaction([Repeat({each}, [{}])]),", query.trim_end_matches(','))],
    };
    Ok(Load { rate: Some((rounded(transactions), found.clone())), steps: Some((steps, found)), decided, ..Load::default() })
}

/// What `SHOW POOLS` says: the mode, and whether anybody waited.
pub fn pools(name: &str, text: &str, database: &str) -> Result<Load, String> {
    let table = Table::read(text, "cl_active")
        .ok_or_else(|| format!("{name} has no column cl_active: psql -p 6432 pgbouncer -c 'SHOW POOLS' > {name}"))?;
    let (line, row) = pick(&table, database, "cl_active").ok_or_else(|| format!("{name} lists no pool of an application"))?;
    let number = |column: &str| table.number(row, &[column]).unwrap_or(0.0);
    let mode =
        table.cell(row, "pool_mode").map(|mode| Found { value: mode.to_owned(), ..place(name, text, *line, "SHOW POOLS pool_mode") });
    let seen = format!(
        "{name} saw {} clients, {} of them waiting ({} s at most), and {} server connections in use: compare a run with that",
        number("cl_active") + number("cl_waiting"),
        number("cl_waiting"),
        number("maxwait"),
        number("sv_active")
    );
    Ok(Load { pool_mode: mode, decided: vec![seen], ..Load::default() })
}

/// The row of this database, or the one with most of `column`; PgBouncer's own console is none.
fn pick<'a>(table: &'a Table, database: &str, column: &str) -> Option<&'a (usize, Vec<String>)> {
    let rows: Vec<_> = table.rows.iter().filter(|(_, row)| table.cell(row, "database") != Some("pgbouncer")).collect();
    let named = rows.iter().find(|(_, row)| table.cell(row, "database") == Some(database) && !database.is_empty());
    let busiest =
        || rows.iter().max_by(|a, b| table.number(&a.1, &[column]).unwrap_or(0.0).total_cmp(&table.number(&b.1, &[column]).unwrap_or(0.0)));
    named.or_else(busiest).copied()
}

/// A row as a place; only that line of the text is kept.
fn place(name: &str, text: &str, line: usize, what: &str) -> Found {
    let kept: String =
        text.lines().enumerate().map(|(index, row)| if index + 1 == line { format!("{row}\n") } else { "\n".to_owned() }).collect();
    let source = Source::new(name, &kept);
    let start = source.offset(line, 1);
    Found::new(&source, start..kept.len(), what, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "  database  | avg_xact_count | avg_query_count | avg_query_time | avg_wait_time\n-----------+---+---+---+---\n pgbouncer | 1 | 1 | 0 | 0\n shop | 100 | 300 | 5000 | 600000\n(2 rows)\n";

    #[test]
    fn the_wait_is_taken_out_of_the_query_time() {
        // 600,000 us of waiting a second over 300 statements are 2,000 us for each of 5,000.
        let load = stats("stats.txt", OLD, "").expect("it is one");
        let (steps, found) = load.steps.expect("it says so");
        assert_eq!(steps, ["Transaction([Repeat(3, [Query(LogNormal(mean: \"3ms\", cv: 1.0))])]),"]);
        assert_eq!((load.rate.map(|(rate, _)| rate), found.at()), (Some(100.0), "stats.txt:4".to_owned()));
    }

    #[test]
    fn since_1_23_the_wait_is_counted_for_each_assignment() {
        let new = "database,avg_xact_count,avg_query_count,avg_query_time,avg_wait_time,avg_server_assignment_count\nshop,100,100,5000,1000,100\n";
        assert_eq!(stats("s.csv", new, "shop").expect("it is one").steps.expect("steps").0, ["Query(LogNormal(mean: \"4ms\", cv: 1.0)),"]);
        assert!(stats("s.csv", &new.replace("100,100,5000", "0,0,0"), "").expect_err("idle").contains("under load"));
        assert!(stats("s.csv", "a,b\n", "").is_err());
    }

    #[test]
    fn pools_tell_the_mode() {
        let text = "database,user,cl_active,cl_waiting,sv_active,maxwait,pool_mode\nshop,anna,40,3,20,2,transaction\n";
        let load = pools("p.csv", text, "").expect("it is one");
        assert_eq!(load.pool_mode.map(|found| found.value), Some("transaction".to_owned()));
        assert!(load.decided[0].contains("43 clients, 3 of them waiting"), "{:?}", load.decided);
    }
}
