//! A queue of the textbooks by the recursion of Kiefer and Wolfowitz: a replication of it in a few milliseconds, as an
//! outcome like those of the simulator, so that everything from the outcome on is the program's own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use poolcast::answers::runner::{Course, SLICES};
use poolcast::kernel::latency::{Exponential, LatencyKind};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::Span;
use poolcast::measure::outcome::{Outcome, PoolOutcome, ProxyOutcome, StreamOutcome};
use poolcast::measure::windows::Window;
use poolcast::protocol::error::Error;

use super::truth::Queue;

/// One replication: every arrival takes the connection that is free first, unless it would have to wait too long.
pub fn replicate(queue: &Queue, course: Course, replication: u64) -> Outcome {
    let seed = Seed::new(course.seed, replication);
    let (mut gaps, mut services) = (seed.stream("recursion/gaps"), seed.stream("recursion/services"));
    let patience = queue.patience.map_or(u64::MAX, |seconds| Span::from_seconds(seconds).nanos());
    let exponential = |mean: f64| Exponential { mean: Span::from_seconds(mean) }.prepare();
    let (gap, service) = (exponential(1.0 / queue.rate()), exponential(queue.service));
    let mut free: BinaryHeap<Reverse<u64>> = (0..queue.servers).map(|_| Reverse(0)).collect();
    let mut seen = Seen::new(course);
    let mut arrival = 0;
    loop {
        arrival += gap.sample(&mut gaps).nanos();
        let service = service.sample(&mut services).nanos();
        if arrival >= seen.until {
            return seen.finish();
        }
        let mut first = free.peek_mut().expect("there is a connection");
        let wait = first.0.saturating_sub(arrival);
        if wait > patience {
            seen.refused(arrival, patience);
        } else {
            *first = Reverse(arrival + wait + service);
            seen.served(arrival, wait, service);
        }
    }
}

/// Writes down what the simulator's counter would.
struct Seen {
    outcome: Outcome,
    from: u64,
    until: u64,
    slice: u64,
    last_waits_until: u64,
}

impl Seen {
    fn new(course: Course) -> Seen {
        let stream = StreamOutcome { errors: vec![0; Error::ALL.len()], ..StreamOutcome::default() };
        let proxy = ProxyOutcome { errors: vec![0; Error::ALL.len()], ..ProxyOutcome::default() };
        let windows = vec![Window { in_use: vec![0.0], ..Window::default() }; SLICES as usize];
        let (from, duration) = (course.warmup.nanos(), course.duration.nanos());
        let slice = duration / u64::from(SLICES);
        let start = vec![Window::default(); from.div_ceil(slice) as usize];
        let pools = vec![PoolOutcome::default()];
        let outcome = Outcome { streams: vec![stream], pools, proxy, start, windows, ..Outcome::default() };
        Seen { outcome, from, until: from + duration, slice, last_waits_until: 0 }
    }

    /// The pool's own view of it: who is in the system and does not wait has a connection.
    fn finish(mut self) -> Outcome {
        let windows = &self.outcome.windows;
        let mean = windows.iter().map(|window| window.in_system - window.waiting).sum::<f64>() / windows.len() as f64;
        self.outcome.pools[0].in_use.mean = mean;
        self.outcome.pools[0].timeouts = self.outcome.streams[0].errors[Error::PoolTimeout as usize];
        self.outcome
    }

    fn served(&mut self, arrival: u64, wait: u64, service: u64) {
        self.look(arrival, wait, wait + service);
        if arrival >= self.from {
            let stream = &mut self.outcome.streams[0];
            stream.arrived += 1;
            stream.completed += 1;
            stream.waited += u64::from(wait > 0);
            stream.pool_wait.record(wait);
            stream.latency.record(wait + service);
        }
    }

    fn refused(&mut self, arrival: u64, wait: u64) {
        self.look(arrival, wait, wait);
        if arrival >= self.from {
            self.outcome.streams[0].arrived += 1;
            self.outcome.streams[0].errors[Error::PoolTimeout as usize] += 1;
        }
    }

    /// Somebody waits, and is in the system, for so long from `arrival` on.
    fn look(&mut self, arrival: u64, wait: u64, stay: u64) {
        let was_waiting = self.last_waits_until > self.from;
        self.outcome.excursions += u64::from(was_waiting && self.last_waits_until <= arrival);
        let still = if self.last_waits_until > arrival { self.last_waits_until } else { 0 };
        self.last_waits_until = if wait > 0 { still.max(arrival + wait) } else { still };
        self.spread(arrival, arrival + wait, |window| &mut window.waiting);
        self.spread(arrival, arrival + stay, |window| &mut window.in_system);
    }

    /// Adds a thing that was there in `begin..end` to the averages of the slices, which end with the run.
    fn spread(&mut self, mut begin: u64, end: u64, level: fn(&mut Window) -> &mut f64) {
        let end = end.min(self.until);
        while begin < end {
            // Slices of the start are counted back from its end, so the first of them may be shorter.
            let starts = self.outcome.start.len() as u64;
            let counted = begin + starts * self.slice - self.from;
            let slice = counted / self.slice;
            let stop = end.min((slice + 1) * self.slice + self.from - starts * self.slice);
            let window = match slice.checked_sub(starts) {
                None => self.outcome.start.get_mut(slice as usize),
                Some(slice) => self.outcome.windows.get_mut(slice as usize),
            };
            let Some(window) = window else { return };
            *level(window) += (stop - begin) as f64 / self.slice as f64;
            begin = stop;
        }
    }
}
