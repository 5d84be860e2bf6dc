//! Metrics out: OpenMetrics text as a strict reader takes it, and figures that agree with the run's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::cli::{directory, poolcast, refused};

/// Ten requests a second too many for two server connections; the pool's waits end after half a second.
const BUSY: &str = r#"Experiment(
    question: "Who gives up?",
    system: System(
        workload: [Stream(name: "api", arrivals: Poisson(rate: 410), steps: [Session([
            Transaction([Query(Constant("2ms")), Query(Constant("3ms"))]),
        ])])],
        apps: [App(name: "a \"b\\", workers: 2, pool: SqlAlchemy(pool_size: 1, max_overflow: 1, pool_timeout: "500ms"))],
        proxy: PgBouncer(pool_mode: Transaction, default_pool_size: 2, max_client_conn: 100),
        database: Postgres(service: Delay),
    ),
    warmup: "0s", duration: "20s", replications: 1, seed: 1,
)"#;

/// A file of metrics, read as strictly as the specification of OpenMetrics 1.0 allows.
#[derive(Default)]
struct Read {
    /// Kind and unit of each family.
    families: BTreeMap<String, (String, Option<String>)>,
    /// Times and values of each series, by its name and labels.
    series: BTreeMap<String, Vec<(f64, f64)>>,
}

impl Read {
    fn of(text: &str) -> Read {
        let body = text.strip_suffix("# EOF\n").expect("the last line says that it is the last");
        let (mut read, mut family, mut last) = (Read::default(), String::new(), String::new());
        for line in body.lines() {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "TYPE", name, kind] => {
                    assert!(read.families.insert(name.to_owned(), (kind.to_owned(), None)).is_none(), "{name} stands in one place");
                    family = name.to_owned();
                }
                ["#", "UNIT", name, unit] => {
                    assert!(name == family && name.ends_with(&format!("_{unit}")), "{line}");
                    read.families.get_mut(name).expect("its type was said").1 = Some(unit.to_owned());
                }
                ["#", "HELP", name, help] => assert!(name == family && help.ends_with('.'), "{line}"),
                _ => last = read.sample(line, &family, &last),
            }
        }
        read
    }

    /// Takes one sample and says which series it belongs to.
    fn sample(&mut self, line: &str, family: &str, last: &str) -> String {
        let (series, rest) = line.split_at(line.rfind("} ").unwrap_or_else(|| panic!("{line}")) + 1);
        let (name, labels) = series.split_once('{').expect("every sample has labels");
        check_labels(labels.strip_suffix('}').expect("they end"));
        let (value, time) = rest.trim_start().split_once(' ').unwrap_or_else(|| panic!("no time in {line}"));
        let (value, time): (f64, f64) = (value.parse().expect("a number"), time.parse().expect("a time"));
        let suffixes: &[&str] = match self.families[family].0.as_str() {
            "gauge" => &[""],
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{family} is a {other}"),
        };
        assert!(suffixes.iter().any(|suffix| name == format!("{family}{suffix}")), "{name} stands under {family}");
        let samples = self.series.entry(series.to_owned()).or_default();
        let of_histogram = suffixes.len() > 1;
        assert!(samples.is_empty() || of_histogram || last == series, "{series} stands in one place");
        assert!(samples.last().is_none_or(|(before, _)| *before < time), "{series} goes on in time");
        let grows = family != name && samples.last().is_some_and(|(_, before)| *before > value);
        assert!(!grows && value >= 0.0, "{series} only grows, {samples:?} {value}");
        samples.push((time, value));
        series.to_owned()
    }

    /// The last values of all series of this name, summed.
    fn last(&self, name: &str) -> f64 {
        let of_name = self.series.iter().filter(|(series, _)| series.starts_with(&format!("{name}{{")));
        let values: Vec<f64> = of_name.map(|(_, samples)| samples.last().expect("there is one").1).collect();
        assert!(!values.is_empty(), "there is no {name}");
        values.iter().sum()
    }

    /// A histogram's buckets grow with their bounds, and the last is the count.
    fn check_histograms(&self) {
        let mut seen = 0;
        for (series, samples) in self.series.iter().filter(|(series, _)| series.contains("le=\"+Inf\"")) {
            let of = |bound: &str| &self.series[&series.replace("le=\"+Inf\"", bound)];
            let count = series.replace("_bucket{", "_count{").replace(",le=\"+Inf\"", "");
            assert_eq!(samples, &self.series[&count]);
            for (small, large) in ["0.001", "0.005", "0.5", "5.0", "120.0"].windows(2).map(|pair| (pair[0], pair[1])) {
                let (small, large) = (of(&format!("le=\"{small}\"")), of(&format!("le=\"{large}\"")));
                assert!(small.iter().zip(large).all(|(a, b)| a.0 == b.0 && a.1 <= b.1), "{series}");
            }
            seen += 1;
        }
        assert!(seen > 0);
    }
}

