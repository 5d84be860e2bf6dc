//! Outcomes of replications → one answer: figures with their intervals, a verdict, and what cannot be said.

use std::collections::BTreeMap;

use crate::answers::basis::{self, Place};
use crate::answers::check::session_state_notes;
use crate::answers::deadlocks;
use crate::answers::document::{Answer, Basis, DatabaseUse, Named, Point, PoolUse, ProxyUse, Requests, StreamFigures, Times, Waits};
use crate::answers::near_miss;
use crate::answers::over_time;
use crate::answers::recovery;
use crate::answers::runner::{Course, StatusView};
use crate::answers::theory;
use crate::answers::waves;
use crate::answers::words::percent;
use crate::kernel::time::Span;
use crate::measure::histogram::Histogram;
use crate::measure::intervals::{Confidence, Figure, is_rare, ratio, share};
use crate::measure::outcome::{Count, Outcome, PoolOutcome, StreamOutcome};
use crate::measure::quantiles::Quantiles;
use crate::measure::stationary::{Verdict, WarmUp, judge};
use crate::parts::database::ServiceSpec;
use crate::parts::proxy::ProxySpec;
use crate::protocol::error::Error;
use crate::simulation::blueprint::Blueprint;

/// What a point is called and about.
pub struct Asked<'a> {
    /// The scenario's name, empty if there is only one.
    pub scenario: String,
    /// The values of `vary`.
    pub vary: serde_json::Map<String, serde_json::Value>,
    /// The system.
    pub blueprint: &'a Blueprint,
    /// How long it was looked at.
    pub course: Course,
    /// Whether the outcomes are of real runs. What was measured is told as it was: a model may be run for longer until it
    /// shows its steady state, of reality there is what there is.
    pub measured: bool,
}

/// The answer that these outcomes give; objectives are judged by [`super::objectives`].
pub fn answer(asked: Asked, outcomes: &[Outcome], statuses: Vec<StatusView>) -> Answer {
    let blueprint = asked.blueprint;
    let mut notes = Notes(session_state_notes(blueprint));
    let places = basis::places(blueprint, outcomes, asked.course.duration.seconds());
    let verdict = if asked.measured { Verdict::Finite } else { verdict(blueprint, outcomes, asked.course, &places, &mut notes) };
    let steady = !matches!(verdict, Verdict::Unstable | Verdict::TooShort);
    let figures =
        Figures { duration: asked.course.duration.seconds() * outcomes.len() as f64, steady, excursions: sum(outcomes, |o| o.excursions) };
    let all: Vec<StreamOutcome> = outcomes.iter().map(all_streams).collect();
    let whole = figures.stream("", &all.iter().collect::<Vec<_>>(), &mut notes);
    let streams = blueprint.workload.iter().enumerate().map(|(index, stream)| {
        let these: Vec<&StreamOutcome> = outcomes.iter().map(|outcome| &outcome.streams[index]).collect();
        (stream.name.clone(), figures.stream(&stream.name, &these, &mut Notes::default()))
    });
    let streams = streams.collect();
    if verdict == Verdict::Stable
        && let Some(note) = near_miss::note(blueprint, &streams)
    {
        notes.add(note);
    }
    let pools = blueprint.apps.iter().enumerate().map(|(index, app)| (app.name.clone(), pool(outcomes.iter().map(|o| &o.pools[index]))));
    let proxy_waits: Vec<&Histogram> = outcomes.iter().map(|outcome| &outcome.proxy.wait).collect();
    let mut point = Point {
        scenario: asked.scenario,
        vary: asked.vary,
        replications: outcomes.len() as u64,
        warmup: asked.course.warmup.seconds(),
        duration: asked.course.duration.seconds(),
        events: sum(outcomes, |outcome| outcome.events),
        digest: digest(outcomes),
        verdict: verdict.to_string(),
        requests: whole.requests,
        latency: whole.latency,
        pool_wait: whole.pool_wait,
        proxy_wait: figures.waits("wait at the proxy", &proxy_waits, sum(outcomes, |outcome| outcome.proxy.waited), &mut notes),
        pools: pools.collect(),
        proxy: proxy(outcomes),
        database: database(blueprint, outcomes),
        streams,
        objectives: Vec::new(),
        theory: if verdict == Verdict::Stable { theory::beside(blueprint, outcomes, asked.course) } else { Vec::new() },
        notes: notes.0,
        basis: Basis::default(),
        windows: if verdict == Verdict::Finite { over_time::windows(outcomes, asked.course) } else { Vec::new() },
        recovery: recovery::of(blueprint, outcomes, asked.course),
        waves: waves::of(blueprint, outcomes, asked.course),
        deadlocks: deadlocks::of(blueprint, outcomes, asked.course),
    };
    point.basis = basis::of(&point, &places);
    let busy_when_waiting = busy_when_waiting(blueprint, outcomes);
    let (queue, queue_peak) = queue(outcomes, asked.course);
    Answer {
        point,
        blueprint: blueprint.clone(),
        queue,
        queue_peak,
        busy_when_waiting,
        in_use: in_use(blueprint, outcomes),
        linked_mean: (outcomes.iter().any(|outcome| outcome.proxy.clients.most > 0))
            .then(|| mean(outcomes, |outcome| outcome.proxy.linked)),
        statuses,
        error_texts: error_texts(blueprint),
    }
}

