//! What figures rest on: how much was looked at, how narrow their intervals are, and how long the system remembers.

use crate::answers::demand;
use crate::answers::document::{Basis, Point};
use crate::answers::words::{self, count, percent, seconds, span};
use crate::measure::outcome::{Count, Outcome};
use crate::measure::stationary::{RELAXATION_TIMES, relaxation};
use crate::parts::client::StreamSpec;
use crate::parts::database::ServiceSpec;
use crate::parts::workload::ArrivalsSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// A queue of the system.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// "pools of api".
    pub name: String,
    /// How much of it was in use, 0 to 1.
    pub busy: f64,
    /// How long it remembers its state, in seconds; nothing if that cannot be estimated.
    pub relaxation: Option<f64>,
}

/// From this share of waits that end in vain on a queue forgets sooner than the estimate says: who gives up is forgotten.
const PATIENT: f64 = 0.01;

/// The queues whose limits are known, as the outcomes show them over `duration` seconds each: every app's pools and event
/// loops, and the database's cores. Relaxation times are guides: that of M/M/c ([`relaxation`]) with what was measured of
/// load and service, but never less than one service.
pub fn places(blueprint: &Blueprint, outcomes: &[Outcome], duration: f64) -> Vec<Place> {
    let seen = Seen { blueprint, outcomes, seconds: (duration * outcomes.len() as f64).max(f64::MIN_POSITIVE) };
    let mut places: Vec<Place> = blueprint.apps.iter().enumerate().filter_map(|(index, app)| seen.pools(index, app)).collect();
    places.extend(blueprint.apps.iter().filter_map(|app| seen.event_loops(app)));
    places.extend(seen.cores());
    places
}

/// The one that remembers longest.
pub fn slowest(places: &[Place]) -> Option<(&Place, f64)> {
    let known = places.iter().filter_map(|place| Some((place, place.relaxation?)));
    known.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// How long a run must be to be about the steady state of a queue that remembers for so many seconds.
pub fn long_enough(relaxation: f64) -> f64 {
    RELAXATION_TIMES * relaxation
}

/// What the figures of `point` rest on.
pub fn of(point: &Point, places: &[Place]) -> Basis {
    let within = |figure: Option<f64>, interval: Option<[f64; 2]>| {
        let ([low, high], value) = (interval?, figure.filter(|value| *value > 0.0)?);
        Some(0.5 * (high - low) / value)
    };
    let busiest = places.iter().reduce(|best, next| if next.busy > best.busy { next } else { best });
    Basis {
        requests_per_replication: point.requests.arrived as f64 / point.replications.max(1) as f64,
        mean_within: within(point.latency.mean, point.latency.mean_ci95),
        p99_within: within(point.latency.p99, point.latency.p99_ci95),
        error_rate_within: within(point.requests.error_rate, point.requests.error_rate_ci95),
        busiest: busiest.map(|place| place.name.clone()),
        utilisation: busiest.map(|place| place.busy),
        relaxation: slowest(places).map(|(_, seconds)| seconds),
    }
}

/// The same in one line for people: "stable: 10 × 24 012 after 30 s, mean ± 1.2 %, memory 140 ms" of ten replications of
/// so many requests each.
pub fn sentence(point: &Point) -> String {
    let basis = &point.basis;
    let requests = count(libm::round(basis.requests_per_replication) as u64);
    let warm_up = if point.warmup > 0.0 { format!(" after {}", span(point.warmup)) } else { String::new() };
    let within = [("mean", basis.mean_within), ("errors", basis.error_rate_within)];
    let within: String = within.iter().filter_map(|(what, within)| Some(format!(", {what} ± {}", percent((*within)?)))).collect();
    let memory = basis.relaxation.filter(|_| point.windows.is_empty());
    let memory = memory.map_or(String::new(), |memory| format!(", memory {}", seconds(memory)));
    format!("{}: {} × {requests}{warm_up}{within}{memory}", point.verdict, point.replications)
}

/// "too short: …" of a run over `horizon` seconds, with the duration that would do.
pub fn too_short(places: &[Place], horizon: f64) -> String {
    match slowest(places) {
        Some((place, memory)) if horizon < long_enough(memory) => format!(
            "too short: {} ({:.0} % in use) remember their state for about {}, and a steady state takes fifty times that: \
             duration \"{}s\" or more",
            place.name,
            100.0 * place.busy,
            words::seconds(memory),
            libm::ceil(long_enough(memory)),
        ),
        _ => format!("too short: more than half of the {} still show how the run began; a longer duration would settle it", span(horizon)),
    }
}

/// How long a queue remembers in which nobody waits for longer than `patience`: its wait wanders between nothing and that
/// like Brownian motion between two walls, which forgets in 2 D² / (π² σ²). In each second σ² is twice `spread` (use ×
/// service / servers) for exponential service.
fn between_walls(patience: f64, spread: f64) -> f64 {
    patience * patience / (std::f64::consts::PI * std::f64::consts::PI * spread)
}

struct Seen<'a> {
    blueprint: &'a Blueprint,
    outcomes: &'a [Outcome],
    seconds: f64,
}

