//! A model's costs measured in the same sitting: what runs at a low rate beside the experiment, and what is taken from it.

use super::super::words;
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::measure::recording::Recording;
use crate::measure::recording::costs::{Costs, Times};
use crate::parts::client::StreamSpec;
use crate::parts::database::ServiceSpec;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::{ArrivalsSpec, Closed, Poisson};
use crate::protocol::driver::{Custom, DriverSpec};
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// Costs are measured while little goes on, and by requests that come at random: in a loop without a pause processes never
/// sleep, and answer faster than an application ever sees.
pub struct Sitting {
    probes: Vec<Probe>,
    /// Round trips to the database, or to the proxy if there is one.
    trips: Trips,
    statements_compute: bool,
}

/// Round trips in seconds.
#[derive(Clone, Debug, Default)]
pub struct Trips {
    /// To the database itself.
    pub direct: Times,
    /// Through the proxy, if there is one.
    pub proxied: Option<Times>,
    /// Connections opened to the database by the proxy's side or by a client without a pool.
    pub connect: Times,
}

/// One kind of app under measurement, and what was seen of it.
struct Probe {
    app: AppSpec,
    /// Two short statements in a session.
    short: Costs,
    /// One long statement.
    long: Costs,
    /// On a connection of its own each time.
    opened: Costs,
    /// After a ping.
    pinged: Costs,
    /// What a connection's set-up takes of a worker's event loop.
    set_up: Times,
}

/// What was measured, for people: an operation, its mean and the spread of half of its times in seconds, how often.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Measured {
    /// The operation.
    pub what: String,
    /// Mean seconds, without the slowest in a hundred.
    pub mean: f64,
    /// A quarter of them took no longer than the first, three quarters no longer than the second.
    pub quartiles: [f64; 2],
    /// How many were seen.
    pub count: u64,
}

const SHORT: Span = Span::from_millis(2);
const LONG: Span = Span::from_millis(8);
/// Requests per second and kind, at least and at most.
const RATES: [f64; 2] = [20.0, 80.0];
const STREAMS_OF_A_PROBE: u32 = 4;

impl Sitting {
    /// For the apps of a system.
    pub fn new(blueprint: &Blueprint, trips: Trips) -> Sitting {
        let mut probes: Vec<Probe> = Vec::new();
        for app in &blueprint.apps {
            if !probes.iter().any(|probe| is_like(&probe.app, app)) {
                let [short, long, opened, pinged] = std::array::from_fn(|_| Costs::default());
                probes.push(Probe { app: app.clone(), short, long, opened, pinged, set_up: Times::default() });
            }
        }
        Sitting { probes, trips, statements_compute: false }
    }

    /// What is to be run for a few seconds.
    pub fn blueprint(&self, blueprint: &Blueprint) -> Blueprint {
        let mut quiet = Blueprint { workload: Vec::new(), apps: Vec::new(), faults: Vec::new(), ..blueprint.clone() };
        if let ProxySpec::PgBouncer(spec) = &mut quiet.proxy {
            // Nobody is to wait for a place there.
            spec.default_pool_size = spec.default_pool_size.max(40);
            spec.max_db_connections = 0;
            spec.max_user_connections = 0;
        }
        let pace = Pace::of(blueprint);
        for (index, probe) in self.probes.iter().enumerate() {
            let apps = [
                ("warm", warm(&probe.app.pool, pace.at_once("warm").1)),
                ("opened", opened(&probe.app.pool)),
                ("pinged", pinged(&probe.app.pool)),
            ];
            let name = |kind: &str| format!("{kind} {index}");
            for (kind, pool) in apps {
                if let Some(pool) = pool {
                    quiet.apps.push(AppSpec {
                        name: name(kind),
                        workers: 1,
                        concurrency: Some(pace.at_once(kind).0),
                        pool,
                        ..probe.app.clone()
                    });
                }
            }
            let there = |kind: &str| quiet.apps.iter().any(|app| app.name == name(kind));
            // All four are always there, so that a stream's number tells what it is; what has no app of its own comes never.
            let streams = [
                ("short", "warm", vec![SHORT; 2]),
                ("long", "warm", vec![LONG]),
                ("opened", "opened", vec![SHORT]),
                ("pinged", "pinged", vec![SHORT]),
            ];
            for (stream, app, demands) in streams {
                let steps = demands.into_iter().map(|demand| StepSpec::Query(LatencySpec::always(demand))).collect();
                let (app, arrivals) =
                    if there(app) { (name(app), pace.arrivals(app)) } else { (name("warm"), Poisson { rate: SELDOM }.into()) };
                quiet.workload.push(StreamSpec::new(&name(stream), &app, arrivals, vec![StepSpec::Session(steps)]));
            }
        }
        quiet
    }