/// Whether more replications would be of no use: the figures [are precise](is_precise), or there is no steady state for
/// them to be about, which more replications of the same length do not change.
pub fn is_enough(blueprint: &Blueprint, outcomes: &[Outcome], course: Course, relative: f64) -> bool {
    let places = basis::places(blueprint, outcomes, course.duration.seconds());
    let pointless = !blueprint.is_finite() && matches!(judged(outcomes, course, &places).0, Verdict::Unstable | Verdict::TooShort);
    pointless || is_precise(outcomes, relative)
}

/// What to say of figures that were to be precise to `relative` and are not.
pub fn imprecision(point: &Point, outcomes: &[Outcome], relative: f64) -> Option<String> {
    let reached =
        |figure: &str, within: Option<f64>| format!("{figure} {}", within.map_or("–".to_owned(), |w| format!("± {}", percent(w))));
    let basis = &point.basis;
    let figures = [("mean latency", basis.mean_within), ("p99", basis.p99_within), ("error rate", basis.error_rate_within)];
    let figures = figures.map(|(figure, within)| reached(figure, within)).join(", ");
    let asked = percent(relative);
    (point.latency.mean.is_some() && !is_precise(outcomes, relative))
        .then(|| format!("± {asked} was asked for and {} replications did not reach it: {figures}", outcomes.len()))
}

/// Whether the intervals of mean latency, p99 and error rate are no wider than `relative` of their value to either side.
/// An error that was never seen has no relative precision, and does not count.
pub fn is_precise(outcomes: &[Outcome], relative: f64) -> bool {
    let all: Vec<StreamOutcome> = outcomes.iter().map(all_streams).collect();
    let latencies: Vec<Histogram> = all.iter().map(|stream| stream.latency.clone()).collect();
    let sums: Vec<(f64, f64)> = latencies.iter().map(|histogram| (histogram.sum() as f64, histogram.count() as f64)).collect();
    let errors: Vec<(f64, f64)> = all.iter().map(|s| (s.errors.iter().sum::<u64>() as f64, s.arrived as f64)).collect();
    let narrow = |figure: Figure| figure.estimate().is_some_and(|estimate| estimate.relative_half_width() <= relative);
    narrow(ratio(&sums, Confidence::USUAL))
        && narrow(Quantiles::of(&latencies).quantile(0.99, Confidence::USUAL))
        && (errors.iter().all(|(failed, _)| *failed == 0.0) || narrow(ratio(&errors, Confidence::USUAL)))
}

/// What is to be said besides the figures, each thing once.
#[derive(Default)]
struct Notes(Vec<String>);

impl Notes {
    fn add(&mut self, note: String) {
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }
}

/// A finite question has no steady state to be judged. Figures of an unstable system would be about the length of the
/// run, and those of a run that is too short about its start, so there are none.
fn verdict(blueprint: &Blueprint, outcomes: &[Outcome], course: Course, places: &[Place], notes: &mut Notes) -> Verdict {
    if blueprint.is_finite() {
        return Verdict::Finite;
    }
    let (verdict, warm_up) = judged(outcomes, course, places);
    match (verdict, warm_up) {
        (Verdict::Unstable, _) => {
            notes.add("unstable: the number of requests under way grows for as long as the run lasts, so latencies and waits have no steady value".to_owned());
        }
        (Verdict::TooShort, _) => notes.add(basis::too_short(places, horizon(course))),
        (_, WarmUp::Share(share)) if share > left_out(course) => {
            let more = libm::ceil(share * horizon(course));
            notes.add(format!("the start shows beyond the warm-up: warmup \"{more}s\" would leave it out"));
        }
        _ => {}
    }
    verdict
}

