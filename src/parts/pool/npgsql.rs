//! Npgsql (11): a channel of idle connectors, the reset sent along with the next command, pruning by the median.

use serde::{Deserialize, Serialize};

use super::places::{Asking, Places, Rang};
use super::{Gauges, Pool, PoolKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::{Example, Field, field};
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::protocol::conn::StatementKind;
use crate::protocol::cx::Cx;
use crate::protocol::error::Error;
use crate::protocol::event::{ConnId, RequestId, WorkerId};
use crate::protocol::fact::PoolStep;

/// Npgsql's pool under the words of its connection string, with its defaults. `No Reset On Close` makes no difference
/// in time: the reset rides with the next command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Npgsql {
    /// Connectors at most.
    pub maximum_pool_size: u32,
    /// Connectors that pruning leaves.
    pub minimum_pool_size: u32,
    /// Longest `Open()`.
    pub timeout: Span,
    /// How long the idle count is sampled before pruning.
    pub connection_idle_lifetime: Span,
    /// Time between two samples.
    pub connection_pruning_interval: Span,
    /// Age from which a connector is closed when it is taken; "0s" never.
    pub connection_lifetime: Span,
}

impl Default for Npgsql {
    fn default() -> Npgsql {
        Npgsql {
            maximum_pool_size: 100,
            minimum_pool_size: 0,
            timeout: Span::from_secs(15),
            connection_idle_lifetime: Span::from_secs(300),
            connection_pruning_interval: Span::from_secs(10),
            connection_lifetime: Span::from_secs(3600),
        }
    }
}

impl Example for Npgsql {
    const EXAMPLE: &'static str = r#"Npgsql(maximum_pool_size: 20, minimum_pool_size: 2, timeout: "15s")"#;
    const WHAT: &'static str = "Npgsql (11): the reset travels with the next command; idle connectors are pruned by their median.";
    const PARAMETERS: &'static [Field] = &[
        field("maximum_pool_size", "100", "Maximum Pool Size: connectors at most.", ""),
        field("minimum_pool_size", "0", "Minimum Pool Size: connectors that pruning leaves.", ""),
        field("timeout", "15s", "Timeout: longest Open(), connecting included.", ""),
        field(
            "connection_idle_lifetime",
            "5min",
            "Connection Idle Lifetime: how long the idle count is sampled before its median is pruned.",
            "",
        ),
        field("connection_pruning_interval", "10s", "Connection Pruning Interval: time between two samples.", ""),
        field("connection_lifetime", "1h", "Connection Lifetime: age from which a connector is closed when it is taken; 0s never.", ""),
    ];
}

impl PoolKind for Npgsql {
    fn check(&self) -> Result<(), Invalid> {
        super::size("maximum_pool_size", self.maximum_pool_size)?;
        super::at_most("minimum_pool_size", self.minimum_pool_size, "maximum_pool_size", self.maximum_pool_size)?;
        super::period("connection_pruning_interval", self.connection_pruning_interval)?;
        if self.connection_idle_lifetime < self.connection_pruning_interval {
            let why =
                format!("connection_idle_lifetime is at least connection_pruning_interval, which is {}", self.connection_pruning_interval);
            return Err(Invalid::field("connection_idle_lifetime", why));
        }
        Ok(())
    }

    fn build(&self, worker: WorkerId, _: &Seed) -> Box<dyn Pool> {
        Box::new(State { spec: self.clone(), places: Places::new(worker), samples: Vec::new(), prunes: false })
    }

    fn most_connections(&self) -> Option<u64> {
        Some(u64::from(self.maximum_pool_size))
    }

    fn size(&self) -> String {
        self.maximum_pool_size.to_string()
    }

    fn timeout_text(&self) -> String {
        format!(
            "The connection pool has been exhausted, either raise 'Max Pool Size' (currently {}) or 'Timeout' (currently {} seconds) in your connection string.",
            self.maximum_pool_size,
            self.timeout.seconds()
        )
    }
}

#[derive(Clone)]
struct State {
    spec: Npgsql,
    places: Places,
    /// Idle counts since the last pruning.
    samples: Vec<usize>,
    /// The next sample is set.
    prunes: bool,
}

const PRUNE: u32 = 0;

impl State {
    /// Open 1 to 3; a reader whom a null token woke comes here again and queues at the tail.
    fn get(&mut self, request: RequestId, cx: &mut Cx) {
        while let Some(place) = self.places.take_oldest(Some(request), cx) {
            if !self.is_old(place, cx) {
                return self.places.lend(place, request, cx);
            }
            self.places[place].user = None;
            self.places.asks_again(request, cx);
            self.close_quietly(place, cx);
        }
        if self.places.total < self.spec.maximum_pool_size {
            self.places.open(Some(request), cx);
            self.prune_later(cx);
        } else {
            self.places.wait(request, cx);
        }
    }

    /// Into the channel, which gives it straight to the reader who has waited longest.
    fn write(&mut self, place: u32, cx: &mut Cx) {
        match self.places.next_in_line(cx) {
            Some(request) if self.is_old(place, cx) => {
                self.close_quietly(place, cx);
                self.get(request, cx);
            }
            Some(request) => self.places.lend(place, request, cx),
            None => self.places.put(place, cx),
        }
    }

