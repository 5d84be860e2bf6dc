//! Who watches a run: sees everything, changes nothing. Every figure comes from an observer.

use crate::kernel::time::SimTime;
use crate::protocol::cx::World;
use crate::protocol::event::{Event, Packed};
use crate::protocol::fact::{Fact, Steps};
use crate::simulation::model::Model;

/// Somebody who watches. `()` watches nothing, `(A, B)` both.
pub trait Observer {
    /// The steps of pools that it wants to be told of; of all other facts everybody is told.
    fn steps(&self) -> Steps {
        Steps::ALL
    }
    /// A part said that something happened. The request it names can still be looked at.
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        let _ = (now, fact, world);
    }
    /// `event` has been handled.
    fn after(&mut self, now: SimTime, event: &Event, model: &Model) {
        let _ = (now, event, model);
    }
    /// The same, for those who do without unpacking the event.
    fn handled(&mut self, now: SimTime, event: Packed, model: &Model) {
        self.after(now, &event.into(), model);
    }
    /// Has seen enough: the run may stop here.
    fn is_satisfied(&self) -> bool {
        false
    }
}

impl Observer for () {
    fn steps(&self) -> Steps {
        Steps::of(&[])
    }
    fn handled(&mut self, _: SimTime, _: Packed, _: &Model) {}
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn steps(&self) -> Steps {
        self.0.steps().and(self.1.steps())
    }
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        self.0.fact(now, fact, world);
        self.1.fact(now, fact, world);
    }
    fn handled(&mut self, now: SimTime, event: Packed, model: &Model) {
        self.0.handled(now, event, model);
        self.1.handled(now, event, model);
    }
    fn is_satisfied(&self) -> bool {
        self.0.is_satisfied() || self.1.is_satisfied()
    }
}

impl<O: Observer> Observer for &mut O {
    fn steps(&self) -> Steps {
        (**self).steps()
    }
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        (**self).fact(now, fact, world);
    }
    fn handled(&mut self, now: SimTime, event: Packed, model: &Model) {
        (**self).handled(now, event, model);
    }
    fn is_satisfied(&self) -> bool {
        (**self).is_satisfied()
    }
}
