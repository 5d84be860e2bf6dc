//! How near the pools are to a wait that is too long: an observer that stops the run on the way there, and can be copied.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::kernel::time::{SimTime, Span};
use crate::protocol::cx::World;
use crate::protocol::event::{Event, RequestId, WorkerId};
use crate::protocol::fact::{Fact, PoolStep, Steps};
use crate::protocol::request::Stage;
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// Which waits for a connection are too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// Those that the pool ends without a connection.
    TimedOut,
    /// Those of more than this, however they end.
    Above(Span),
}

/// Where to stop: heights, see [`Brink::height`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stops {
    /// The climb is over when the height falls to this.
    pub calm: f64,
    /// The next level up.
    pub level: f64,
    /// Whether to stop down there too.
    pub at_calm: bool,
}

impl Stops {
    /// Nowhere.
    pub const NONE: Stops = Stops { calm: f64::NEG_INFINITY, level: f64::INFINITY, at_calm: false };
}

/// Watches how near each pool is to a wait that is too long, and counts those that were.
#[derive(Clone, Debug)]
pub struct Brink {
    // Parameters.
    too_long: TooLong,
    /// Of each worker's pool, in nanoseconds: how long a wait there may be. Without, the pool is not looked at.
    patience: Arc<[Option<f64>]>,
    /// In nanoseconds for each place in the line.
    pace: f64,
    stops: Stops,
    // State.
    pools: Vec<Line>,
    /// The pools that may be at another height than when they were looked at last.
    touched: Vec<usize>,
    /// A wait became too long in this event.
    struck: bool,
    /// How near the nearest pool is.
    height: f64,
    /// Has been calm since it was last at the level.
    armed: bool,
    stopped: Option<Stop>,
    // Statistics.
    /// Too long waits since the system was last calm.
    pub hits: u64,
    /// Requests that arrived.
    pub requests: u64,
    /// Checkouts that were begun.
    pub checkouts: u64,
    /// The greatest height since it was last told where to stop.
    pub peak: f64,
    places: f64,
    waited: f64,
}

/// Where the run has stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At the level, or above it.
    Level,
    /// Down where it is calm.
    Calm,
}

/// Whoever deals with one pool, in the order in which they asked; who has gone on is left out when the head is looked at.
#[derive(Clone, Debug, Default)]
struct Line {
    asked: VecDeque<Asked>,
    height: f64,
    touched: bool,
}

#[derive(Clone, Copy, Debug)]
struct Asked {
    request: RequestId,
    at: SimTime,
    /// Its place in the line, from 1.
    place: u64,
}

/// What the age of the oldest waiter counts beside the length of the line, both taken as time. Where connections are held
/// for independent times the line alone says what is to come; where something holds all of them up the age does. A height
/// that neglects one of them is right too, only wasteful.
const WEIGHT_OF_AGE: f64 = 0.5;

impl Brink {
    /// Watches the pools of these workers; each place in the line is taken for a wait of `pace` nanoseconds.
    pub fn new(too_long: TooLong, patience: Arc<[Option<f64>]>, pace: f64) -> Brink {
        Brink {
            too_long,
            pools: vec![Line::default(); patience.len()],
            patience,
            pace,
            stops: Stops::NONE,
            touched: Vec::new(),
            struck: false,
            height: 0.0,
            armed: false,
            stopped: None,
            hits: 0,
            requests: 0,
            checkouts: 0,
            peak: f64::NEG_INFINITY,
            places: 0.0,
            waited: 0.0,
        }
    }

    /// Stops there from now on.
    pub fn stop_at(&mut self, stops: Stops) {
        self.stops = stops;
        self.armed = self.armed || stops.at_calm;
        self.peak = self.height;
        self.stopped = None;
    }

    /// Where the run has stopped, if it has since this was last asked.
    pub fn take_stop(&mut self) -> Option<Stop> {
        self.stopped.take()
    }

    /// From now on each place in the line is taken for a wait of `pace` nanoseconds.
    pub fn walk_at(&mut self, pace: f64) {
        self.pace = pace;
    }

    /// How near the nearest pool is to a wait that is too long: below 0 while nobody waits there (-1 if nothing is lent,
    /// towards 0 the fewer are left), above 0 the line's length and age as a share of how long a wait may be, and above all
    /// levels at the very event that makes a wait too long, so that none is ever met below a level.
    pub fn height(&self) -> f64 {
        self.height
    }

    /// How long a place in the line lasted on average, in nanoseconds; nothing if nobody has waited.
    pub fn pace(&self) -> Option<f64> {
        (self.places > 0.0).then(|| self.waited / self.places)
    }

