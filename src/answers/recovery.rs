//! What became of the system after each fault: how long until it was as before, what that cost, and whether it ever was.
//!
//! *As before* means: inside the interval in which single windows lay before the first fault, those of all replications
//! together: from the least to the greatest, and no narrower than three standard deviations to either side. A replication
//! is back with the first of three windows in a row that lie inside, if of the ten from there on eight do.

use std::ops::Range;

use crate::answers::document::{Back, Recovery};
use crate::answers::runner::Course;
use crate::answers::words::percent;
use crate::kernel::time::Span;
use crate::measure::intervals::{Confidence, mean};
use crate::measure::outcome::Outcome;
use crate::measure::stationary::falls;
use crate::measure::windows::Window;
use crate::parts::fault::{At, FaultSpec};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::roster::Roster;

/// Fewer windows before the first fault say nothing of what was usual.
const FEWEST_BEFORE: usize = 5;
/// Windows are wide enough for about so many requests, if four slices are.
const REQUESTS: f64 = 20.0;
/// Back is who stays inside for so many windows in a row …
const IN_A_ROW: usize = 3;
/// … and for eight tenths of so many.
const LOOKED_AT: usize = 10;
/// Load above this multiple of what it was before is another load.
const SAME_LOAD: f64 = 1.1;

/// Faults of which each begins before the one before it is over.
struct Episode<'a> {
    faults: Vec<&'a At>,
    /// When the last of them is over, in seconds from the start of the run.
    over: f64,
}

/// What became of the system after each episode of faults; empty where there is none.
pub fn of(blueprint: &Blueprint, outcomes: &[Outcome], course: Course) -> Vec<Recovery> {
    let episodes = episodes(blueprint);
    let slices = outcomes.iter().map(|outcome| outcome.windows.len()).min().unwrap_or(0);
    let (Some(first), true) = (episodes.first(), slices > 0) else { return Vec::new() };
    let slice = course.duration.seconds() / slices as f64;
    let until = first.begins() - course.warmup.seconds();
    let width = width(outcomes, ((until / slice).max(0.0) as usize).min(slices));
    let series: Vec<Vec<Slot>> = outcomes.iter().map(|outcome| slots(&outcome.windows[..slices], width)).collect();
    let look = Look { outcomes, series: &series, seconds: slice * width as f64, warmup: course.warmup.seconds() };
    let before = look.before(first);
    let ends = episodes.iter().skip(1).map(|next| Some(next.begins())).chain([None]);
    episodes.iter().zip(ends).map(|(episode, next)| look.recovery(episode, next, before.clone())).collect()
}

/// A fault as a person says it.
pub fn name(fault: &FaultSpec) -> String {
    match fault {
        FaultSpec::RestartDatabase { down, .. } => format!("the database restarts and refuses connections for {down}"),
        FaultSpec::CrashDatabase { recovery } => format!("the database crashes and lets nobody in for {recovery}"),
        FaultSpec::RestartProxy { down } => format!("PgBouncer restarts and refuses connections for {down}"),
        FaultSpec::Failover { down } => format!("the database fails over, which takes {down}"),
        FaultSpec::KillConnections { fraction } => format!("{} of the database's sessions are ended", percent(*fraction)),
        FaultSpec::SlowDatabase { factor, lasting } => format!("statements take {factor} times as long for {lasting}"),
        FaultSpec::SlowConnects { factor, lasting } => format!("connecting takes {factor} times as long for {lasting}"),
        FaultSpec::Partition { lasting } => format!("the way to the database is cut for {lasting}"),
        FaultSpec::LockTable { lasting } => format!("a table that all use is locked for {lasting}"),
        FaultSpec::Deploy { app, each, .. } if each.is_zero() => format!("{app} is deployed, all workers at once"),
        FaultSpec::Deploy { app, each, .. } => format!("{app} is deployed, another worker every {each}"),
        FaultSpec::Scale { app, workers } => format!("{app} is scaled to {workers} workers"),
    }
}

fn episodes(blueprint: &Blueprint) -> Vec<Episode<'_>> {
    let mut faults: Vec<&At> = blueprint.faults.iter().collect();
    faults.sort_by_key(|At(at, _)| *at);
    let mut episodes: Vec<Episode> = Vec::new();
    for fault in faults {
        let (begins, over) = (fault.0.seconds(), (fault.0 + lasts(fault, blueprint)).seconds());
        match episodes.last_mut() {
            Some(last) if begins <= last.over => {
                last.faults.push(fault);
                last.over = last.over.max(over);
            }
            _ => episodes.push(Episode { faults: vec![fault], over }),
        }
    }
    episodes
}

