//! Looks at what the next events are about before they happen, which changes nothing but the time that it takes.
//!
//! With thousands of workers a request's things lie in memory that the processor does not keep at hand. One event after the
//! other would wait for each of its own; looked at together, they all arrive in the time of a few.

use std::hint::black_box;

use crate::protocol::conn::Near;
use crate::protocol::event::{ConnId, Event};
use crate::simulation::model::Model;

impl Model {
    /// Looks at the connections, requests and pools of the next events.
    pub(super) fn look_ahead(&self) {
        for event in self.world.agenda.coming() {
            let conn = match Event::from(event) {
                Event::DatabaseRing { alarm } => self.database().about(alarm),
                Event::Query { conn } | Event::Accept { conn } | Event::Reply { conn } => Some(conn),
                _ => None,
            };
            if let Some(conn) = conn {
                self.look_at(conn);
            }
        }
    }

    fn look_at(&self, conn: ConnId) {
        let Some(open) = self.world.conns.get(conn) else { return };
        black_box((open.statement.demand, open.clear));
        if let Near::Request(request) = open.near
            && let Some(holder) = self.world.requests.get(request)
        {
            black_box((holder.number, holder.arrived, holder.drawn.first()));
        }
        if let Some(pool) = self.pools().get(open.worker.index()) {
            black_box(pool.gauges());
        }
    }
}
