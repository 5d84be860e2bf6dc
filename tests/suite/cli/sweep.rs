//! `poolcast sweep` and `poolcast merge`.

use std::path::{Path, PathBuf};
use std::process::Command;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Map, Value};

use super::{SMALL, directory, poolcast, refused};

/// A thousand points, each over in a millisecond.
fn thousand() -> String {
    let vary = r#"vary: [
        ("apps.api.workers", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("apps.api.pool.pool_size", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ("workload.api.arrivals.rate", [20, 40, 60, 80, 100, 120, 140, 160, 180, 200]),
    ], objectives:"#;
    SMALL
        .replace("objectives:", vary)
        .replace("warmup: \"2s\", duration: \"20s\", replications: 4", "warmup: \"1s\", duration: \"1s\", replications: 2")
}

/// Four points in two ways.
fn four() -> String {
    SMALL.replace("objectives:", r#"vary: [("apps.api.pool.pool_size", [1, 2]), ("workload.api.arrivals.rate", [50, 300])], objectives:"#)
}

fn experiment(at: &Path, text: &str) -> String {
    let file = at.join("grid.ron");
    std::fs::write(&file, text).expect("the target directory can be written to");
    file.display().to_string()
}

fn results(at: &Path) -> Vec<Vec<u8>> {
    ["csv", "ndjson", "json", "parquet", "txt"].map(|ending| std::fs::read(at.join(format!("grid.{ending}"))).expect(ending)).into()
}

fn sub(at: &Path, name: &str) -> (PathBuf, String) {
    (at.join(name), at.join(name).display().to_string())
}

#[test]
fn a_thousand_points_in_four_parts_give_the_bytes_of_one_machine() {
    let here = directory("thousand");
    let file = experiment(&here, &thousand());
    let ((one, one_name), (all, all_name)) = (sub(&here, "one"), sub(&here, "all"));
    let said = poolcast(&["sweep", &file, "--out", &one_name], "");
    assert_eq!(said.code, 0, "{}", said.err);
    let parts: Vec<String> = (1..=4).map(|part| sub(&here, &format!("part-{part}")).1).collect();
    for (index, part) in parts.iter().enumerate() {
        let said = poolcast(&["sweep", &file, "--out", part, "--shard", &format!("{}/4", index + 1)], "");
        assert_eq!((said.code, said.out.as_str()), (0, ""), "a part is done whatever it found: {}", said.err);
        assert!(said.err.contains("250 points of 1000"), "{}", said.err);
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let merged = poolcast(&[&["merge"], &parts[..], &["--out", &all_name]].concat(), "");
    assert_eq!(merged.out, said.out);
    assert!(results(&one) == results(&all), "the files differ");
    let run = poolcast(&["run", &file, "--quiet"], "");
    assert_eq!(run.out.lines().last(), said.out.lines().last(), "the digest is that of a plain run");
    refused(&[&["merge"], &parts[..2]].concat(), "", &["500 of 1000 points are missing: 2–3, 6–7, 10–11", "again"]);
}

#[test]
fn a_sweep_that_was_stopped_goes_on_where_it_stopped() {
    let here = directory("stopped");
    let file = experiment(&here, &four());
    let ((whole, whole_name), (stopped, stopped_name)) = (sub(&here, "whole"), sub(&here, "stopped"));
    poolcast(&["sweep", &file, "--out", &whole_name], "");
    poolcast(&["sweep", &file, "--out", &stopped_name, "--shard", "1/2"], "");
    assert_eq!(std::fs::read_dir(stopped.join("points")).expect("it was written").count(), 2);
    std::fs::write(stopped.join("points/.000001.json.0123456789abcdef.part"), "{\"fing").expect("a draft of a killed run");
    let said = poolcast(&["sweep", &file, "--out", &stopped_name], "");
    assert!(said.err.contains("2 points finished before"), "{}", said.err);
    assert!(results(&whole) == results(&stopped), "the files differ");
    let again = poolcast(&["sweep", &file, "--out", &stopped_name], "");
    assert_eq!((again.out, again.err.lines().next()), (said.out, Some("4 points finished before")));
    std::fs::write(stopped.join("points/000001.json"), "{").expect("it can be written to");
    refused(&["sweep", &file, "--out", &stopped_name], "", &["000001.json is not what poolcast wrote", "remove it"]);
}

#[test]
fn the_parquet_file_holds_what_the_lines_of_json_hold() {
    let here = directory("parquet");
    let (out, out_name) = sub(&here, "out");
    poolcast(&["sweep", &experiment(&here, &four()), "--out", &out_name], "");
    let lines = std::fs::read_to_string(out.join("grid.ndjson")).expect("it was written");
    let written: Vec<Map<String, Value>> = lines.lines().map(|line| serde_json::from_str(line).expect("a row")).collect();
    let file = std::fs::File::open(out.join("grid.parquet")).expect("it was written");
    let reader = SerializedFileReader::new(file).expect("a Parquet file");
    let read: Vec<Map<String, Value>> = reader
        .get_row_iter(None)
        .expect("rows")
        .map(|row| row.expect("a row").get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect())
        .collect();
    assert_eq!(written.len(), 16, "four points, four replications");
    assert_eq!(read, written);
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(truth) => (*truth).into(),
        Field::Long(whole) => (*whole).into(),
        Field::Double(number) => (*number).into(),
        Field::Str(text) => text.clone().into(),
        other => panic!("{other:?} is of no type that is written"),
    }
}

#[test]
fn results_of_different_experiments_and_versions_are_not_mixed() {
    let here = directory("mixed");
    let file = experiment(&here, &four());
    let names = ["a", "b", "c"].map(|name| sub(&here, name).1);
    poolcast(&["sweep", &file, "--out", &names[0], "--shard", "1/2"], "");
    poolcast(&["sweep", &file, "--out", &names[1], "--shard", "2/2", "--seed", "2"], "");
    refused(&["merge", &names[0], &names[1]], "", &["b holds another experiment than", "a value of its plan is not"]);
    refused(&["sweep", &file, "--out", &names[0], "--set", "apps.api.workers=2"], "", &["holds another experiment", "another directory"]);
    poolcast(&["sweep", &file, "--out", &names[2], "--shard", "2/2"], "");
    let head = here.join("c/sweep.json");
    let text = std::fs::read_to_string(&head).expect("it was written");
    let version = format!("\"poolcast\": \"{}\"", env!("CARGO_PKG_VERSION"));
    assert!(text.contains(&version), "{text}");
    std::fs::write(&head, text.replace(&version, "\"poolcast\": \"0.0.1\"")).expect("it can be written to");
    refused(&["merge", &names[0], &names[2]], "", &["c was written by poolcast 0.0.1", "not mixed"]);
    refused(&["sweep", &file, "--out", &names[2]], "", &["c was written by poolcast 0.0.1"]);
    refused(&["merge", &here.display().to_string()], "", &["holds no results of a sweep"]);
}

#[test]
fn clusters_tell_a_job_which_part_it_is() {
    let here = directory("told");
    let file = experiment(&here, &four());
    let told = |out: &str, options: &[&str], variables: &[(&str, &str)]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_poolcast"));
        command.args(["sweep", &file, "--out", &sub(&here, out).1]).args(options).envs(variables.iter().copied());
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let points = |out: &str| {
        let entries = std::fs::read_dir(here.join(out).join("points")).expect("it was written");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    let (code, said) = told("slurm", &[], &[("SLURM_ARRAY_TASK_ID", "6"), ("SLURM_ARRAY_TASK_MIN", "5"), ("SLURM_ARRAY_TASK_COUNT", "4")]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("part 2/4 (SLURM_ARRAY_TASK_ID)"), "{said}");
    assert_eq!(points("slurm"), ["000001.json"]);
    let (code, said) = told("kubernetes", &["--shards", "2"], &[("JOB_COMPLETION_INDEX", "1")]);
    assert_eq!((code, points("kubernetes")), (Some(0), vec!["000001.json".to_owned(), "000003.json".to_owned()]), "{said}");
    let (code, said) = told("kubernetes", &[], &[("JOB_COMPLETION_INDEX", "1")]);
    assert!(code == Some(2) && said.contains("not how many there are") && said.contains("--shards 64"), "{said}");
}

#[test]
fn what_varies_in_two_ways_is_shown_as_a_table() {
    let said = poolcast(&["sweep", "-", "--figure", "latency.mean", "--replications", "16"], &four());
    let lines: Vec<String> = said.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    let head = lines.iter().position(|line| line == "pool_size rate →").unwrap_or_else(|| panic!("{}", said.out));
    assert_eq!(lines[head + 1], "50 300");
    assert!(
        lines[head + 2].starts_with("1 ") && lines[head + 2].ends_with("✕"),
        "300 requests of 5 ms are too many for one connection: {}",
        said.out
    );
    assert!(said.out.contains("✕ unstable") && said.out.lines().all(|line| line.chars().count() <= 80), "{}", said.out);
    refused(&["sweep", "-", "--figure", "latency.p98"], &four(), &["a result has no figure latency.p98", "latency.p99"]);
    refused(&["sweep", "-", "--shard", "1/2"], &four(), &["nowhere to go", "--out DIR"]);
    refused(&["sweep", "-", "--shard", "3/2"], &four(), &["1/64"]);
}

#[test]
fn manifests_start_every_part_with_the_same_options() {
    let here = directory("manifests");
    let file = experiment(&here, &four());
    let plan = |cluster: &str, more: &[&str]| {
        let words = [&["sweep", &file, "--out", "re sults", "--shards", "8", "--seed", "7", "--plan", cluster], more].concat();
        let said = poolcast(&words, "");
        assert_eq!(said.code, 0, "{}", said.err);
        said.out
    };
    let parallel = plan("parallel", &[]);
    assert!(parallel.contains("seq 8 | parallel") && parallel.contains("--out 're sults' --seed 7 --shard {}/8"), "{parallel}");
    let slurm = plan("slurm", &[]);
    assert!(slurm.contains("#SBATCH --array=0-7") && slurm.contains("--out 're sults' --seed 7 --shards 8"), "{slurm}");
    let k8s = plan("k8s", &["--image", "registry.example/poolcast:0.1"]);
    for part in [
        "completionMode: Indexed",
        "completions: 8",
        "image: \"registry.example/poolcast:0.1\"",
        "- \"--shards\"",
        "question: \"Is two enough?\"",
    ] {
        assert!(k8s.contains(part), "{part:?} is not in\n{k8s}");
    }
    refused(&["sweep", &file, "--out", "x", "--shards", "8", "--plan", "k8s"], "", &["needs an image", "--image"]);
}
