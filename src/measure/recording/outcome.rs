//! A recording counted as a simulated replication is: the same outcome, of what really happened.
//!
//! A request counts if it was to arrive after the warm-up and before the end. Pools are counted from what their workers
//! wrote down; database and proxy from looks at them, so their greatest numbers are those that were seen.

use super::{Attempt, Checkout, Look, Recording};
use crate::kernel::level::Level;
use crate::kernel::time::{SimTime, Span};
use crate::measure::outcome::{Count, DatabaseOutcome, Outcome, PoolOutcome, ProxyOutcome, StreamOutcome};
use crate::measure::windows::Window;
use crate::protocol::error::Error;

/// The outcome of a recording, with so many windows.
pub fn of(recording: &Recording, slices: u32) -> Outcome {
    let about = &recording.about;
    let span = Counted { from: about.warmup, until: about.warmup + about.duration };
    let apps = apps(&about.workers);
    let streams = (0..about.streams.len()).map(|stream| span.stream(recording, stream as u32));
    let course = Course::new(recording, &apps, span, slices);
    Outcome {
        streams: streams.collect(),
        pools: (0..apps.names.len()).map(|app| span.pool(recording, &apps, app)).collect(),
        proxy: span.proxy(recording),
        database: span.database(recording),
        windows: course.windows(),
        events: (recording.attempts.len() + recording.pools.len()) as u64,
        ..Outcome::default()
    }
}

/// What stands for an error that has no name here.
pub const NAMELESS: Error = Error::ConnectionLost;

/// Apps in the order of their workers, and each worker's app.
struct Apps {
    names: Vec<String>,
    of: Vec<usize>,
}

fn apps(workers: &[String]) -> Apps {
    let mut names: Vec<String> = Vec::new();
    let place = |name: &String| {
        names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(name.clone());
            names.len() - 1
        })
    };
    let of = workers.iter().map(place).collect();
    Apps { names, of }
}

#[derive(Clone, Copy)]
struct Counted {
    from: u64,
    until: u64,
}

impl Counted {
    fn has(self, at: u64) -> bool {
        (self.from..self.until).contains(&at)
    }

    fn stream(self, recording: &Recording, stream: u32) -> StreamOutcome {
        let mut counts = StreamOutcome { errors: vec![0; Error::ALL.len()], ..StreamOutcome::default() };
        for attempt in recording.attempts.iter().filter(|attempt| attempt.stream == stream && self.has(attempt.arrived)) {
            for (asked, got) in attempt.checkouts.iter().filter_map(|checkout| Some((checkout.asked, checkout.got?))) {
                counts.pool_wait.record(got.saturating_sub(asked));
            }
            if !attempt.is_last() {
                continue;
            }
            counts.arrived += 1;
            match (&attempt.failure, attempt.heard) {
                (Some(failure), _) => counts.errors[failure.name.unwrap_or(NAMELESS) as usize] += 1,
                (None, Some(heard)) => {
                    counts.completed += 1;
                    counts.latency.record(heard.saturating_sub(attempt.arrived));
                }
                (None, None) => {}
            }
        }
        counts.waited = counts.pool_wait.count();
        counts
    }

    fn pool(self, recording: &Recording, apps: &Apps, app: usize) -> PoolOutcome {
        let here = |worker: u32| apps.of.get(worker as usize) == Some(&app);
        let events = || recording.pools.iter().filter(|event| here(event.worker));
        let attempts = || recording.attempts.iter().filter(|attempt| here(attempt.worker));
        let checkouts = || attempts().flat_map(|attempt| &attempt.checkouts);
        let timeouts = attempts().filter(|attempt| {
            let in_vain = matches!(attempt.failure, Some(super::Failure { name: Some(Error::PoolTimeout), .. }));
            in_vain && attempt.ended.is_some_and(|ended| self.has(ended))
        });
        PoolOutcome {
            connects: events().filter(|event| event.opened && self.has(event.at)).count() as u64,
            closes: events().filter(|event| !event.opened && self.has(event.at)).count() as u64,
            timeouts: timeouts.count() as u64,
            in_use: self.count(checkouts().filter_map(in_use).collect()),
            open: self.levels(events().map(|event| (event.at, event.opened)).collect()),
            pending: self.count(checkouts().map(pending).collect()),
        }
    }

