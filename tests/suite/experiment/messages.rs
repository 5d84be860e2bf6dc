//! What a person reads about a wrong file: one golden text for each kind of mistake, made in a small right file.

use std::fmt::Write;

use poolcast::experiment::{Experiment, Problem};

/// A small file that is right; each case changes a piece of it.
const RIGHT: &str = r#"// One worker.
Experiment(
    question: "How long is the wait?",
    from: ["database/postgres-15-loopback"],
    system: System(
        workload: [
            Stream(
                name: "bookings",
                arrivals: Poisson(rate: 240),
                steps: [Session([Query(Exponential(mean: "20ms"))])],
                deadline: "5s",
            ),
        ],
        apps: [App(name: "api", workers: 2, pool: SqlAlchemy(pool_size: 5, pool_timeout: "30s"))],
        proxy: PgBouncer(pool_mode: Transaction),
        faults: [At("10s", KillConnections(fraction: 0.5))],
    ),
    scenarios: {
        "small": Scenario(system: (database: (max_connections: 50))),
        "large": Scenario(set: [("apps.api.pool.pool_size", 20)]),
    },
    vary: [("apps.api.workers", [1, 2])],
    objectives: [Latency(p: 0.99, below: "500ms")],
    duration: "1min",
    seed: 7,
)
"#;

/// What was mistaken; what is replaced; by what.
const IN_THE_FILE: &[(&str, &str, &str)] = &[
    ("a field nobody knows", "pool_timeout:", "pool_timout:"),
    ("a field of the experiment nobody knows", "duration:", "durations:"),
    ("a kind nobody knows", "Poisson(", "Poison("),
    ("a pool nobody knows", "SqlAlchemy(", "SQLAlchemi("),
    ("a struct under a wrong name", "App(name", "Ap(name"),
    ("a missing field", "    seed: 7,\n", ""),
    ("a missing field inside", "rate: 240", ""),
    ("a missing name", "name: \"api\", ", ""),
    ("a missing parenthesis", "Poisson(rate: 240)", "Poisson(rate: 240"),
    ("a missing parenthesis around a field of the parent", "Query(Exponential(mean: \"20ms\"))", "Query(Exponential(mean: \"20ms\")"),
    ("a missing bracket at the end", "    seed: 7,\n)", "    seed: 7,\n"),
    ("a parenthesis too many", "    seed: 7,\n)", "    seed: 7,\n))"),
    ("a missing comma", "deadline: \"5s\",\n            )", "deadline: \"5s\"\n                retry: None,\n            )"),
    ("a duration without a unit", "\"20ms\"", "\"20\""),
    ("a duration as a number", "\"30s\"", "30"),
    ("a duration in unknown units", "\"5s\"", "\"5 parsecs\""),
    ("a text where a number belongs", "pool_size: 5", "pool_size: \"five\""),
    ("a negative count", "workers: 2", "workers: -2"),
    ("a count beyond all measure", "workers: 2", "workers: 5000000000"),
    ("a fraction of a connection", "pool_size: 5", "pool_size: 5.5"),
    ("a kind in quotes", "SqlAlchemy(pool_size: 5, pool_timeout: \"30s\")", "\"SqlAlchemy\""),
    ("a number that is none", "rate: 240", "rate: NaN"),
    ("a number without end", "rate: 240", "rate: 1e999"),
    ("a hexadecimal rate", "rate: 240", "rate: 0xF0"),
    ("a negative rate", "rate: 240", "rate: -1"),
    ("a probability out of range", "fraction: 0.5", "fraction: 1.5"),
    ("a statement outside a session", "Session([Query(Exponential(mean: \"20ms\"))])", "Query(Exponential(mean: \"20ms\"))"),
    ("two things of one name", "apps: [", "apps: [App(name: \"api\", pool: NullPool), "),
    ("two scenarios of one name", "\"large\"", "\"small\""),
    ("a field given twice", "seed: 7,", "seed: 7, seed: 8,"),
    ("a model nobody knows", "database/postgres-15-loopback", "database/postgres-15-loopbak"),
    ("a stream for an app nobody knows", "deadline: \"5s\"", "app: \"appi\""),
    ("an app without a pool", ", pool: SqlAlchemy(pool_size: 5, pool_timeout: \"30s\")", ""),
    ("no apps", "apps: [App(name: \"api\", workers: 2, pool: SqlAlchemy(pool_size: 5, pool_timeout: \"30s\"))],", ""),
    ("no steps", "steps: [Session([Query(Exponential(mean: \"20ms\"))])]", "steps: []"),
    ("a wrong value in a scenario", "max_connections: 50", "max_connections: 0"),
    ("a wrong path in a scenario", "apps.api.pool.pool_size", "apps.appi.pool.pool_size"),
    ("a wrong value in a set", "pool_size\", 20", "pool_size\", \"many\""),
    ("a wrong value in vary", "[1, 2]", "[1, 0]"),
    ("an empty list in vary", "[1, 2]", "[]"),
    ("a vary that is no list", "[(\"apps.api.workers\", [1, 2])]", "(\"apps.api.workers\", [1, 2])"),
    ("a fault after the end", "At(\"10s\"", "At(\"10min\""),
    ("an objective out of range", "p: 0.99", "p: 99"),
    ("no duration", "duration: \"1min\"", "duration: \"0s\""),
    ("a warm-up nobody knows", "seed: 7", "warmup: Always, seed: 7"),
    ("no replications", "seed: 7", "replications: 0, seed: 7"),
    ("a precision nobody knows", "seed: 7", "replications: Precise(relativ: 0.02, at_most: 200), seed: 7"),
    ("a text that does not end", "\"5s\",", "\"5s,"),
    ("a comment that does not end", "// One worker.", "/* One worker."),
    ("a last number that is no whole number", "max_connections: 50", "max_connections: 50.5"),
    ("a kind without its parentheses", "[(\"apps.api.workers\", [1, 2])]", "[(\"proxy\", [PgBouncer])]"),
    ("repetitions without end", "Session([", "Repeat(4000000000, []), Session(["),
    ("a dot in a name", "name: \"bookings\"", "name: \"bookings.v2\""),
];

