//! Whether a run has a steady state to speak of: how much of its start to leave out, and whether it grows without end.
//!
//! All of it looks at one quantity (the number of waiters, say) averaged over equal stretches of time, one series for
//! each replication, all of one length. 200 to 1,000 stretches are a good number.

use std::fmt;

use crate::measure::intervals::Estimate;
use crate::measure::student::t_quantile;

/// The share of the run that is always left out at the start.
pub const USUAL_WARM_UP: f64 = 0.1;
/// A start that takes more than this share of the run leaves too little to speak of.
const LONGEST_WARM_UP: f64 = 0.5;
/// A steady-state run lasts this many relaxation times or more.
pub const RELAXATION_TIMES: f64 = 50.0;
/// Points of the series that MSER-5 averages first.
const BATCH: usize = 5;
/// Batches below which MSER-5 says nothing.
const FEWEST_BATCHES: usize = 10;
/// The risk of calling a stable system unstable, and of each side of the test of its start.
const FALSE_ALARM: f64 = 0.001;

/// What kind of answer a run can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It has a steady state, and the figures are about that.
    Stable,
    /// It grows for as long as it runs: there is no steady state, and no figure about one.
    Unstable,
    /// It was still leaving its initial state when it ended.
    TooShort,
    /// It has two steady states: where it ends up depends on where it started.
    Metastable,
    /// The question is about a fixed span of time (a burst, a failover), not about a steady state.
    Finite,
}

/// How much of the start of a run to leave out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum WarmUp {
    /// This share of the run.
    Share(f64),
    /// More than half of the run: what remains is not worth a figure.
    TooShort,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Verdict::Stable => "stable",
            Verdict::Unstable => "unstable",
            Verdict::TooShort => "too short",
            Verdict::Metastable => "metastable",
            Verdict::Finite => "finite",
        })
    }
}

/// The verdict on a run that is asked about its steady state, and how much of its start to leave out.
///
/// The series begin with the run. `left_out` is the share of it that is left out already, `horizon` how long it ran, and
/// `relaxation` (see [`relaxation`]) how long its memory is if that is known, both in seconds. One replication can be
/// too short, but a single series is never called unstable: there is nothing to compare its slope with.
///
/// MSER-5 now and then cuts a stable but bursty series at random, and figures whose warm-up was chosen by their own
/// chance cover less than those of a fixed one (89 to 93 % instead of 95). So a longer start has to show by itself: what
/// comes after the part that is left out already must differ from the last half.
pub fn judge(series: &[Vec<f64>], left_out: f64, horizon: f64, relaxation: Option<f64>) -> (Verdict, WarmUp) {
    let warm_up = match warm_up(&across(series)) {
        WarmUp::Share(share) if share <= left_out.max(USUAL_WARM_UP) => WarmUp::Share(left_out),
        _ if series.len() > 1 && !starts_differently(series, left_out) => WarmUp::Share(left_out),
        found => found,
    };
    let too_short = warm_up == WarmUp::TooShort || relaxation.is_some_and(|time| horizon < RELAXATION_TIMES * time);
    let verdict = match grows(series) {
        Some(true) => Verdict::Unstable,
        _ if too_short => Verdict::TooShort,
        _ => Verdict::Stable,
    };
    (verdict, warm_up)
}

/// Whether the first fifth of what is not left out differs from the last half: a two-sided t test over the
/// replications' differences that raises a false alarm twice in a thousand stable systems.
fn starts_differently(series: &[Vec<f64>], left_out: f64) -> bool {
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len().max(1) as f64;
    let difference = |one: &Vec<f64>| {
        let (from, half) = (((one.len() as f64 * left_out) as usize).min(one.len() / 2), one.len() / 2);
        let fifth = (one.len() - from) / 5;
        mean(&one[from..(from + fifth).max(from + 1).min(one.len())]) - mean(&one[half..])
    };
    let differences: Vec<f64> = series.iter().map(difference).collect();
    let count = differences.len() as f64;
    let middle = mean(&differences);
    let variance = differences.iter().map(|d| (d - middle) * (d - middle)).sum::<f64>() / (count - 1.0);
    middle.abs() > t_quantile(1.0 - FALSE_ALARM, differences.len() as u32 - 1) * (variance / count).sqrt()
}

/// Whether two starts (empty and overloaded) of the same system came to different ends: their intervals of the same
/// figure have no point in common. If the overloaded one is not still on its way ([`falls`]) it is
/// [`Verdict::Metastable`], and both are to be reported.
pub fn starts_disagree(empty: &Estimate, overloaded: &Estimate) -> bool {
    empty.high < overloaded.low || overloaded.high < empty.low
}