    /// Takes in what a run of [`Sitting::blueprint`] has written down.
    pub fn add(&mut self, recording: &Recording) {
        self.statements_compute = recording.about.statements == "compute";
        for (probe, first) in self.probes.iter_mut().zip((0..).step_by(STREAMS_OF_A_PROBE as usize)) {
            probe.short.merge(&Costs::of(recording, first));
            probe.long.merge(&Costs::of(recording, first + 1));
            probe.opened.merge(&Costs::of(recording, first + 2));
            probe.pinged.merge(&Costs::of(recording, first + 3));
            let is_its = |name: &String| name.ends_with(&format!(" {}", first / STREAMS_OF_A_PROBE));
            let workers = recording.about.workers.iter().zip(&recording.about.set_ups).filter(|(name, _)| is_its(name));
            probe.set_up.merge(&Times::of(workers.map(|(_, nanos)| *nanos as f64 / 1e9)));
        }
    }

    /// More round trips and connections, of another round.
    pub fn add_trips(&mut self, trips: &Trips) {
        self.trips.direct.merge(&trips.direct);
        self.trips.connect.merge(&trips.connect);
        if let Some(proxied) = &trips.proxied {
            self.trips.proxied.get_or_insert_default().merge(proxied);
        }
    }

    /// The driver of the first app as a file writes it, measured without a proxy.
    pub fn driver_text(&self) -> String {
        let driver = self.probes.first().map(|probe| probe.driver(self.trips.direct.mean().unwrap_or(0.0), self.pace()));
        let Some(DriverSpec::Custom(times)) = driver else { return "Ideal".to_owned() };
        let known = times.named().into_iter().filter(|(_, latency)| **latency != LatencySpec::default());
        // Means are enough to be copied: what a request meets is the sum of several.
        let mean = |latency: &LatencySpec| Span::from_nanos(latency.prepare().mean() as u64 / 1_000 * 1_000);
        let words: Vec<String> = known.map(|(name, latency)| format!("{name}: Constant(\"{}\")", mean(latency))).collect();
        format!("Custom({})", words.join(", "))
    }

    /// The system with what was measured in place of what its models say: drivers, connection set-up and wires. How
    /// statements share the server stays as it is.
    pub fn model(&self, blueprint: &Blueprint) -> Blueprint {
        let mut model = blueprint.clone();
        let direct = self.trips.direct.mean().unwrap_or(0.0);
        model.network.app = LatencySpec::always(Span::from_seconds(direct));
        model.network.proxy = LatencySpec::always(Span::from_seconds(self.behind_proxy(&blueprint.proxy)));
        let whole = self.whole_trip(&blueprint.proxy);
        for app in &mut model.apps {
            let probe = self.probes.iter().find(|probe| is_like(&probe.app, app)).expect("every kind of app was measured");
            app.driver = probe.driver(whole, self.pace());
        }
        model.database.connect = self.connects(direct).latency();
        model
    }

    /// How much longer computing took than was asked for, with little else going on. Sleeping takes as long as it should.
    pub fn pace(&self) -> f64 {
        let pace = |probe: &Probe| Some(1.0 + (probe.long.first.mean()? - probe.short.first.mean()?) / (LONG.seconds() - SHORT.seconds()));
        let first = self.probes.first().filter(|_| self.statements_compute);
        first.and_then(pace).filter(|pace| (0.2..5.0).contains(pace)).unwrap_or(1.0)
    }

