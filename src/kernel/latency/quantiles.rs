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

/// The points, ready.
struct Polyline {
    /// From (0, 0) to (1, maximum), in nanoseconds.
    points: Vec<(f64, f64)>,
}

impl Example for Quantiles {
    const EXAMPLE: &'static str = r#"Quantiles([(0.5, "4ms"), (0.99, "30ms"), (1.0, "200ms")])"#;
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
        let given = self.0.iter().map(|(p, span)| (*p, span.nanos() as f64));
        Box::new(Polyline { points: std::iter::once((0.0, 0.0)).chain(given).collect() })
    }
}

impl Latency for Polyline {
    fn sample(&self, dice: &mut Stream) -> Span {
        Span::from_nanos_f64(self.quantile(dice.uniform()))
    }
    fn mean(&self) -> f64 {
        self.points.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0).sum()
    }
    fn quantile(&self, p: f64) -> f64 {
        let next = self.points.partition_point(|(at, _)| *at < p).clamp(1, self.points.len() - 1);
        let ((p0, x0), (p1, x1)) = (self.points[next - 1], self.points[next]);
        x0 + (x1 - x0) * ((p - p0) / (p1 - p0))
    }
}
