//! Whether a recording is fit to be believed: was the driver late, was it the bottleneck, did others use the machine?

use super::Recording;
use crate::parts::client::StreamSpec;
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::Blueprint;

/// What a recording says of the machine that it was made on. Cores are means over the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Fitness {
    /// How late requests were sent, in seconds: half of them later than this.
    pub late_p50: f64,
    /// One in a hundred later than this.
    pub late_p99: f64,
    /// How late workers took them up, in seconds; nothing where event loops are kept busy on purpose.
    pub begun_p99: Option<f64>,
    /// Cores used by the busiest driver.
    pub busiest_driver: f64,
    /// Cores taken away by the hypervisor.
    pub steal: f64,
    /// Cores used by everybody else.
    pub foreign: f64,
}

/// Seconds. Beyond this and the next three a figure is about the machine rather than about the pools.
pub const LATE: f64 = 0.005;
/// Cores. A driver of one process saturates at one; its tail suffers from seven tenths on.
pub const BUSY_DRIVER: f64 = 0.7;
/// Cores. Steal of a hundredth of a core comes in stalls of 30 to 500 ms.
pub const STEAL: f64 = 0.02;
/// Cores.
pub const FOREIGN: f64 = 0.5;

/// How fit a recording is.
pub fn of(recording: &Recording, blueprint: &Blueprint) -> Fitness {
    let sent = |attempt: &super::Attempt| (attempt.sent > 0).then(|| attempt.sent.saturating_sub(attempt.due));
    let mut late: Vec<u64> = recording.attempts.iter().filter_map(sent).collect();
    let mut begun: Vec<u64> = recording.attempts.iter().filter_map(super::Attempt::lateness).collect();
    let mean = |what: fn(&super::Health) -> f64| recording.health.iter().map(what).sum::<f64>() / recording.health.len().max(1) as f64;
    Fitness {
        late_p50: quantile(&mut late, 0.5),
        late_p99: quantile(&mut late, 0.99),
        begun_p99: (!occupies(&blueprint.workload)).then(|| quantile(&mut begun, 0.99)),
        busiest_driver: mean(|health| health.busiest_driver),
        steal: mean(|health| health.steal),
        foreign: mean(|health| health.foreign),
    }
}

/// What a reader must know; nothing of a recording that is fit.
pub fn warnings(recording: &Recording, blueprint: &Blueprint) -> Vec<String> {
    let fitness = of(recording, blueprint);
    let mut warnings = Vec::new();
    let late = fitness.late_p99.max(fitness.begun_p99.unwrap_or(0.0));
    if late > LATE {
        warnings.push(format!("the driver is late: one request in a hundred began {:.1} ms or more after its time", 1e3 * late));
    }
    if fitness.busiest_driver > BUSY_DRIVER {
        warnings.push(format!(
            "the driver is a bottleneck itself: one of its processes uses {:.2} of a core; more workers or a lower rate would help",
            fitness.busiest_driver
        ));
    }
    if fitness.steal > STEAL {
        warnings.push(format!("the hypervisor took {:.2} cores away, which shows as stalls", fitness.steal));
    }
    if fitness.foreign > FOREIGN {
        warnings.push(format!("other programs used {:.1} cores of this machine meanwhile", fitness.foreign));
    }
    warnings
}

fn quantile(values: &mut [u64], p: f64) -> f64 {
    values.sort_unstable();
    let rank = libm::ceil(p * values.len() as f64) as usize;
    values.get(rank.saturating_sub(1)).map_or(0.0, |ns| *ns as f64 / 1e9)
}

/// Whether requests keep event loops busy: then a worker takes the next one up late, and that is what is looked at.
pub fn occupies(workload: &[StreamSpec]) -> bool {
    fn any(steps: &[StepSpec]) -> bool {
        steps.iter().any(|step| match step {
            StepSpec::Work(_) | StepSpec::Block(_) => true,
            StepSpec::Session(inner) | StepSpec::Transaction(inner) | StepSpec::Repeat(_, inner) => any(inner),
            StepSpec::Choose(branches) => branches.iter().any(|(_, inner)| any(inner)),
            _ => false,
        })
    }
    workload.iter().any(|stream| any(&stream.steps))
}
