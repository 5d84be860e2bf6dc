//! What a count over `pg_stat_activity` shows of the sessions.

use std::fmt::Write;

use super::sessions::{Doing, Session, Sessions};
use crate::protocol::conn::TxStatus;

const STATES: [&str; 4] = ["active", "idle", "idle in transaction", "idle in transaction (aborted)"];

/// `select state, count(*) from pg_stat_activity where backend_type = 'client backend' group by state`, with all states
/// whether there are any or not. A session that is being set up has no state yet and is not counted.
pub fn by_state(sessions: &Sessions) -> String {
    let mut counts = [0_u32; 4];
    for state in sessions.iter().filter_map(|(_, session)| state(session)) {
        counts[state] += 1;
    }
    let mut table = format!(" {:<29} | count\n-{}-+-------\n", "state", "-".repeat(29));
    for (state, count) in STATES.iter().zip(counts) {
        writeln!(table, " {state:<29} | {count:>5}").expect("a string takes all that is written");
    }
    table
}

fn state(session: &Session) -> Option<usize> {
    match (session.doing, session.transaction) {
        (Doing::Nothing | Doing::SettingUp, _) => None,
        (Doing::Active | Doing::Locked, _) => Some(0),
        (Doing::Idle, TxStatus::Idle) => Some(1),
        (Doing::Idle, TxStatus::InTransaction) => Some(2),
        (Doing::Idle, TxStatus::Failed) => Some(3),
    }
}
