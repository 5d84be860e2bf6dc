//! Statements that share cores while no pool holds them up.

use super::pool::cores;
use super::seen::Seen;
use super::steps::Doing;
use super::{Metric, Solved};
use crate::answers::words::percent;
use crate::measure::theory::sharing::mean_active;
use crate::parts::client::StreamSpec;
use crate::parts::database::ServiceSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::ArrivalsSpec;
use crate::simulation::blueprint::Blueprint;

/// Event loops that are busier than this let requests come to the database at a pace of their own.
const BUSY_LOOP: f64 = 0.1;

/// What theory says, if all there is between arrivals and cores are delays.
pub fn solve(blueprint: &Blueprint, seen: &Seen) -> Option<Solved> {
    let ServiceSpec::Sharing { cores: number, sigma, kappa } = blueprint.database.service else { return None };
    let plain = blueprint.faults.is_empty()
        && matches!(blueprint.proxy, ProxySpec::Direct)
        && blueprint.apps.iter().all(|app| app.concurrency.is_none())
        && blueprint.workload.iter().all(|stream| stream.retry.is_none())
        && seen.otherwise_failed + seen.timed_out + seen.most_waiting == 0;
    if !plain {
        return None;
    }
    let (mut load, mut rate) = (0.0, 0.0);
    for stream in &blueprint.workload {
        let ArrivalsSpec::Poisson(poisson) = &stream.arrivals else { return None };
        let doing = Doing::of(&stream.steps);
        if doing.leaks {
            return None;
        }
        load += poisson.rate * doing.demand;
        rate += poisson.rate;
    }
    let busiest = busiest_loop(blueprint);
    if busiest > BUSY_LOOP || load == 0.0 {
        return None;
    }
    let mut conditions = vec![
        format!("{rate} requests a second come as Poisson streams"),
        format!("their statements demand {load:.2} cores, in any distribution, with any delays between them"),
        "nobody waited for a connection".to_owned(),
    ];
    if sigma > 0.0 || kappa > 0.0 {
        conditions.push(format!("statements slow each other down by sigma {sigma} and kappa {kappa}"));
    }
    let nearly = if busiest > 0.0 {
        vec![format!("nothing holds requests up but delays: their steps occupy {} of an event loop", percent(busiest))]
    } else {
        Vec::new()
    };
    let says = vec![(Metric::MeanActive, mean_active(load, cores(&blueprint.database.service))?)];
    Some(Solved { model: format!("M/G/{number}-PS"), conditions, nearly, waited: 0.0, says })
}

/// How much of the time the busiest event loop is occupied; a worker's is that of all its app's streams.
fn busiest_loop(blueprint: &Blueprint) -> f64 {
    let of = |name: &str, workers: u32| {
        let streams = blueprint.workload.iter().filter(|stream| stream.app == name);
        let rate = |stream: &StreamSpec| stream.arrivals.kind().rate().unwrap_or(0.0);
        streams.map(|stream| rate(stream) * Doing::of(&stream.steps).looping).sum::<f64>() / f64::from(workers)
    };
    blueprint.apps.iter().map(|app| of(&app.name, app.workers)).fold(0.0, f64::max)
}
