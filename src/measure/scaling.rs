//! How a server's throughput grows with the number of statements under way: cores and contention, fitted to measured points.

/// One measured point: so many statements under way, so many done per second.
pub type Point = (u32, f64);

/// Processor sharing as the model of the database has it: with N under way, each runs at rate
/// min(1, cores/N) / (1 + sigma (m−1) + kappa m (m−1)), m = min(N, 4 cores).
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Scaling {
    /// Cores.
    pub cores: u32,
    /// Seconds that a statement takes on an idle server.
    pub alone: f64,
    /// Contention.
    pub sigma: f64,
    /// Coherency.
    pub kappa: f64,
    /// Root mean square of the relative errors of the throughput.
    pub error: f64,
}

/// A fit that is further off than this says nothing.
pub const TOLERABLE: f64 = 0.15;
/// Another parameter has to earn its place: the squared error falls by at least this share.
const EARNS: f64 = 0.2;

impl Scaling {
    /// Statements per second with `active` under way.
    pub fn throughput(&self, active: u32) -> f64 {
        let m = f64::from(active.min(4 * self.cores));
        let slower = 1.0 + self.sigma * (m - 1.0) + self.kappa * m * (m - 1.0);
        f64::from(active.min(self.cores)) / (self.alone * slower)
    }

    /// Fits points; what is wrong with them if they make no sense.
    pub fn fit(points: &[Point]) -> Result<Scaling, String> {
        if points.len() < 4 || points.iter().any(|(active, per_second)| *active == 0 || !(per_second.is_finite() && *per_second > 0.0)) {
            return Err("it takes four points or more, each with statements done".to_owned());
        }
        let most = points.iter().map(|(active, _)| *active).max().unwrap_or(1);
        let fits = (1..=most).flat_map(|cores| SHAPES.iter().filter_map(move |shape| at(points, cores, *shape)));
        let mut best: Option<Scaling> = None;
        // Fewer cores and fewer parameters come first: what is more complicated has to be clearly better.
        for fit in fits {
            let beats = |best: &Scaling| fit.error * fit.error < (1.0 - EARNS) * best.error * best.error - 1e-12;
            if best.as_ref().is_none_or(beats) {
                best = Some(fit);
            }
        }
        let best = best.ok_or("no number of cores explains them")?;
        if best.error > TOLERABLE {
            return Err(format!(
                "the best fit, {} cores, is {:.0} % off: the machine did something else meanwhile",
                best.cores,
                100.0 * best.error
            ));
        }
        if best.cores == most {
            return Err(format!("throughput still grew at {most} statements at once: the number of cores was not reached"));
        }
        Ok(best)
    }
}

/// Which of sigma and kappa are not zero.
const SHAPES: [(bool, bool); 4] = [(false, false), (true, false), (false, true), (true, true)];

/// Least squares of relative errors with so many cores: cores' share of a statement, min(N, c)/X, is linear in S, S·sigma, S·kappa.
fn at(points: &[Point], cores: u32, (with_sigma, with_kappa): (bool, bool)) -> Option<Scaling> {
    let terms = |active: u32| {
        let m = f64::from(active.min(4 * cores));
        let mut terms = vec![1.0];
        terms.extend(with_sigma.then_some(m - 1.0));
        terms.extend(with_kappa.then_some(m * (m - 1.0)));
        terms
    };
    let size = terms(1).len();
    let mut system = vec![vec![0.0; size + 1]; size];
    for (active, per_second) in points {
        let share = f64::from((*active).min(cores)) / per_second;
        let terms: Vec<f64> = terms(*active).iter().map(|term| term / share).collect();
        for (row, first) in system.iter_mut().zip(&terms) {
            row.iter_mut().zip(&terms).for_each(|(cell, second)| *cell += first * second);
            row[size] += first;
        }
    }
    let solved = solve(system)?;
    let mut rest = solved.iter().skip(1).map(|value| value / solved[0]);
    let sigma = if with_sigma { rest.next()? } else { 0.0 };
    let kappa = if with_kappa { rest.next()? } else { 0.0 };
    let mut fit = Scaling { cores, alone: solved[0], sigma, kappa, error: 0.0 };
    if fit.alone <= 0.0 || sigma < 0.0 || kappa < 0.0 {
        return None;
    }
    let errors = points.iter().map(|(active, per_second)| fit.throughput(*active) / per_second - 1.0);
    fit.error = (errors.map(|error| error * error).sum::<f64>() / points.len() as f64).sqrt();
    Some(fit)
}

/// Gaussian elimination; nothing if the equations depend on each other.
fn solve(mut system: Vec<Vec<f64>>) -> Option<Vec<f64>> {
    let size = system.len();
    for pivot in 0..size {
        let best = (pivot..size).max_by(|a, b| system[*a][pivot].abs().total_cmp(&system[*b][pivot].abs()))?;
        system.swap(pivot, best);
        let upper = system[pivot].clone();
        if upper[pivot].abs() < 1e-12 {
            return None;
        }
        for row in system.iter_mut().skip(pivot + 1) {
            let factor = row[pivot] / upper[pivot];
            row.iter_mut().zip(&upper).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    let mut solved = vec![0.0; size];
    for row in (0..size).rev() {
        let known: f64 = (row + 1..size).map(|column| system[row][column] * solved[column]).sum();
        solved[row] = (system[row][size] - known) / system[row][row];
    }
    Some(solved)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACTIVE: [u32; 6] = [1, 2, 4, 8, 16, 32];

    #[test]
    fn points_of_a_known_server_give_it_back() {
        for truth in [
            Scaling { cores: 2, alone: 0.005, sigma: 0.0, kappa: 0.0, error: 0.0 },
            Scaling { cores: 4, alone: 0.002, sigma: 0.03, kappa: 0.0, error: 0.0 },
            Scaling { cores: 8, alone: 0.001, sigma: 0.01, kappa: 0.001, error: 0.0 },
        ] {
            let fit = Scaling::fit(&ACTIVE.map(|active| (active, truth.throughput(active)))).expect("the points are exact");
            assert_eq!(fit.cores, truth.cores);
            assert!((fit.alone / truth.alone - 1.0).abs() < 1e-6, "{fit:?}");
            assert!((fit.sigma - truth.sigma).abs() < 1e-6 && (fit.kappa - truth.kappa).abs() < 1e-6, "{fit:?}");
        }
    }

    #[test]
    fn two_real_cores_are_found_in_measured_points() {
        // pgbench with a query of 5 ms on two shared cores; the spread between repetitions was 10 to 40 %.
        let measured = [(1, 177.0), (2, 362.0), (4, 355.4), (8, 362.3), (16, 364.0), (32, 365.8)];
        let fit = Scaling::fit(&measured).expect("they make sense");
        assert_eq!((fit.cores, fit.kappa), (2, 0.0));
        assert!(fit.error < 0.03 && (fit.alone - 0.0055).abs() < 2e-4, "{fit:?}");
    }

    #[test]
    fn nonsense_is_refused_with_the_reason() {
        let noise = [(1, 100.0), (2, 20.0), (4, 500.0), (8, 30.0), (16, 700.0), (32, 50.0)];
        assert!(Scaling::fit(&noise).is_err_and(|why| why.contains("off")));
        assert!(Scaling::fit(&ACTIVE.map(|active| (active, 100.0 * f64::from(active)))).is_err_and(|why| why.contains("not reached")));
        assert!(Scaling::fit(&[(1, 100.0)]).is_err());
    }
}