/// How long the warm-up of a steady-state question would have to be, if that is longer than it was and the outcomes show
/// it: the start differs from the rest, and MSER-5 says where it ends.
pub fn longer_warm_up(blueprint: &Blueprint, outcomes: &[Outcome], course: Course) -> Option<Span> {
    if blueprint.is_finite() {
        return None;
    }
    match judged(outcomes, course, &[]) {
        (Verdict::Stable, WarmUp::Share(share)) if share > left_out(course) => Some(Span::from_seconds(share * horizon(course))),
        _ => None,
    }
}

fn judged(outcomes: &[Outcome], course: Course, places: &[Place]) -> (Verdict, WarmUp) {
    let in_system = |outcome: &Outcome| outcome.start.iter().chain(&outcome.windows).map(|window| window.in_system).collect();
    let series: Vec<Vec<f64>> = outcomes.iter().map(in_system).collect();
    judge(&series, left_out(course), horizon(course), basis::slowest(places).map(|(_, seconds)| seconds))
}

/// Warm-up and counted span together, in seconds.
fn horizon(course: Course) -> f64 {
    course.warmup.seconds() + course.duration.seconds()
}

/// The share of the run that is not counted.
fn left_out(course: Course) -> f64 {
    course.warmup.seconds() / horizon(course)
}

struct Figures {
    duration: f64,
    steady: bool,
    excursions: u64,
}

const NS: f64 = 1e9;

impl Figures {
    fn stream(&self, name: &str, replications: &[&StreamOutcome], notes: &mut Notes) -> StreamFigures {
        let of = if name.is_empty() { String::new() } else { format!(" of {name}") };
        let latencies: Vec<&Histogram> = replications.iter().map(|stream| &stream.latency).collect();
        let waits: Vec<&Histogram> = replications.iter().map(|stream| &stream.pool_wait).collect();
        StreamFigures {
            requests: self.requests(replications, notes),
            latency: self.times(&format!("latency{of}"), &latencies, notes),
            pool_wait: self.waits(&format!("wait for a connection{of}"), &waits, replications.iter().map(|s| s.waited).sum(), notes),
        }
    }

    fn requests(&self, replications: &[&StreamOutcome], notes: &mut Notes) -> Requests {
        let total = |what: fn(&StreamOutcome) -> u64| replications.iter().map(|stream| what(stream)).sum::<u64>();
        let (arrived, completed, failed) = (total(|s| s.arrived), total(|s| s.completed), total(|s| s.errors.iter().sum()));
        let counts: Vec<(u64, u64)> =
            replications.iter().map(|s| (s.errors.iter().sum(), s.completed + s.errors.iter().sum::<u64>())).collect();
        let rate = share(&counts, self.excursions, Confidence::USUAL);
        if failed > 0 && is_rare(failed, replications.len()) && replications.len() > 1 {
            notes.add(format!("fewer than two failed requests per replication ({failed} in all): the error rate's interval is rough; longer runs would help"));
        }
        let ended = completed + failed;
        Requests {
            arrived,
            completed,
            failed,
            unfinished: arrived - ended,
            throughput: completed as f64 / self.duration,
            error_rate: (ended > 0).then(|| failed as f64 / ended as f64),
            error_rate_ci95: interval(&rate, 1.0).filter(|_| self.steady),
            errors: by_name(replications.iter().map(|stream| &stream.errors)),
        }
    }

