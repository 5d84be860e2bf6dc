//! Multilevel splitting with fixed effort: how often a system comes so near that it seldom does, from copies of it that
//! already came half of the way.
//!
//! A plain run, the ground, is copied each time it comes up to the first level after it was calm. From these copies, each
//! with chance of its own from there on, so many climbs begin, and each ends at the next level, where it is kept, or when it
//! is calm again. From those that were kept the climbs to the next level begin, and so on; climbs from the last level end
//! only in the calm, and count waits that were too long. These per ground run are, on average, the product of the climbs
//! that began, the shares that reached each level, and the count: the levels are fixed before, so nothing is biased. The
//! repetitions are independent, so an interval over them is an honest one.
//!
//! P. Glasserman, P. Heidelberger, P. Shahabuddin and T. Zajic, "Multilevel splitting for estimating rare event
//! probabilities" (1999); M. Garvels, "The splitting method in rare event simulation" (2000), for fixed effort and for
//! ratios in the steady state.

use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::brink::{Brink, Stop, Stops};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

/// A system that has come so far.
#[derive(Clone)]
pub struct Start {
    /// It.
    pub model: Model,
    /// What is known of how it came there.
    pub brink: Brink,
}

/// The way up: a system, and where its climbs begin and end.
#[derive(Clone)]
pub struct Way<'a> {
    /// What climbs.
    pub blueprint: &'a Blueprint,
    /// Who watches, from time zero on.
    pub brink: Brink,
    /// Virtual time of the ground run that is not counted.
    pub warmup: Span,
    /// Virtual time of it that is.
    pub ground: Span,
    /// The climb is over at this height.
    pub calm: f64,
    /// Heights above it; the ground reaches the first.
    pub levels: Vec<f64>,
    /// Climbs from each level.
    pub effort: usize,
    /// A system that is not calm again after so long does not come back.
    pub patience: Span,
}

/// What one repetition found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Waits that are too long, expected in the counted time of the ground run.
    pub expected: f64,
    /// Checkouts in that time.
    pub checkouts: f64,
    /// Climbs that reached each level: from the ground all that began, then of `effort` each.
    pub reached: Vec<u64>,
    /// Climbs from the last level with a wait that was too long, their waits, and the sum of their squares.
    pub clusters: [f64; 3],
    /// Requests that were simulated.
    pub requests: u64,
}

/// The system did not come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost;

/// How a climb ended.
pub enum End {
    /// At the level.
    Reached(Box<Start>),
    /// Down again, after so many waits that were too long; its peak.
    Calm(u64, f64),
}

impl Way<'_> {
    /// One repetition.
    pub fn climb(&self, seed: &Seed) -> Result<Found, Lost> {
        let Ground { mut starts, checkouts, mut requests } = self.ground(seed, usize::MAX);
        let mut found =
            Found { expected: starts.len() as f64, checkouts, reached: vec![starts.len() as u64], clusters: [0.0; 3], requests: 0 };
        for (index, level) in self.levels.iter().enumerate().skip(1) {
            let kept = self.stage(&starts, seed, index, *level, &mut requests)?;
            starts = kept.into_iter().filter_map(|end| if let End::Reached(start) = end { Some(*start) } else { None }).collect();
            found.reached.push(starts.len() as u64);
            found.expected *= starts.len() as f64 / self.effort as f64;
        }
        for end in self.stage(&starts, seed, self.levels.len(), f64::INFINITY, &mut requests)? {
            if let End::Calm(hits, _) = end {
                let hits = hits as f64;
                let sum = [hits.min(1.0), hits, hits * hits];
                found.clusters.iter_mut().zip(sum).for_each(|(all, more)| *all += more);
            }
        }
        found.expected *= found.clusters[1] / self.effort as f64;
        Ok(Found { requests, ..found })
    }

    /// The ground run, up to `most` starts.
    pub fn ground(&self, seed: &Seed, most: usize) -> Ground {
        let mut model = Model::new(self.blueprint, seed).expect("a checked blueprint builds");
        let mut brink = self.brink.clone();
        let mut starts = Vec::new();
        let from = SimTime::ZERO + self.warmup;
        simulate(&mut model, from, &mut brink);
        let before = brink.checkouts;
        brink.stop_at(Stops { calm: self.calm, level: self.levels[0], at_calm: false });
        while starts.len() < most {
            simulate(&mut model, from + self.ground, &mut brink);
            match brink.take_stop() {
                Some(_) => starts.push(Start { model: model.clone(), brink: brink.clone() }),
                None => break,
            }
        }
        Ground { starts, checkouts: (brink.checkouts - before) as f64, requests: brink.requests }
    }

    /// All climbs to one level; none where nobody has come so far. Each start is taken equally often, as nearly as may be.
    pub fn stage(&self, starts: &[Start], seed: &Seed, index: usize, level: f64, requests: &mut u64) -> Result<Vec<End>, Lost> {
        if starts.is_empty() {
            return Ok(Vec::new());
        }
        let offset = seed.stream(&format!("rare/{index}/offset")).uniform();
        let stops = Stops { calm: self.calm, level, at_calm: true };
        let climb = |number: usize| {
            let start = ((number as f64 + offset) * starts.len() as f64 / self.effort as f64) as usize;
            let chance = seed.descendant(&format!("rare/{index}/{number}"));
            self.one(&starts[start.min(starts.len() - 1)], &chance, stops, requests)
        };
        (0..self.effort).map(climb).collect()
    }

    fn one(&self, start: &Start, chance: &Seed, stops: Stops, requests: &mut u64) -> Result<End, Lost> {
        let (mut model, mut brink) = (start.model.fork(chance), start.brink.clone());
        if brink.height() >= stops.level {
            return Ok(End::Reached(Box::new(Start { model, brink })));
        }
        brink.stop_at(stops);
        let end = model.world.agenda.now() + self.patience;
        simulate(&mut model, end, &mut brink);
        *requests += brink.requests - start.brink.requests;
        match brink.take_stop() {
            Some(Stop::Level) => Ok(End::Reached(Box::new(Start { model, brink }))),
            Some(Stop::Calm) => Ok(End::Calm(brink.hits, brink.peak)),
            None => Err(Lost),
        }
    }
}

/// What a ground run gave.
pub struct Ground {
    /// Copies at the first level.
    pub starts: Vec<Start>,
    /// Checkouts that were counted.
    pub checkouts: f64,
    /// Requests in all.
    pub requests: u64,
}
