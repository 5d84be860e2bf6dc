//! Waves of connects: how high they are, how many come, and how long it is from one to the next.
//!
//! A second is *full* if it has at least two connects, three times as many as seconds have on average, and a fifth of the
//! fullest one. Full seconds belong to one wave unless the pause between them is longer than a tenth of the longest pause of
//! that replication. Waves have a *period* if three in four of the distances from one's middle to the next one's (at
//! least four of them, in all replications together) lie within a tenth, or two seconds, of their median: a mean of
//! distances that differ would be the period of nothing.

use crate::measure::rush::Rush;

/// The fullest second of a wave has at least so many connects …
const FEWEST: f64 = 4.0;
/// … and so many times as many as seconds have on average …
const TIMES: f64 = 6.0;
/// … which by chance alone would happen in one of so many runs at most.
const RUNS: f64 = 1000.0;

/// What was found, times in seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Waves {
    /// Connects per second on average.
    pub mean: f64,
    /// In the fullest second, mean over replications.
    pub peak: f64,
    /// Waves, in all replications together.
    pub count: u64,
    /// From one wave to the next, if that is always about the same.
    pub period: Option<f64>,
    /// The fullest second of each part of the span, mean over replications.
    pub curve: Vec<f64>,
}

/// The waves of all replications, in these seconds of the span, drawn in so many columns at most; nothing unless at least
/// two come in each on average.
pub fn of(rushes: &[&Rush], from: f64, until: f64, columns: usize) -> Option<Waves> {
    let (width, runs) = (rushes.first()?.width(), rushes.len() as f64);
    let over_runs = |what: &dyn Fn(&Rush) -> f64| rushes.iter().map(|rush| what(rush)).sum::<f64>() / runs;
    let peak = over_runs(&|rush| rush.peak(from, until));
    let mean = over_runs(&|rush| rush.mean(from, until));
    if width <= 0.0 || peak * width < FEWEST || peak < TIMES * mean || is_chance(peak * width, mean * width, (until - from) / width) {
        return None;
    }
    let middles: Vec<Vec<f64>> = rushes.iter().map(|rush| middles(rush, from, until)).collect();
    let count = middles.iter().map(Vec::len).sum::<usize>();
    let distances: Vec<f64> = middles.iter().flat_map(|run| run.windows(2).map(|pair| pair[1] - pair[0])).collect();
    let columns = columns.min(((until - from) / width) as usize);
    let edge = |index: usize| libm::floor((from + (until - from) * index as f64 / columns as f64) / width) * width;
    let curve = (0..columns).map(|index| over_runs(&|rush| rush.peak(edge(index), edge(index + 1)))).collect();
    (count as f64 >= 2.0 * runs).then(|| Waves { mean, peak, count: count as u64, period: period(distances, width), curve })
}

/// Whether so many in the fullest of all parts may well be chance, where connects come independently of each other: the
/// bound of Chernoff for the tail of a Poisson number.
fn is_chance(most: f64, mean: f64, parts: f64) -> bool {
    let tail = libm::exp(most - mean - most * libm::log(most / mean.max(f64::MIN_POSITIVE)));
    tail * parts > 1.0 / RUNS
}

/// The middle of each wave of one replication.
fn middles(rush: &Rush, from: f64, until: f64) -> Vec<f64> {
    let width = rush.width();
    let full = (2.0 / width).max(3.0 * rush.mean(from, until)).max(0.2 * rush.peak(from, until));
    let parts = rush.per_second().enumerate().map(|(part, rate)| (part as f64 * width, rate));
    let full: Vec<(f64, f64)> = parts.filter(|(at, rate)| *at + width > from && *at < until && *rate >= full).collect();
    let longest = full.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(0.0, f64::max);
    let ends = |a: &(f64, f64), b: &(f64, f64)| b.0 - a.0 > width && b.0 - a.0 > 0.1 * longest;
    let middle =
        |wave: &[(f64, f64)]| wave.iter().map(|(at, rate)| at * rate).sum::<f64>() / wave.iter().map(|(_, rate)| rate).sum::<f64>();
    full.chunk_by(|a, b| !ends(a, b)).map(middle).collect()
}

