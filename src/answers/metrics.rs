//! One replication as exporters of metrics would have told it, scrape by scrape.

use crate::answers::runner::Course;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};
use crate::measure::scrapes::{Exporters, Scrape};
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

/// What is scraped every so often, from the start (the warm-up included) to the end of the counted span.
pub fn scrapes(blueprint: &Blueprint, course: Course, replication: u64, every: Span) -> Vec<Scrape> {
    let mut model = Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds");
    let (mut exporters, mut scrapes) = (Exporters::default(), Vec::new());
    let (mut next, end) = (SimTime::ZERO, SimTime::ZERO + course.warmup + course.duration);
    while next <= end {
        simulate(&mut model, next, &mut exporters);
        scrapes.push(exporters.scrape(&model));
        next = next + every;
    }
    scrapes
}
