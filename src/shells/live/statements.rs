//! What a statement's demand is at a real server: sleep, or a calibrated amount of computing.

use std::time::Instant;

use super::session::Session;
use crate::kernel::rng::mix;
use crate::kernel::time::Span;
use crate::shells::cli::Failure;

/// What a query does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statements {
    /// `pg_sleep`: uses no processor, as a database whose model is a `Delay`.
    Sleep,
    /// Counts rows that are made up, so many for a millisecond on an idle core.
    Compute {
        /// Rows per millisecond.
        rows: f64,
    },
}

/// A query, and what was really asked of the server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// The statement's argument: seconds or rows.
    pub argument: f64,
    /// The demand that it stands for.
    pub served: Span,
}

const MILLISECOND: u64 = 1_000_000;

impl Statements {
    /// Computing at the pace of the server behind this session, which should have nothing else to do.
    pub fn calibrated(session: &Session) -> Result<Statements, Failure> {
        let (few, many) = (10_000_u32, 110_000_u32);
        let time = |rows: u32| -> Result<f64, Failure> {
            let mut times = Vec::new();
            for _ in 0..15 {
                let begun = Instant::now();
                session.ask(&format!("select count(*) from (select generate_series(1, {rows})) as made_up"))?;
                times.push(begun.elapsed().as_secs_f64());
            }
            // The one that was disturbed least.
            Ok(times.into_iter().fold(f64::INFINITY, f64::min))
        };
        time(few)?;
        let (short, long) = (time(few)?, time(many)?);
        if long <= short {
            return Err(Failure::Outside("the server computes at no steady pace: ten times the rows took no longer".to_owned()));
        }
        Ok(Statements::Compute { rows: f64::from(many - few) / ((long - short) * 1e3) })
    }

    /// The text, with the place of its argument written as each library wants it.
    pub fn text(self, place: &str) -> String {
        match self {
            Statements::Sleep => format!("select pg_sleep({place})"),
            Statements::Compute { .. } => format!("select count(*) from (select generate_series(1, cast({place} as int))) as made_up"),
        }
    }

    /// `sleep` or `compute`.
    pub fn name(self) -> &'static str {
        match self {
            Statements::Sleep => "sleep",
            Statements::Compute { .. } => "compute",
        }
    }

    /// How to ask for a demand; `dice` is of the request and the statement alone.
    ///
    /// PostgreSQL sleeps whole milliseconds, rounded up. A draw is rounded up or down by chance so that the mean is right,
    /// and asked for half a millisecond less, which PostgreSQL rounds up to it: asked for the whole number, it now and then
    /// sleeps for one more (it compares floats).
    pub fn ask(self, demand: Span, dice: u64) -> Asked {
        match self {
            Statements::Sleep => {
                let (whole, rest) = (demand.nanos() / MILLISECOND, demand.nanos() % MILLISECOND);
                let whole = whole + u64::from(mix(dice) % MILLISECOND < rest);
                let argument = if whole == 0 { 0.0 } else { (whole as f64 - 0.5) / 1e3 };
                Asked { argument, served: Span::from_nanos(whole * MILLISECOND) }
            }
            Statements::Compute { rows } => Asked { argument: libm::round(rows * demand.seconds() * 1e3).max(1.0), served: demand },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_milliseconds_are_right_on_average_and_never_cross_one() {
        let demand = Span::from_nanos(2_300_000);
        let asked: Vec<Asked> = (0..10_000).map(|dice| Statements::Sleep.ask(demand, dice)).collect();
        let mean = asked.iter().map(|asked| asked.served.seconds()).sum::<f64>() / 1e4;
        assert!((mean - 0.0023).abs() < 2e-5, "{mean}");
        assert!(asked.iter().all(|asked| [0.0015, 0.0025].iter().any(|known| (asked.argument - known).abs() < 1e-12)));
        assert_eq!(Statements::Sleep.ask(Span::ZERO, 7).argument, 0.0);
    }

    #[test]
    fn computing_asks_for_rows_in_proportion() {
        let asked = Statements::Compute { rows: 10_000.0 }.ask(Span::from_millis(5), 1);
        assert_eq!(asked, Asked { argument: 50_000.0, served: Span::from_millis(5) });
    }
}
