//! What happens to the system at instants that are known before: faults, and workers that come and go.

use super::Model;
use crate::kernel::time::Span;
use crate::parts::database::{Database, Outage};
use crate::parts::fault::{At, FaultSpec};
use crate::parts::pool;
use crate::protocol::error::Error;
use crate::protocol::event::{AppId, WorkerId};
use crate::simulation::roster::{Change, Roster, Turn};

/// Something that happens to the system.
#[derive(Clone, Debug)]
pub(super) enum Happening {
    /// Something goes wrong.
    Fault(FaultSpec),
    /// A worker comes or goes.
    Worker { app: AppId, worker: WorkerId, place: u32, turn: Turn },
}

/// All of it, each with its time: faults as the file has them, then the workers of each app.
pub(super) fn happenings(faults: &[At], rosters: &[Roster]) -> Vec<(Span, Happening)> {
    let faults = faults.iter().filter(|At(_, what)| what.app().is_none());
    let mut all: Vec<(Span, Happening)> = faults.map(|At(at, what)| (*at, Happening::Fault(what.clone()))).collect();
    let mut first = 0;
    for (index, roster) in rosters.iter().enumerate() {
        for Change { at, worker: place, turn } in roster.changes.iter().copied() {
            let (app, worker) = (AppId(index as u32), WorkerId(first + place));
            all.push((at, Happening::Worker { app, worker, place, turn }));
        }
        first += roster.ever;
    }
    all
}

impl Model {
    /// Something happens.
    pub(super) fn happens(&mut self, index: usize) {
        match self.happenings[index].clone() {
            Happening::Fault(fault) => self.goes_wrong(&fault),
            Happening::Worker { app, worker, place, turn: Turn::Begins } => {
                self.pools[worker.index()].start(&mut self.world.cx());
                self.clients.worker_begins(app, place);
            }
            Happening::Worker { app, worker, place, turn: Turn::Retires } => {
                self.clients.worker_retires(app, place);
                self.leaving.push(worker);
                self.let_leave();
            }
        }
    }

    /// What a fault does, and to whom.
    fn goes_wrong(&mut self, fault: &FaultSpec) {
        let cx = &mut self.world.cx();
        if let (FaultSpec::RestartProxy { down }, Some(proxy)) = (fault, &mut self.proxy) {
            return proxy.restart(*down, cx);
        }
        let mut down = |farewell, refuses, starts| self.database.go_down(Outage { farewell, refuses, starts }, cx);
        match *fault {
            FaultSpec::RestartDatabase { down: refuses, starting } => down(Error::AdminShutdown, refuses, starting),
            FaultSpec::CrashDatabase { recovery } => down(Error::ConnectionLost, Span::ZERO, recovery),
            FaultSpec::Failover { down: refuses } => down(Error::ConnectionLost, refuses, Span::ZERO),
            FaultSpec::KillConnections { fraction } => self.database.kill(fraction, cx),
            FaultSpec::SlowDatabase { factor, lasting } => self.database.slow_down(factor, lasting, cx),
            FaultSpec::SlowConnects { factor, lasting } => self.database.slow_connects(factor, lasting, cx),
            FaultSpec::LockTable { lasting } => self.database.lock(lasting, cx),
            FaultSpec::Partition { lasting } => cx.cut_off_database(lasting),
            FaultSpec::RestartProxy { .. } => unreachable!("a blueprint without a proxy does not restart it"),
            FaultSpec::Deploy { .. } | FaultSpec::Scale { .. } => unreachable!("the roster says what these do"),
        }
    }

    /// The processes that were to leave and have no requests any more end.
    #[inline]
    pub(super) fn let_leave(&mut self) {
        if !self.leaving.is_empty() {
            self.end_idle();
        }
    }

    fn end_idle(&mut self) {
        let idle = |worker: &WorkerId| self.world.load[worker.index()] == 0;
        let (ended, staying): (Vec<WorkerId>, Vec<WorkerId>) = self.leaving.iter().partition(|worker| idle(worker));
        self.leaving = staying;
        for worker in ended {
            pool::end(&mut self.pools[worker.index()], worker, &mut self.world.cx());
        }
    }
}
