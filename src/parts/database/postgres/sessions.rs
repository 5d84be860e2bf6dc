//! The sessions of a PostgreSQL server: who has one, and what state it is in.

use std::ops::{Index, IndexMut};

use crate::protocol::conn::TxStatus;
use crate::protocol::event::ConnId;

/// A session in one of its states: out of date as soon as that state has ended. Alarms, deadlines and work under way
/// name a spell rather than a connection, whose id can go stale while the server still works for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spell {
    /// Where the session stands.
    pub place: u32,
    /// Which of its states this is.
    pub turn: u32,
}

/// What a session is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Doing {
    /// There is no session in this place.
    #[default]
    Nothing,
    /// It is being set up and holds no slot yet.
    SettingUp,
    /// It waits for its client.
    Idle,
    /// It runs a statement, or waits for a core to run it.
    Active,
    /// It has a statement that waits for a lock.
    Locked,
}

/// One session.
#[derive(Clone, Default)]
pub struct Session {
    /// Its client; none once the client has hung up during a statement, which PostgreSQL does not notice.
    pub conn: Option<ConnId>,
    /// What it is doing.
    pub doing: Doing,
    /// Its transaction.
    pub transaction: TxStatus,
    turn: u32,
}

/// All sessions, those being set up included.
#[derive(Clone, Default)]
pub struct Sessions {
    places: Vec<Session>,
    free: Vec<u32>,
    admitted: u32,
}

impl Session {
    /// The next state of this session, which stands in `place`, begins: all that was about the last one is out of date.
    pub fn turn(&mut self, place: u32) -> Spell {
        self.turn = self.turn.wrapping_add(1);
        Spell { place, turn: self.turn }
    }
}

impl Sessions {
    /// How many hold a connection slot.
    pub fn admitted(&self) -> u32 {
        self.admitted
    }

    /// A session for `conn`, to be set up.
    pub fn set_up(&mut self, conn: ConnId) -> Spell {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Session::default());
            self.places.len() as u32 - 1
        });
        let session = &mut self[place];
        (session.conn, session.doing, session.transaction) = (Some(conn), Doing::SettingUp, TxStatus::Idle);
        self.turn(place)
    }

    /// The session that was set up takes a slot.
    pub fn admit(&mut self, place: u32) -> Spell {
        debug_assert!(self[place].doing == Doing::SettingUp, "a session is admitted once");
        self.admitted += 1;
        self[place].doing = Doing::Idle;
        self.turn(place)
    }

    /// The session ends, and its slot is free. Returns its last state, and its client if there is one.
    pub fn end(&mut self, place: u32) -> (Doing, Option<ConnId>) {
        let session = &mut self[place];
        let was = std::mem::take(&mut session.doing);
        let conn = session.conn.take();
        debug_assert!(was != Doing::Nothing, "a session ends once");
        self.admitted -= u32::from(was != Doing::SettingUp);
        self.turn(place);
        self.free.push(place);
        (was, conn)
    }

    /// The next state of the session in `place` begins.
    pub fn turn(&mut self, place: u32) -> Spell {
        self[place].turn(place)
    }

    /// Whether the session is still in that state.
    pub fn is_now(&self, spell: Spell) -> bool {
        self[spell.place].turn == spell.turn
    }

    /// Every session there is, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Session)> {
        (0..).zip(&self.places).filter(|(_, session)| session.doing != Doing::Nothing)
    }
}

impl Index<u32> for Sessions {
    type Output = Session;
    fn index(&self, place: u32) -> &Session {
        &self.places[place as usize]
    }
}

impl IndexMut<u32> for Sessions {
    fn index_mut(&mut self, place: u32) -> &mut Session {
        &mut self.places[place as usize]
    }
}
