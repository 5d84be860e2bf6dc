//! `pg_stat_statements` as CSV: which statements there are, how often, how long.

use super::table::Table;
use super::{Load, distribution, rounded};
use crate::experiment::diagnose::Source;
use crate::kernel::time::Span;
use crate::shells::import::draft::one_line;
use crate::shells::import::found::Found;

/// Statements that are listed by themselves; the others become one.
const LISTED: usize = 6;

struct Statement {
    words: String,
    calls: f64,
    mean: f64,
    deviation: f64,
}

/// What the view says; `over` is the time in which it was counted.
pub fn read(name: &str, text: &str, over: Option<Span>) -> Result<Load, String> {
    let table = Table::read(text, "calls").ok_or_else(|| {
        format!("{name} has no column \"calls\": \\copy (select query, calls, total_exec_time, mean_exec_time, stddev_exec_time from pg_stat_statements) to 'statements.csv' csv header")
    })?;
    let mut statements: Vec<Statement> = table.rows.iter().filter_map(|(_, row)| statement(&table, row)).collect();
    let left_out = table.rows.len() - statements.len();
    statements.sort_by(|a, b| (b.calls * b.mean).total_cmp(&(a.calls * a.mean)).then(a.words.cmp(&b.words)));
    let calls: f64 = statements.iter().map(|statement| statement.calls).sum();
    if statements.is_empty() || calls <= 0.0 {
        return Err(format!("{name} lists no statement that was called (SELECT, INSERT, UPDATE, DELETE …)"));
    }
    let place = Found::new(&Source::new(name, text.lines().next().unwrap_or_default()), 0..0, "pg_stat_statements", "");
    let mut decided = Vec::new();
    if left_out > 0 {
        decided.push(format!("{left_out} rows of {name} are no statements of an application (BEGIN, SET, VACUUM …) and are left out"));
    }
    if over.is_none() {
        decided.push(format!("how long {name} was counted is not known: --over 1h would say how many statements a second there are"));
    }
    Ok(Load {
        steps: Some((steps(statements, calls), place)),
        statements: over.filter(|over| !over.is_zero()).map(|over| calls / over.seconds()),
        decided,
        ..Load::default()
    })
}

fn statement(table: &Table, row: &[String]) -> Option<Statement> {
    let calls = table.number(row, &["calls"]).filter(|calls| *calls > 0.0)?;
    let words = one_line(table.cell(row, "query").unwrap_or("select"));
    let verb = words.trim_start_matches(['(', ' ']).split_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    // What defines roles may hold passwords, and is nothing that an application does all day.
    if !["select", "insert", "update", "delete", "with", "merge", "call", "values", "fetch", "execute"].contains(&&*verb) {
        return None;
    }
    let total = table.number(row, &["total_exec_time", "total_time"]);
    let mean = table.number(row, &["mean_exec_time", "mean_time"]).or(total.map(|total| total / calls))?;
    let deviation = table.number(row, &["stddev_exec_time", "stddev_time"]).unwrap_or(mean);
    Some(Statement { words, calls, mean, deviation })
}

/// One statement of the mix.
fn steps(mut statements: Vec<Statement>, calls: f64) -> Vec<String> {
    if statements.len() > LISTED + 1 {
        let rest = pooled(statements.split_off(LISTED));
        statements.push(rest);
    }
    if let [only] = statements.as_slice() {
        return vec![format!("Query({}), // {}", distribution(only.mean, only.deviation), shortened(&only.words))];
    }
    let branch = |statement: &Statement| {
        let weight = rounded(statement.calls / calls).max(1e-9);
        format!("    ({weight:?}, [Query({})]), // {}", distribution(statement.mean, statement.deviation), shortened(&statement.words))
    };
    std::iter::once("Choose([".to_owned()).chain(statements.iter().map(branch)).chain(["]),".to_owned()]).collect()
}

/// Many as one, of the same mean and deviation.
fn pooled(statements: Vec<Statement>) -> Statement {
    let calls: f64 = statements.iter().map(|statement| statement.calls).sum();
    let mean = statements.iter().map(|statement| statement.calls * statement.mean).sum::<f64>() / calls;
    let square = |statement: &Statement| statement.calls * (statement.mean * statement.mean + statement.deviation * statement.deviation);
    let squares = statements.iter().map(square).sum::<f64>() / calls;
    Statement { words: format!("{} others", statements.len()), calls, mean, deviation: (squares - mean * mean).max(0.0).sqrt() }
}

fn shortened(words: &str) -> String {
    let flat = words.split_whitespace().collect::<Vec<_>>().join(" ");
    if flat.chars().count() <= 60 { flat } else { flat.chars().take(59).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mix_of_statements_keeps_its_weights_means_and_deviations() {
        let text = "query,calls,total_exec_time,mean_exec_time,stddev_exec_time\n\"SELECT *\nFROM a\",900,1800,2,1\nUPDATE b,100,1000,10,20\nALTER USER x PASSWORD 'hunter2',1,1,1,1\nBEGIN,1000,1,0.001,0\n";
        let load = read("s.csv", text, Some(Span::from_secs(100))).expect("it is one");
        let (steps, _) = load.steps.expect("it says so");
        assert_eq!(steps[1], "    (0.9, [Query(LogNormal(mean: \"2ms\", cv: 0.5))]), // SELECT * FROM a");
        assert_eq!(steps[2], "    (0.1, [Query(LogNormal(mean: \"10ms\", cv: 2.0))]), // UPDATE b");
        assert_eq!((load.statements, steps.len()), (Some(10.0), 4));
        assert!(load.decided[0].contains("2 rows") && !format!("{steps:?}").contains("hunter2"));
    }

    #[test]
    fn the_tail_becomes_one_of_the_same_mean_and_deviation() {
        let rest = pooled(vec![
            Statement { words: String::new(), calls: 1.0, mean: 1.0, deviation: 0.0 },
            Statement { words: String::new(), calls: 1.0, mean: 3.0, deviation: 0.0 },
        ]);
        assert_eq!((rest.calls, rest.mean, rest.deviation), (2.0, 2.0, 1.0));
        assert!(read("x.csv", "a,b\n1,2\n", None).expect_err("no calls").contains("\\copy"));
    }
}