const ON_THE_COMMAND_LINE: &[(&str, &str)] = &[
    ("apps.api.pool.pool_sise", "7"),
    ("apps.web.pool.pool_size", "7"),
    ("app.api.workers", "7"),
    ("apps.api.pool.pool_size", "many"),
    ("apps.api.pool.pool_timeout", "30"),
    ("apps.api.workers", "0"),
    ("proxy", "PgBounzer"),
    ("proxy.pool_mode", "Sesion"),
    ("workload.bookings.retry.attempts", "3"),
    ("workload.bookings.steps.0.mean", "5"),
    ("seed", "x"),
    ("duration", "5"),
    ("", ""),
];

fn read(text: &str, sets: &[(String, String)]) -> Result<(), Problem> {
    Experiment::parse(text, "test.ron", &|_| None)?.plan(sets, None, None).map(|_| ())
}

/// The same as JSON, with a mistake in each.
const IN_JSON: &[(&str, &str, &str)] = &[
    ("JSON: a field nobody knows", "\"pool_size\"", "\"pool_sise\""),
    ("JSON: a kind nobody knows", "\"Poisson\"", "\"Poison\""),
    ("JSON: a text where a number belongs", "240", "\"240\""),
    ("JSON: a missing field", ", \"seed\": 7", ""),
    ("JSON: a missing comma", ", \"seed\"", " \"seed\""),
    ("JSON: a missing brace", "7}", "7"),
    ("JSON: a duration without a unit", "\"20ms\"", "\"20\""),
    ("JSON: a negative rate", "240", "-240"),
    ("JSON: a key given twice", "\"a\": {}", "\"a\": {}, \"a\": {}"),
];

const JSON: &str = r#"{"question": "?", "system": {"apps": [{"name": "api", "pool": {"SqlAlchemy": {"pool_size": 5}}}],
 "workload": [{"name": "s", "arrivals": {"Poisson": {"rate": 240}}, "steps": [{"Session": [{"Query": {"Exponential": {"mean": "20ms"}}}]}]}]},
 "scenarios": {"a": {}}, "duration": "1h", "seed": 7}"#;

/// Models beside the file that are wrong.
const IN_A_MODEL: &[(&str, &str)] = &[
    ("a model with a field nobody knows", "// Measured.\nSystem(database: (max_connection: 50))"),
    ("a model with a value out of range", "// Measured.\nSystem(database: (max_connections: 0))"),
    ("a model that is none", "Direct"),
    ("an empty model", ""),
];

#[test]
fn the_small_file_is_right() {
    read(RIGHT, &[]).unwrap_or_else(|problem| panic!("{problem}"));
    Experiment::parse(JSON, "test.json", &|_| None).and_then(|e| e.plan(&[], None, None)).unwrap_or_else(|problem| panic!("{problem}"));
}

#[test]
fn each_mistake_is_told_with_its_place_and_what_would_be_right() {
    let mut all = String::new();
    let mut add = |name: &str, read: Result<(), Problem>| {
        let problem = read.expect_err(name);
        assert!(problem.position().is_some(), "{name} has no place");
        writeln!(all, "== {name}\n{problem}\n").expect("a text can always grow");
    };
    for (name, right, wrong) in IN_THE_FILE {
        assert!(RIGHT.contains(right), "{name}: {right}");
        add(name, read(&RIGHT.replacen(right, wrong, 1), &[]));
    }
    for (name, right, wrong) in IN_JSON {
        assert!(JSON.contains(right), "{name}: {right}");
        let text = JSON.replacen(right, wrong, 1);
        add(name, Experiment::parse(&text, "test.json", &|_| None).and_then(|e| e.plan(&[], None, None)).map(|_| ()));
    }
    for (name, model) in IN_A_MODEL {
        add(name, Experiment::parse(RIGHT, "test.ron", &|_| Some((*model).to_owned())).and_then(|e| e.plan(&[], None, None)).map(|_| ()));
    }
    for (path, value) in ON_THE_COMMAND_LINE {
        add(&format!("--set {path}={value}"), read(RIGHT, &[((*path).to_owned(), (*value).to_owned())]));
    }
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/experiment/messages.txt");
    if std::env::var_os("POOLCAST_UPDATE_GOLDENS").is_some() {
        std::fs::write(golden, &all).expect("the golden can be written");
    }
    let expected = std::fs::read_to_string(golden).expect("the golden is there");
    assert!(expected == all, "messages have changed; look at them with POOLCAST_UPDATE_GOLDENS=1 and git diff:\n{all}");
}