/// How long a fault lasts by itself.
fn lasts(At(at, fault): &At, blueprint: &Blueprint) -> Span {
    match fault {
        FaultSpec::RestartDatabase { down, starting } => *down + *starting,
        FaultSpec::CrashDatabase { recovery: lasting }
        | FaultSpec::Failover { down: lasting }
        | FaultSpec::RestartProxy { down: lasting }
        | FaultSpec::SlowDatabase { lasting, .. }
        | FaultSpec::SlowConnects { lasting, .. }
        | FaultSpec::Partition { lasting }
        | FaultSpec::LockTable { lasting } => *lasting,
        FaultSpec::KillConnections { .. } | FaultSpec::Scale { .. } => Span::ZERO,
        FaultSpec::Deploy { app, .. } => {
            let app = blueprint.apps.iter().find(|its| its.name == *app).expect("a checked deploy is of an app that is there");
            let alone = Roster::of(app, &[At(*at, fault.clone())]);
            alone.changes.last().map_or(Span::ZERO, |last| Span::from_nanos(last.at.nanos() - at.nanos()))
        }
    }
}

impl Episode<'_> {
    fn begins(&self) -> f64 {
        self.faults[0].0.seconds()
    }

    fn name(&self) -> String {
        self.faults.iter().map(|At(_, fault)| name(fault)).collect::<Vec<_>>().join("; ")
    }
}

/// How many slices make a window, so that it has requests enough: 1, 2 or 4.
fn width(outcomes: &[Outcome], before: usize) -> usize {
    let slices = outcomes.iter().map(|outcome| before.min(outcome.windows.len())).sum::<usize>().max(1);
    let completed: u64 = outcomes.iter().flat_map(|outcome| outcome.windows.iter().take(before)).map(|window| window.completed).sum();
    let each = completed as f64 / slices as f64;
    [1, 2].into_iter().find(|width| *width as f64 * each >= REQUESTS).unwrap_or(4)
}

/// One window of one replication.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Nothing while nobody is answered.
    latency: Option<f64>,
    error_rate: f64,
    connections: f64,
    in_system: f64,
    arrived: u64,
    failed: u64,
    ended: u64,
}

fn slots(windows: &[Window], width: usize) -> Vec<Slot> {
    let slot = |part: &[Window]| {
        let sum = |what: fn(&Window) -> u64| part.iter().map(what).sum::<u64>();
        let mean = |what: fn(&Window) -> f64| part.iter().map(what).sum::<f64>() / part.len() as f64;
        let (completed, failed) = (sum(|window| window.completed), sum(|window| window.failed));
        let latency: u128 = part.iter().map(|window| window.latency_sum).sum();
        Slot {
            latency: (completed > 0).then(|| latency as f64 / 1e9 / completed as f64),
            error_rate: failed as f64 / (completed + failed).max(1) as f64,
            connections: mean(|window| window.connections),
            in_system: mean(|window| window.in_system),
            arrived: sum(|window| window.arrived),
            failed,
            ended: completed + failed,
        }
    };
    windows.chunks(width).map(slot).collect()
}

/// The interval in which windows lay before. Fewer errors and shorter latencies than that are no harm; fewer connections are
/// not what was.
#[derive(Clone, Copy, Debug)]
struct Band {
    low: f64,
    high: f64,
    has_floor: bool,
}

impl Band {
    /// A window in which requests came and none was answered is no window as before.
    fn holds(&self, value: Option<f64>, slot: &Slot) -> bool {
        value.map_or(slot.arrived == 0, |value| value <= self.high && (!self.has_floor || self.low <= value))
    }
}

/// What is looked at of a window.
type Quantity = fn(&Slot) -> Option<f64>;

const LATENCY: Quantity = |slot| slot.latency;
const ERROR_RATE: Quantity = |slot| Some(slot.error_rate);
const CONNECTIONS: Quantity = |slot| Some(slot.connections);

struct Look<'a> {
    outcomes: &'a [Outcome],
    series: &'a [Vec<Slot>],
    /// Of a window.
    seconds: f64,
    warmup: f64,
}

