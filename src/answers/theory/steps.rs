//! What the steps of a request come to, by their first two moments.

use crate::kernel::latency::LatencySpec;
use crate::protocol::program::StepSpec;

/// A random time, in seconds, as far as theory asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Its mean.
    pub mean: f64,
    /// Its variance, where there is a formula for it.
    pub variance: Option<f64>,
    /// Its kind.
    pub shape: Shape,
}

/// Kinds of distribution that theory tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Always the same.
    Constant,
    /// Without memory.
    Exponential,
    /// Anything else.
    Other,
}

/// What a request does with its connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Session {
    /// From getting it to giving it back, as if no message took time.
    pub hold: Time,
    /// Round trips in that time.
    pub trips: f64,
    /// Whether a single statement is all that takes time.
    pub is_one_statement: bool,
    /// Whether a transaction is open.
    open: bool,
}

/// What a request does at all, on average.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Doing {
    /// Seconds for which it occupies its worker's event loop.
    pub looping: f64,
    /// Seconds for which it waits for something else.
    pub awaiting: f64,
    /// Seconds that its statements demand.
    pub demand: f64,
    /// Whether it may keep a connection for ever.
    pub leaks: bool,
    /// Whether it may hold two connections at once.
    pub nests: bool,
}

const NOTHING: Time = Time { mean: 0.0, variance: Some(0.0), shape: Shape::Constant };

impl Time {
    /// As the file writes it.
    pub fn of(spec: &LatencySpec) -> Time {
        let mean = spec.prepare().mean() / 1e9;
        Time { mean, variance: square_of_cv(spec).map(|square| square * mean * mean), shape: Shape::of(spec) }
    }

    /// Always so many seconds.
    pub fn constant(mean: f64) -> Time {
        Time { mean, ..NOTHING }
    }

    /// One after the other, independent of each other.
    pub fn then(self, next: Time) -> Time {
        let shape = match (self.shape, next.shape) {
            (Shape::Constant, Shape::Constant) => Shape::Constant,
            (shape, _) if next.is_nothing() => shape,
            (_, shape) if self.is_nothing() => shape,
            _ => Shape::Other,
        };
        let variance = self.variance.zip(next.variance).map(|(a, b)| a + b);
        Time { mean: self.mean + next.mean, variance, shape }
    }

    /// So many of them, independent of each other.
    fn times(self, times: u32) -> Time {
        let number = f64::from(times);
        let shape = if times == 1 || self.shape == Shape::Constant { self.shape } else { Shape::Other };
        Time { mean: number * self.mean, variance: self.variance.map(|variance| number * variance), shape }
    }

    /// One of them, each with its weight.
    pub fn one_of(times: &[(f64, Time)]) -> Time {
        let whole: f64 = times.iter().map(|(weight, _)| weight).sum();
        let average = |what: &dyn Fn(&Time) -> Option<f64>| {
            times.iter().map(|(weight, time)| what(time).map(|value| weight / whole * value)).sum::<Option<f64>>()
        };
        let mean = average(&|time| Some(time.mean)).unwrap_or(0.0);
        let square = average(&|time| time.variance.map(|variance| variance + time.mean * time.mean));
        let first = times.first().map_or(NOTHING, |(_, time)| *time);
        let alike = times.iter().all(|(_, time)| time.shape == first.shape && time.mean == first.mean);
        Time { mean, variance: square.map(|square| square - mean * mean), shape: if alike { first.shape } else { Shape::Other } }
    }

    /// Standard deviation over mean.
    pub fn cv(self) -> Option<f64> {
        self.variance.filter(|_| self.mean > 0.0).map(|variance| libm::sqrt(variance.max(0.0)) / self.mean)
    }

    fn is_nothing(self) -> bool {
        self == NOTHING
    }
}

impl Shape {
    fn of(spec: &LatencySpec) -> Shape {
        match spec {
            LatencySpec::Constant(_) => Shape::Constant,
            LatencySpec::Exponential(_) => Shape::Exponential,
            LatencySpec::Scaled(scaled) => Shape::of(&scaled.1),
            _ => Shape::Other,
        }
    }
}

/// Variance over the square of the mean.
fn square_of_cv(spec: &LatencySpec) -> Option<f64> {
    match spec {
        LatencySpec::Constant(_) => Some(0.0),
        LatencySpec::Exponential(_) => Some(1.0),
        LatencySpec::Erlang(erlang) => Some(1.0 / f64::from(erlang.k)),
        LatencySpec::Gamma(gamma) => Some(gamma.cv * gamma.cv),
        LatencySpec::HyperExponential(hyper) => Some(hyper.cv * hyper.cv),
        LatencySpec::LogNormal(log) => log.cv.map(|cv| cv * cv),
        LatencySpec::Uniform(uniform) => {
            let (low, high) = (uniform.low.seconds(), uniform.high.seconds());
            let (mean, width) = (0.5 * (low + high), high - low);
            Some(if mean > 0.0 { width * width / 12.0 / (mean * mean) } else { 0.0 })
        }
        LatencySpec::Weibull(weibull) => {
            let first = libm::tgamma(1.0 + 1.0 / weibull.shape);
            Some(libm::tgamma(1.0 + 2.0 / weibull.shape) / (first * first) - 1.0)
        }
        LatencySpec::Mixture(mixture) => {
            let parts: Vec<(f64, Time)> = mixture.0.iter().map(|(weight, part)| (*weight, Time::of(part))).collect();
            Time::one_of(&parts).cv().map(|cv| cv * cv)
        }
        LatencySpec::Shifted(shifted) => Time::constant(shifted.0.seconds()).then(Time::of(&shifted.1)).cv().map(|cv| cv * cv),
        LatencySpec::Scaled(scaled) => square_of_cv(&scaled.1),
        LatencySpec::Pareto(_) | LatencySpec::Quantiles(_) | LatencySpec::Empirical(_) => None,
    }
}

