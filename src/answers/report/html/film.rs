//! From a film of one replication to what a page draws of it.

use super::data::{Course, FilmData, Moment, Spent, WaitCourse, Way};
use crate::answers::film;
use crate::answers::report::layers::proxy_limit;
use crate::answers::report::waterfall::worker_name;
use crate::kernel::time::Span;
use crate::measure::courses::{Slices, Waits};
use crate::measure::journey::{Doing, Journey};
use crate::measure::lanes::State;
use crate::parts::fault::At;
use crate::simulation::blueprint::Blueprint;

/// The share of requests that are called the slowest.
const SLOWEST: f64 = 0.01;
/// More pieces of one request's way than these are not told apart.
const MOST_STEPS: usize = 200;

/// All that a page draws.
pub fn data(film: film::Film, blueprint: &Blueprint) -> FilmData {
    let film::Film { replication, from, until, courses, spent, slowest, moment } = film;
    let mut in_use: Vec<Course> = blueprint
        .apps
        .iter()
        .zip(courses.in_use)
        .map(|(app, slices)| {
            let limit = app.pool.kind().most_connections().map(|most| most * u64::from(app.workers));
            course(format!("pools of {}", app.name), limit, slices)
        })
        .collect();
    let proxy = proxy_limit(blueprint);
    in_use.extend(proxy.as_ref().map(|(_, limit)| course("proxy".to_owned(), Some(*limit), courses.linked)));
    let slots = u64::from(blueprint.database.max_connections.saturating_sub(blueprint.database.superuser_reserved_connections));
    in_use.push(course("database".to_owned(), Some(slots), courses.connections));
    let mut waits = vec![waited("in the pool", blueprint.apps.first().and_then(|app| pool_patience(&app.pool)), courses.pool_waits)];
    if proxy.is_some() {
        waits.push(waited("at the proxy", film::patience(&blueprint.proxy).map(Span::seconds), courses.proxy_waits));
    }
    FilmData {
        replication,
        from: from.seconds(),
        until: until.seconds(),
        in_use,
        faults: faults(blueprint, from.seconds(), until.seconds()),
        queue: course("queue".to_owned(), None, courses.waiting),
        waits: waits.into_iter().flatten().collect(),
        spent: spent_on(&spent),
        moment: moment.map(|moment| closely(&moment, blueprint)),
        slowest: slowest.iter().map(|journey| way(journey, blueprint)).collect(),
    }
}

fn course(name: String, limit: Option<u64>, slices: Slices) -> Course {
    let slices = slices.finish();
    Course { name, limit, mean: slices.iter().map(|slice| slice.mean).collect(), most: slices.iter().map(|slice| slice.most).collect() }
}

/// The faults that strike in the counted span, under their names in the file.
fn faults(blueprint: &Blueprint, from: f64, until: f64) -> Vec<(f64, String)> {
    let named = |At(when, fault): &At| {
        let fault = serde_json::to_value(fault).expect("every fault can be written");
        let name = fault.as_object().and_then(|fault| fault.keys().next().cloned()).unwrap_or_default();
        (when.seconds(), name)
    };
    blueprint.faults.iter().map(named).filter(|(at, _)| (from..until).contains(at)).collect()
}

fn waited(name: &str, limit: Option<f64>, waits: Waits) -> Option<WaitCourse> {
    (!waits.is_empty()).then(|| WaitCourse { name: name.to_owned(), limit, p99: waits.p99() })
}

/// How long a pool lets a request wait, under whatever name.
fn pool_patience(pool: &crate::parts::pool::PoolSpec) -> Option<f64> {
    const NAMES: [&str; 5] = ["pool_timeout", "connection_timeout", "connection_timeout_millis", "acquire_timeout", "timeout"];
    let spec = serde_json::to_value(pool).ok()?;
    let fields = spec.as_object()?.values().next()?.as_object()?;
    let span = NAMES.iter().find_map(|name| fields.get(*name))?;
    Span::parse(span.as_str()?).ok().map(Span::seconds).filter(|seconds| *seconds > 0.0)
}

fn spent_on(spent: &crate::measure::spent::Spent) -> Spent {
    let (all, slowest) = (spent.all(), spent.slowest(SLOWEST));
    let mean = |sum: u64, count: u64| if count > 0 { sum as f64 / 1e9 / count as f64 } else { 0.0 };
    let used: Vec<usize> = (0..Doing::ALL.len()).filter(|doing| all.sums[*doing] > 0).collect();
    Spent {
        names: used.iter().map(|doing| Doing::ALL[*doing].name()).collect(),
        all: used.iter().map(|doing| mean(all.sums[*doing], all.count)).collect(),
        slowest: used.iter().map(|doing| mean(slowest.sums[*doing], slowest.count)).collect(),
        requests: all.count,
        slow: if all.count > slowest.count { slowest.count } else { 0 },
        slow_from: if slowest.count > 0 { slowest.least as f64 / 1e9 } else { 0.0 },
    }
}

fn closely(moment: &film::Moment, blueprint: &Blueprint) -> Moment {
    let place = |state: State| State::ALL.iter().position(|known| *known == state).map_or(-1, |place| place as i32);
    let lane = |changes: &crate::measure::lanes::Lane| -> Vec<(f64, i32)> {
        let shown = changes.iter().filter(|(at, _)| *at < moment.until);
        shown.map(|(at, state)| ((*at - moment.from).seconds(), place(*state))).collect()
    };
    let lanes = moment.lanes.iter().map(|(number, changes)| (*number, lane(changes))).filter(|(_, lane)| !lane.is_empty());
    Moment {
        pool: worker_name(blueprint, moment.worker.index()),
        from: moment.from.seconds(),
        until: moment.until.seconds(),
        waiting: moment.waiting,
        failed: moment.failed,
        connections: moment.lanes.len() as u64,
        states: State::ALL.iter().map(|state| state.name()).collect(),
        lanes: lanes.collect(),
    }
}

fn way(journey: &Journey, blueprint: &Blueprint) -> Way {
    let end = match (journey.is_over, journey.failure) {
        (false, _) => "not over yet".to_owned(),
        (true, None) => "completed".to_owned(),
        (true, Some(why)) => why.name().to_owned(),
    };
    let mut steps: Vec<(&'static str, f64)> = Vec::new();
    for segment in &journey.segments {
        let (name, lasted) = (segment.doing.name(), (segment.to - segment.from).seconds());
        match steps.last_mut() {
            Some((last, sum)) if *last == name => *sum += lasted,
            _ => steps.push((name, lasted)),
        }
    }
    steps.truncate(MOST_STEPS);
    Way {
        name: format!("{} {}", blueprint.workload[journey.stream.index()].name, journey.number),
        arrived: journey.arrived.seconds(),
        took: journey.took().seconds(),
        end,
        steps,
    }
}