impl Look<'_> {
    /// The windows before the first fault. Of a run without warm-up the first quarter is its start.
    fn before(&self, first: &Episode) -> Range<usize> {
        let until = self.window(first.begins());
        let from = if self.warmup > 0.0 { 0 } else { until / 4 };
        from..until
    }

    /// The window under way at this second of the run.
    fn window(&self, second: f64) -> usize {
        // A window that ends with the fault, but for rounding, lies before it.
        (((second - self.warmup) / self.seconds + 1e-9).max(0.0) as usize).min(self.series.iter().map(Vec::len).min().unwrap_or(0))
    }

    fn recovery(&self, episode: &Episode, next: Option<f64>, before: Range<usize>) -> Recovery {
        let windows = self.series.iter().map(Vec::len).min().unwrap_or(0);
        let from = self.window(episode.faults.last().expect("an episode has a fault").0.seconds());
        let span = from..next.map_or(windows, |next| self.window(next));
        let latency = self.band(LATENCY, before.clone());
        let errors = self.band(ERROR_RATE, before.clone());
        let connections = Band { has_floor: true, ..self.band(CONNECTIONS, before.clone()) };
        let both = |slot: &Slot| latency.holds(slot.latency, slot) && errors.holds(Some(slot.error_rate), slot);
        let back: Vec<Option<usize>> = self.series.iter().map(|one| back(one, span.clone(), both)).collect();
        let last = episode.faults.last().expect("an episode has a fault").0.seconds();
        let seconds = |window: usize| (self.warmup + window as f64 * self.seconds - last).max(0.0);
        let known = before.len() >= FEWEST_BEFORE;
        let (after, after_ci95) = together(&back, seconds, known);
        let (lost, lost_ci95) = self.lost(&back, &span, &before, known);
        let stretch = (episode.begins() - self.warmup, self.until(&back, &span).max(episode.over - self.warmup));
        let quantity = |of: Quantity, band: Band| self.back(of, band, &span, seconds, known);
        Recovery {
            fault: episode.name(),
            at: episode.begins(),
            over: episode.over,
            verdict: self.verdict(&back, &before, &span, next.is_some(), both).to_owned(),
            after,
            after_ci95,
            back_in: back.iter().flatten().count() as u64,
            latency: quantity(LATENCY, latency),
            error_rate: quantity(ERROR_RATE, errors),
            connections: quantity(CONNECTIONS, connections),
            lost,
            lost_ci95,
            connects_per_second: self.mean_of(|outcome| outcome.connects.mean(0.0, stretch.0)),
            connects_per_second_peak: self.mean_of(|outcome| outcome.connects.peak(stretch.0, stretch.1)),
            logins_peak: self.most(stretch, |window| window.logins_most),
            waiting_peak: self.most(stretch, |window| window.waiting_most),
            proxy_waiting_peak: self.most(stretch, |window| window.proxy_waiting_most),
            connections_peak: self.most(stretch, |window| window.connections_most),
            client_connections_peak: self.most(stretch, |window| window.clients_most),
        }
    }

    /// The interval in which windows of all replications lay.
    fn band(&self, of: Quantity, before: Range<usize>) -> Band {
        let values: Vec<f64> = self.series.iter().flat_map(|one| one[before.clone()].iter().filter_map(of)).collect();
        let count = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / count;
        let spread = (values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (count - 1.0).max(1.0)).sqrt();
        let low = values.iter().copied().fold(mean - 3.0 * spread, f64::min).max(0.0);
        Band { low, high: values.iter().copied().fold(mean + 3.0 * spread, f64::max), has_floor: false }
    }

    fn back(&self, of: Quantity, band: Band, span: &Range<usize>, seconds: impl Fn(usize) -> f64, known: bool) -> Back {
        let inside = |slot: &Slot| band.holds(of(slot), slot);
        let found: Vec<Option<usize>> = self.series.iter().map(|one| back(one, span.clone(), inside)).collect();
        let means = span.clone().filter_map(|at| {
            let values: Vec<f64> = self.series.iter().filter_map(|one| of(&one[at])).collect();
            (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
        });
        let (after, after_ci95) = together(&found, seconds, known);
        Back { before: known.then_some([band.low, band.high]), worst: means.reduce(f64::max), after, after_ci95 }
    }

    /// Failed requests from the fault until the replication is back, less those that would have failed anyway.
    fn lost(&self, back: &[Option<usize>], span: &Range<usize>, before: &Range<usize>, known: bool) -> (Option<f64>, Option<[f64; 2]>) {
        let (failed, ended) = self.series.iter().flat_map(|one| &one[before.clone()]).fold((0, 0), |(f, e), s| (f + s.failed, e + s.ended));
        let usual = failed as f64 / ended.max(1) as f64;
        let of = |(one, back): (&Vec<Slot>, &Option<usize>)| {
            let slots = &one[span.start..back.unwrap_or(span.end).max(span.start)];
            slots.iter().map(|slot| slot.failed as f64 - usual * slot.ended as f64).sum::<f64>()
        };
        let lost = mean(&self.series.iter().zip(back).map(of).collect::<Vec<f64>>(), Confidence::USUAL);
        let interval = lost.estimate().map(|estimate| [estimate.low.max(0.0), estimate.high.max(0.0)]);
        (lost.value().filter(|_| known).map(|lost| lost.max(0.0)), interval.filter(|_| known))
    }

    /// The second of the counted span at which the last replication is back.
    fn until(&self, back: &[Option<usize>], span: &Range<usize>) -> f64 {
        let last = back.iter().map(|back| back.unwrap_or(span.end)).max().unwrap_or(span.end);
        (last.max(span.start) + 1) as f64 * self.seconds
    }

    fn verdict(
        &self,
        found: &[Option<usize>],
        before: &Range<usize>,
        span: &Range<usize>,
        overtaken: bool,
        inside: impl Fn(&Slot) -> bool,
    ) -> &'static str {
        if before.len() < FEWEST_BEFORE || span.len() < IN_A_ROW {
            return "undecided";
        }
        if found.iter().all(Option::is_some) {
            let never_out = found.iter().all(|back| *back == Some(span.start));
            let outside = self.series.iter().flat_map(|one| &one[span.clone()]).filter(|slot| !inside(slot)).count();
            return if never_out && outside * 50 <= self.series.len() * span.len() { "unhurt" } else { "recovers" };
        }
        let rate = |part: Range<usize>| {
            let all: u64 = self.series.iter().flat_map(|one| &one[part.clone()]).map(|slot| slot.arrived).sum();
            all as f64 / part.len().max(1) as f64
        };
        let last_tenth = span.end - (span.len() / 10).max(1)..span.end;
        let lost: Vec<Vec<f64>> = self
            .series
            .iter()
            .zip(found)
            .filter(|(_, back)| back.is_none())
            .map(|(one, _)| one[span.clone()].iter().map(|slot| slot.in_system).collect())
            .collect();
        match () {
            () if overtaken => "overtaken by the next fault",
            () if rate(last_tenth) > SAME_LOAD * rate(before.clone()) => "load has grown",
            () if span.len() < 2 * LOOKED_AT || lost.len() < 2 => "undecided",
            () if falls(&lost) != Some(false) => "still recovering",
            () => "metastable",
        }
    }

    fn mean_of(&self, of: impl Fn(&Outcome) -> f64) -> f64 {
        self.outcomes.iter().map(of).sum::<f64>() / self.outcomes.len() as f64
    }

    /// The most in any replication between two seconds of the counted span.
    fn most(&self, (from, until): (f64, f64), of: fn(&Window) -> u64) -> u64 {
        let most = |outcome: &Outcome| {
            let slice = self.seconds * self.series[0].len() as f64 / outcome.windows.len() as f64;
            let at = |second: f64| ((second / slice + 1e-9).max(0.0) as usize).min(outcome.windows.len());
            outcome.windows[at(from)..at(until).max(at(from))].iter().map(of).max().unwrap_or(0)
        };
        self.outcomes.iter().map(most).max().unwrap_or(0)
    }
}

