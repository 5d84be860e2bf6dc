//! The way up is looked for once, before anything is counted: where it is calm, and levels that a share of the climbs reaches.

use super::climb::{End, Lost, Start, Way};
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::brink::{Brink, Stops};
use crate::protocol::cx::World;
use crate::protocol::event::Event;
use crate::protocol::fact::{Fact, Steps};
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;
use crate::simulation::run::simulate;

/// Such a share of the climbs reaches the next level.
const SHARE: f64 = 0.4;
/// Heights at so many arrivals say where it is calm.
const SAMPLES: usize = 20_000;
/// More levels than these lead to what happens less than once in the age of the earth.
const MOST_LEVELS: usize = 60;
/// The ground run reaches the first level at one arrival in so many.
const GROUND: usize = 10;

/// Why there is no way up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NoWay {
    /// The pools never become fuller than they mostly are.
    Flat,
    /// So many levels, each reached by a share of the climbs from the one before, and no wait too long; what was reached at
    /// last happens so often per checkout.
    TooHigh(f64),
    /// None of the climbs came higher than where it began.
    Stuck,
    /// Something went up and never came back.
    Lost,
}

/// The way up, of which all but calm, levels and the length of the ground run is known, and the requests that it took.
pub fn survey<'a>(way: Way<'a>, seed: &Seed, longest: Span) -> Result<(Way<'a>, u64), NoWay> {
    let mut way = way;
    let mut requests = calm(&mut way, seed, longest)?;
    let ground = Way { ground: longest, ..way.clone() }.ground(seed, way.effort);
    requests += ground.requests;
    let Some(last) = ground.starts.last() else { return Err(NoWay::Flat) };
    let took = last.model.world.agenda.now() - (SimTime::ZERO + way.warmup);
    way.ground = took.scaled(way.effort as f64 / ground.starts.len() as f64).min(longest);
    let mut rate = ground.starts.len() as f64 / ground.checkouts;
    let mut starts = ground.starts;
    loop {
        let index = way.levels.len();
        let peaks = peaks(&way, &starts, seed, index, &mut requests).map_err(|Lost| NoWay::Lost)?;
        let Some(next) = next(&peaks, way.levels[index - 1]) else {
            return if peaks[0] == f64::MAX { Ok((way, requests)) } else { Err(NoWay::Stuck) };
        };
        if way.levels.len() == MOST_LEVELS {
            return Err(NoWay::TooHigh(rate));
        }
        let ends = way.stage(&starts, seed, index, next, &mut requests).map_err(|Lost| NoWay::Lost)?;
        starts = ends.into_iter().filter_map(|end| if let End::Reached(start) = end { Some(*start) } else { None }).collect();
        rate *= starts.len() as f64 / way.effort as f64;
        way.levels.push(next);
    }
}

/// Finds how long a place in the line lasts, where it is calm, and the first level.
fn calm(way: &mut Way, seed: &Seed, longest: Span) -> Result<u64, NoWay> {
    let mut model = Model::new(way.blueprint, seed).expect("a checked blueprint builds");
    let mut brink = way.brink.clone();
    let end = SimTime::ZERO + way.warmup + longest;
    simulate(&mut model, SimTime::ZERO + way.warmup, &mut brink);
    brink = Sampled::of(brink).run(&mut model, end).0;
    if let Some(pace) = brink.pace() {
        brink.walk_at(pace);
        way.brink.walk_at(pace);
    }
    let (brink, mut heights) = Sampled::of(brink).run(&mut model, end);
    heights.sort_unstable_by(f64::total_cmp);
    let Some(&calm) = heights.get(heights.len() / 2) else { return Err(NoWay::Flat) };
    way.calm = calm;
    let from = heights.len() - heights.len() / GROUND - 1;
    way.levels = heights[from..].iter().find(|height| **height > calm).map_or(Vec::new(), |first| vec![*first]);
    if way.levels.is_empty() { Err(NoWay::Flat) } else { Ok(brink.requests) }
}

/// The peaks of climbs that go on until it is calm again, the highest first.
fn peaks(way: &Way, starts: &[Start], seed: &Seed, index: usize, requests: &mut u64) -> Result<Vec<f64>, Lost> {
    let ends = way.stage(starts, seed, index, f64::INFINITY, requests)?;
    let peak = |end: End| if let End::Calm(_, peak) = end { peak } else { f64::MAX };
    let mut peaks: Vec<f64> = ends.into_iter().map(peak).collect();
    peaks.sort_unstable_by(|one, other| other.total_cmp(one));
    Ok(peaks)
}

/// The next level after `level`, unless it is near enough to count from here.
fn next(peaks: &[f64], level: f64) -> Option<f64> {
    let wanted = peaks[(peaks.len() as f64 * SHARE) as usize];
    let next = if wanted > level { wanted } else { peaks.iter().copied().filter(|peak| *peak > level).fold(f64::MAX, f64::min) };
    (next < f64::MAX).then_some(next)
}

/// The height at each of some arrivals.
struct Sampled {
    brink: Brink,
    heights: Vec<f64>,
}

impl Sampled {
    fn of(mut brink: Brink) -> Sampled {
        brink.stop_at(Stops::NONE);
        Sampled { brink, heights: Vec::new() }
    }

    fn run(mut self, model: &mut Model, end: SimTime) -> (Brink, Vec<f64>) {
        simulate(model, end, &mut self);
        (self.brink, self.heights)
    }
}

impl Observer for Sampled {
    fn steps(&self) -> Steps {
        self.brink.steps()
    }
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        self.brink.fact(now, fact, world);
    }
    fn after(&mut self, now: SimTime, event: &Event, model: &Model) {
        if matches!(event, Event::Arrive { .. } | Event::Thought { .. }) {
            self.heights.push(self.brink.height());
        }
        self.brink.after(now, event, model);
    }
    fn is_satisfied(&self) -> bool {
        self.heights.len() >= SAMPLES
    }
}
