//! What every kind of pool keeps to, looked at after each event of a run.

use std::collections::{BTreeMap, BTreeSet};

use poolcast::kernel::time::SimTime;
use poolcast::protocol::conn::Near;
use poolcast::protocol::event::Event;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;

/// Looks at a run of one app whose event loops are never occupied.
pub struct Invariants<'a> {
    pub kind: &'a str,
    /// Requests that have asked and not been answered, by their place in the slab.
    asking: BTreeSet<usize>,
    /// Connections that are lent, by their place in the slab, and to whom.
    lent: BTreeMap<usize, usize>,
    pub grants: u64,
    pub refusals: u64,
}

impl<'a> Invariants<'a> {
    pub fn of(kind: &'a str) -> Invariants<'a> {
        Invariants { kind, asking: BTreeSet::new(), lent: BTreeMap::new(), grants: 0, refusals: 0 }
    }

    fn answers(&mut self, event: &Event, model: &Model) {
        let kind = self.kind;
        match *event {
            Event::Acquire { request } => assert!(self.asking.insert(request.place()), "{kind}: a request asks once"),
            Event::Grant { conn } => {
                let Near::Request(request) = model.world.conns[conn].near else { panic!("{kind}: what is lent has a holder") };
                assert!(self.asking.remove(&request.place()), "{kind}: {request:?} is answered once");
                assert_eq!(self.lent.insert(conn.place(), request.place()), None, "{kind}: {conn:?} is lent twice");
                self.grants += 1;
            }
            Event::Refuse { request } => {
                assert!(self.asking.remove(&request.place()), "{kind}: {request:?} is answered once");
                self.refusals += 1;
            }
            Event::Release { conn } => {
                assert!(self.lent.remove(&conn.place()).is_some(), "{kind}: {conn:?} comes back from whoever has it");
            }
            _ => {}
        }
    }

    fn gauges(&self, model: &Model) {
        let (mut in_use, mut pending) = (0, 0);
        for pool in model.pools() {
            let gauges = pool.gauges();
            in_use += gauges.in_use;
            pending += gauges.pending;
            if let Some(limit) = gauges.limit {
                assert!(gauges.in_use <= limit, "{}: {gauges:?} {}", self.kind, pool.status());
            }
        }
        let meter = &model.world.pools[0];
        assert_eq!((meter.in_use.value(), meter.pending.value()), (in_use, pending), "{}: the meters are the gauges", self.kind);
        let open = model.world.conns.iter().filter(|(_, conn)| conn.up && conn.near_open && conn.near != Near::Proxy).count() as u64;
        assert_eq!(meter.open.value(), open, "{}: the meter of open connections counts them", self.kind);
    }

    /// After the last request: nothing is lent, nobody waits, and the pools are at rest.
    pub fn drained(&self, model: &Model) {
        let kind = self.kind;
        assert_eq!(model.world.requests.living(), 0, "{kind}: every request has ended");
        assert!(self.asking.is_empty() && self.lent.is_empty(), "{kind}: all was answered and given back");
        for pool in model.pools() {
            let gauges = pool.gauges();
            assert_eq!((gauges.in_use, gauges.pending), (0, 0), "{kind}: at rest, {}", pool.status());
        }
    }
}

impl Observer for Invariants<'_> {
    fn after(&mut self, _: SimTime, event: &Event, model: &Model) {
        self.answers(event, model);
        self.gauges(model);
    }
}