/// `name="value",…`, each name once, quotes and backslashes escaped.
fn check_labels(labels: &str) {
    let (mut rest, mut names) = (labels, BTreeSet::new());
    while !rest.is_empty() {
        let (name, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("{labels}"));
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_') && names.insert(name), "{labels}");
        let mut escaped = false;
        let end = value.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        rest = &value[end.unwrap_or_else(|| panic!("{labels}")) + 1..];
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn run(name: &str, more: &[&str]) -> (String, Value) {
    let path = directory(name).join("metrics.om");
    let arguments = [&["run", "-", "--format", "json", "--metrics", path.to_str().expect("it is text")], more].concat();
    let said = poolcast(&arguments, BUSY);
    assert_eq!(said.code, 0, "{}", said.err);
    let text = std::fs::read_to_string(path).expect("it was written");
    (text, serde_json::from_str(&said.out).expect("it is JSON"))
}

#[test]
fn metrics_are_open_metrics_and_their_last_values_are_the_runs_own() {
    // Long after the last request everything has been counted; both count from the first instant to the end.
    let (text, document) = run("metrics", &["--metrics-every", "1s", "--metrics-start", "1000"]);
    let read = Read::of(&text);
    read.check_histograms();
    let point = &document["points"][0];
    let pool = &point["pools"]["a \"b\\"];
    let number = |value: &Value| value.as_f64().expect("a number");
    assert_eq!(read.last("db_client_connection_create_time_seconds_count"), number(&pool["connects"]));
    assert_eq!(read.last("db_client_connection_timeouts_total"), number(&pool["timeouts"]));
    assert!(number(&pool["timeouts"]) > 20.0, "{pool}");
    assert_eq!(read.last("db_client_connection_max"), 4.0);
    assert_eq!(read.last("pgbouncer_databases_pool_size"), 2.0);
    // Each request that was served is one transaction of two statements and its COMMIT. SQLAlchemy asks some things of its
    // own when it connects first.
    let served = read.last("db_client_connection_use_time_seconds_count");
    let transactions = read.last("pgbouncer_stats_totals_sql_transactions_pooled_total");
    assert!((transactions - served).abs() <= 20.0 && served > 7000.0, "{transactions} transactions of {served} requests");
    let queries = read.last("pgbouncer_stats_totals_queries_pooled_total");
    assert!(queries >= 3.0 * served && queries <= 4.0 * transactions, "{queries} statements of {transactions} transactions");
    // Statements of the transactions that are under way have ended, too.
    let (query, transaction) = ("pgbouncer_stats_totals_queries_duration_seconds", "pgbouncer_stats_totals_server_in_transaction_seconds");
    let (query, transaction) = (read.last(&format!("{query}_total")), read.last(&format!("{transaction}_total")));
    assert!(query > 0.005 * served && query <= transaction + 0.1 && transaction < 20.0 * 4.0, "{query} s in {transaction} s");
    // A scrape a second, from the first instant on.
    let times: Vec<f64> = read.series.values().next().expect("there are series").iter().map(|(time, _)| *time).collect();
    assert_eq!(times, (1000..=1020).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn metrics_are_the_same_bytes_each_time_and_bear_the_names_of_scenarios() {
    let [(first, _), (second, _)] = [run("metrics-1", &[]), run("metrics-2", &[])];
    assert_eq!(first, second);
    assert!(first.contains(" 1767225605.000\n") && !first.contains("scenario="), "every 5 s from 2026 on");
    refused(&["run", "-", "--metrics", "x", "--metrics-every", "0s"], BUSY, &["--metrics-every 0s is too short", "at least 1ms"]);
}
