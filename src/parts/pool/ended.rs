//! What is left of a pool whose process has ended: nothing is open, and nobody asks.

use super::{Gauges, Pool};
use crate::protocol::conn::Near;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// In the place of the pool of a process that has ended.
#[derive(Clone)]
struct Ended;

/// The process of `worker`, which has no requests any more, ends: whatever sockets it has are closed with it, those included
/// that were still being opened, had leaked or waited to be closed. No library is asked.
pub fn end(pool: &mut Box<dyn Pool>, worker: WorkerId, cx: &mut Cx) {
    let its = |near: Near, of: WorkerId| near != Near::Proxy && of == worker;
    let open: Vec<ConnId> =
        cx.world.conns.iter().filter(|(_, conn)| its(conn.near, conn.worker) && conn.near_open).map(|(id, _)| id).collect();
    let now = cx.now();
    for conn in open {
        if cx.conn(conn).up {
            cx.meter(worker).open.down(now);
            cx.step(worker, PoolStep::Close, None, Some(conn));
        }
        cx.hang_up(conn);
    }
    for _ in 0..pool.gauges().in_use {
        cx.meter(worker).in_use.down(now);
    }
    *pool = Box::new(Ended);
}

const NOBODY: &str = "a process ends when its last request is over, and its sockets with it";

impl Pool for Ended {
    fn acquire(&mut self, _: RequestId, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    fn withdraw(&mut self, _: RequestId, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    fn release(&mut self, _: RequestId, _: ConnId, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    fn opened(&mut self, _: ConnId, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    fn failed(&mut self, _: ConnId, _: Error, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    fn replied(&mut self, _: ConnId, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    fn lost(&mut self, _: ConnId, _: Error, _: &mut Cx) {
        unreachable!("{NOBODY}");
    }
    /// An alarm that was set while the process ran.
    fn ring(&mut self, _: u64, _: &mut Cx) {}
    fn gauges(&self) -> Gauges {
        Gauges::default()
    }
    fn status(&self) -> String {
        "the process has ended".to_owned()
    }
}