    fn asks(&mut self, worker: WorkerId, request: RequestId, world: &World) {
        let place = worker.index();
        self.checkouts += 1;
        if self.patience[place].is_none() {
            return;
        }
        self.touch(worker);
        let line = &mut self.pools[place];
        let asked = Asked { request, at: world.requests[request].asked, place: line.asked.len() as u64 + 1 };
        line.asked.push_back(asked);
    }

    fn gets(&mut self, now: SimTime, worker: WorkerId, request: RequestId, world: &World) {
        let Some(patience) = self.patience[worker.index()] else { return };
        let waited = now - world.requests[request].asked;
        if let Some(asked) = self.pools[worker.index()].asked.iter().find(|asked| asked.request == request)
            && !waited.is_zero()
        {
            self.places += asked.place as f64;
            self.waited += waited.nanos() as f64;
        }
        if self.too_long != TooLong::TimedOut && waited.nanos() as f64 > patience {
            self.hit();
        }
    }

    fn touch(&mut self, worker: WorkerId) {
        if !std::mem::replace(&mut self.pools[worker.index()].touched, true) {
            self.touched.push(worker.index());
        }
    }

    fn hit(&mut self) {
        self.hits += 1;
        self.struck = true;
    }

    fn times_out(&mut self, now: SimTime, request: Option<RequestId>, worker: WorkerId, world: &World) {
        match (self.too_long, self.patience[worker.index()], request.and_then(|request| world.requests.get(request))) {
            (TooLong::TimedOut, Some(_), _) => self.hit(),
            (TooLong::Above(_), Some(patience), Some(asked)) if (now - asked.asked).nanos() as f64 > patience => self.hit(),
            _ => {}
        }
    }

    /// Looks at the pools where something has changed or somebody waits, and takes the nearest of all.
    fn look(&mut self, now: SimTime, model: &Model) {
        let (pools, patience, pace) = (&mut self.pools, &self.patience, self.pace);
        self.touched.retain(|place| {
            let line = &mut pools[*place];
            line.forget(model);
            let gauges = model.pools()[*place].gauges();
            line.height = match (line.asked.front(), patience[*place]) {
                (Some(first), Some(patience)) if gauges.pending > 0 || now > first.at => {
                    (gauges.pending as f64 * pace + WEIGHT_OF_AGE * (now - first.at).nanos() as f64) / patience
                }
                _ => gauges.limit.map_or(-1.0, |limit| (gauges.in_use as f64 / limit.max(1) as f64).min(1.0) - 1.0),
            };
            line.touched = !line.asked.is_empty();
            line.touched
        });
        self.height = pools.iter().map(|line| line.height).fold(f64::NEG_INFINITY, f64::max);
        if std::mem::take(&mut self.struck) {
            self.height = f64::MAX;
        }
    }
}

impl Line {
    /// Leaves out those at the head who no longer wait.
    fn forget(&mut self, model: &Model) {
        let waits = |asked: &Asked| {
            let living = model.world.requests.get(asked.request);
            living.is_some_and(|request| request.stage == Stage::Acquiring && request.asked == asked.at)
        };
        while self.asked.front().is_some_and(|asked| !waits(asked)) {
            self.asked.pop_front();
        }
    }
}

impl Observer for Brink {
    fn steps(&self) -> Steps {
        Steps::of(&[PoolStep::Request, PoolStep::Checkout, PoolStep::Checkin, PoolStep::Timeout])
    }

    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        match *fact {
            Fact::Arrived { .. } => self.requests += 1,
            Fact::Pool { worker, step: PoolStep::Request, request: Some(request), .. } => self.asks(worker, request, world),
            Fact::Pool { worker, step: PoolStep::Checkout, request: Some(request), .. } => self.gets(now, worker, request, world),
            Fact::Pool { worker, step: PoolStep::Timeout, request, .. } => self.times_out(now, request, worker, world),
            _ => {}
        }
    }

    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        self.look(now, model);
        self.peak = self.peak.max(self.height);
        self.stopped = None;
        if self.height >= self.stops.level && self.armed {
            self.armed = false;
            self.stopped = Some(Stop::Level);
        } else if self.height <= self.stops.calm {
            self.armed = true;
            if self.stops.at_calm {
                self.stopped = Some(Stop::Calm);
            } else {
                self.hits = 0;
            }
        }
    }

    fn is_satisfied(&self) -> bool {
        self.stopped.is_some()
    }
}
