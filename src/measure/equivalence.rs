//! Whether two things are the same for all that matters: two one-sided tests (Schuirmann 1987) against a margin.
//!
//! "No difference can be seen" is no proof of sameness: few or noisy values never see any. Here sameness has to be shown.

use crate::measure::student::t_quantile;

/// What paired differences say about a margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Verdict {
    /// The whole interval lies within the margin: the same, for all that matters.
    #[serde(rename = "agrees")]
    Agrees,
    /// The whole interval lies beyond the margin.
    #[serde(rename = "differs")]
    Differs,
    /// The interval lies across the margin: the values are too few, or spread too far, to say either.
    #[serde(rename = "too noisy")]
    TooNoisy,
}

impl Verdict {
    /// As documents write it.
    pub fn words(self) -> &'static str {
        match self {
            Verdict::Agrees => "agrees",
            Verdict::Differs => "differs",
            Verdict::TooNoisy => "too noisy",
        }
    }
}

/// The mean of paired differences with the interval that the two tests look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Equivalence {
    /// The mean difference.
    pub mean: f64,
    /// Its interval at 90 %: each of the two tests has a risk of 5 %.
    pub interval: [f64; 2],
    /// What that says.
    pub verdict: Verdict,
}

/// The risk of each one-sided test.
const RISK: f64 = 0.05;

/// Holds differences, one for each pair of runs, against a margin; nothing with fewer than two, which have no spread.
pub fn equivalence(differences: &[f64], margin: f64) -> Option<Equivalence> {
    let n = differences.len();
    if n < 2 || differences.iter().any(|difference| !difference.is_finite()) {
        return None;
    }
    let mean = differences.iter().sum::<f64>() / n as f64;
    let variance = differences.iter().map(|difference| (difference - mean) * (difference - mean)).sum::<f64>() / (n - 1) as f64;
    let half = t_quantile(1.0 - RISK, n as u32 - 1) * (variance / n as f64).sqrt();
    let interval = [mean - half, mean + half];
    let verdict = if interval[0] >= -margin && interval[1] <= margin {
        Verdict::Agrees
    } else if interval[0] > margin || interval[1] < -margin {
        Verdict::Differs
    } else {
        Verdict::TooNoisy
    };
    Some(Equivalence { mean, interval, verdict })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rng::{Seed, Stream};
    use crate::measure::student::normal_quantile;

    fn verdicts(dice: &mut Stream, truth: f64, spread: f64, runs: usize) -> [usize; 3] {
        let mut counts = [0; 3];
        for _ in 0..2000 {
            let differences: Vec<f64> = (0..runs).map(|_| truth + spread * normal_quantile(dice.uniform())).collect();
            counts[equivalence(&differences, 1.0).expect("there are several").verdict as usize] += 1;
        }
        counts
    }

    fn dice(name: &str) -> Stream {
        Seed::new(1, 0).stream(name)
    }

    #[test]
    fn a_difference_as_large_as_the_margin_is_called_the_same_no_more_often_than_the_risk_allows() {
        for runs in [3, 5, 10] {
            let [agrees, differs, _] = verdicts(&mut dice("equivalence/edge"), 1.0, 0.3, runs);
            assert!(agrees <= 130 && differs <= 130, "{runs} runs: {agrees} agree and {differs} differ of 2000, allowed 100 each");
        }
    }

    #[test]
    fn what_is_the_same_is_shown_to_be_by_enough_runs_and_what_differs_too() {
        let [agrees, differs, _] = verdicts(&mut dice("equivalence/same"), 0.0, 0.2, 5);
        assert!(agrees > 1950 && differs == 0, "{agrees} agree, {differs} differ");
        let [agrees, differs, _] = verdicts(&mut dice("equivalence/other"), 2.0, 0.2, 5);
        assert!(differs > 1950 && agrees == 0, "{agrees} agree, {differs} differ");
    }

    #[test]
    fn noise_is_no_agreement_and_one_run_is_no_verdict() {
        let [agrees, _, noisy] = verdicts(&mut dice("equivalence/noise"), 0.0, 3.0, 3);
        assert!(noisy > 1500 && agrees < 100, "{agrees} agree, {noisy} are too noisy");
        assert_eq!(equivalence(&[0.0], 1.0), None);
        assert_eq!(equivalence(&[0.0, f64::NAN], 1.0), None);
    }

    #[test]
    fn equal_differences_have_no_noise_at_all() {
        assert_eq!(equivalence(&[0.5; 3], 1.0).map(|found| found.verdict), Some(Verdict::Agrees));
        assert_eq!(equivalence(&[1.5; 3], 1.0).map(|found| found.verdict), Some(Verdict::Differs));
        assert_eq!(equivalence(&[0.0; 3], 0.0).map(|found| found.verdict), Some(Verdict::Agrees));
    }
}
