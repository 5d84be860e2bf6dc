//! The program itself: what it prints, what it refuses, and what is left when it is killed.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn poolcast() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_poolcast"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("POOLCAST_URL").stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_live_run_gives_the_document_of_a_simulated_one() {
    let directory = std::env::temp_dir().join(format!("poolcast-test-{}", std::process::id()));
    let words =
        ["live", "experiments/live/steady.ron", "--local", "--set", "duration=2s", "--set", "warmup=500ms", "--format", "json", "--out"];
    let output = poolcast().args(words).arg(&directory).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let point = &document["points"][0];
    let requests = &point["requests"];
    assert!(requests["completed"].as_u64().is_some_and(|completed| completed > 100), "{requests}");
    assert_eq!(requests["arrived"], requests["completed"], "{requests}");
    assert!(point["latency"]["mean"].as_f64().is_some_and(|mean| mean > 0.02 && mean < 1.0), "{}", point["latency"]);
    assert_eq!(point["pool_wait"]["waited"], serde_json::Value::Null, "nobody can tell from outside");
    let lines = std::fs::read_to_string(directory.join("steady-0-0.ndjson")).expect("the recording is there");
    let attempts = lines.lines().filter(|line| line.starts_with("{\"attempt\":")).count() as u64;
    assert!(attempts >= requests["completed"].as_u64().expect("a number"));
    assert!(lines.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
    std::fs::remove_dir_all(&directory).expect("it can be removed");
}

#[test]
fn a_password_is_never_said_and_a_server_elsewhere_is_not_loaded_unasked() {
    let experiment = "experiments/live/steady.ron";
    for url in ["postgres://app:hunter2@127.0.0.1:1/shop", "postgres://app:hunter2@db.example.com/shop", "postgres://app:hunter2@:x/shop"] {
        let output = poolcast().args(["live", experiment, "--url", url]).output().expect("it runs");
        assert!(matches!(output.status.code(), Some(2 | 3)), "{}", said(&output));
        assert!(!said(&output).contains("hunter2"), "{}", said(&output));
        assert!(!url.contains("example") || said(&output).contains("--yes"), "{}", said(&output));
    }
}

#[test]
fn a_run_that_would_take_too_long_is_refused() {
    let output = poolcast().args(["live", "experiments/live/steady.ron", "--local", "--set", "duration=2h"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--at-most"), "{}", said(&output));
}

#[test]
fn whoever_kills_the_program_kills_its_servers_too() {
    let scratch = std::env::temp_dir().join(format!("poolcast-killed-{}", std::process::id()));
    std::fs::create_dir_all(&scratch).expect("it can be made");
    // A directory that `nobody` may enter too.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&scratch, open).expect("it can be opened");
    let words = ["live", "experiments/live/steady.ron", "--local", "--set", "duration=60s"];
    let mut running = poolcast().args(words).env("TMPDIR", &scratch).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
    // initdb has such a file too, but without a configuration of ours.
    let there = |name: &str, file: &str| Path::new(name).join("postgres").join(file).exists();
    let ready = || directories(&scratch).iter().any(|name| there(name, "poolcast.conf") && there(name, "postmaster.pid"));
    wait_for("the servers start", ready);
    running.kill().expect("it can be killed");
    running.wait().expect("it ends");
    wait_for("nothing is left", || directories(&scratch).is_empty());
    let nobody = || {
        let listing = Command::new("ps").args(["-eo", "args"]).output().expect("ps runs");
        !String::from_utf8_lossy(&listing.stdout).contains(scratch.to_str().expect("a name"))
    };
    wait_for("nobody lives on", nobody);
    std::fs::remove_dir_all(&scratch).expect("it can be removed");
}

fn directories(scratch: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(scratch).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path().to_string_lossy().into_owned()).collect()
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(30), "it takes too long until {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}
