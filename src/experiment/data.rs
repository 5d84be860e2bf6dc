//! The data files that a system names, and how their text gets into it.

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::ArrivalsSpec;
use crate::protocol::driver::DriverSpec;
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::Blueprint;

/// The files that are still to be read, each once, in the order met.
pub fn missing(blueprint: &mut Blueprint) -> Vec<String> {
    let mut files: Vec<String> = Vec::new();
    let mut add = |file: Option<&str>| {
        if let Some(file) = file.filter(|file| !files.iter().any(|known| known == file)) {
            files.push(file.to_owned());
        }
    };
    for stream in &blueprint.workload {
        if let ArrivalsSpec::Replay(replay) = &stream.arrivals {
            add(replay.needs_file());
        }
    }
    each(blueprint, &mut |spec| {
        if let LatencySpec::Empirical(measured) = spec {
            add(measured.needs_file());
        }
        Ok(())
    })
    .expect("nothing is refused here");
    files
}

/// Puts the text of `file` wherever it is named.
pub fn load(blueprint: &mut Blueprint, file: &str, text: &str) -> Result<(), Invalid> {
    for stream in &mut blueprint.workload {
        match &mut stream.arrivals {
            ArrivalsSpec::Replay(replay) if replay.needs_file() == Some(file) => replay.load(text)?,
            _ => {}
        }
    }
    each(blueprint, &mut |spec| match spec {
        LatencySpec::Empirical(measured) if measured.needs_file() == Some(file) => measured.load(text),
        _ => Ok(()),
    })
}

/// Puts a fixed time in the place of every distribution whose file is not read yet, so that the steps can be checked.
pub fn stand_in(steps: &mut [StepSpec]) {
    each_step(steps, &mut |spec| {
        if matches!(spec, LatencySpec::Empirical(measured) if measured.needs_file().is_some()) && spec.check().is_ok() {
            *spec = LatencySpec::always(Span::ZERO);
        }
        Ok(())
    })
    .expect("nothing is refused here");
}

type Visit<'a> = dyn FnMut(&mut LatencySpec) -> Result<(), Invalid> + 'a;

/// Visits every distribution of times in a system.
fn each(blueprint: &mut Blueprint, visit: &mut Visit) -> Result<(), Invalid> {
    for stream in &mut blueprint.workload {
        each_step(&mut stream.steps, visit)?;
        if let ArrivalsSpec::Closed(closed) = &mut stream.arrivals {
            each_within(&mut closed.think, visit)?;
        }
        if let Some(retry) = &mut stream.retry {
            each_within(&mut retry.backoff, visit)?;
        }
    }
    for app in &mut blueprint.apps {
        if let DriverSpec::Custom(times) = &mut app.driver {
            times.all_mut().into_iter().try_for_each(|latency| each_within(latency, visit))?;
        }
    }
    if let ProxySpec::RdsProxy(proxy) = &mut blueprint.proxy {
        each_within(&mut proxy.latency, visit)?;
    }
    each_within(&mut blueprint.database.connect, visit)?;
    each_within(&mut blueprint.network.app, visit)?;
    each_within(&mut blueprint.network.proxy, visit)
}

fn each_step(steps: &mut [StepSpec], visit: &mut Visit) -> Result<(), Invalid> {
    for step in steps {
        match step {
            StepSpec::Work(latency) | StepSpec::Await(latency) | StepSpec::Block(latency) | StepSpec::Query(latency) => {
                each_within(latency, visit)?;
            }
            StepSpec::Session(inner) | StepSpec::Transaction(inner) | StepSpec::Repeat(_, inner) => each_step(inner, visit)?,
            StepSpec::Choose(branches) => {
                for (_, inner) in branches {
                    each_step(inner, visit)?;
                }
            }
            StepSpec::Leak { .. } | StepSpec::SessionState(_) => {}
        }
    }
    Ok(())
}

fn each_within(latency: &mut LatencySpec, visit: &mut Visit) -> Result<(), Invalid> {
    match latency {
        LatencySpec::Mixture(mixture) => mixture.0.iter_mut().try_for_each(|(_, part)| each_within(part, visit)),
        LatencySpec::Shifted(shifted) => each_within(&mut shifted.1, visit),
        LatencySpec::Scaled(scaled) => each_within(&mut scaled.1, visit),
        other => visit(other),
    }
}
