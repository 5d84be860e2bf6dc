//! What every experiment gives in its small size, as a text: the same on every machine.

use std::fmt::Write;
use std::{env, fs};

use poolcast::answers::document::{Point, Times};

use super::{ANSWERS, SIZES};

const FILE: &str = "tests/golden/experiments.txt";
const UPDATE: &str = "POOLCAST_BLESS=1 cargo test --test suite experiments::golden";

#[test]
fn every_experiment_gives_what_it_gave_when_somebody_last_looked() {
    let found = text();
    if env::var_os("POOLCAST_BLESS").is_some() {
        fs::write(FILE, &found).expect("the golden file can be written");
    }
    let golden = fs::read_to_string(FILE).unwrap_or_default();
    assert!(golden == found, "{}\nIf this is as it should be, say why in the commit and run\n  {UPDATE}", difference(&golden, &found));
}

#[test]
fn every_experiment_has_a_small_size() {
    let files = fs::read_dir("experiments").expect("there are experiments").map(|file| file.expect("it can be listed").path());
    let mut names: Vec<String> = files
        .filter(|file| file.extension().is_some_and(|ending| ending == "ron"))
        .map(|file| file.file_stem().expect("it has a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    let mut sizes: Vec<&str> = SIZES.iter().map(|(name, ..)| *name).collect();
    sizes.sort_unstable();
    assert_eq!(names, sizes);
}

#[test]
fn every_experiment_asks_its_question_in_the_first_line() {
    for (name, ..) in SIZES {
        let text = fs::read_to_string(format!("experiments/{name}.ron")).expect("it is there");
        let first = text.lines().next().unwrap_or_default();
        assert!(first.starts_with("// ") && first.len() > 40, "{name} begins with what it is about, found {first:?}");
        assert!(text.contains("question: \"") && text.contains("?\","), "{name} asks a question");
    }
}

fn text() -> String {
    let mut out = String::from("# Every experiment in the small size of tests/suite/experiments.rs; times in seconds.\n");
    for (name, warmup, duration, replications) in SIZES {
        let _ = writeln!(out, "\n{name}: {warmup} + {duration}, {replications} replications");
        for answer in &ANSWERS[name] {
            point(&answer.point, &mut out);
        }
    }
    out
}

fn point(point: &Point, out: &mut String) {
    let vary: Vec<String> = point.vary.iter().map(|(path, value)| format!("{path} = {value}")).collect();
    let name = if vary.is_empty() { point.scenario.clone() } else { vary.join(", ") };
    let requests = &point.requests;
    let errors: Vec<String> = requests.errors.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let connects: u64 = point.pools.iter().map(|(_, pool)| pool.connects).sum();
    let _ = writeln!(out, "  {name}");
    let _ = writeln!(out, "    {} {}", &point.digest[..16], point.verdict);
    let _ = writeln!(out, "    arrived {} completed {} unfinished {}", requests.arrived, requests.completed, requests.unfinished);
    let _ = writeln!(out, "    errors {}", if errors.is_empty() { "none".to_owned() } else { errors.join(", ") });
    let _ = writeln!(out, "    latency {}", times(&point.latency));
    let most = (point.database.connections_max, point.proxy.server_connections_max);
    let _ = writeln!(out, "    connects {connects}, at most {} at the database and {} of the proxy", most.0, most.1);
}

fn times(times: &Times) -> String {
    let figure = |value: Option<f64>| value.map_or("null".to_owned(), |value| format!("{value:.6}"));
    format!("p50 {} p99 {}", figure(times.p50), figure(times.p99))
}

/// The lines that differ, both ways, each with the point it belongs to.
fn difference(golden: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (golden.lines().collect(), found.lines().collect());
    let mut out = format!("{FILE} does not say what was found now:\n");
    for at in 0..old.len().max(new.len()) {
        let (was, is) = (old.get(at).copied().unwrap_or(""), new.get(at).copied().unwrap_or(""));
        if was != is {
            let head = new[..at.min(new.len())].iter().rev().find(|line| !line.starts_with("    ")).copied().unwrap_or("");
            let _ = writeln!(out, "line {} ({})\n  was {}\n  is  {}", at + 1, head.trim(), was.trim(), is.trim());
        }
    }
    out
}
