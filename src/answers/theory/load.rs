//! How requests come to the pools of an app, and for how long each holds a connection.

use crate::kernel::latency::LatencySpec;
use crate::parts::client::{Balance, StreamSpec};
use crate::parts::workload::{ArrivalsSpec, Size};
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::AppSpec;

use super::steps::{Doing, Session, Shape, Time};

/// The requests of an app.
pub struct Load {
    /// When they come.
    pub coming: Coming,
    /// To which worker.
    pub spread: Spread,
    /// How long each holds a connection, its round trips included.
    pub hold: Time,
    /// Seconds of `hold` that are round trips.
    pub travelling: f64,
    /// Whether a single statement is all for which a connection is held.
    pub is_one_statement: bool,
    /// How much of the time a worker's event loop is occupied.
    pub looping: f64,
}

/// When requests come; per second.
pub enum Coming {
    /// At any time.
    Poisson(f64),
    /// At one of two rates, which last for so many seconds on average.
    Bursts([f64; 2], [f64; 2]),
    /// Several at once, with weights.
    Batches(f64, Vec<(f64, u32)>),
    /// After a user has thought for so many seconds on average.
    Closed(u32, f64),
}

/// Which of the workers a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    /// The only one.
    One,
    /// One of so many by chance: each gets a Poisson stream of its own.
    Chance(u32),
    /// One of so many in turn: each gets every so-manyth request.
    Turns(u32),
}

impl Load {
    /// Of an app and its streams, if they are simple enough.
    pub fn of(app: &AppSpec, workload: &[StreamSpec], wire: &LatencySpec) -> Option<Load> {
        let spread = Spread::of(app)?;
        let sessions: Vec<Session> = workload.iter().map(|stream| Session::of(&stream.steps)).collect::<Option<_>>()?;
        let doing: Vec<Doing> = workload.iter().map(|stream| Doing::of(&stream.steps)).collect();
        let trip = Time::of(wire);
        let held = |session: &Session| travelled(session, trip);
        let (coming, hold, trips, looping) = match workload {
            [only] => {
                let (coming, rate) = Coming::of(only, &doing[0])?;
                (coming, held(&sessions[0]), sessions[0].trips, rate * doing[0].looping)
            }
            several => {
                let rates: Vec<f64> = several.iter().map(poisson).collect::<Option<_>>()?;
                let all: f64 = rates.iter().sum();
                let average = |what: &dyn Fn(usize) -> f64| (0..rates.len()).map(|i| rates[i] / all * what(i)).sum::<f64>();
                let holds: Vec<(f64, Time)> = rates.iter().copied().zip(sessions.iter().map(held)).collect();
                let looping = all * average(&|i| doing[i].looping);
                (Coming::Poisson(all), Time::one_of(&holds), average(&|i| sessions[i].trips), looping)
            }
        };
        Some(Load {
            coming,
            spread,
            hold,
            travelling: trips * trip.mean,
            is_one_statement: sessions.iter().all(|session| session.is_one_statement),
            looping: looping / f64::from(app.workers),
        })
    }
}

/// With the time of its messages; each round trip takes as long as any other.
fn travelled(session: &Session, trip: Time) -> Time {
    let variance = trip.variance.map(|variance| session.trips * variance);
    let mean = session.trips * trip.mean;
    let shape = if mean == 0.0 || trip.shape == Shape::Constant { Shape::Constant } else { Shape::Other };
    session.hold.then(Time { mean, variance, shape })
}

fn poisson(stream: &StreamSpec) -> Option<f64> {
    if let ArrivalsSpec::Poisson(poisson) = &stream.arrivals { Some(poisson.rate) } else { None }
}

impl Coming {
    /// The arrivals of one stream and their rate; that of users is not known beforehand, so they must not need the loop.
    fn of(stream: &StreamSpec, doing: &Doing) -> Option<(Coming, f64)> {
        Some(match &stream.arrivals {
            ArrivalsSpec::Poisson(poisson) => (Coming::Poisson(poisson.rate), poisson.rate),
            ArrivalsSpec::Bursts(bursts) => {
                let lengths = [bursts.mean_quiet.seconds(), bursts.mean_burst.seconds()];
                (Coming::Bursts([bursts.quiet, bursts.burst], lengths), stream.arrivals.kind().rate()?)
            }
            ArrivalsSpec::Batches(batches) => {
                let sizes = match &batches.size {
                    Size::Always(size) => vec![(1.0, *size)],
                    Size::Weighted(sizes) => sizes.clone(),
                };
                (Coming::Batches(batches.rate, sizes), stream.arrivals.kind().rate()?)
            }
            ArrivalsSpec::Closed(closed) if doing.looping == 0.0 => {
                (Coming::Closed(closed.users, Time::of(&closed.think).mean + outside(stream)), 0.0)
            }
            _ => return None,
        })
    }
}

/// Seconds that a request waits for something else without a connection.
fn outside(stream: &StreamSpec) -> f64 {
    let own: Vec<_> = stream.steps.iter().filter(|step| matches!(step, StepSpec::Await(_))).cloned().collect();
    Doing::of(&own).awaiting
}

impl Spread {
    fn of(app: &AppSpec) -> Option<Spread> {
        match (app.workers, app.balance) {
            (1, _) => Some(Spread::One),
            (workers, Balance::Random) => Some(Spread::Chance(workers)),
            (workers, Balance::RoundRobin) => Some(Spread::Turns(workers)),
            (_, Balance::LeastBusy) => None,
        }
    }

    /// How many pools there are.
    pub fn pools(self) -> u32 {
        match self {
            Spread::One => 1,
            Spread::Chance(pools) | Spread::Turns(pools) => pools,
        }
    }
}
