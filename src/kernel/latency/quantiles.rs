//! `Quantiles([(0.5, "4ms"), (0.99, "30ms"), (1.0, "200ms")])`: what a dashboard shows, joined by straight lines.

use serde::{Deserialize, Serialize};

use super::{Latency, LatencyKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// A piecewise linear quantile function, from no time at probability 0 through the given points.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Quantiles(pub Vec<(f64, Span)>);

/// The lines between the points, ready.
struct Polyline {
    /// From probability 0 to 1; never empty.
    lines: Vec<Line>,
    /// The line on which each 64th of the probabilities begins, so that a draw need not search from the start.
    start: [usize; STARTS],
}

/// A part of a quantile function, in nanoseconds.
struct Line {
    from: (f64, f64),
    to: (f64, f64),
    slope: f64,
}

const STARTS: usize = 64;

impl Example for Quantiles {
    const EXAMPLE: &'static str = r#"Quantiles([(0.5, "4ms"), (0.99, "30ms"), (1.0, "200ms")])"#;
    const WHAT: &'static str =
        "What a dashboard knows: Quantiles([(0.5, \"4ms\"), (0.99, \"30ms\"), (1.0, \"200ms\")]), straight lines between.";
}

impl LatencyKind for Quantiles {
    fn check(&self) -> Result<(), Invalid> {
        let (mut last, mut longest) = (0.0, Span::ZERO);
        for (i, (p, span)) in self.0.iter().enumerate() {
            let here = |why: String| Err(Invalid::field(&i.to_string(), why));
            // Written this way round so that a NaN fails too.
            if !(*p > last && *p <= 1.0) {
                return here(format!("the probability must be above {last} (the one before it) and at most 1.0, found {p}"));
            }
            if *span < longest {
                return here(format!("the time must be at least {longest} (the one before it), found {span}"));
            }
            (last, longest) = (*p, *span);
        }
        if last != 1.0 {
            return Err(Invalid::here("the last quantile must be the maximum: end with (1.0, \"200ms\")"));
        }
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        let mut from = (0.0, 0.0);
        let line = |&(p, span): &(f64, Span)| {
            let to = (p, span.nanos() as f64);
            let slope = (to.1 - from.1) / (to.0 - from.0);
            Line { from: std::mem::replace(&mut from, to), to, slope }
        };
        let lines: Vec<Line> = self.0.iter().map(line).collect();
        let start = std::array::from_fn(|i| lines.partition_point(|line| line.to.0 <= i as f64 / STARTS as f64));
        Box::new(Polyline { lines, start })
    }
}

impl Latency for Polyline {
    fn sample(&self, dice: &mut Stream) -> Span {
        Span::from_nanos_f64(self.quantile(dice.uniform()))
    }
    fn mean(&self) -> f64 {
        self.lines.iter().map(|Line { from, to, .. }| (to.0 - from.0) * (from.1 + to.1) / 2.0).sum()
    }
    fn quantile(&self, p: f64) -> f64 {
        let mut lines = self.lines[self.start[(p * STARTS as f64) as usize]..].iter();
        let line = lines.find(|line| p <= line.to.0).expect("the last line ends at probability 1");
        line.from.1 + line.slope * (p - line.from.0)
    }
}