    fn database(self, recording: &Recording) -> DatabaseOutcome {
        let active = self.looks(recording, |look| look.active);
        let connects = recording.pools.iter().filter(|event| event.opened && self.has(event.at)).count() as u64;
        let refused = |attempt: &&Attempt| {
            let name = attempt.failure.as_ref().and_then(|failure| failure.name);
            matches!(name, Some(Error::TooManyClients | Error::ConnectionRefused | Error::CannotConnectNow))
                && attempt.ended.is_some_and(|ended| self.has(ended))
        };
        let refused = recording.attempts.iter().filter(refused).count() as u64;
        DatabaseOutcome { connections: self.looks(recording, |look| look.sessions), active, busy: active, connects, refused }
    }

    fn proxy(self, recording: &Recording) -> ProxyOutcome {
        ProxyOutcome {
            clients: self.looks(recording, |look| look.proxy_clients),
            servers: self.looks(recording, |look| look.proxy_servers),
            linked: self.looks(recording, |look| look.proxy_linked),
            waiting: self.looks(recording, |look| look.proxy_waiting),
            errors: vec![0; Error::ALL.len()],
            ..ProxyOutcome::default()
        }
    }

    /// Mean and most of what was seen at the looks.
    fn looks(self, recording: &Recording, what: impl Fn(&Look) -> Option<u32>) -> Count {
        let seen: Vec<u64> = recording.looks.iter().filter(|look| self.has(look.at)).filter_map(&what).map(u64::from).collect();
        let mean = if seen.is_empty() { 0.0 } else { seen.iter().sum::<u64>() as f64 / seen.len() as f64 };
        Count { mean, most: seen.into_iter().max().unwrap_or(0) }
    }

    /// How many of these spans lie over each other.
    fn count(self, spans: Vec<(u64, u64)>) -> Count {
        self.levels(spans.into_iter().flat_map(|(from, until)| [(from, true), (until.max(from), false)]).collect())
    }

    fn levels(self, mut steps: Vec<(u64, bool)>) -> Count {
        // In one instant what begins comes first, so that nothing ends before it began.
        steps.sort_by_key(|(at, up)| (*at, !*up));
        let (mut level, mut counting) = (Level::default(), false);
        for (at, up) in steps {
            let at = at.min(self.until);
            if !counting && at >= self.from {
                level.restart(SimTime::from_nanos(self.from));
                counting = true;
            }
            if counting && at >= self.until {
                break;
            }
            match up {
                true => level.up(SimTime::from_nanos(at)),
                false if level.value() > 0 => level.down(SimTime::from_nanos(at)),
                false => {}
            }
        }
        if !counting {
            level.restart(SimTime::from_nanos(self.from));
        }
        let (end, span) = (SimTime::from_nanos(self.until), Span::from_nanos(self.until - self.from));
        Count { mean: level.mean(end, span), most: level.most() }
    }
}

/// From the moment at which the pool has a place for it, be the connection open or not.
fn in_use(checkout: &Checkout) -> Option<(u64, u64)> {
    let begun = checkout.connects.first().map(|connect| connect.0).or(checkout.got)?;
    Some((begun, checkout.back.unwrap_or(u64::MAX)))
}

/// While it has neither a connection nor one being opened.
fn pending(checkout: &Checkout) -> (u64, u64) {
    let begun = checkout.connects.first().map(|connect| connect.0).or(checkout.got);
    (checkout.asked, begun.or(checkout.back).unwrap_or(u64::MAX))
}

/// The counted span in equal windows.
struct Course<'a> {
    recording: &'a Recording,
    apps: &'a Apps,
    span: Counted,
    slices: u32,
}