    /// What was measured, in words.
    pub fn measured(&self) -> Vec<Measured> {
        let mut all = Vec::new();
        let mut tell = |what: &str, times: &Times| {
            if let (Some(mean), Some(low), Some(high)) = (times.mean(), times.quantile(0.25), times.quantile(0.75)) {
                all.push(Measured { what: what.to_owned(), mean, quartiles: [low, high], count: times.count() as u64 });
            }
        };
        tell("round trip to the database", &self.trips.direct);
        if let Some(proxied) = &self.trips.proxied {
            tell("round trip through the proxy", proxied);
        }
        tell("opening a connection", &self.trips.connect);
        for probe in &self.probes {
            let of = |what: &str| if self.probes.len() > 1 { format!("{what}, {}", probe.app.name) } else { what.to_owned() };
            tell(&of("checkout"), &probe.short.checkout);
            tell(&of("first statement beyond its demand"), probe.first());
            tell(&of("later statement beyond its demand"), &probe.short.later);
            tell(&of("giving back"), &probe.short.give_back);
            if probe.opened.fresh.count() > 0 {
                tell(&of("opening one by the library"), &probe.opened.connect);
                tell(&of("of that, of its event loop"), &probe.set_up);
                tell(&of("first statement on a new connection"), &probe.opened.fresh);
                tell(&of("giving back and closing"), &probe.opened.give_back);
            }
            tell(&of("checkout with a ping"), &probe.pinged.checkout);
        }
        all
    }

    /// What is to be said of it.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.statements_compute {
            notes.push(format!(
                "a statement computed {} longer than it was to, alone: the model's demands are taken {:.2} times",
                words::percent(self.pace() - 1.0),
                self.pace()
            ));
        }
        notes
    }

    /// Connections opened to the database beyond a round trip: as the library saw it without what it computed itself, or behind
    /// a proxy as the proxy does.
    fn connects(&self, trip: f64) -> Times {
        let mut all = Times::default();
        if self.trips.proxied.is_none() {
            self.probes.iter().for_each(|probe| all.merge(&probe.opened.connect.less(trip + probe.set_up.mean().unwrap_or(0.0))));
        }
        if all.count() < FEWEST { self.trips.connect.less(trip) } else { all }
    }

    fn behind_proxy(&self, proxy: &ProxySpec) -> f64 {
        let (Some(proxied), Some(direct)) = (self.trips.proxied.as_ref().and_then(Times::mean), self.trips.direct.mean()) else {
            return 0.0;
        };
        (proxied - direct - own_time(proxy)).max(5e-6)
    }

    /// What a message and its answer take in the model, all the way.
    fn whole_trip(&self, proxy: &ProxySpec) -> f64 {
        let direct = self.trips.direct.mean().unwrap_or(0.0);
        if *proxy == ProxySpec::Direct { direct } else { direct + self.behind_proxy(proxy) + own_time(proxy) }
    }
}

/// How often what is asked.
enum Pace {
    /// Statements sleep: so many of each kind a second.
    Rate(f64),
    /// Statements compute: one after the other, without a pause, on one connection. A core that was asleep for some
    /// milliseconds computes a seventh slower than one that is kept busy, as the cores of a system that computes are.
    Busy,
}

impl Pace {
    /// As often as a worker of the system is asked, within bounds: a process that sleeps longer is slower to answer. Seldom where
    /// users come when they were answered.
    fn of(blueprint: &Blueprint) -> Pace {
        if blueprint.database.service != ServiceSpec::Delay {
            return Pace::Busy;
        }
        let [least, most] = RATES;
        let workers: u32 = blueprint.apps.iter().map(|app| app.workers).sum();
        let rates = blueprint.workload.iter().filter_map(|stream| stream.arrivals.kind().rate());
        Pace::Rate((rates.sum::<f64>() / f64::from(workers.max(1))).clamp(least, most))
    }

