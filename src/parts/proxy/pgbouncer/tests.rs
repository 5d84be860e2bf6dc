//! Conversations with PgBouncer, most of them known from experiments with 1.18.0 and 1.25.2.

mod limits;
mod servers;
mod sharing;

use super::{PgBouncer, PoolMode};
use crate::kernel::time::{SimTime, Span};
use crate::parts::proxy::house::House;
use crate::protocol::error::Error;

/// The longest that the janitor may be late.
const TICK: Span = super::janitor::PERIOD;

/// Settings for tests: a pool of so many, and a process that takes no time.
fn pool_of(default_pool_size: u32, pool_mode: PoolMode) -> PgBouncer {
    PgBouncer { default_pool_size, pool_mode, cpu_per_query: Span::ZERO, ..PgBouncer::default() }
}

fn version(version: &str, settings: PgBouncer) -> PgBouncer {
    PgBouncer { version: version.to_owned(), ..settings }
}

/// Whether `when` is the first pass of the janitor after `due`, or might be.
#[track_caller]
fn assert_next_tick(when: SimTime, due: SimTime) {
    assert!(when >= due && when <= due + TICK, "{when:?} is within a third of a second after {due:?}");
}

/// The cell of `SHOW POOLS` under this name.
fn shown(house: &House, name: &str) -> String {
    let status = house.proxy.status(house.now());
    let mut lines = status.lines().map(|line| line.split('|').map(str::trim));
    let names = lines.next().expect("a line of names");
    let cells = lines.nth(1).expect("a line of cells");
    let found = names.zip(cells).find(|(column, _)| *column == name);
    found.unwrap_or_else(|| panic!("no column {name} in\n{status}")).1.to_owned()
}