impl Session {
    /// Of a request's steps, if they check a connection out exactly once, in every case.
    pub fn of(steps: &[StepSpec]) -> Option<Session> {
        let mut sessions = steps.iter().filter(|step| !matches!(step, StepSpec::Await(_) | StepSpec::Work(_) | StepSpec::Block(_)));
        let (Some(StepSpec::Session(inner)), None) = (sessions.next(), sessions.next()) else { return None };
        let mut session = Session { hold: NOTHING, trips: 0.0, is_one_statement: false, open: false }.after(inner)?;
        session.end_transaction();
        session.is_one_statement = matches!(&inner[..], [StepSpec::Query(_)]);
        Some(session)
    }

    /// A transaction is begun together with its first statement, and ended by a round trip of its own.
    fn after(mut self, steps: &[StepSpec]) -> Option<Session> {
        for step in steps {
            match step {
                StepSpec::Query(time) => {
                    self.hold = self.hold.then(Time::of(time));
                    self.trips += 1.0;
                    self.open = true;
                }
                StepSpec::Await(time) | StepSpec::Work(time) | StepSpec::Block(time) => self.hold = self.hold.then(Time::of(time)),
                StepSpec::Transaction(inner) => {
                    self = self.after(inner)?;
                    self.end_transaction();
                }
                StepSpec::Repeat(times, inner) => self = self.after_each(*times, inner)?,
                StepSpec::Choose(branches) => self = self.after_one_of(branches)?,
                StepSpec::SessionState(_) => {}
                StepSpec::Session(_) | StepSpec::Leak { .. } => return None,
            }
        }
        Some(self)
    }

    /// From the second time on all times are alike.
    fn after_each(self, times: u32, steps: &[StepSpec]) -> Option<Session> {
        let first = Session { hold: NOTHING, trips: 0.0, ..self }.after(steps)?;
        let later = Session { hold: NOTHING, trips: 0.0, ..first }.after(steps)?;
        match times.checked_sub(1) {
            None => Some(self),
            Some(0) => Some(Session { hold: self.hold.then(first.hold), trips: self.trips + first.trips, ..first }),
            Some(more) => {
                let hold = self.hold.then(first.hold).then(later.hold.times(more));
                Some(Session { hold, trips: self.trips + first.trips + f64::from(more) * later.trips, ..later })
            }
        }
    }

    fn after_one_of(self, branches: &[(f64, Vec<StepSpec>)]) -> Option<Session> {
        let fresh = Session { hold: NOTHING, trips: 0.0, ..self };
        let ends: Vec<(f64, Session)> =
            branches.iter().map(|(weight, steps)| Some((*weight, fresh.after(steps)?))).collect::<Option<_>>()?;
        let whole: f64 = ends.iter().map(|(weight, _)| weight).sum();
        let holds: Vec<(f64, Time)> = ends.iter().map(|(weight, end)| (*weight, end.hold)).collect();
        let open = ends.first()?.1.open;
        ends.iter().all(|(_, end)| end.open == open).then(|| Session {
            hold: self.hold.then(Time::one_of(&holds)),
            trips: self.trips + ends.iter().map(|(weight, end)| weight / whole * end.trips).sum::<f64>(),
            is_one_statement: false,
            open,
        })
    }

    fn end_transaction(&mut self) {
        self.trips += f64::from(u8::from(self.open));
        self.open = false;
    }
}

impl Doing {
    /// The sum of all steps, each as often as it is done on average.
    pub fn of(steps: &[StepSpec]) -> Doing {
        let mut doing = Doing::default();
        doing.add(steps, 1.0, 0);
        doing
    }

    fn add(&mut self, steps: &[StepSpec], times: f64, sessions: u32) {
        for step in steps {
            match step {
                StepSpec::Work(time) | StepSpec::Block(time) => self.looping += times * Time::of(time).mean,
                StepSpec::Await(time) => self.awaiting += times * Time::of(time).mean,
                StepSpec::Query(time) => self.demand += times * Time::of(time).mean,
                StepSpec::Session(inner) => {
                    self.nests |= sessions > 0;
                    self.add(inner, times, sessions + 1);
                }
                StepSpec::Transaction(inner) => self.add(inner, times, sessions),
                StepSpec::Repeat(again, inner) => self.add(inner, times * f64::from(*again), sessions),
                StepSpec::Choose(branches) => {
                    let whole: f64 = branches.iter().map(|(weight, _)| weight).sum();
                    branches.iter().for_each(|(weight, inner)| self.add(inner, times * weight / whole, sessions));
                }
                StepSpec::Leak { .. } => self.leaks = true,
                StepSpec::SessionState(_) => {}
            }
        }
    }
}
