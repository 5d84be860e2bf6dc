//! The queue for a connection, where it is one of theory's.

use super::load::{Coming, Load, Spread};
use super::seen::Seen;
use super::steps::{Shape, Time};
use super::{Metric, Solved};
use crate::answers::words::{percent, plural, seconds};
use crate::measure::theory::closed::Closed;
use crate::measure::theory::constant_service::ConstantService;
use crate::measure::theory::general_service;
use crate::measure::theory::overflow::Overflow;
use crate::measure::theory::phases::{Phased, Source};
use crate::measure::theory::station::{Cores, Station};
use crate::measure::theory::waiting::Waiting;
use crate::parts::database::ServiceSpec;
use crate::parts::pool::PoolSpec;
use crate::parts::pool::sqlalchemy::SqlAlchemy;
use crate::parts::proxy::ProxySpec;
use crate::protocol::driver::DriverSpec;
use crate::simulation::blueprint::Blueprint;

/// An event loop that is busier than this lets requests come to the pool in an order and at a pace of its own.
const BUSY_LOOP: f64 = 0.1;

/// A timeout that is reached less often than this is none.
const NEVER: f64 = 1e-12;

/// A pool, what comes to it, and what is said of it besides figures.
struct Pool<'a> {
    load: Load,
    spec: &'a SqlAlchemy,
    /// Of each worker.
    connections: u64,
    cores: Cores,
    /// Whether the cores are never all busy.
    free: bool,
    /// Time to open a connection, if that is ever waited for.
    opening: Option<Time>,
    timed_out: u64,
    conditions: Vec<String>,
    nearly: Vec<String>,
}

/// What theory says, if this is a pool of its kinds.
pub fn solve(blueprint: &Blueprint, seen: &Seen) -> Option<Solved> {
    let pool = Pool::of(blueprint, seen)?;
    let said = match pool.load.coming {
        Coming::Poisson(rate) => pool.poisson(rate)?,
        _ => pool.others()?,
    };
    Some(Solved {
        model: pool.load.spread.prefix() + &said.model,
        conditions: [pool.conditions, said.conditions].concat(),
        nearly: [pool.nearly, said.nearly].concat(),
        ..said
    })
}

