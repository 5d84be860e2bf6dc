//! Small systems, and live runs of them on throw-away servers.

use poolcast::answers::runner::Course;
use poolcast::experiment::Experiment;
use poolcast::kernel::time::Span;
use poolcast::measure::recording::{Attempt, Recording};
use poolcast::protocol::error::Error;
use poolcast::shells::live::binaries::Binaries;
use poolcast::shells::live::run::{Options, Target, run};
use poolcast::simulation::blueprint::Blueprint;

/// One stream into one app, after `system` has said the rest.
pub fn blueprint(arrivals: &str, steps: &str, app: &str, system: &str) -> Blueprint {
    let text = format!(
        "Experiment(question: \"What happens?\", system: System(
            workload: [Stream(name: \"api\", arrivals: {arrivals}, steps: {steps})],
            apps: [App(name: \"api\", {app})], {system}),
         warmup: \"0s\", duration: \"1min\", seed: 1)"
    );
    let experiment = Experiment::parse(&text, "a test", &|_| None).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let mut plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    plan.points.remove(0).blueprint
}

/// Runs it for so long on servers that are thrown away.
pub fn live(blueprint: &Blueprint, millis: u64) -> Recording {
    live_with(blueprint, millis, None)
}

/// The same with statements that compute, or sleep.
pub fn live_with(blueprint: &Blueprint, millis: u64, compute: Option<bool>) -> Recording {
    let binaries = Binaries::find(None, "python3").unwrap_or_else(|failure| panic!("{failure:?}"));
    let options = Options {
        target: Target::Local(binaries),
        python: "python3".to_owned(),
        compute,
        patience: Span::from_secs(10),
        most_requests: 10_000,
    };
    run(blueprint, course(millis), 0, &options).unwrap_or_else(|failure| panic!("{failure:?}"))
}

/// From the first instant, for so long.
pub fn course(millis: u64) -> Course {
    Course { seed: 1, warmup: Span::ZERO, duration: Span::from_millis(millis) }
}

/// Attempts that arrived in the counted span: later ones may have been cut short.
pub fn counted(recording: &Recording) -> Vec<&Attempt> {
    recording.attempts.iter().filter(|attempt| attempt.arrived < recording.about.duration).collect()
}

/// How many failed with this.
pub fn failed(recording: &Recording, why: Error) -> usize {
    let is = |attempt: &&Attempt| attempt.failure.as_ref().is_some_and(|failure| failure.name == Some(why));
    recording.attempts.iter().filter(is).count()
}

/// Every attempt ended well, and in the order in which things happen.
pub fn assert_all_is_well(recording: &Recording) {
    assert!(counted(recording).len() > 20, "only {} attempts", counted(recording).len());
    for attempt in counted(recording) {
        assert_eq!(attempt.failure, None, "{attempt:?}");
        let mut stamps = vec![attempt.arrived, attempt.due, attempt.sent, attempt.began.expect("a worker took it up")];
        for checkout in &attempt.checkouts {
            assert!(checkout.connects.iter().all(|(begun, done)| checkout.asked <= *begun && begun <= done), "{attempt:?}");
            stamps.extend([checkout.asked, checkout.got.expect("it got a connection")]);
        }
        let answered = attempt.statements.iter().map(|statement| (statement, statement.replied.expect("it was answered")));
        for (statement, replied) in answered {
            assert!(replied - statement.sent >= statement.served, "no statement takes less than its demand: {attempt:?}");
        }
        stamps.push(attempt.ended.expect("the worker was done"));
        // The clocks of two processes agree to some tens of microseconds.
        assert!(stamps.windows(2).all(|pair| pair[0] <= pair[1] + 300_000), "{stamps:?}");
    }
}
