//! Quantiles over replications, with intervals by test inversion; a quantile that the data cannot carry is not stated.
//!
//! Order statistics of one run cover the truth in 2 to 28 of a hundred cases where they promise 95, and means of
//! per-replication p99.9s in 76 to 80. Inverting the interval of the share P(W ≤ x) covers 93 to 96.

use crate::measure::histogram::{Bin, Histogram, rank};
use crate::measure::intervals::{Confidence, Estimate, Figure, linearised, mean_with};

/// Values beyond the quantile that each replication must have on average.
const EXCEEDANCES: f64 = 20.0;
/// Replications of which each must have a value beyond the quantile (all of them, if there are fewer).
const REPLICATIONS: usize = 10;

/// What quantiles of one quantity are computed from: the histograms of all replications, summed up once.
pub struct Quantiles {
    all: Histogram,
    bins: Vec<Bin>,
    replications: Vec<Cumulated>,
}

/// One replication: for each bin that is not empty in any of them, how many values are at most its upper end.
struct Cumulated {
    at_most: Vec<u64>,
    count: u64,
}

impl Quantiles {
    /// Of one histogram per replication, in the order of the replications.
    pub fn of(replications: &[Histogram]) -> Quantiles {
        let all = Histogram::merged(replications);
        let bins: Vec<Bin> = all.bins().collect();
        let replications = replications.iter().map(|replication| Cumulated::of(replication, &bins)).collect();
        Quantiles { all, bins, replications }
    }

    /// The p-quantile in nanoseconds, for 0 < p < 1: the pooled one by the rule of rank ⌈n p⌉, and as its interval
    /// the set of x for which the interval of the share P(W ≤ x) contains p, widened to whole bins of the histogram
    /// (1/1024 of a value at most).
    ///
    /// Unsupported with fewer than 20 values per replication beyond it on average, or if fewer than 10 replications
    /// (all of them, if there are fewer than 10) have any.
    pub fn quantile(&self, p: f64, confidence: Confidence) -> Figure {
        assert!(p > 0.0 && p < 1.0, "a quantile lies strictly between the least and the greatest");
        let Some(value) = self.all.quantile(p) else {
            return Figure::unsupported("there is no value to take a quantile of");
        };
        if let Some(refusal) = self.too_few(p) {
            return refusal;
        }
        match self.replications.len() {
            1 => Figure::Single(value as f64),
            replications => Figure::Estimate(self.inverted(p, value as f64, confidence.t(replications))),
        }
    }

    /// The p-quantile as if it were a mean (Bahadur): for each replication q + (p − share at most q) / density, whose
    /// spread is that of the pooled quantile, for paired differences of quantiles. The density is the slope of the
    /// pooled distribution over the quantile's own 95 % interval. Nothing where [`Quantiles::quantile`] states no
    /// interval, and where the interval has no width, as inside an atom: there the density has no meaning.
    pub fn linearised(&self, p: f64) -> Option<Vec<f64>> {
        let found = self.quantile(p, Confidence::USUAL).estimate()?;
        let below = |x: f64| self.bins.partition_point(|bin| (bin.high as f64) < x).min(self.bins.len() - 1);
        let (from, at, to) = (below(found.low), below(found.value), below(found.high));
        let rise = self.share_of_all(to) - self.share_of_all(from);
        let run = self.bins[to].high as f64 - self.bins[from].high as f64;
        let shares = linearised(&self.pairs(at))?;
        let middle = shares.iter().sum::<f64>() / shares.len() as f64;
        (rise > 0.0 && run > 0.0).then(|| shares.iter().map(|share| found.value + (middle - share) * run / rise).collect())
    }

    fn too_few(&self, p: f64) -> Option<Figure> {
        let name = percentile(p);
        let tail = p.min(1.0 - p);
        let per_replication = self.all.count() as f64 / self.replications.len() as f64;
        // A tail of 0.001 is 0.0010000000000000009 in doubles: what is short of 20 by rounding alone is enough.
        let enough = |values: f64| values * tail >= EXCEEDANCES * (1.0 - 1e-9);
        let needs = libm::ceil(EXCEEDANCES * (1.0 - 1e-9) / tail) as u64;
        if !enough(per_replication) {
            let why = format!("{name} needs {needs} values in each replication (20 beyond it), there are {per_replication:.0}");
            return Some(Figure::Unsupported { why, needs: Some(needs) });
        }
        let (have, wanted) = (self.with_values_beyond(p), REPLICATIONS.min(self.replications.len()));
        (have < wanted).then(|| {
            let why =
                format!("only {have} of {} replications have a value beyond {name}: run each of them longer", self.replications.len());
            Figure::Unsupported { why, needs: None }
        })
    }

