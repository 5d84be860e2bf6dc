//! What must be true of a complete system before it can be built: every part's own rules, and those between parts.

use super::data;
use crate::kernel::invalid::Invalid;
use crate::kernel::time::Span;
use crate::parts::client::StreamSpec;
use crate::parts::fault::FaultSpec;
use crate::parts::proxy::ProxySpec;
use crate::protocol::program::{Program, StepSpec};
use crate::simulation::blueprint::{AppSpec, Blueprint};
use crate::simulation::roster::Roster;

/// The most workers of one app: more are a slip of the keyboard.
const MOST_WORKERS: u32 = 100_000;
/// The most steps of one request with all repetitions.
const MOST_STEPS: u64 = 100_000;

/// Checks a system that will run for `horizon`; the error's path is that of the experiment file.
pub fn check(blueprint: &Blueprint, horizon: Span) -> Result<(), Invalid> {
    for app in &blueprint.apps {
        check_app(app).map_err(|invalid| invalid.within(&app.name).within("apps"))?;
    }
    for stream in &blueprint.workload {
        check_stream(stream, blueprint).map_err(|invalid| invalid.within(&stream.name).within("workload"))?;
    }
    blueprint.proxy.kind().check().map_err(|invalid| invalid.within("proxy"))?;
    blueprint.database.check().map_err(|invalid| invalid.within("database"))?;
    for (name, latency) in [("app", &blueprint.network.app), ("proxy", &blueprint.network.proxy)] {
        latency.check().map_err(|invalid| invalid.within(name).within("network"))?;
    }
    for (index, at) in blueprint.faults.iter().enumerate() {
        let within = |invalid: Invalid| invalid.within(&index.to_string()).within("faults");
        at.1.check().map_err(within)?;
        if matches!(at.1, FaultSpec::RestartProxy { .. })
            && let Some(why) = no_process(&blueprint.proxy)
        {
            return Err(within(Invalid::here(why)));
        }
        if at.0 >= horizon {
            let why = format!("this fault comes at {}, but the run ends at {horizon} (warm-up and duration together)", at.0);
            return Err(within(Invalid::here(why)));
        }
        if let Some(name) = at.1.app() {
            check_whose(name, blueprint).map_err(within)?;
        }
    }
    Ok(())
}

/// Why the process of this proxy cannot be replaced.
fn no_process(proxy: &ProxySpec) -> Option<&'static str> {
    match proxy {
        ProxySpec::PgBouncer(_) => None,
        ProxySpec::Direct => Some(
            "RestartProxy replaces PgBouncer's process, and nothing is between the apps and the database here: RestartDatabase(down: \"3s\") \
             restarts that, proxy: PgBouncer(…) puts one between",
        ),
        ProxySpec::RdsProxy(_) => Some(
            "RestartProxy replaces PgBouncer's process; what clients see when AWS replaces a node of an RDS Proxy is not published, so it is not \
             modelled: the end of the database behind it is Failover(down: \"30s\")",
        ),
    }
}

/// Workers that come and go belong to an app, and are not too many.
fn check_whose(name: &str, blueprint: &Blueprint) -> Result<(), Invalid> {
    let Some(app) = blueprint.apps.iter().find(|app| app.name == name) else {
        return Err(Invalid::field("app", no_app(name, blueprint)));
    };
    let ever = Roster::of(app, &blueprint.faults).ever;
    if ever > MOST_WORKERS {
        return Err(Invalid::here(format!("with all that come and go {name} has {ever} workers, and {MOST_WORKERS} are the most")));
    }
    Ok(())
}

fn no_app(name: &str, blueprint: &Blueprint) -> String {
    let known: Vec<&str> = blueprint.apps.iter().map(|app| app.name.as_str()).collect();
    format!("there is no app `{name}`; {}", super::diagnose::instead(name, &known))
}

fn check_app(app: &AppSpec) -> Result<(), Invalid> {
    check_name(&app.name)?;
    if !(1..=MOST_WORKERS).contains(&app.workers) {
        return Err(Invalid::field("workers", format!("an app has 1 to {MOST_WORKERS} workers, found {}", app.workers)));
    }
    if app.concurrency == Some(0) {
        return Err(Invalid::field(
            "concurrency",
            "a worker that handles 0 requests at once does nothing: give 1 or more, or leave it out",
        ));
    }
    app.driver.check().map_err(|invalid| invalid.within("driver"))?;
    app.pool.kind().check().map_err(|invalid| invalid.within("pool"))
}

fn check_stream(stream: &StreamSpec, blueprint: &Blueprint) -> Result<(), Invalid> {
    check_name(&stream.name)?;
    if !blueprint.apps.iter().any(|app| app.name == stream.app) {
        return Err(Invalid::field("app", no_app(&stream.app, blueprint)));
    }
    stream.arrivals.kind().check().map_err(|invalid| invalid.within("arrivals"))?;
    if stream.steps.is_empty() {
        return Err(Invalid::field("steps", "a request without steps does nothing: steps: [Session([Query(Constant(\"5ms\"))])]"));
    }
    if unrolled(&stream.steps) > MOST_STEPS {
        return Err(Invalid::field("steps", format!("more than {MOST_STEPS} steps; fewer repetitions, or one longer step, would do")));
    }
    let mut steps = stream.steps.clone();
    data::stand_in(&mut steps);
    Program::compile(&steps).map_err(|invalid| invalid.within("steps"))?;
    if stream.deadline == Some(Span::ZERO) {
        return Err(Invalid::field("deadline", "with a deadline of 0s every request fails: leave it out, or give one such as \"5s\""));
    }
    match &stream.retry {
        Some(retry) => retry.check().map_err(|invalid| invalid.within("retry")),
        None => Ok(()),
    }
}

/// How many steps there are with all repetitions, also of steps that compile to nothing: compiling takes that long.
fn unrolled(steps: &[StepSpec]) -> u64 {
    let count = |step: &StepSpec| match step {
        StepSpec::Session(inner) | StepSpec::Transaction(inner) => unrolled(inner),
        StepSpec::Repeat(times, inner) => u64::from(*times).saturating_mul(unrolled(inner)),
        StepSpec::Choose(branches) => branches.iter().fold(0, |sum, (_, inner)| u64::saturating_add(sum, unrolled(inner))),
        _ => 0,
    };
    steps.iter().fold(1, |sum, step| sum.saturating_add(1).saturating_add(count(step)))
}

/// A name must be able to stand in a path.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    if name.trim().is_empty() || name.contains('.') {
        return Err(Invalid::field("name", format!("a name is not empty and has no dot, because paths are dotted; found \"{name}\"")));
    }
    Ok(())
}