impl<'a> Course<'a> {
    fn new(recording: &'a Recording, apps: &'a Apps, span: Counted, slices: u32) -> Course<'a> {
        Course { recording, apps, span, slices }
    }

    fn windows(&self) -> Vec<Window> {
        let mut windows = vec![Window { in_use: vec![0.0; self.apps.names.len()], ..Window::default() }; self.slices as usize];
        for attempt in &self.recording.attempts {
            self.count(attempt, &mut windows);
            let app = self.apps.of[attempt.worker as usize];
            for checkout in &attempt.checkouts {
                self.spread(pending(checkout), &mut windows, |window| &mut window.waiting);
                if let Some(span) = in_use(checkout) {
                    self.spread(span, &mut windows, |window| &mut window.in_use[app]);
                }
                if let (Some(got), asked) = (checkout.got, checkout.asked)
                    && let Some(at) = self.place(got)
                {
                    windows[at].wait_most = windows[at].wait_most.max(Span::from_nanos(got.saturating_sub(asked)));
                }
            }
        }
        for (index, window) in windows.iter_mut().enumerate() {
            window.waiting_most = libm::ceil(window.waiting) as u64;
            let active = self.seen(index, |look| look.active);
            (window.busy, window.connections) = (active, self.seen(index, |look| look.sessions));
        }
        windows
    }

    fn count(&self, attempt: &Attempt, windows: &mut [Window]) {
        if attempt.attempt == 1
            && let Some(at) = self.place(attempt.arrived)
        {
            windows[at].arrived += 1;
        }
        let Some(heard) = attempt.heard.filter(|_| attempt.is_last()) else { return };
        self.spread((attempt.arrived, heard), windows, |window| &mut window.in_system);
        let Some(at) = self.place(heard) else { return };
        let (window, latency) = (&mut windows[at], heard.saturating_sub(attempt.arrived));
        if attempt.failure.is_some() {
            window.failed += 1;
        } else {
            window.completed += 1;
            window.latency_sum += u128::from(latency);
            window.latency_most = window.latency_most.max(Span::from_nanos(latency));
        }
    }

    fn place(&self, at: u64) -> Option<usize> {
        self.span.has(at).then(|| ((at - self.span.from) / self.slice()).min(u64::from(self.slices) - 1) as usize)
    }

    fn slice(&self) -> u64 {
        ((self.span.until - self.span.from) / u64::from(self.slices)).max(1)
    }

    /// Adds to each window the share of it that the span covers.
    fn spread(&self, (from, until): (u64, u64), windows: &mut [Window], what: impl Fn(&mut Window) -> &mut f64) {
        let (from, until) = (from.max(self.span.from), until.min(self.span.until));
        if from >= until {
            return;
        }
        let slice = self.slice();
        let first = (from - self.span.from) / slice;
        for index in first..u64::from(self.slices) {
            let (begin, end) = (self.span.from + index * slice, self.span.from + (index + 1) * slice);
            if begin >= until {
                break;
            }
            *what(&mut windows[index as usize]) += (until.min(end) - from.max(begin).min(until.min(end))) as f64 / slice as f64;
        }
    }

    /// The mean of what was seen in a window; of the last look before it if there was none in it.
    fn seen(&self, index: usize, what: impl Fn(&Look) -> Option<u32>) -> f64 {
        let (begin, slice) = (self.span.from + index as u64 * self.slice(), self.slice());
        let known = || self.recording.looks.iter().filter_map(|look| Some((look.at, f64::from(what(look)?))));
        let inside: Vec<f64> = known().filter(|(at, _)| (begin..begin + slice).contains(at)).map(|(_, seen)| seen).collect();
        match inside.as_slice() {
            [] => known().take_while(|(at, _)| *at < begin).last().map_or(0.0, |(_, seen)| seen),
            seen => seen.iter().sum::<f64>() / seen.len() as f64,
        }
    }
}