    fn times(&self, what: &str, replications: &[&Histogram], notes: &mut Notes) -> Times {
        let count = replications.iter().map(|histogram| histogram.count()).sum();
        if !self.steady || count == 0 {
            return Times { count, ..Times::default() };
        }
        let pairs: Vec<(f64, f64)> = replications.iter().map(|histogram| (histogram.sum() as f64, histogram.count() as f64)).collect();
        let mean = ratio(&pairs, Confidence::USUAL);
        let owned: Vec<Histogram> = replications.iter().map(|histogram| (*histogram).clone()).collect();
        let quantiles = Quantiles::of(&owned);
        let wanted = [(0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9")];
        let figures = wanted.map(|(p, _)| quantiles.quantile(p, Confidence::USUAL));
        note_unsupported(what, wanted.map(|(_, name)| name), &figures, notes);
        let [p50, p90, p95, p99, p999] = figures;
        Times {
            count,
            mean: seconds(&mean),
            mean_ci95: interval(&mean, NS),
            p50: seconds(&p50),
            p90: seconds(&p90),
            p95: seconds(&p95),
            p99_ci95: interval(&p99, NS),
            p99: seconds(&p99),
            p999: seconds(&p999),
            max: replications.iter().filter_map(|histogram| histogram.max()).max().map(|ns| ns as f64 / NS),
        }
    }

    fn waits(&self, what: &str, replications: &[&Histogram], waited: u64, notes: &mut Notes) -> Waits {
        let times = self.times(what, replications, notes);
        let waited = (times.count > 0).then(|| waited as f64 / times.count as f64);
        Waits { times, waited }
    }
}

/// One note for all quantiles that cannot be stated: which, and what the lowest of them lacks.
fn note_unsupported<const N: usize>(what: &str, names: [&str; N], figures: &[Figure; N], notes: &mut Notes) {
    let missing: Vec<&str> = names.iter().zip(figures).filter(|(_, figure)| figure.value().is_none()).map(|(name, _)| *name).collect();
    if let Some(Figure::Unsupported { why, .. }) = figures.iter().find(|figure| figure.value().is_none()) {
        notes.add(format!("{what}, no {}: {why}", missing.join(", ")));
    }
}

fn seconds(figure: &Figure) -> Option<f64> {
    figure.value().map(|ns| ns / NS)
}

fn interval(figure: &Figure, unit: f64) -> Option<[f64; 2]> {
    figure.estimate().map(|estimate| [estimate.low.max(0.0) / unit, estimate.high / unit])
}

fn sum(outcomes: &[Outcome], what: impl Fn(&Outcome) -> u64) -> u64 {
    outcomes.iter().map(what).sum()
}

fn mean(outcomes: &[Outcome], what: impl Fn(&Outcome) -> Count) -> f64 {
    outcomes.iter().map(|outcome| what(outcome).mean).sum::<f64>() / outcomes.len() as f64
}

fn most(outcomes: &[Outcome], what: impl Fn(&Outcome) -> Count) -> u64 {
    outcomes.iter().map(|outcome| what(outcome).most).max().unwrap_or(0)
}

fn all_streams(outcome: &Outcome) -> StreamOutcome {
    let mut all = StreamOutcome { errors: vec![0; Error::ALL.len()], ..StreamOutcome::default() };
    for stream in &outcome.streams {
        all.arrived += stream.arrived;
        all.completed += stream.completed;
        all.waited += stream.waited;
        all.latency.merge(&stream.latency);
        all.pool_wait.merge(&stream.pool_wait);
        for (sum, errors) in all.errors.iter_mut().zip(&stream.errors) {
            *sum += errors;
        }
    }
    all
}

fn by_name<'a>(replications: impl Iterator<Item = &'a Vec<u64>> + Clone) -> BTreeMap<String, u64> {
    let total = |why: Error| replications.clone().map(|errors| errors[why as usize]).sum::<u64>();
    Error::ALL.iter().map(|why| (why.name().to_owned(), total(*why))).filter(|(_, count)| *count > 0).collect()
}

fn pool<'a>(replications: impl Iterator<Item = &'a PoolOutcome>) -> PoolUse {
    let all: Vec<&PoolOutcome> = replications.collect();
    let mean = |what: fn(&PoolOutcome) -> Count| all.iter().map(|pool| what(pool).mean).sum::<f64>() / all.len() as f64;
    let most = |what: fn(&PoolOutcome) -> Count| all.iter().map(|pool| what(pool).most).max().unwrap_or(0);
    PoolUse {
        connects: all.iter().map(|pool| pool.connects).sum(),
        closes: all.iter().map(|pool| pool.closes).sum(),
        in_use_mean: mean(|pool| pool.in_use),
        in_use_max: most(|pool| pool.in_use),
        open_max: most(|pool| pool.open),
        pending_mean: mean(|pool| pool.pending),
        pending_max: most(|pool| pool.pending),
        timeouts: all.iter().map(|pool| pool.timeouts).sum(),
    }
}