impl Seen<'_> {
    fn pools(&self, index: usize, app: &AppSpec) -> Option<Place> {
        let size = app.pool.kind().most_connections().filter(|most| *most > 0)? as f64;
        let workers = f64::from(app.workers);
        let in_use = self.mean(|outcome| outcome.pools[index].in_use);
        let (granted, in_vain) = (self.granted(app), self.outcomes.iter().map(|outcome| outcome.pools[index].timeouts).sum::<u64>() as f64);
        let busy = in_use / (size * workers);
        let forgets = in_vain > PATIENT * (granted + in_vain);
        let rate = granted / self.seconds / workers;
        let remembers = if forgets { None } else { self.remembers(rate, busy, size) };
        let relaxation = match self.longest_wait(app) {
            Some(patience) if in_vain > 0.0 => remembers.map(|seconds| seconds.min(between_walls(patience, busy * busy / rate))),
            _ => remembers,
        };
        // Users who wait for their answers are never more than they are, however full the pools.
        let all_users = self.users(app).map(|users| users * busy / rate / workers);
        let relaxation = relaxation.map(|seconds| all_users.map_or(seconds, |all| seconds.min(all)));
        Some(Place { name: format!("the pools of {}", app.name), busy, relaxation })
    }

    fn event_loops(&self, app: &AppSpec) -> Option<Place> {
        let workers = f64::from(app.workers);
        let (requests, occupied) = self.streams(app).fold((0.0, 0.0), |(requests, occupied), (index, stream)| {
            let arrived = self.outcomes.iter().map(|outcome| outcome.streams[index].arrived).sum::<u64>() as f64;
            (requests + arrived, occupied + arrived * demand::of(&stream.steps).occupies)
        });
        let busy = occupied / self.seconds / workers;
        let relaxation = self.remembers(requests / self.seconds / workers, busy, 1.0);
        (occupied > 0.0).then(|| Place { name: format!("the event loops of {}", app.name), busy, relaxation })
    }

    /// How many users there are, if nobody else asks.
    fn users(&self, app: &AppSpec) -> Option<f64> {
        let users = |(_, stream): (usize, &StreamSpec)| match &stream.arrivals {
            ArrivalsSpec::Closed(closed) => Some(f64::from(closed.users)),
            _ => None,
        };
        self.streams(app).map(users).sum()
    }

    /// The longest wait that got a connection, in seconds.
    fn longest_wait(&self, app: &AppSpec) -> Option<f64> {
        let of = |index: usize| self.outcomes.iter().filter_map(move |outcome| outcome.streams[index].pool_wait.max());
        self.streams(app).flat_map(|(index, _)| of(index)).max().map(|ns| ns as f64 / 1e9)
    }

    /// The queue for the cores holds no more statements than there are connections, so it never remembers for longer than
    /// all of them together take.
    fn cores(&self) -> Option<Place> {
        let (ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores }) = self.blueprint.database.service else { return None };
        let cores = f64::from(cores);
        let (statements, service) =
            self.blueprint.workload.iter().enumerate().fold((0.0, 0.0), |(statements, service), (index, stream)| {
                let completed = self.outcomes.iter().map(|outcome| outcome.streams[index].completed).sum::<u64>() as f64;
                let demand = demand::of(&stream.steps);
                (statements + completed * demand.statements, service + completed * demand.service)
            });
        let busy = self.mean(|outcome| outcome.database.busy) / cores;
        let most = self.outcomes.iter().map(|outcome| outcome.database.connections.most).max().unwrap_or(0) as f64;
        let all_together = if statements > 0.0 { most * service / statements / cores } else { 0.0 };
        let relaxation = self.remembers(statements / self.seconds, busy, cores).map(|seconds| seconds.min(all_together));
        Some(Place { name: "the database's cores".to_owned(), busy, relaxation })
    }

    /// `rate` served per second by `servers`, of which so much is in use: by Little's law that says how long they serve.
    fn remembers(&self, rate: f64, busy: f64, servers: f64) -> Option<f64> {
        if rate <= 0.0 || busy <= 0.0 {
            return None;
        }
        relaxation(rate, rate / busy).map(|seconds| seconds.max(busy * servers / rate))
    }

    fn mean(&self, what: impl Fn(&Outcome) -> Count) -> f64 {
        self.outcomes.iter().map(|outcome| what(outcome).mean).sum::<f64>() / self.outcomes.len().max(1) as f64
    }

    /// Checkouts that got a connection.
    fn granted(&self, app: &AppSpec) -> f64 {
        let of = |index: usize| self.outcomes.iter().map(|outcome| outcome.streams[index].pool_wait.count()).sum::<u64>();
        self.streams(app).map(|(index, _)| of(index)).sum::<u64>() as f64
    }

    fn streams(&self, app: &AppSpec) -> impl Iterator<Item = (usize, &StreamSpec)> {
        let name = app.name.clone();
        self.blueprint.workload.iter().enumerate().filter(move |(_, stream)| stream.app == name)
    }
}
