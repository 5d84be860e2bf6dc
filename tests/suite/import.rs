//! `poolcast import`: real configuration files become an experiment that runs, each value with its place, no secret in sight.

use poolcast::experiment::Experiment;
use poolcast::kernel::time::Span;
use poolcast::shells::import::{Files, Given, Text, import};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::cli::{poolcast, refused};
use crate::experiment::mutations::{cases, mutated, mutation};

const HOME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/");

/// A file of the fixtures.
fn file(name: &str) -> String {
    format!("{HOME}{name}")
}

fn text(name: &str) -> Text {
    Text { name: name.to_owned(), text: std::fs::read_to_string(file(name)).expect("the fixture is there") }
}

fn movehub() -> Vec<String> {
    let files =
        [("--env", ".env"), ("--pgbouncer", "pgbouncer.ini"), ("--postgres", "postgresql.conf"), ("--compose", "docker-compose.yml")];
    files.into_iter().flat_map(|(flag, name)| [flag.to_owned(), file(&format!("movehub/{name}"))]).collect()
}

fn arguments<'a>(command: &'a str, rest: &'a [String], more: &[&'a str]) -> Vec<&'a str> {
    [command].into_iter().chain(rest.iter().map(String::as_str)).chain(more.iter().copied()).collect()
}

#[test]
fn the_guides_files_become_an_experiment_that_runs_in_one_line() {
    let said = poolcast(&arguments("import", &movehub(), &[]), "");
    assert_eq!(said.code, 0, "{}", said.err);
    for part in [
        "workers: 4, // ",
        "docker-compose.yml:4: --workers 4",
        "pool_size: 20, // ",
        ".env:5 DATABASE_POOL_SIZE",
        "max_overflow: 10,",
        "pool_timeout: \"30s\",",
        "pool_recycle: \"30min\",",
        "pool_pre_ping: true,",
        "driver: Asyncpg,",
        "pool_mode: Session,",
        "default_pool_size is left at PgBouncer's default, 20",
        "max_client_conn: 200,",
        "max_connections: 100,",
        "idle_in_transaction_session_timeout: \"5min\",",
        "statement_timeout: \"30s\",",
        "service: Sharing(cores: 8,",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    for secret in ["hunter2", "a-secret-that-nobody-may-see"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{}", said.out);
    }
    assert!(said.err.contains("guessed: workload.requests.arrivals: 100 requests a second"), "{}", said.err);
    let run = poolcast(&["run", "-", "--quiet", "--set", "duration=5s", "--replications", "2"], &said.out);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.contains("api  4 × SqlAlchemy 20+10") && run.out.contains("PgBouncer session"), "{}", run.out);
}

