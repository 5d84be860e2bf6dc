//! Looks at the servers while a run goes on: sessions at the database, clients and servers of PgBouncer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::address::Address;
use super::clock::{Clock, pause};
use super::session::{Row, Session};
use crate::measure::recording::Look;

/// Where to look.
#[derive(Clone)]
pub struct Places {
    /// The database, and the user whose sessions are the experiment's.
    pub database: Address,
    /// The role of the workers.
    pub user: String,
    /// PgBouncer's console, if there is one and it lets us in.
    pub console: Option<Address>,
}

/// Between two looks: often enough for a mean, and a thousandth of a core.
const EVERY: Duration = Duration::from_millis(100);

/// Looks until it is told to stop.
pub fn look(places: &Places, clock: Clock, over: &AtomicBool) -> Vec<Look> {
    let (mut database, mut console, mut looks) = (None, None, Vec::new());
    let sessions = format!(
        "select count(*) as sessions, count(*) filter (where state = 'active') as active from pg_stat_activity \
         where usename = '{}' and datname = current_database() and pid <> pg_backend_pid()",
        places.user.replace('\'', "''"),
    );
    pause(clock.until(0));
    while !over.load(Ordering::Relaxed) {
        let mut look = Look { at: clock.now(), ..Look::default() };
        if let Some(rows) = ask(&mut database, &places.database, &sessions) {
            let seen = |column: &str| rows.first().and_then(|row| number(row, column));
            (look.sessions, look.active) = (seen("sessions"), seen("active"));
        }
        if let Some(address) = &places.console {
            at_proxy(&mut console, address, &places.database.database, &mut look);
        }
        looks.push(look);
        pause(EVERY);
    }
    looks
}

/// The sums of SHOW POOLS over the pools of a database.
fn at_proxy(console: &mut Option<Session>, address: &Address, database: &str, look: &mut Look) {
    let Some(rows) = ask(console, address, "SHOW POOLS") else { return };
    let sum = |columns: &[&str]| {
        let ours = rows.iter().filter(|row| row.get("database").is_some_and(|name| name == database));
        Some(ours.map(|row| columns.iter().map(|column| number(row, column).unwrap_or(0)).sum::<u32>()).sum::<u32>())
    };
    look.proxy_clients = sum(&["cl_active", "cl_waiting"]);
    look.proxy_waiting = sum(&["cl_waiting"]);
    look.proxy_servers = sum(&["sv_active", "sv_idle", "sv_used", "sv_tested", "sv_login"]);
    look.proxy_linked = sum(&["sv_active"]);
}

/// Asks over an open session, or over a new one; a server that is down just now is asked again later.
fn ask(session: &mut Option<Session>, address: &Address, question: &str) -> Option<Vec<Row>> {
    if session.is_none() {
        *session = Session::open(address).ok();
    }
    let rows = session.as_ref()?.ask(question).ok();
    if rows.is_none() {
        *session = None;
    }
    rows
}

fn number(row: &Row, column: &str) -> Option<u32> {
    row.get(column)?.parse().ok()
}