/// The time in seconds in which a queue forgets its state, about 1 / (√capacity − √arrivals)², both in requests per
/// second (exact for M/M/1, a guide elsewhere). Nothing for a queue whose arrivals reach its capacity.
pub fn relaxation(arrivals: f64, capacity: f64) -> Option<f64> {
    let gap = capacity.sqrt() - arrivals.sqrt();
    (gap > 0.0).then(|| 1.0 / (gap * gap))
}

/// The mean across replications at each point of the series, as long as the shortest of them.
pub fn across(series: &[Vec<f64>]) -> Vec<f64> {
    let length = series.iter().map(Vec::len).min().unwrap_or(0);
    (0..length).map(|at| series.iter().map(|one| one[at]).sum::<f64>() / series.len() as f64).collect()
}

/// How much of the start to leave out, from the mean across replications: a tenth, or what [`mser5`] says if that is
/// more. To be applied to the mean only: on single replications MSER-5 cuts off busy starts, and biases every figure
/// by −6 to −10 %. A stable run of 50 relaxation times is refused in about 4 of a hundred cases, one of 13 in 20.
pub fn warm_up(mean_series: &[f64]) -> WarmUp {
    match mser5(mean_series) {
        Some(share) if share <= LONGEST_WARM_UP => WarmUp::Share(share.max(USUAL_WARM_UP)),
        _ => WarmUp::TooShort,
    }
}

/// MSER-5: the share of the series whose deletion makes the standard error of the rest smallest (White 1997), over
/// batches of five points. Up to three quarters are tried, since the last few batches may look alike by chance.
/// It hardly ever deletes less than the start took, but now and then several times as much.
/// Nothing for a series of fewer than 50 points.
pub fn mser5(series: &[f64]) -> Option<f64> {
    let batches: Vec<f64> = series.chunks_exact(BATCH).map(|batch| batch.iter().sum::<f64>() / BATCH as f64).collect();
    if batches.len() < FEWEST_BATCHES {
        return None;
    }
    let longest = batches.len() * 3 / 4;
    let (mut count, mut mean, mut square) = (0.0, 0.0, 0.0);
    let mut best = (f64::INFINITY, 0);
    for (cut, batch) in batches.iter().enumerate().rev() {
        count += 1.0;
        let deviation = batch - mean;
        mean += deviation / count;
        square += deviation * (batch - mean);
        let score = square / (count * count);
        // Of equal scores the one that deletes less: a series without any change needs no warm-up.
        if cut <= longest && score <= best.0 {
            best = (score, cut);
        }
    }
    Some(best.1 as f64 / batches.len() as f64)
}

/// Whether the quantity is still growing over the last half of the run: a one-sided t test over the replications'
/// slopes that raises a false alarm once in a thousand stable systems. Nothing for fewer than two replications or
/// fewer than four points; reliable from about 16 replications on.
///
/// What happens at the same instants in all replications (connections that are recycled every minute) tilts all slopes
/// alike without any growth. It leaves most of the time as it was, so the medians have to grow too.
pub fn grows(series: &[Vec<f64>]) -> Option<bool> {
    let length = series.iter().map(Vec::len).min()?;
    if series.len() < 2 || length < 4 {
        return None;
    }
    let last_half = || series.iter().map(|one| &one[length / 2..length]);
    let rises = |part: &[f64]| median(&part[part.len() - part.len().div_ceil(3)..]) - median(&part[..part.len().div_ceil(3)]);
    Some(is_above_zero(last_half().map(slope)) && is_above_zero(last_half().map(rises)))
}

/// Whether the quantity is still falling over the last half of the run, as [`grows`] says whether it grows.
pub fn falls(series: &[Vec<f64>]) -> Option<bool> {
    let negated: Vec<Vec<f64>> = series.iter().map(|one| one.iter().map(|value| -value).collect()).collect();
    grows(&negated)
}

/// Whether these are samples of something above zero, with the risk of a false alarm.
fn is_above_zero(values: impl Iterator<Item = f64>) -> bool {
    let values: Vec<f64> = values.collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
    let t = t_quantile(1.0 - FALSE_ALARM, u32::try_from(values.len() - 1).expect("fewer than four thousand million replications"));
    mean > 0.0 && mean > t * (variance / count).sqrt()
}

fn median(points: &[f64]) -> f64 {
    let mut sorted = points.to_vec();
    sorted.sort_by(f64::total_cmp);
    0.5 * (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2])
}

