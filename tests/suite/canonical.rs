//! The canonical experiments, run from their files.

use poolcast::answers::document::Answer;
use poolcast::answers::runner::{RunOptions, run};
use poolcast::experiment::Experiment;

pub fn answers(file: &str, sets: &[(&str, &str)], replications: Option<u32>) -> Vec<Answer> {
    let text = std::fs::read_to_string(file).expect("the experiment is there");
    let experiment = Experiment::parse(&text, file, &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let sets: Vec<(String, String)> = sets.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let plan = experiment.plan(&sets, None, replications).unwrap_or_else(|problem| panic!("{problem}"));
    run(&plan, &RunOptions { jobs: 2, status_every: None }, &|_| {})
}

#[test]
fn movehub_runs() {
    let start = std::time::Instant::now();
    let answers = answers("experiments/movehub.ron", &[], None);
    println!("took {:?}", start.elapsed());
    for answer in &answers {
        println!("{} {}", answer.point.scenario, serde_json::to_string_pretty(&answer.point).unwrap());
    }
}