#[test]
fn a_check_of_the_files_points_into_them_and_shows_no_secret() {
    let said = poolcast(&arguments("check", &movehub(), &[]), "");
    assert_eq!(said.code, 1, "{}", said.err);
    for part in [
        "error[session-mode-starvation]",
        "pgbouncer.ini:5:1",
        "default_pool_size is unset: 20",
        "DATABASE_POOL_SIZE=20",
        "4 × (20 + 10) = 120",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    assert!(!said.out.contains("hunter2") && !said.out.contains("DATABASE_URL"), "{}", said.out);
    let json = poolcast(&arguments("check", &movehub(), &["--format", "json"]), "").out;
    let document: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!((&document["findings"][0]["rule"], &document["findings"][0]["line"]), (&"session-mode-starvation".into(), &5.into()));
    assert!(document["findings"][0]["file"].as_str().is_some_and(|file| file.ends_with("pgbouncer.ini")));
}

#[test]
fn a_deployment_counts_its_replicas_its_autoscaler_and_its_surge() {
    let deploy = file("kubernetes/deploy.yml");
    let said = poolcast(&["import", "--kubernetes", &deploy, "--quiet"], "");
    assert!(said.out.contains("workers: 32, // 8 replicas (") && said.err.is_empty(), "{}", said.out);
    let checked = poolcast(&["check", "--kubernetes", &deploy], "").out;
    assert!(checked.contains("32 × (5 + 10) = 480") && checked.contains("     540 "), "one pod of four processes more: {checked}");
    assert!(!checked.contains("hunter2"));
}

#[test]
fn measured_load_takes_the_place_of_guesses() {
    let (env, stats, statements) = (file("movehub/.env"), file("movehub/stats.txt"), file("movehub/statements.csv"));
    let said = poolcast(&["import", "--env", &env, "--show-stats", &stats], "");
    for part in ["Poisson(rate: 400), // SHOW STATS", "Transaction([Repeat(2, [Query(LogNormal(mean: \"2ms\", cv: 1.0))])])"] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    let said = poolcast(&["import", "--env", &env, "--stat-statements", &statements, "--over", "1h"], "");
    assert!(
        said.out.contains("Poisson(rate: 480.3)") && said.out.contains("(0.8328, [Query(LogNormal(mean: \"600us\", cv: 1.5))])"),
        "{}",
        said.out
    );
    let both = poolcast(&["import", "--env", &env, "--show-stats", &stats, "--stat-statements", &statements, "--over", "1h"], "");
    assert!(both.out.contains("Poisson(rate: 400)") && both.out.contains("(0.8328, "), "{}", both.out);
    let run = poolcast(&["run", "-", "--quiet", "--set", "duration=5s", "--replications", "2"], &both.out);
    assert_eq!(run.code, 0, "{}", run.err);
}

#[test]
fn a_file_is_written_on_request_and_slips_are_told() {
    let out = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("imported.ron");
    let said = poolcast(&arguments("import", &movehub(), &["--quiet", "--out", &out.display().to_string()]), "");
    assert_eq!((said.code, said.out.as_str()), (0, ""));
    assert_eq!(poolcast(&["check", &out.display().to_string()], "").code, 1);
    refused(&["import"], "", &["there is nothing to import", "--compose"]);
    refused(&["import", "--env", "no-such-file"], "", &["there is no file no-such-file"]);
    refused(&["import", "--compose", &file("movehub/pgbouncer.ini")], "", &["this is no YAML", "pgbouncer.ini:"]);
    refused(&["import", "--show-stats", &file("movehub/.env")], "", &["SHOW STATS"]);
    refused(&["import", "--env", &file("movehub/.env"), "--over", "1h"], "", &["--stat-statements"]);
}

/// As many cases as `POOLCAST_FUZZ_CASES` says: one of the files after one to four mutations, the others as they are.
#[test]
fn mutated_files_are_imported_or_refused_and_nothing_panics() {
    let kinds = [
        "movehub/.env",
        "movehub/pgbouncer.ini",
        "movehub/postgresql.conf",
        "movehub/docker-compose.yml",
        "kubernetes/deploy.yml",
        "movehub/statements.csv",
        "movehub/stats.txt",
    ];
    let texts = kinds.map(text);
    let mut runner = TestRunner::new(Config { cases: cases(100), failure_persistence: None, ..Config::default() });
    let strategy = (0..kinds.len(), proptest::collection::vec(mutation(), 1..5));
    let outcome = runner.run(&strategy, |(kind, mutations)| {
        let mut texts = texts.clone();
        texts[kind].text = mutations.iter().fold(texts[kind].text.clone(), |text, mutation| mutated(&text, mutation));
        try_import(texts);
        Ok(())
    });
    outcome.unwrap_or_else(|failed| panic!("{failed}"));
}

#[test]
fn any_text_in_any_place_is_imported_or_refused() {
    let mut runner = TestRunner::new(Config { cases: cases(60), failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&proptest::prelude::any::<String>(), |any| {
        try_import(std::array::from_fn(|_| Text { name: "any".to_owned(), text: any.clone() }));
        Ok(())
    });
    outcome.unwrap_or_else(|failed| panic!("{failed}"));
}

/// Whatever is imported can be read again, and its places are places.
fn try_import([env, pgbouncer, postgres, compose, kubernetes, statements, stats]: [Text; 7]) {
    let all = Given {
        env: vec![env],
        pgbouncer: Some(pgbouncer),
        postgres: Some(postgres),
        compose: vec![compose],
        kubernetes: vec![kubernetes],
        over: Some(Span::from_secs(60)),
        ..Given::default()
    };
    let measured = Given { stat_statements: Some(statements.clone()), show_stats: Some(stats.clone()), ..all.clone() };
    let other = Given { show_pools: Some(stats.clone()), pgbench: Some(stats), access_log: Some(statements), ..all.clone() };
    let files = Files {
        read: &|name| (!name.contains("gone")).then(|| "max_connections = 7\n%include gone\n".to_owned()),
        list: &|_| vec!["a.conf".to_owned()],
    };
    for given in [all, measured, other] {
        match import(&given, &files) {
            Ok(imported) => {
                Experiment::parse(&imported.text, "imported", &|_| None).expect("it was just read");
                for (path, place) in &imported.origins {
                    assert!(place.source.text.get(place.span.clone()).is_some(), "{path}");
                }
                assert!(!imported.text.contains("hunter2"), "{}", imported.text);
            }
            Err(problem) => assert!(!problem.to_string().is_empty()),
        }
    }
}