    /// A null into the channel: one waiter looks again.
    fn write_null(&mut self, cx: &mut Cx) {
        if let Some(request) = self.places.next_in_line(cx) {
            self.get(request, cx);
        }
    }

    fn close_quietly(&mut self, place: u32, cx: &mut Cx) {
        self.places.hang_up(place, cx);
        self.places.remove(place, cx);
    }

    fn close(&mut self, place: u32, cx: &mut Cx) {
        self.places.let_go(place, cx);
        self.close_quietly(place, cx);
        self.write_null(cx);
    }

    fn is_old(&self, place: u32, cx: &Cx) -> bool {
        let lifetime = self.spec.connection_lifetime;
        !lifetime.is_zero() && cx.now() > self.places[place].born + lifetime
    }

    /// Close: after a rollback, if one was needed.
    fn closed_by_user(&mut self, place: u32, fine: bool, cx: &mut Cx) {
        if fine {
            self.places.let_go(place, cx);
            self.write(place, cx);
        } else {
            self.close(place, cx);
        }
    }

    fn prune_later(&mut self, cx: &mut Cx) {
        if self.places.total > self.spec.minimum_pool_size && !std::mem::replace(&mut self.prunes, true) {
            self.places.set(PRUNE, 0, self.spec.connection_pruning_interval, cx);
        }
    }

    /// One more sample; with enough of them the median of the idle counts goes, the longest idle first.
    fn prune(&mut self, cx: &mut Cx) {
        self.prunes = false;
        let (lifetime, interval) = (self.spec.connection_idle_lifetime.nanos(), self.spec.connection_pruning_interval.nanos());
        self.samples.push(self.places.idle.len());
        if self.samples.len() as u64 >= lifetime.div_ceil(interval) {
            self.samples.sort_unstable();
            let median = self.samples[self.samples.len() / 2];
            self.samples.clear();
            for _ in 0..median {
                if self.places.total > self.spec.minimum_pool_size
                    && let Some(place) = self.places.take_oldest(None, cx)
                {
                    self.close_quietly(place, cx);
                }
            }
        }
        self.prune_later(cx);
        if !self.prunes {
            self.samples.clear();
        }
    }

    fn stop(&mut self, request: RequestId, why: Error, cx: &mut Cx) {
        match self.places.asking(request, cx) {
            Asking::Answered => {}
            Asking::At(place) => {
                let why = if why == Error::PoolTimeout { Error::ConnectTimeout } else { why };
                self.places.refuse(request, why, cx);
                self.close(place, cx);
            }
            _ => self.places.refuse(request, why, cx),
        }
    }
}

impl Pool for State {
    fn acquire(&mut self, request: RequestId, cx: &mut Cx) {
        self.places.asked(request, Some(self.spec.timeout), cx);
        self.get(request, cx);
    }

    fn withdraw(&mut self, request: RequestId, cx: &mut Cx) {
        self.stop(request, Error::DeadlineExceeded, cx);
    }

    fn release(&mut self, request: RequestId, conn: ConnId, cx: &mut Cx) {
        let place = self.places.take_back(request, conn, cx);
        if !self.places.is_sound(place, cx) {
            cx.step(self.places.worker, PoolStep::Invalidate, Some(request), Some(conn));
            self.close(place, cx);
        } else if self.places.is_in_transaction(place, cx) {
            self.places.ask(place, StatementKind::Rollback, cx);
        } else {
            self.closed_by_user(place, true, cx);
        }
    }

    fn opened(&mut self, conn: ConnId, cx: &mut Cx) {
        let place = self.places.connected(conn, cx);
        let request = self.places[place].user.expect("a connector is opened for somebody");
        self.places.lend(place, request, cx);
    }

    fn failed(&mut self, conn: ConnId, why: Error, cx: &mut Cx) {
        let place = self.places.not_connected(conn, cx);
        let request = self.places[place].user.expect("a connector is opened for somebody");
        self.places.refuse(request, why, cx);
        self.close(place, cx);
    }

    fn replied(&mut self, conn: ConnId, cx: &mut Cx) {
        let (place, fine) = self.places.answer(conn, cx);
        self.closed_by_user(place, fine, cx);
    }

    /// Nobody reads the socket of an idle connector.
    fn lost(&mut self, conn: ConnId, _: Error, cx: &mut Cx) {
        if let Some(place) = self.places.unanswered(conn, cx) {
            self.closed_by_user(place, false, cx);
        }
    }

    fn ring(&mut self, alarm: u64, cx: &mut Cx) {
        match self.places.rang(alarm, cx) {
            Rang::Deadline => {
                while let Some(request) = self.places.overdue(cx) {
                    self.stop(request, Error::PoolTimeout, cx);
                }
            }
            Rang::Own(..) => self.prune(cx),
            _ => {}
        }
    }

    fn gauges(&self) -> Gauges {
        self.places.gauges(Some(u64::from(self.spec.maximum_pool_size)))
    }

    fn status(&self) -> String {
        let gauges = self.gauges();
        format!("used {} idle {} max {} pending_requests {}", gauges.in_use, gauges.idle, self.spec.maximum_pool_size, gauges.pending)
    }
}