impl Pool<'_> {
    /// Conditions that all results have.
    fn of<'a>(blueprint: &'a Blueprint, seen: &Seen) -> Option<Pool<'a>> {
        let [app] = &blueprint.apps[..] else { return None };
        let PoolSpec::SqlAlchemy(spec) = &app.pool else { return None };
        let plain = blueprint.faults.is_empty()
            && matches!(blueprint.proxy, ProxySpec::Direct)
            && matches!(app.driver, DriverSpec::Ideal)
            && app.concurrency.is_none()
            && spec.pool_recycle.is_none()
            && blueprint.workload.iter().all(|stream| stream.retry.is_none())
            && seen.otherwise_failed == 0;
        if !plain {
            return None;
        }
        let wire = &blueprint.network.app;
        let mut load = Load::of(app, &blueprint.workload, wire)?;
        if spec.pool_pre_ping {
            let trip = Time::of(wire);
            load.hold = load.hold.then(trip);
            load.travelling += trip.mean;
        }
        let connections = app.pool.kind().most_connections()?;
        let cores = cores(&blueprint.database.service);
        let free = cores.suffice_for(connections * u64::from(app.workers));
        let opening = Time::of(&blueprint.database.connect).then(Time::of(wire));
        let opened_late = spec.max_overflow > 0 && opening.mean > 0.0;
        let pool = Pool {
            load,
            spec,
            connections,
            cores,
            free,
            opening: opened_late.then_some(opening),
            timed_out: seen.timed_out,
            conditions: Vec::new(),
            nearly: Vec::new(),
        };
        pool.with_conditions()
    }

    fn with_conditions(mut self) -> Option<Self> {
        let alone = self.load.spread == Spread::One && self.load.is_one_statement && self.load.travelling == 0.0;
        let slowed = !self.free;
        if self.load.hold.mean == 0.0 || self.load.looping > BUSY_LOOP || (slowed && !(alone && self.load.hold.shape == Shape::Exponential))
        {
            return None;
        }
        self.conditions.push(self.load.coming.sentence());
        self.conditions.extend(self.load.spread.sentence());
        let hold = format!("a connection is held for {} on average, {}", seconds(self.load.hold.mean), self.load.hold.shape.words());
        self.conditions.push(hold + if slowed { ", and longer by how many hold one" } else { "" });
        if self.load.looping > 0.0 {
            let share = percent(self.load.looping);
            self.nearly.push(format!("requests are not held up before the pool: their steps occupy {share} of an event loop"));
        }
        Some(self)
    }

    /// Poisson arrivals to the stream.
    fn poisson(&self, rate: f64) -> Option<Solved> {
        let Load { hold, spread, .. } = self.load;
        let each = rate / f64::from(spread.pools());
        let in_turn = matches!(spread, Spread::Turns(_));
        match (self.opening, hold.shape) {
            (Some(opening), Shape::Exponential) if self.free && !in_turn => self.overflow(each, opening),
            (Some(_), _) => None,
            _ if self.spec.pool_timeout.is_some_and(|timeout| timeout.is_zero()) => self.loss(each).filter(|_| !in_turn),
            (None, Shape::Exponential) if in_turn => self.phased(Source::every(spread.pools(), rate), format!("E{}", spread.pools())),
            (None, Shape::Exponential) => self.waiting(each),
            (None, Shape::Constant) => self.constant(if in_turn { rate } else { each }, in_turn),
            (None, Shape::Other) => self.general(each).filter(|_| !in_turn),
        }
    }

    /// Everything that comes otherwise.
    fn others(&self) -> Option<Solved> {
        if self.opening.is_some() || self.load.hold.shape != Shape::Exponential || self.load.spread != Spread::One {
            return None;
        }
        match &self.load.coming {
            Coming::Poisson(_) => None,
            Coming::Bursts(rates, lengths) => self.phased(Source::two_rates(*rates, *lengths), "MMPP".to_owned()),
            Coming::Batches(rate, sizes) => self.phased(Source::batches(*rate, sizes), "M[X]".to_owned()),
            Coming::Closed(users, think) => self.closed(*users, *think),
        }
    }

    fn waiting(&self, arrivals: f64) -> Option<Solved> {
        let patience = self.spec.pool_timeout.map(|timeout| timeout.seconds());
        let found = Waiting::new(arrivals, &self.station(), patience)?;
        let mut solved = waits(format!("M/{}/{}", self.holders(), self.connections), found.prob_wait(), found.mean_wait());
        solved.says.push((Metric::WaitP99, found.wait_quantile(0.99)));
        if found.prob_refused() < NEVER {
            return self.patiently(solved);
        }
        if let Some(patience) = patience {
            solved.model += "+D";
            solved.conditions.push(format!("who has waited {} leaves", seconds(patience)));
            solved.says.push((Metric::ErrorRate, found.prob_refused()));
        }
        Some(solved)
    }

    /// Holds in any distribution: the loss system does not feel it.
    fn loss(&self, arrivals: f64) -> Option<Solved> {
        let found = Waiting::new(arrivals, &self.station(), Some(0.0)).filter(|_| self.free)?;
        Some(Solved {
            model: format!("M/G/{0}/{0}", self.connections),
            conditions: vec!["who finds no connection leaves at once".to_owned()],
            nearly: Vec::new(),
            waited: 0.0,
            says: vec![(Metric::ErrorRate, found.prob_refused())],
        })
    }

    fn phased(&self, source: Source, name: String) -> Option<Solved> {
        let found = Phased::new(&source, &self.station())?;
        self.patiently(waits(format!("{name}/{}/{}", self.holders(), self.connections), found.prob_wait, found.mean_wait))
    }

    fn constant(&self, arrivals: f64, in_turn: bool) -> Option<Solved> {
        let pools = if in_turn { self.load.spread.pools() } else { 1 };
        let found = ConstantService::new(arrivals, pools, self.connections, self.load.hold.mean)?;
        let name = if in_turn { format!("E{pools}") } else { "M".to_owned() };
        self.patiently(waits(format!("{name}/D/{}", self.connections), found.prob_wait, found.mean_wait))
    }

    fn general(&self, arrivals: f64) -> Option<Solved> {
        let cv = self.load.hold.cv()?;
        let mean = general_service::mean_wait(arrivals, self.connections, self.load.hold.mean, cv)?;
        // The share of those who wait is about that of exponential holds.
        let waited = Waiting::new(arrivals, &self.station(), None)?.prob_wait();
        let mut solved = Solved { says: vec![(Metric::MeanWait, mean)], ..waits(format!("M/G/{}", self.connections), waited, mean) };
        solved.conditions.push(format!("the time for which it is held has a coefficient of variation of {cv:.2}"));
        if self.load.travelling > 0.0 {
            solved.conditions.push(format!("{} of that are round trips", seconds(self.load.travelling)));
        }
        if self.connections > 1 {
            solved.nearly.push("the mean wait depends on the first two moments of the hold alone (Lee and Longton)".to_owned());
        }
        self.patiently(solved)
    }

    fn overflow(&self, arrivals: f64, opening: Time) -> Option<Solved> {
        let overflow = Overflow {
            pool_size: self.spec.pool_size,
            max_overflow: u32::try_from(self.spec.max_overflow).ok()?,
            arrivals,
            hold: self.load.hold.mean,
            connect: opening.mean,
        };
        let found = overflow.steady_state()?;
        let name = format!("M/M/{}+{} overflow", self.spec.pool_size, self.spec.max_overflow);
        let mut solved = waits(name, found.prob_wait, found.mean_wait);
        solved.conditions.push(format!("opening a connection takes {} on average, {}", seconds(opening.mean), opening.shape.words()));
        if opening.shape != Shape::Exponential {
            solved.nearly.push("the time to open a connection is exponential".to_owned());
        }
        self.patiently(solved)
    }

    fn closed(&self, users: u32, think: f64) -> Option<Solved> {
        let found = Closed::new(users, think, self.station())?;
        let name = format!("M/{}/{}//{users}", self.holders(), self.connections);
        let mut solved = waits(name, found.prob_wait(), found.mean_wait());
        solved.says.push((Metric::WaitP99, found.wait_quantile(0.99)));
        solved.says.push((Metric::Throughput, found.throughput()));
        self.patiently(solved)
    }

    /// A result for waiters who never leave holds where none has left.
    fn patiently(&self, mut solved: Solved) -> Option<Solved> {
        if let Some(timeout) = self.spec.pool_timeout {
            solved.conditions.push(format!("nobody waited {}, after which one would leave", seconds(timeout.seconds())));
        }
        (self.timed_out == 0).then_some(solved)
    }

    fn station(&self) -> Station {
        Station::new(self.connections, self.load.hold.mean, if self.free { Cores::Enough } else { self.cores })
    }

    /// Exponential holds, or such that get longer by how many there are.
    fn holders(&self) -> &'static str {
        if self.free { "M" } else { "M(n)" }
    }
}