    /// To open many connections is load of its own, under which everything else would be measured.
    fn arrivals(&self, app: &str) -> ArrivalsSpec {
        match (self, app) {
            (Pace::Rate(rate), "warm" | "pinged") => Poisson { rate: *rate }.into(),
            (Pace::Rate(_), _) => Poisson { rate: RATES[0] }.into(),
            (Pace::Busy, "warm") => Closed { users: 1, think: LatencySpec::default() }.into(),
            (Pace::Busy, _) => Poisson { rate: 0.25 * RATES[0] }.into(),
        }
    }

    /// Requests of a worker at once, and connections for them.
    fn at_once(&self, app: &str) -> (u32, u32) {
        match (self, app) {
            (Pace::Busy, "warm") => (1, 1),
            _ => (20, 10),
        }
    }
}

/// Less than once in a run.
const SELDOM: f64 = 1e-6;
/// Fewer times than these make no distribution.
const FEWEST: usize = 10;

impl Probe {
    /// First statements on connections as the app will have them.
    fn first(&self) -> &Times {
        if self.app.pool == PoolSpec::NullPool { &self.opened.fresh } else { &self.short.first }
    }

    /// The driver's own times: what was measured, less the round trips that the model adds by itself.
    fn driver(&self, trip: f64, pace: f64) -> DriverSpec {
        // Demands are slower by `pace`; what is the server's is not the driver's.
        let slower = (pace - 1.0) * SHORT.seconds();
        let statement = self.short.later.less(trip + slower);
        let begin = self.first().less(trip + slower).less(statement.mean().unwrap_or(0.0));
        let warm = self.short.give_back.mean().unwrap_or(0.0);
        let checkout = self.short.checkout.mean().unwrap_or(0.0);
        DriverSpec::Custom(Box::new(Custom {
            checkout: self.short.checkout.latency(),
            statement: statement.latency(),
            begin: begin.latency(),
            ping: self.pinged.checkout.less(checkout + trip).latency(),
            reset: self.short.give_back.less(trip).latency(),
            close: self.opened.give_back.less(warm).latency(),
            connect: self.set_up.mean().map_or(LatencySpec::default(), |mean| LatencySpec::always(Span::from_seconds(mean))),
        }))
    }
}

fn own_time(proxy: &ProxySpec) -> f64 {
    match proxy {
        ProxySpec::PgBouncer(spec) => spec.cpu_per_query.seconds(),
        _ => 0.0,
    }
}

/// Costs are the same for apps whose libraries are: how large the pools are does not matter.
fn is_like(one: &AppSpec, other: &AppSpec) -> bool {
    let resets = |app: &AppSpec| match &app.pool {
        PoolSpec::SqlAlchemy(pool) => Some((pool.pool_reset_on_return, pool.pool_pre_ping)),
        _ => None,
    };
    let same = std::mem::discriminant(&one.pool) == std::mem::discriminant(&other.pool);
    same && one.driver == other.driver && resets(one) == resets(other)
}

/// A pool in which nobody waits and nothing is replaced.
fn warm(pool: &PoolSpec, connections: u32) -> Option<PoolSpec> {
    Some(match pool {
        PoolSpec::SqlAlchemy(pool) => {
            let mut warm = pool.clone();
            (warm.pool_size, warm.max_overflow, warm.pool_recycle, warm.pool_pre_ping) = (connections, 0, None, false);
            warm.into()
        }
        PoolSpec::NullPool => crate::parts::pool::sqlalchemy::SqlAlchemy { pool_size: connections, ..Default::default() }.into(),
        other => other.clone(),
    })
}

fn opened(pool: &PoolSpec) -> Option<PoolSpec> {
    matches!(pool, PoolSpec::SqlAlchemy(_) | PoolSpec::NullPool).then_some(PoolSpec::NullPool)
}

fn pinged(pool: &PoolSpec) -> Option<PoolSpec> {
    let PoolSpec::SqlAlchemy(pool) = pool else { return None };
    let pinged = crate::parts::pool::sqlalchemy::SqlAlchemy { pool_size: 10, max_overflow: 0, pool_recycle: None, ..pool.clone() };
    pool.pool_pre_ping.then(|| pinged.into())
}
