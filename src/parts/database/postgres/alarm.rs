//! What a PostgreSQL server sets alarms for, packed into the one word that an event has room for.

use super::sessions::Spell;
use crate::protocol::event::Event;

/// What an alarm is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// A session is set up: is there a slot for it?
    SetUp(Spell),
    /// A statement that had a core (or needs none) is done.
    Done(Spell),
    /// The first of the statements that share the cores may be done. The number tells the alarm that counts from those
    /// that an earlier completion has overtaken.
    Shared(u32),
    /// The oldest statement has reached `statement_timeout`.
    StatementTimeout,
    /// The session that has been idle in its transaction for longest has reached its timeout.
    IdleInTransaction,
    /// A spell of slowness is over.
    Faster,
    /// The lock that statements wait for may be free.
    Unlocked,
}

const PLACE: u32 = 32;
const KIND: u32 = 60;

impl Alarm {
    /// The event that rings it.
    pub fn event(self) -> Event {
        let spell = |kind: u64, spell: Spell| kind << KIND | u64::from(spell.place) << PLACE | u64::from(spell.turn);
        let alarm = match self {
            Alarm::SetUp(set_up) => spell(0, set_up),
            Alarm::Done(done) => spell(1, done),
            Alarm::Shared(number) => 2 << KIND | u64::from(number),
            Alarm::StatementTimeout => 3 << KIND,
            Alarm::IdleInTransaction => 4 << KIND,
            Alarm::Faster => 5 << KIND,
            Alarm::Unlocked => 6 << KIND,
        };
        Event::DatabaseRing { alarm }
    }

    /// What the word of such an event says.
    pub fn of(alarm: u64) -> Alarm {
        let spell = Spell { place: (alarm >> PLACE) as u32 & ((1 << (KIND - PLACE)) - 1), turn: alarm as u32 };
        match alarm >> KIND {
            0 => Alarm::SetUp(spell),
            1 => Alarm::Done(spell),
            2 => Alarm::Shared(alarm as u32),
            3 => Alarm::StatementTimeout,
            4 => Alarm::IdleInTransaction,
            5 => Alarm::Faster,
            6 => Alarm::Unlocked,
            kind => unreachable!("no alarm of kind {kind} was ever set"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_rings_for_what_it_was_set_for() {
        let spell = Spell { place: (1 << 28) - 1, turn: u32::MAX };
        let alarms = [
            Alarm::SetUp(spell),
            Alarm::Done(spell),
            Alarm::Shared(u32::MAX),
            Alarm::StatementTimeout,
            Alarm::IdleInTransaction,
            Alarm::Faster,
            Alarm::Unlocked,
        ];
        for alarm in alarms {
            let Event::DatabaseRing { alarm: word } = alarm.event() else { panic!("it is the database's") };
            assert_eq!(Alarm::of(word), alarm);
        }
    }
}
