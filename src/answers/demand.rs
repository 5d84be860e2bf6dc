//! What a stream's steps ask of the system on average: arithmetic on the file, without a run.

use crate::kernel::latency::LatencySpec;
use crate::protocol::program::StepSpec;

/// What one request asks for, on average. Times are seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Demand {
    /// Occupies its worker's event loop (`Work` and `Block`).
    pub occupies: f64,
    /// The same squared, each step by itself, each taken to last its mean.
    pub occupies_squared: f64,
    /// The longest of these steps.
    pub longest: f64,
    /// Statements.
    pub statements: f64,
    /// Core time of its statements.
    pub service: f64,
    /// Sessions that it opens.
    pub sessions: f64,
    /// Sessions that it never closes.
    pub leaks: f64,
    /// Waits for something else while it holds a connection.
    pub awaits_in_session: f64,
    /// Connections that it holds at once at most.
    pub depth: u32,
}

/// The demand of one request with these steps.
pub fn of(steps: &[StepSpec]) -> Demand {
    within(steps, 0)
}

fn within(steps: &[StepSpec], depth: u32) -> Demand {
    steps.iter().fold(Demand { depth, ..Demand::default() }, |sum, step| sum.plus(one(step, depth)))
}

fn one(step: &StepSpec, depth: u32) -> Demand {
    let none = Demand { depth, ..Demand::default() };
    match step {
        StepSpec::Work(time) | StepSpec::Block(time) => {
            let mean = mean(time);
            Demand { occupies: mean, occupies_squared: mean * mean, longest: mean, ..none }
        }
        StepSpec::Await(time) if depth > 0 => Demand { awaits_in_session: mean(time), ..none },
        StepSpec::Query(time) => Demand { statements: 1.0, service: mean(time), ..none },
        StepSpec::Leak { probability } => Demand { leaks: *probability, ..none },
        StepSpec::Session(inner) => Demand { sessions: 1.0, ..none }.plus(within(inner, depth + 1)),
        StepSpec::Transaction(inner) => within(inner, depth),
        StepSpec::Repeat(times, inner) => within(inner, depth).times(f64::from(*times)),
        StepSpec::Choose(branches) => {
            let total: f64 = branches.iter().map(|(weight, _)| weight).sum();
            branches.iter().fold(none, |sum, (weight, inner)| sum.plus(within(inner, depth).times(weight / total)))
        }
        _ => none,
    }
}

impl Demand {
    fn plus(self, other: Demand) -> Demand {
        Demand {
            occupies: self.occupies + other.occupies,
            occupies_squared: self.occupies_squared + other.occupies_squared,
            longest: self.longest.max(other.longest),
            statements: self.statements + other.statements,
            service: self.service + other.service,
            sessions: self.sessions + other.sessions,
            leaks: self.leaks + other.leaks,
            awaits_in_session: self.awaits_in_session + other.awaits_in_session,
            depth: self.depth.max(other.depth),
        }
    }

    fn times(self, factor: f64) -> Demand {
        Demand {
            occupies: self.occupies * factor,
            occupies_squared: self.occupies_squared * factor,
            longest: self.longest,
            statements: self.statements * factor,
            service: self.service * factor,
            sessions: self.sessions * factor,
            leaks: self.leaks * factor,
            awaits_in_session: self.awaits_in_session * factor,
            depth: self.depth,
        }
    }
}

fn mean(time: &LatencySpec) -> f64 {
    time.prepare().mean() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::Span;

    fn ms(ms: u64) -> LatencySpec {
        LatencySpec::always(Span::from_millis(ms))
    }

    #[test]
    fn a_demand_adds_steps_weighs_branches_and_counts_repetitions() {
        let query = || StepSpec::Query(ms(5));
        let steps = [
            StepSpec::Work(ms(2)),
            StepSpec::Await(ms(50)),
            StepSpec::Session(vec![
                query(),
                StepSpec::Repeat(3, vec![query(), StepSpec::Block(ms(1))]),
                StepSpec::Choose(vec![(3.0, vec![]), (1.0, vec![StepSpec::Session(vec![query(), StepSpec::Await(ms(8))])])]),
                StepSpec::Leak { probability: 0.01 },
            ]),
        ];
        let found = of(&steps);
        assert!((found.occupies - 0.005).abs() < 1e-12, "{found:?}");
        assert!((found.occupies_squared - 7e-6).abs() < 1e-12 && (found.longest - 0.002).abs() < 1e-12, "{found:?}");
        assert!((found.statements - 4.25).abs() < 1e-12, "{found:?}");
        assert!((found.service - 0.02125).abs() < 1e-12, "{found:?}");
        assert!((found.sessions - 1.25).abs() < 1e-12, "{found:?}");
        assert!((found.awaits_in_session - 0.002).abs() < 1e-12, "{found:?}");
        assert_eq!((found.depth, found.leaks), (2, 0.01));
    }
}
