//! One replication as a trace of all that its pools did.

use crate::answers::runner::Course;
use crate::kernel::rng::Seed;
use crate::kernel::time::SimTime;
use crate::measure::trace::Trace;
use crate::simulation::blueprint::Blueprint;
use crate::simulation::model::Model;
use crate::simulation::run::simulate;

/// The steps of all pools in one replication of a checked blueprint, from the start (the warm-up included) to the end of
/// the counted span, as the JSON lines of [`Trace::json_lines`].
pub fn events(blueprint: &Blueprint, course: Course, replication: u64) -> String {
    let mut model = Model::new(blueprint, &Seed::new(course.seed, replication)).expect("a checked blueprint builds");
    let mut trace = Trace::default();
    simulate(&mut model, SimTime::ZERO + course.warmup + course.duration, &mut trace);
    trace.json_lines(&blueprint.apps)
}