fn period(mut distances: Vec<f64>, width: f64) -> Option<f64> {
    if distances.len() < 4 {
        return None;
    }
    distances.sort_by(f64::total_cmp);
    let median = distances[distances.len() / 2];
    let near: Vec<f64> =
        distances.iter().copied().filter(|distance| (distance - median).abs() <= (0.1 * median).max(2.0 * width)).collect();
    (4 * near.len() >= 3 * distances.len()).then(|| near.iter().sum::<f64>() / near.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::Seed;
    use crate::kernel::time::{SimTime, Span};

    /// Connects at these seconds of ten minutes.
    fn rush(seconds: impl IntoIterator<Item = f64>) -> Rush {
        let at = |seconds: f64| SimTime::ZERO + Span::from_seconds(seconds);
        let mut rush = Rush::new(at(0.0), at(600.0));
        seconds.into_iter().for_each(|second| rush.add(at(second)));
        rush
    }

    fn found(rushes: &[Rush]) -> Option<Waves> {
        of(&rushes.iter().collect::<Vec<_>>(), 0.0, 600.0, 40)
    }

    /// Twenty connects every so often, spread over `width` seconds.
    fn herd(every: f64, width: f64) -> Rush {
        let waves = (0..).map(|wave| 5.3 + f64::from(wave) * every).take_while(|at| *at < 590.0);
        rush(waves.flat_map(|at| (0..20).map(move |one| at + width * f64::from(one) / 20.0)))
    }

    #[test]
    fn the_period_is_the_distance_of_waves_and_not_a_multiple_of_it() {
        for (every, width) in [(60.0, 0.1), (60.0, 3.0), (97.4, 2.0), (31.0, 0.1), (120.0, 3.0)] {
            let waves = found(&[herd(every, width)]).expect("they are high");
            let period = waves.period.expect("they are regular");
            assert!((period - every).abs() < 1.0, "{period} instead of {every}, {width} s wide");
            assert_eq!(waves.count, (585.0 / every) as u64 + 1);
        }
        let long = found(&[herd(200.0, 0.1), herd(200.0, 0.1)]).expect("three in each");
        assert!((long.period.expect("four distances in all") - 200.0).abs() < 1.0 && long.count == 6, "{long:?}");
        let columns = long.curve.iter().enumerate().filter(|(_, most)| **most > 0.0).map(|(column, _)| column);
        assert_eq!((columns.collect::<Vec<_>>(), long.peak), (vec![0, 13, 27], 20.0));
    }

    #[test]
    fn what_comes_at_no_regular_distance_has_no_period_and_what_comes_once_is_no_wave() {
        let volleys = |at: &'static [f64]| rush(at.iter().flat_map(|at| (0..20).map(move |one| at + f64::from(one) * 1e-3)));
        let irregular = found(&[volleys(&[10.5, 60.5, 190.5, 260.5, 580.5])]).expect("they are high");
        assert_eq!((irregular.period, irregular.count), (None, 5));
        assert_eq!(found(&[herd(200.0, 0.1)]).expect("three waves").period, None, "two distances may be equal by chance");
        assert_eq!(found(&[volleys(&[300.0])]), None);
    }

    #[test]
    fn chance_and_steady_connects_are_no_waves() {
        for (rate, seed) in [(0.1, 1), (0.5, 2), (3.0, 3), (50.0, 4)] {
            let mut dice = Seed::new(seed, 0).stream("connects");
            let mut at = 0.0;
            let chance = std::iter::from_fn(|| {
                at -= libm::log(1.0 - dice.uniform()) / rate;
                (at < 600.0).then_some(at)
            });
            assert_eq!(found(&[rush(chance)]), None, "{rate}/s");
        }
        assert_eq!(found(&[rush((0..600).map(f64::from))]), None);
        assert_eq!((found(&[rush([])]), found(&[])), (None, None));
    }
}
