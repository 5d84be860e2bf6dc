//! The built program as a person or a script meets it: answers, errors, exit codes.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

mod compare;
mod hunt;
mod rare;
mod report;
mod size;
mod sweep;

/// One worker with two connections, 100 requests a second of 5 ms: at ease.
const SMALL: &str = r#"Experiment(
    question: "Is two enough?",
    system: System(
        workload: [Stream(name: "api", arrivals: Poisson(rate: 100), steps: [Session([Query(Exponential(mean: "5ms"))])])],
        apps: [App(name: "api", pool: SqlAlchemy(pool_size: 2, max_overflow: 0))],
        proxy: Direct,
        database: Postgres(service: Delay),
    ),
    objectives: [Errors(below: 0.01)],
    warmup: "2s", duration: "20s", replications: 4, seed: 1,
)"#;

pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn poolcast(arguments: &[&str], input: &str) -> Said {
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolcast"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    // A program that complains before it reads closes the pipe: that is its right.
    let _ = child.stdin.take().expect("it is a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("it prints text");
    Said { code: output.status.code().expect("no signal ends it"), out: text(output.stdout), err: text(output.stderr) }
}

/// Holds that this is refused as bad input, with all of `says` on standard error and nothing on standard output.
pub fn refused(arguments: &[&str], input: &str, says: &[&str]) {
    let said = poolcast(arguments, input);
    assert_eq!(said.code, 2, "{}", said.err);
    assert_eq!(said.out, "", "an error leaves standard output empty");
    for part in says {
        assert!(said.err.contains(part), "{part:?} is not in\n{}", said.err);
    }
    assert!(!said.err.contains("panicked") && !said.err.contains("internal error"), "{}", said.err);
}

pub fn directory(name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("the target directory can be written to");
    directory
}

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let said = poolcast(&["--help"], "");
    assert_eq!(said.code, 0);
    for part in [
        "Usage: poolcast <COMMAND>",
        "  run ",
        "  compare ",
        "  sweep ",
        "  merge ",
        "  models ",
        "  explain ",
        "  completions ",
        "Exit codes:",
        "2  bad input",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    let run = poolcast(&["run", "--help"], "").out;
    for part in [
        "--set <PATH=VALUE>",
        "--seed <N>",
        "--replications <N>",
        "--jobs <N>",
        "--format <FORMAT>",
        "--out <DIR>",
        "--quiet",
        "--status-every",
    ] {
        assert!(run.contains(part), "{part:?} is not in\n{run}");
    }
    assert_eq!(poolcast(&["--version"], "").out, format!("poolcast {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_run_answers_on_standard_output_and_talks_on_standard_error() {
    let said = poolcast(&["run", "-"], SMALL);
    assert_eq!(said.code, 0, "{}", said.err);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines[0], "Is two enough?");
    assert!(lines[1].starts_with("20 s × 4 replications · 1 point · seed 1 · ") && lines[1].ends_with("requests"), "{}", lines[1]);
    for part in ["layer", "api  1 × SqlAlchemy 2+0", "PostgreSQL", "latency", "✓ errors below 1 %", "why"] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    assert!(lines.last().expect("there are lines").starts_with("digest "));
    assert!(!said.out.contains('\x1b'), "no colour where there is no terminal");
    assert!(said.err.contains("requests in"), "the time it took is not part of the answer: {}", said.err);
    assert_eq!(poolcast(&["run", "-", "--quiet"], SMALL).err, "");
}

#[test]
fn threads_and_time_do_not_change_a_byte() {
    let [one, two] = ["1", "2"].map(|jobs| poolcast(&["run", "-", "--jobs", jobs, "--format", "json"], SMALL).out);
    assert_eq!(one, two);
    let other = poolcast(&["run", "-", "--seed", "2", "--format", "json"], SMALL).out;
    assert_ne!(one, other);
}

#[test]
fn a_missed_objective_makes_the_exit_code_1() {
    let said = poolcast(&["run", "-", "--set", "apps.api.pool.pool_size=1", "--set", "apps.api.pool.pool_timeout=0s"], SMALL);
    assert_eq!(said.code, 1, "{}", said.err);
    let flowing = said.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("✗ errors below 1 %") && flowing.contains("QueuePool limit of size 1 overflow 0 reached"), "{}", said.out);
    assert!(said.out.contains("--set apps.api.pool.pool_size="), "it says what to try:\n{}", said.out);
}

#[test]
fn a_load_that_can_never_be_served_is_refused_before_anything_runs() {
    let endless =
        SMALL.replace("Poisson(rate: 100)", "Poisson(rate: 500)").replace("max_overflow: 0", "max_overflow: 0, pool_timeout: None");
    let says = [
        "api needs 125 %",
        "nobody gives up: the queue would grow for ever",
        "standard input:5",
        "500.0/s × 5.0 ms = 2.5",
        "a timeout of the pool or a deadline",
    ];
    refused(&["run", "-"], &endless, &says);
    let one_of_two = endless.replace("objectives:", r#"vary: [("workload.api.arrivals.rate", [100, 500])], objectives:"#);
    let said = poolcast(&["run", "-", "--quiet"], &one_of_two);
    assert!(said.code == 0 && said.out.contains("500"), "beside others it is an answer: {}", said.err);
}

#[test]
fn json_is_one_document_with_the_keys_of_the_contract() {
    let said = poolcast(&["run", "-", "--format", "json", "--replications", "2"], SMALL);
    let document: Value = serde_json::from_str(&said.out).expect("it is JSON");
    let keys = |value: &Value| value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&document), ["poolcast", "question", "seed", "points"]);
    let point = &document["points"][0];
    #[rustfmt::skip]
    assert_eq!(keys(point), [
        "scenario", "vary", "replications", "warmup", "duration", "events", "digest", "verdict", "requests", "latency", "pool_wait",
        "proxy_wait", "pools", "proxy", "database", "streams", "objectives", "theory", "notes",
        "basis", "windows", "recovery", "waves", "deadlocks",
    ]);
    assert_eq!((&point["replications"], &point["warmup"], &point["duration"]), (&2.into(), &2.0.into(), &20.0.into()));
    let arrived = point["requests"]["arrived"].as_u64().expect("a count");
    assert!((3_500..4_500).contains(&arrived), "2 × 20 s × 100/s, found {arrived}");
    let latency = point["latency"]["p50"].as_f64().expect("a figure");
    assert!((0.002..0.02).contains(&latency), "seconds, found {latency}");
}

