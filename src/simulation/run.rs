//! The run itself: next, dispatch, observe.

use crate::kernel::time::SimTime;
use crate::simulation::model::Model;
use crate::simulation::observer::Observer;

/// Runs `model` up to and including the instant `end`, or until the observer has seen enough, and says how many events
/// that took. Can be called again for a later end.
pub fn simulate(model: &mut Model, end: SimTime, observer: &mut impl Observer) -> u64 {
    let mut events = 0;
    model.world.told = observer.steps();
    if !model.world.facts.is_empty() {
        // What the parts did while the model was built belongs to its first instant.
        tell(model, observer);
    }
    while let Some(event) = model.world.agenda.next(end) {
        events += 1;
        if model.world.agenda.drew_near() {
            model.look_ahead();
        }
        model.tell::<false>(event);
        if !(model.world.facts.is_empty() & model.world.graveyard.is_empty()) {
            tell(model, observer);
        }
        observer.handled(model.world.agenda.now(), event, model);
        if observer.is_satisfied() {
            break;
        }
    }
    events
}

#[inline(always)] // what observers do with a fact is a few instructions, and there are some facts for every request
fn tell(model: &mut Model, observer: &mut impl Observer) {
    let world = &mut model.world;
    let now = world.agenda.now();
    for fact in &world.facts {
        observer.fact(now, fact, world);
    }
    world.facts.clear();
    while let Some(request) = world.graveyard.pop() {
        world.requests.free(request);
    }
}
