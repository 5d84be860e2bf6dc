//! A bad day as an experiment file: the file that was hunted in, with one scenario that brings the day about.

use crate::experiment::{Experiment, Problem};
use crate::parts::fault::At;
use crate::parts::workload::ArrivalsSpec;
use crate::simulation::blueprint::Blueprint;

/// The text of `experiment` with the scenario "bad day", in which the system is `befallen`; `said` stands above it.
pub fn write(experiment: &Experiment, befallen: &Blueprint, sets: &[(String, String)], said: &[String]) -> Result<String, Problem> {
    let text = &*experiment.source.text;
    let Some(end) = text.rfind(')') else {
        return Err(Problem::nowhere("the file does not end with the parenthesis of its Experiment"));
    };
    let mut head = text[..end].trim_end().to_owned();
    if !head.ends_with([',', '(']) {
        head.push(',');
    }
    // What concerns the experiment itself cannot stand in a scenario.
    let of_experiment = |path: &str| matches!(path, "seed" | "warmup" | "duration" | "replications");
    let (frame, sets): (Vec<_>, Vec<_>) = sets.iter().partition(|(path, _)| of_experiment(path));
    head.insert_str(0, &frame.iter().map(|(path, value)| format!("// With --set {path}={value}\n")).collect::<String>());
    let comments: String = said.iter().map(|line| format!("// {line}\n")).collect();
    let mut set: Vec<String> = sets.iter().map(|(path, value)| format!("(\"{path}\", {})", written(value))).collect();
    for stream in &befallen.workload {
        if let ArrivalsSpec::Schedule(schedule) = &stream.arrivals {
            let pieces: Vec<String> = schedule.0.iter().map(|(at, rate)| format!("(\"{at}\", {rate})")).collect();
            set.push(format!("(\"workload.{}.arrivals\", Schedule([{}]))", stream.name, pieces.join(", ")));
        }
    }
    let faults: Vec<String> = befallen.faults.iter().map(fault).collect();
    if !faults.is_empty() {
        set.push(format!("(\"faults\", [{}])", faults.join(", ")));
    }
    let set: String = set.iter().map(|set| format!("            {set},\n")).collect();
    Ok(format!("{comments}{head}\n    scenarios: {{\n        \"bad day\": Scenario(set: [\n{set}        ]),\n    }},\n)\n"))
}

/// A fault as a file writes it.
pub fn fault(At(at, what): &At) -> String {
    let what = ron::to_string(what).expect("a fault can be written").replace(':', ": ").replace(',', ", ");
    format!("At(\"{at}\", {what})")
}

/// What stood on the command line, as a file writes it: a bare word that is no value of RON is a text.
fn written(value: &str) -> String {
    let is_value = ron::from_str::<ron::Value>(value).is_ok() || value.ends_with(')');
    if is_value { value.to_owned() } else { format!("{value:?}") }
}