/// The first window of `span` from which on the replication is back.
fn back(series: &[Slot], span: Range<usize>, inside: impl Fn(&Slot) -> bool) -> Option<usize> {
    let inside: Vec<bool> = series[span.clone()].iter().map(inside).collect();
    let is_back = |at: usize| {
        let rest = &inside[at..(at + LOOKED_AT).min(inside.len())];
        rest.len() >= IN_A_ROW
            && rest[..IN_A_ROW].iter().all(|inside| *inside)
            && rest.iter().filter(|inside| **inside).count() * 10 >= 8 * rest.len()
    };
    (0..inside.len()).find(|at| is_back(*at)).map(|at| span.start + at)
}

/// The mean time until all are back, if they are.
fn together(back: &[Option<usize>], seconds: impl Fn(usize) -> f64, known: bool) -> (Option<f64>, Option<[f64; 2]>) {
    let times: Option<Vec<f64>> = back.iter().map(|back| back.map(&seconds)).collect();
    let figure = times.filter(|_| known).map(|times| mean(&times, Confidence::USUAL));
    let interval = figure.as_ref().and_then(|figure| figure.estimate()).map(|estimate| [estimate.low.max(0.0), estimate.high]);
    (figure.and_then(|figure| figure.value()), interval)
}

#[cfg(test)]
mod tests;