fn proxy(outcomes: &[Outcome]) -> ProxyUse {
    ProxyUse {
        client_connections_max: most(outcomes, |outcome| outcome.proxy.clients),
        server_connections_max: most(outcomes, |outcome| outcome.proxy.servers),
        connects: sum(outcomes, |outcome| outcome.proxy.connects),
        waiting_mean: mean(outcomes, |outcome| outcome.proxy.waiting),
        waiting_max: most(outcomes, |outcome| outcome.proxy.waiting),
        errors: by_name(outcomes.iter().map(|outcome| &outcome.proxy.errors)),
    }
}

fn database(blueprint: &Blueprint, outcomes: &[Outcome]) -> DatabaseUse {
    DatabaseUse {
        connections_mean: mean(outcomes, |outcome| outcome.database.connections),
        connections_max: most(outcomes, |outcome| outcome.database.connections),
        connects: sum(outcomes, |outcome| outcome.database.connects),
        refused: sum(outcomes, |outcome| outcome.database.refused),
        active_mean: mean(outcomes, |outcome| outcome.database.active),
        utilisation: cores(blueprint).map(|cores| mean(outcomes, |outcome| outcome.database.busy) / cores),
    }
}

fn queue(outcomes: &[Outcome], course: Course) -> (Vec<f64>, (f64, f64)) {
    let slices = outcomes.iter().map(|outcome| outcome.windows.len()).min().unwrap_or(0);
    let means = (0..slices).map(|at| outcomes.iter().map(|outcome| outcome.windows[at].waiting).sum::<f64>() / outcomes.len() as f64);
    let peaks = outcomes.iter().flat_map(|outcome| outcome.windows.iter().map(|window| window.waiting_most).enumerate());
    let peak = peaks.fold((0, 0), |best, (at, most)| if most > best.0 { (most, at) } else { best });
    (means.collect(), (peak.0 as f64, peak.1 as f64 * course.duration.seconds() / slices.max(1) as f64))
}

/// How busy the cores were while requests waited: each slice counts as much as its queue is long.
fn busy_when_waiting(blueprint: &Blueprint, outcomes: &[Outcome]) -> Option<f64> {
    let cores = cores(blueprint)?;
    let windows = || outcomes.iter().flat_map(|outcome| &outcome.windows);
    let waiting: f64 = windows().map(|window| window.waiting).sum();
    (waiting > 0.0).then(|| windows().map(|window| window.waiting * window.busy).sum::<f64>() / waiting / cores)
}

fn cores(blueprint: &Blueprint) -> Option<f64> {
    match blueprint.database.service {
        ServiceSpec::Delay => None,
        ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores } => Some(f64::from(cores)),
    }
}

fn in_use(blueprint: &Blueprint, outcomes: &[Outcome]) -> Named<Vec<f64>> {
    let slices = outcomes.iter().map(|outcome| outcome.windows.len()).min().unwrap_or(0);
    let app = |index: usize| {
        let at = |slice: usize| {
            outcomes.iter().map(|outcome| outcome.windows[slice].in_use.get(index).copied().unwrap_or(0.0)).sum::<f64>()
                / outcomes.len() as f64
        };
        (0..slices).map(at).collect()
    };
    blueprint.apps.iter().enumerate().map(|(index, spec)| (spec.name.clone(), app(index))).collect()
}

/// The texts as the log has them; the pool's own where there is one app, since each kind has its own.
fn error_texts(blueprint: &Blueprint) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<String, String> = Error::ALL.iter().map(|why| (why.name().to_owned(), why.text().to_owned())).collect();
    if let Some(app) = blueprint.apps.first() {
        texts.insert(Error::PoolTimeout.name().to_owned(), app.pool.kind().timeout_text());
    }
    if blueprint.database.superuser_reserved_connections > 0 {
        let text = "remaining connection slots are reserved for non-replication superuser connections";
        texts.insert(Error::TooManyClients.name().to_owned(), text.to_owned());
    }
    if let ProxySpec::PgBouncer(bouncer) = &blueprint.proxy {
        texts.insert(Error::ServerLoginFailing.name().to_owned(), bouncer.text(Error::ServerLoginFailing).to_owned());
    }
    texts
}

fn digest(outcomes: &[Outcome]) -> String {
    let mut hasher = blake3::Hasher::new();
    for outcome in outcomes {
        hasher.update(&outcome.digest.to_le_bytes());
        hasher.update(&outcome.events.to_le_bytes());
    }
    hasher.finalize().to_hex().to_string()
}