fn waits(model: String, waited: f64, mean: f64) -> Solved {
    let says = vec![(Metric::MeanWait, mean), (Metric::Waited, waited)];
    Solved { model, conditions: Vec::new(), nearly: Vec::new(), waited, says }
}

/// The database as theory sees it.
pub fn cores(service: &ServiceSpec) -> Cores {
    match *service {
        ServiceSpec::Delay => Cores::Enough,
        ServiceSpec::Queue { cores } => Cores::Fixed(cores),
        ServiceSpec::Sharing { cores, sigma, kappa } => Cores::Shared { cores, sigma, kappa },
    }
}

impl Shape {
    fn words(self) -> &'static str {
        match self {
            Shape::Constant => "always the same",
            Shape::Exponential => "exponentially distributed",
            Shape::Other => "neither constant nor exponential",
        }
    }
}

impl Coming {
    fn sentence(&self) -> String {
        match self {
            Coming::Poisson(rate) => format!("{rate} requests a second come as a Poisson stream"),
            Coming::Bursts(..) => "requests come as a Poisson stream whose rate changes between two values".to_owned(),
            Coming::Batches(rate, _) => format!("{rate} batches a second come as a Poisson stream"),
            Coming::Closed(users, think) => format!("{} think for {} on average", plural(u64::from(*users), "user"), seconds(*think)),
        }
    }
}

impl Spread {
    fn sentence(self) -> Option<String> {
        match self {
            Spread::One => None,
            Spread::Chance(pools) => Some(format!("each goes to one of {pools} workers by chance")),
            Spread::Turns(pools) => Some(format!("each of {pools} workers gets every {pools}th")),
        }
    }

    fn prefix(self) -> String {
        if self == Spread::One { String::new() } else { format!("{} × ", self.pools()) }
    }
}