#[test]
fn csv_has_a_row_for_each_point() {
    let sweep = SMALL.replace("objectives:", r#"vary: [("apps.api.pool.pool_size", [2, 3, 4])], objectives:"#);
    let said = poolcast(&["run", "-", "--format", "csv"], &sweep);
    let mut reader = csv::Reader::from_reader(said.out.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let sizes = header.iter().position(|name| name == "apps.api.pool.pool_size").expect("the varied path is a column");
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows are as long as the header");
    assert_eq!(rows.iter().map(|row| row[sizes].to_owned()).collect::<Vec<_>>(), ["2", "3", "4"]);
    let table = poolcast(&["run", "-"], &sweep).out;
    assert!(table.contains("pool_size") && table.contains("binds") && table.contains("3 points"), "{table}");
}

#[test]
fn a_slip_in_a_file_is_shown_at_its_place_with_the_remedy() {
    let wrong = SMALL.replace("max_overflow", "max_overflw");
    let directory = directory("slips");
    let file = directory.join("wrong.ron");
    std::fs::write(&file, wrong).expect("the target directory can be written to");
    refused(&["run", &file.display().to_string()], "", &["wrong.ron:5:", "max_overflw", "did you mean `max_overflow`?"]);
    refused(&["run", "-"], "Experiment(", &["error:", "standard input"]);
    refused(&["run", "-"], "", &["error:"]);
    refused(&["run", "no-such-file.ron"], "", &["there is no file no-such-file.ron"]);
    refused(&["run", &directory.display().to_string()], "", &["is a directory"]);
    let binary = directory.join("binary.ron");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).expect("the target directory can be written to");
    refused(&["run", &binary.display().to_string()], "", &["not a text in UTF-8"]);
}

#[test]
fn a_slip_on_the_command_line_is_told_with_the_remedy() {
    refused(&["run", "-", "--set", "apps.api.pool.pool_sise=3"], SMALL, &["pool_sise", "did you mean `pool_size`?"]);
    refused(&["run", "-", "--set", "apps.web.workers=3"], SMALL, &["nothing named `web`", "`api`"]);
    refused(&["run", "-", "--set", "workers"], SMALL, &["expected PATH=VALUE"]);
    refused(&["run", "-", "--scenario", "direct"], SMALL, &["has no scenario \"direct\"", "leave --scenario out"]);
    refused(&["run", "-", "--replication", "3"], SMALL, &["--replications"]);
    refused(&["run", "-", "--replications", "0"], SMALL, &["replications"]);
    refused(&["run", "-", "--jobs", "0"], SMALL, &["--jobs"]);
    refused(&["run", "-", "--format", "yaml"], SMALL, &["table", "json", "csv"]);
    refused(&["run", "-", "--status-every", "10"], SMALL, &["expected a duration with a unit"]);
    refused(&["run", "-", "--status-every", "0s"], SMALL, &["an interval such as 10s"]);
    refused(&["run"], "", &["<FILE>"]);
    refused(&["rum"], "", &["run"]);
}

#[test]
fn only_the_chosen_scenarios_run() {
    let two = SMALL.replace(
        "objectives:",
        r#"scenarios: {"as is": Scenario(), "small": Scenario(set: [("apps.api.pool.pool_size", 1)])}, objectives:"#,
    );
    let said = poolcast(&["run", "-", "--scenario", "small", "--format", "json"], &two);
    let document: Value = serde_json::from_str(&said.out).expect("it is JSON");
    let names: Vec<&Value> = document["points"].as_array().expect("a list").iter().map(|point| &point["scenario"]).collect();
    assert_eq!(names, ["small"]);
    refused(&["run", "-", "--scenario", "smal"], &two, &["did you mean `small`?"]);
}

#[test]
fn files_are_written_on_request_and_a_place_that_cannot_be_written_to_is_told() {
    let directory = directory("out");
    let there = directory.join("a/b");
    let said = poolcast(&["run", "-", "--quiet", "--out", &there.display().to_string()], SMALL);
    assert_eq!(said.code, 0, "{}", said.err);
    let read = |name: &str| std::fs::read_to_string(there.join(name)).expect(name);
    assert_eq!(read("experiment.txt"), said.out, "what was printed, without colour");
    assert!(serde_json::from_str::<Value>(&read("experiment.json")).is_ok());
    assert!(read("experiment.csv").starts_with("scenario,"));
    std::fs::write(directory.join("file"), "").expect("the target directory can be written to");
    let said = poolcast(&["run", "-", "--out", &directory.join("file/x").display().to_string()], SMALL);
    assert_eq!(said.code, 3, "{}", said.err);
    assert!(said.err.contains("error: cannot write"), "{}", said.err);
}

#[test]
fn state_of_a_session_that_a_proxy_would_mix_up_is_noted_beside_the_result() {
    let stateful = SMALL.replace("Session([Query", "Session([SessionState(\"set_config\"), Query");
    let noted = |proxy: &str| {
        let said = poolcast(&["run", "-", "--format", "json", "--replications", "2", "--set", proxy], &stateful);
        let document: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err));
        let notes = document["points"][0]["notes"].as_array().expect("a list").clone();
        notes.iter().filter_map(Value::as_str).find(|note| note.contains("(set_config)")).map(str::to_owned)
    };
    let mixed = noted("proxy=PgBouncer(pool_mode: Transaction)").expect("another client finds the state");
    assert!(mixed.starts_with("api keeps session state (set_config) through Transaction mode: "), "{mixed}");
    assert!(noted("proxy=PgBouncer(pool_mode: Statement)").is_some_and(|note| note.contains("Statement mode")));
    assert!(noted("proxy=RdsProxy()").is_some_and(|note| note.contains("pins it in RDS Proxy")));
    assert_eq!(noted("proxy=PgBouncer(pool_mode: Session)"), None);
    assert_eq!(noted("proxy=Direct"), None);
}