/// The slope of the least-squares line through the points, per step.
fn slope(points: &[f64]) -> f64 {
    let middle = 0.5 * (points.len() - 1) as f64;
    let level = points.iter().sum::<f64>() / points.len() as f64;
    let steps = points.iter().enumerate().map(|(at, y)| (at as f64 - middle, y - level));
    let (products, squares) = steps.fold((0.0, 0.0), |(products, squares), (x, y)| (products + x * y, squares + x * x));
    products / squares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Seed, Stream};

    /// A series that swings around `level(at)` and remembers nine tenths of its swing from point to point.
    fn swinging(dice: &mut Stream, length: usize, level: impl Fn(f64) -> f64) -> Vec<f64> {
        let mut swing = 0.0;
        let mut point = |at: usize| {
            swing = 0.9 * swing + (dice.uniform() - 0.5) * 12.0f64.sqrt();
            level(at as f64) + swing
        };
        (0..length).map(&mut point).collect()
    }

    fn many(dice: &mut Stream, replications: usize, level: impl Fn(f64) -> f64) -> Vec<Vec<f64>> {
        (0..replications).map(|_| swinging(dice, 400, &level)).collect()
    }

    fn dice(name: &str) -> Stream {
        Seed::new(1, 0).stream(name)
    }

    #[test]
    fn mser_finds_a_planted_ramp_and_errs_only_by_deleting_more() {
        let mut dice = dice("stationary/ramp");
        for end in [60.0, 120.0, 180.0] {
            let series = |dice: &mut Stream| across(&many(dice, 32, |at| 20.0 * (at / end).min(1.0)));
            let mut cuts: Vec<f64> = (0..51).map(|_| mser5(&series(&mut dice)).expect("400 points are enough") * 400.0).collect();
            cuts.sort_by(f64::total_cmp);
            assert!(cuts[0] >= 0.9 * end, "a ramp of {end} points, cut after {}", cuts[0]);
            assert!(cuts[25] <= 1.15 * end, "a ramp of {end} points, half of the cuts are after {} or more", cuts[25]);
        }
    }

    #[test]
    fn a_steady_series_keeps_the_usual_warm_up_and_a_late_one_is_too_short() {
        let mut dice = dice("stationary/steady");
        let kept = |dice: &mut Stream| warm_up(&across(&many(dice, 32, |_| 5.0))) == WarmUp::Share(USUAL_WARM_UP);
        let usual = (0..100).filter(|_| kept(&mut dice)).count();
        let refused = (0..100).filter(|_| warm_up(&across(&many(&mut dice, 32, |_| 5.0))) == WarmUp::TooShort).count();
        assert!(usual >= 75 && refused <= 5, "usual in {usual}, refused in {refused} of 100");
        let late = many(&mut dice, 32, |at| 20.0 * (at / 280.0).min(1.0));
        assert_eq!(warm_up(&across(&late)), WarmUp::TooShort);
        assert_eq!(warm_up(&[0.0; 400]), WarmUp::Share(USUAL_WARM_UP), "nothing ever waited");
        assert_eq!(warm_up(&[0.0; 49]), WarmUp::TooShort);
    }

    #[test]
    fn a_stable_system_is_hardly_ever_called_unstable() {
        let mut dice = dice("stationary/false alarms");
        let alarms = (0..1000).filter(|_| grows(&many(&mut dice, 16, |_| 5.0)) == Some(true)).count();
        assert!(alarms <= 5, "{alarms} false alarms in 1000, promised about one");
    }

    #[test]
    fn a_growing_system_is_called_unstable() {
        let mut dice = dice("stationary/power");
        let found = (0..200).filter(|_| grows(&many(&mut dice, 32, |at| 0.02 * at)) == Some(true)).count();
        assert!(found >= 198, "a growth of four over the last half, beside swings of 2.3: found in {found} of 200");
        let shrinking = many(&mut dice, 32, |at| 100.0 - 0.1 * at);
        assert_eq!(grows(&shrinking), Some(false));
    }

    #[test]
    fn waves_at_the_same_instants_in_all_replications_are_no_growth() {
        let mut dice = dice("stationary/waves");
        // As a pool of connections that are recycled every minute looks: two waves lie in the last half, both late in theirs.
        let waves = |at: f64| if (at - 83.0).rem_euclid(100.0) < 2.0 { 40.0 } else { 5.0 };
        for _ in 0..20 {
            assert_eq!(grows(&many(&mut dice, 10, waves)), Some(false));
        }
        let growing = many(&mut dice, 10, |at| waves(at) + 0.05 * at);
        assert_eq!(grows(&growing), Some(true), "waves do not hide growth either");
    }

    #[test]
    fn growth_without_any_chance_is_seen_and_a_single_run_is_not_judged() {
        let line: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(grows(&[line.clone(), line.clone()]), Some(true));
        assert_eq!(grows(&[vec![3.0; 100], vec![3.0; 100]]), Some(false));
        assert_eq!(grows(&[line]), None);
        assert_eq!(grows(&[]), None);
    }

    #[test]
    fn the_verdict_weighs_growth_then_length() {
        let mut dice = dice("stationary/verdict");
        let steady = many(&mut dice, 32, |_| 5.0);
        let growing = many(&mut dice, 32, |at| 0.5 * at);
        let settling = many(&mut dice, 32, |at| 50.0 - 0.1 * at);
        let say = |series: &[Vec<f64>], relaxation| judge(series, USUAL_WARM_UP, 100.0, relaxation).0;
        assert_eq!(say(&steady, Some(2.0)), Verdict::Stable);
        assert_eq!(say(&steady, Some(2.1)), Verdict::TooShort, "50 relaxation times are longer than the run");
        assert_eq!(say(&growing, Some(2.1)), Verdict::Unstable);
        assert_eq!(say(&settling, None), Verdict::TooShort);
        assert_eq!(say(&[vec![0.0; 400]], None), Verdict::Stable, "one replication of nothing");
    }

    #[test]
    fn a_start_that_takes_longer_than_what_is_left_out_is_left_out_too() {
        let mut dice = dice("stationary/longer start");
        let settled = many(&mut dice, 32, |at| 20.0 * (at / 30.0).min(1.0));
        assert_eq!(judge(&settled, USUAL_WARM_UP, 100.0, None), (Verdict::Stable, WarmUp::Share(USUAL_WARM_UP)));
        let late = many(&mut dice, 32, |at| 20.0 * (at / 120.0).min(1.0));
        let (verdict, warm_up) = judge(&late, USUAL_WARM_UP, 100.0, None);
        let WarmUp::Share(share) = warm_up else { panic!("a start of 30 % leaves enough: {warm_up:?}") };
        assert!(verdict == Verdict::Stable && (0.25..0.5).contains(&share), "{verdict} {share}");
        assert_eq!(judge(&late, share, 100.0, None).1, WarmUp::Share(share), "the second time it is left out already");
    }

    #[test]
    fn a_steady_series_hardly_ever_asks_for_more_to_be_left_out() {
        let mut dice = dice("stationary/no more");
        let more = |dice: &mut Stream| judge(&many(dice, 32, |_| 5.0), USUAL_WARM_UP, 100.0, None).1 != WarmUp::Share(USUAL_WARM_UP);
        let times = (0..500).filter(|_| more(&mut dice)).count();
        assert!(times <= 3, "{times} of 500, promised about one");
    }

    #[test]
    fn what_falls_is_told_from_what_grows() {
        let mut dice = dice("stationary/falls");
        let falling = many(&mut dice, 32, |at| 100.0 - 0.1 * at);
        assert_eq!((falls(&falling), grows(&falling)), (Some(true), Some(false)));
        assert_eq!(falls(&many(&mut dice, 32, |_| 5.0)), Some(false));
    }

    #[test]
    fn the_relaxation_time_grows_towards_capacity_and_there_is_none_beyond() {
        let at = |rho: f64| relaxation(2000.0 * rho, 2000.0).expect("below capacity");
        assert!((at(0.8) - 0.044_86).abs() < 1e-4, "45 ms for ten servers of 5 ms at 80 %");
        assert!(at(0.95) > 15.0 * at(0.8));
        assert_eq!(relaxation(2000.0, 2000.0), None);
    }

    #[test]
    fn two_starts_disagree_when_their_intervals_have_no_point_in_common() {
        let between = |low, high| Estimate { value: 0.5 * (low + high), low, high };
        assert!(starts_disagree(&between(1.0, 2.0), &between(2.1, 3.0)) && starts_disagree(&between(2.1, 3.0), &between(1.0, 2.0)));
        assert!(!starts_disagree(&between(1.0, 2.0), &between(2.0, 3.0)));
    }

    #[test]
    fn verdicts_print_as_words() {
        let words = [Verdict::Stable, Verdict::Unstable, Verdict::TooShort, Verdict::Metastable, Verdict::Finite].map(|v| v.to_string());
        assert_eq!(words, ["stable", "unstable", "too short", "metastable", "finite"]);
    }
}
