//! The alarms of a pool: what one number means when it rings.

use super::{Phase, Place, Places};
use crate::kernel::agenda::Rank;
use crate::kernel::time::Span;
use crate::protocol::cx::Cx;
use crate::protocol::event::{Event, RequestId};

/// The lower half of an alarm that is not a place's: [`DEADLINE`], and below it the kind's own.
pub(super) const DEADLINE: u32 = u32::MAX;
pub(super) const REST: u32 = u32::MAX - 1;
const OWN: u32 = u32::MAX - 2;
const MOST_OWN: u32 = 16;

/// What an alarm means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::parts::pool) enum Rang {
    /// Nothing any more, or it is done already.
    Nothing,
    /// The oldest deadline is reached: [`Places::overdue`].
    Deadline,
    /// The driver has closed a connection.
    Closed(u32),
    /// The pause before another connect is over.
    Paused(u32),
    /// A request has rested and tries again.
    Rested(RequestId),
    /// One of the kind's own, with its number and what was said with it.
    Own(u32, u32),
}

impl Places {
    /// The kind's own alarm `number` rings after `span` and brings `word` along.
    pub fn set(&self, number: u32, word: u32, span: Span, cx: &mut Cx) {
        let alarm = u64::from(word) << 32 | u64::from(OWN - number);
        cx.after(span, Rank::Timer, Event::PoolRing { worker: self.worker, alarm });
    }

    /// The kind's own alarm `number` rings in this instant, after all that was already caused.
    pub fn set_at_once(&self, number: u32, cx: &mut Cx) {
        cx.at_once(Event::PoolRing { worker: self.worker, alarm: u64::from(OWN - number) });
    }

    /// What an alarm means.
    pub fn rang(&mut self, alarm: u64, cx: &mut Cx) -> Rang {
        let (low, high) = (alarm as u32, (alarm >> 32) as u32);
        if low == DEADLINE {
            return Rang::Deadline;
        }
        if low == REST {
            return self.rested(high, cx);
        }
        if low > OWN - MOST_OWN {
            return Rang::Own(OWN - low, high);
        }
        let Place { phase, turn, .. } = self.all[low as usize];
        match phase {
            _ if turn != high => Rang::Nothing,
            Phase::Preparing(kind) => {
                self.send(low, kind, cx);
                Rang::Nothing
            }
            Phase::Closing => Rang::Closed(low),
            Phase::Pausing => Rang::Paused(low),
            phase => unreachable!("no alarm is set while a place is {phase:?}"),
        }
    }

    pub(super) fn ring_after(&self, place: u32, span: Span, cx: &mut Cx) {
        let alarm = u64::from(self.all[place as usize].turn) << 32 | u64::from(place);
        cx.after(span, Rank::Completion, Event::PoolRing { worker: self.worker, alarm });
    }
}