#[test]
fn views_of_the_running_system_show_what_its_consoles_would() {
    let said = poolcast(&["run", "-", "--status-every", "10s"], SMALL);
    for part in ["  at 0 ms\n", "  at 10 s\n", "  at 20 s\n", "Pool size: 2"] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
}

#[test]
fn a_reader_who_has_seen_enough_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_poolcast"))
        .args(["explain"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program is built");
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().expect("it is a pipe").read_to_string(&mut err).expect("it is text");
    assert_eq!((child.wait().expect("it ends").code(), err.as_str()), (Some(0), ""));
}

#[test]
fn models_and_fields_are_told_and_slips_in_their_names_too() {
    let models = poolcast(&["models"], "").out;
    for part in ["database/postgres-15-loopback", "Poisson(rate: 240)", "NullPool", "PgBouncer(pool_mode", "LogNormal"] {
        assert!(models.contains(part), "{part:?} is not in\n{models}");
    }
    assert!(poolcast(&["models", "database/postgres-15-loopback"], "").out.contains("System("));
    refused(&["models", "database/postgres-15-lopback"], "", &["did you mean `database/postgres-15-loopback`?"]);
    let field = poolcast(&["explain", "proxy.default_pool_size"], "").out;
    assert!(field.contains("PgBouncer") && field.contains("default  20"), "{field}");
    refused(&["explain", "apps.api.pool.pool_sise"], "", &["did you mean `pool_size`?"]);
    let script = poolcast(&["completions", "bash"], "").out;
    assert!(script.contains("--status-every") && script.contains("complete -F _poolcast"), "{}", &script[..200.min(script.len())]);
}