    /// Replications with a value in the thinner tail, the bin of the quantile included: it may hold all of the tail,
    /// as when everyone in it waited exactly the timeout.
    fn with_values_beyond(&self, p: f64) -> usize {
        let rank = rank(self.all.count(), p).expect("it was looked at for values before");
        let at = self.bins.partition_point(|bin| self.all_at_most(bin) < rank);
        let before = |r: &Cumulated| if at == 0 { 0 } else { r.at_most[at - 1] };
        let beyond = |r: &&Cumulated| if p < 0.5 { r.at_most[at] > 0 } else { before(r) < r.count };
        self.replications.iter().filter(beyond).count()
    }

    /// The share rises from bin to bin, and is level between their upper ends: the interval begins in the first bin
    /// whose upper limit reaches p, and ends in the first whose lower limit is past it.
    fn inverted(&self, p: f64, value: f64, t: f64) -> Estimate {
        let limits = |at: usize| mean_with(&linearised(&self.pairs(at)).expect("there are values"), t);
        let first = first_where(self.bins.len(), |at| limits(at).high >= p);
        let last = first_where(self.bins.len(), |at| limits(at).low > p);
        let most = self.all.max().expect("there are values") as f64;
        let low = self.bins[first.min(self.bins.len() - 1)].low as f64;
        let high = self.bins.get(last).map_or(most, |bin| (bin.high as f64).min(most));
        Estimate { value, low: low.min(value), high: high.max(value) }
    }

    fn pairs(&self, at: usize) -> Vec<(f64, f64)> {
        self.replications.iter().map(|r| (r.at_most[at] as f64, r.count as f64)).collect()
    }

    fn share_of_all(&self, at: usize) -> f64 {
        self.all_at_most(&self.bins[at]) as f64 / self.all.count() as f64
    }

    fn all_at_most(&self, bin: &Bin) -> u64 {
        self.all.count_at_most(bin.high)
    }
}

impl Cumulated {
    fn of(replication: &Histogram, bins: &[Bin]) -> Cumulated {
        let mut own = replication.bins().peekable();
        let mut seen = 0;
        let at_most = bins.iter().map(|bin| {
            seen += own.next_if(|mine| mine.low == bin.low).map_or(0, |mine| mine.count);
            seen
        });
        Cumulated { at_most: at_most.collect(), count: replication.count() }
    }
}

/// The first of `0..count` from which on `holds`, or `count`.
fn first_where(count: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut from, mut to) = (0, count);
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle) { to = middle } else { from = middle + 1 }
    }
    from
}

