//! How long a request holds what on average, if nothing ever waits: lower bounds, from the file alone.

use crate::kernel::latency::LatencySpec;
use crate::parts::client::StreamSpec;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// What one request of a stream holds on average, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Holds {
    /// Connections of its pool times how long.
    pub connections: f64,
    /// From its first checkout to the return of that connection.
    pub outer: f64,
    /// Server connections times how long, where a proxy takes them back at the end of a transaction.
    pub servers: f64,
    /// How long its steps last.
    lasts: f64,
}

/// Requests per second of a stream in the long run, if that does not depend on the system.
pub(super) fn rate(stream: &StreamSpec) -> Option<f64> {
    stream.arrivals.kind().rate().filter(|rate| rate.is_finite())
}

/// The streams of an app with a known rate.
pub(super) fn streams<'a>(blueprint: &'a Blueprint, app: &'a AppSpec) -> impl Iterator<Item = (&'a StreamSpec, f64)> {
    blueprint.workload.iter().filter(|stream| stream.app == app.name).filter_map(|stream| Some((stream, rate(stream)?)))
}

/// Points at the arrivals of streams, with what they add up to.
pub(super) fn labels<'a>(streams: impl Iterator<Item = (&'a StreamSpec, String)>) -> Vec<(String, String)> {
    streams.map(|(stream, text)| (super::of_stream(&stream.name, "arrivals"), text)).collect()
}

/// What one request of this stream holds.
pub(super) fn of(stream: &StreamSpec, blueprint: &Blueprint) -> Holds {
    let proxied = !matches!(blueprint.proxy, ProxySpec::Direct);
    let far = if proxied { mean(&blueprint.network.proxy) } else { 0.0 };
    let app = blueprint.apps.iter().find(|app| app.name == stream.app);
    let autobegin = app.is_some_and(|app| begins(&app.pool));
    Reckoning { trip: mean(&blueprint.network.app) + far, far, autobegin }.steps(&stream.steps, Place::default())
}

/// Whether a session's first statement begins a transaction that lasts as long as the session: Python's drivers do that.
pub(super) fn begins(pool: &PoolSpec) -> bool {
    matches!(pool, PoolSpec::SqlAlchemy(_) | PoolSpec::NullPool | PoolSpec::PsycopgPool(_))
}

/// Connections of an app that are in use on average if nothing ever waits; nothing if its streams' rates depend on the
/// system.
pub fn in_use(blueprint: &Blueprint, app: &AppSpec) -> Option<f64> {
    let streams = blueprint.workload.iter().filter(|stream| stream.app == app.name);
    streams.map(|stream| Some(rate(stream)? * of(stream, blueprint).connections)).sum()
}

/// The mean of a time, in seconds.
pub(super) fn mean(time: &LatencySpec) -> f64 {
    time.prepare().mean() / 1e9
}

struct Reckoning {
    /// A round trip from the app to the database.
    trip: f64,
    /// Of it, the part beyond the proxy.
    far: f64,
    autobegin: bool,
}

#[derive(Clone, Copy, Default)]
struct Place {
    depth: u32,
    transaction: bool,
}

impl Reckoning {
    fn steps(&self, steps: &[StepSpec], place: Place) -> Holds {
        steps.iter().fold(Holds::default(), |sum, step| sum.plus(self.step(step, place)))
    }

    fn step(&self, step: &StepSpec, place: Place) -> Holds {
        match step {
            StepSpec::Work(time) | StepSpec::Await(time) | StepSpec::Block(time) => self.lasting(mean(time), place, 0.0),
            StepSpec::Query(time) => self.lasting(mean(time) + self.trip, place, mean(time) + self.far),
            StepSpec::Transaction(inner) => {
                let inside = self.steps(inner, Place { transaction: true, ..place });
                inside.plus(self.lasting(self.trip, Place { transaction: true, ..place }, self.far))
            }
            StepSpec::Session(inner) => self.session(inner, place),
            StepSpec::Repeat(times, inner) => self.steps(inner, place).times(f64::from(*times)),
            StepSpec::Choose(branches) => {
                let total: f64 = branches.iter().map(|(weight, _)| weight).sum();
                let branch = |(weight, inner): &(f64, Vec<StepSpec>)| self.steps(inner, place).times(weight / total);
                branches.iter().map(branch).fold(Holds::default(), Holds::plus)
            }
            StepSpec::Leak { .. } | StepSpec::SessionState(_) => Holds::default(),
        }
    }

    fn session(&self, inner: &[StepSpec], place: Place) -> Holds {
        let inside = self.steps(inner, Place { depth: place.depth + 1, transaction: self.autobegin });
        Holds { outer: if place.depth == 0 { inside.lasts } else { 0.0 }, ..inside }
    }

    /// A step that lasts `time`, and keeps the server busy for `server` of it.
    fn lasting(&self, time: f64, place: Place, server: f64) -> Holds {
        let servers = match (place.depth, place.transaction) {
            (0, _) => 0.0,
            (_, true) => time,
            (_, false) => server,
        };
        Holds { connections: time * f64::from(place.depth), outer: 0.0, servers, lasts: time }
    }
}

impl Holds {
    fn plus(self, other: Holds) -> Holds {
        Holds {
            connections: self.connections + other.connections,
            outer: self.outer + other.outer,
            servers: self.servers + other.servers,
            lasts: self.lasts + other.lasts,
        }
    }

    fn times(self, factor: f64) -> Holds {
        Holds {
            connections: self.connections * factor,
            outer: self.outer * factor,
            servers: self.servers * factor,
            lasts: self.lasts * factor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Span;

    #[test]
    fn a_nested_session_holds_two_connections_and_a_statement_pays_its_round_trip() {
        let ms = |ms: u64| LatencySpec::always(Span::from_millis(ms));
        let inner = StepSpec::Session(vec![StepSpec::Query(ms(4))]);
        let steps = [StepSpec::Work(ms(9)), StepSpec::Session(vec![StepSpec::Query(ms(2)), StepSpec::Await(ms(10)), inner])];
        let reckoning = Reckoning { trip: 0.001, far: 0.0, autobegin: false };
        let found = reckoning.steps(&steps, Place::default());
        assert!((found.outer - 0.018).abs() < 1e-12, "2 + 1, 10, 4 + 1: {found:?}");
        assert!((found.connections - 0.023).abs() < 1e-12, "the inner 5 count twice: {found:?}");
        assert!((found.servers - 0.006).abs() < 1e-12, "without a transaction only the statements: {found:?}");
    }
}
