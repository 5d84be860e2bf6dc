//! Deadlocks of a pool: all that its connections are lent to wait for another of them.

use crate::kernel::time::SimTime;
use crate::protocol::conn::{Conn, Near};
use crate::protocol::cx::World;
use crate::protocol::event::{RequestId, StreamId, WorkerId};
use crate::protocol::fact::PoolStep;
use crate::protocol::request::Stage;

/// One deadlock, as it was when it closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// When.
    pub at: SimTime,
    /// In which worker's pool.
    pub worker: WorkerId,
    /// Its connections, all of them lent.
    pub held: u32,
    /// Who holds them, by stream and number, each of whom waits for one more.
    pub holders: Vec<(StreamId, u64)>,
}

/// Looks for deadlocks, and counts each of them once.
#[derive(Debug, Default)]
pub struct Deadlocks {
    found: Vec<Deadlock>,
    /// Workers whose pool has been in one since.
    stuck: Vec<WorkerId>,
}

impl Deadlocks {
    /// A pool did something. Whoever comes to wait while holding a connection may be the one who closes the circle.
    pub fn step(&mut self, now: SimTime, worker: WorkerId, step: PoolStep, request: Option<RequestId>, world: &World) {
        match step {
            PoolStep::Wait if !self.stuck.contains(&worker) => {
                let asks = request.and_then(|request| world.requests.get(request));
                if asks.is_some_and(|asks| asks.leases.last().is_some()) {
                    self.look(now, worker, world);
                }
            }
            PoolStep::Timeout | PoolStep::Checkout | PoolStep::Close => self.stuck.retain(|stuck| *stuck != worker),
            _ => {}
        }
    }

    /// All of them.
    pub fn found(self) -> Vec<Deadlock> {
        self.found
    }

    #[inline(never)] // seldom: only where a session is opened inside another
    fn look(&mut self, now: SimTime, worker: WorkerId, world: &World) {
        let (mut held, mut holders) = (0, Vec::new());
        for (_, conn) in world.conns.iter().filter(|(_, conn)| conn.near != Near::Proxy && conn.worker == worker && conn.near_open) {
            match holder(conn, world) {
                Some(Some(holder)) => {
                    held += 1;
                    if !holders.contains(&holder) {
                        holders.push(holder);
                    }
                }
                // What has leaked comes back from nobody.
                Some(None) => held += 1,
                None => return,
            }
        }
        if !holders.is_empty() {
            self.stuck.push(worker);
            self.found.push(Deadlock { at: now, worker, held, holders });
        }
    }
}

/// Who holds the connection and waits for another; nobody, if it has leaked; nothing, if it will be free again.
fn holder(conn: &Conn, world: &World) -> Option<Option<(StreamId, u64)>> {
    let Near::Request(request) = conn.near else { return None };
    match world.requests.get(request) {
        None => Some(None),
        Some(holder) if holder.stage == Stage::Acquiring => Some(Some((holder.stream, holder.number))),
        Some(_) => None,
    }
}