/// "p50", "p99.9".
fn percentile(p: f64) -> String {
    format!("p{}", libm::round(p * 1e8) / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Seed, Stream};

    const MEAN: f64 = 1e6;

    fn exponential(dice: &mut Stream, count: usize, offset: f64) -> Histogram {
        let mut histogram = Histogram::default();
        (0..count).for_each(|_| histogram.record((offset - MEAN * libm::log(dice.uniform())) as u64));
        histogram
    }

    fn replications(dice: &mut Stream, replications: usize, count: usize) -> Vec<Histogram> {
        (0..replications).map(|_| exponential(dice, count, 0.0)).collect()
    }

    fn dice(name: &str) -> Stream {
        Seed::new(1, 0).stream(name)
    }

    #[test]
    fn quantiles_are_covered_as_promised() {
        let mut dice = dice("quantiles/coverage");
        let levels = [0.5, 0.9, 0.99];
        let mut covered = [0; 3];
        for _ in 0..300 {
            let quantiles = Quantiles::of(&replications(&mut dice, 32, 2000));
            for (covered, p) in covered.iter_mut().zip(levels) {
                let truth = -MEAN * libm::log1p(-p);
                let found = quantiles.quantile(p, Confidence::USUAL).estimate().expect("2,000 values carry a p99");
                *covered += u32::from(found.covers(truth));
            }
        }
        for (covered, p) in covered.iter().zip(levels) {
            assert!((273..=294).contains(covered), "p = {p}: covered {covered} of 300, promised 285");
        }
    }

    #[test]
    fn replications_that_differ_widen_the_interval() {
        let mut dice = dice("quantiles/differ");
        let alike = Quantiles::of(&replications(&mut dice, 32, 2000));
        let shifted: Vec<_> = (0..32).map(|r| exponential(&mut dice, 2000, f64::from(r) * 1e5)).collect();
        let width = |quantiles: &Quantiles| {
            let found = quantiles.quantile(0.5, Confidence::USUAL).estimate().expect("it is carried");
            found.high - found.low
        };
        assert!(width(&Quantiles::of(&shifted)) > 10.0 * width(&alike), "all that counts is how replications differ");
    }

    #[test]
    fn a_quantile_with_too_few_values_beyond_it_says_how_many_it_needs() {
        let mut dice = dice("quantiles/few");
        let few = Quantiles::of(&replications(&mut dice, 32, 1999));
        let Figure::Unsupported { why, needs } = few.quantile(0.99, Confidence::USUAL) else { panic!("1,999 are too few") };
        assert_eq!((needs, why.as_str()), (Some(2000), "p99 needs 2000 values in each replication (20 beyond it), there are 1999"));
        assert!(few.quantile(0.9, Confidence::USUAL).estimate().is_some());
        let Figure::Unsupported { needs, .. } = few.quantile(0.999, Confidence::USUAL) else { panic!("far too few") };
        assert_eq!(needs, Some(20_000));
        assert_eq!(Quantiles::of(&[]).quantile(0.5, Confidence::USUAL).value(), None);
    }

    #[test]
    fn a_tail_that_only_a_few_replications_saw_carries_nothing() {
        let mut all = vec![Histogram::default(); 32];
        for (at, replication) in all.iter_mut().enumerate() {
            (0..5000).for_each(|i| replication.record(if at < 9 && i < 1000 { 1_000_000 + i } else { i % 7 }));
        }
        let why = match Quantiles::of(&all).quantile(0.95, Confidence::USUAL) {
            Figure::Unsupported { why, .. } => why,
            other => panic!("nine replications of 32 are too few: {other:?}"),
        };
        assert_eq!(why, "only 9 of 32 replications have a value beyond p95: run each of them longer");
    }

    #[test]
    fn a_quantile_inside_an_atom_is_exact() {
        let timeout = 30_000_000_000;
        let mut all = vec![Histogram::default(); 12];
        for (at, replication) in all.iter_mut().enumerate() {
            (0..2000).for_each(|i| {
                replication.record(if i < 1000 + at as u64 {
                    0
                } else if i < 1500 {
                    i
                } else {
                    timeout
                })
            });
        }
        let quantiles = Quantiles::of(&all);
        let exactly = |ns: u64| Figure::Estimate(Estimate { value: ns as f64, low: ns as f64, high: ns as f64 });
        assert_eq!(quantiles.quantile(0.3, Confidence::USUAL), exactly(0), "more than half did not wait at all");
        let most = quantiles.quantile(0.99, Confidence::USUAL).estimate().expect("the tail is in every replication");
        assert!(most.value == timeout as f64 && most.high == most.value && most.low >= most.value * (1.0 - 1.0 / 1024.0), "{most:?}");
        assert_eq!(quantiles.linearised(0.3), None, "an atom has no density");
    }

    #[test]
    fn one_replication_has_quantiles_without_intervals() {
        let mut dice = dice("quantiles/one");
        let one = Quantiles::of(&replications(&mut dice, 1, 5000));
        assert!(matches!(one.quantile(0.9, Confidence::USUAL), Figure::Single(value) if (value / MEAN - 2.3).abs() < 0.2));
        let three = Quantiles::of(&replications(&mut dice, 3, 5000));
        assert!(three.quantile(0.9, Confidence::USUAL).estimate().is_some(), "few replications: wide, but stated");
    }

    #[test]
    fn linearised_quantiles_spread_like_the_quantile() {
        let mut dice = dice("quantiles/linearised");
        for p in [0.5, 0.9, 0.99] {
            let quantiles = Quantiles::of(&replications(&mut dice, 32, 4000));
            let direct = quantiles.quantile(p, Confidence::USUAL).estimate().expect("it is carried");
            let values = quantiles.linearised(p).expect("it is carried");
            let through = mean_with(&values, Confidence::USUAL.t(32));
            assert!((through.value - direct.value).abs() < 1e-6 * direct.value);
            let widths = (through.high - through.low) / (direct.high - direct.low);
            assert!((0.8..1.25).contains(&widths), "p = {p}: {through:?} against {direct:?}");
        }
    }
}
