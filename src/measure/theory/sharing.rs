//! Statements that all run at once and slow each other down, coming from afar: how many there are.
//!
//! Processor sharing with a speed that depends on the number of statements is one of the stations for which a network
//! with Poisson arrivals has a product form whatever the distribution of what is demanded, with any delays before,
//! between and after the statements of a request (F. Baskett et al., "Open, closed, and mixed networks of queues",
//! 1975; F. Kelly, "Reversibility and Stochastic Networks", 1979). So the number is that of a birth-death chain.

use super::station::Cores;

/// The mean number of statements on such cores, when work for `load` cores comes in a unit of time.
pub fn mean_active(load: f64, cores: Cores) -> Option<f64> {
    let Some(settled) = cores.settled_at() else { return Some(load) };
    let (mut weight, mut sum, mut mean) = (1.0, 1.0, 0.0);
    for active in 1..=settled {
        weight *= load / cores.speed(active);
        sum += weight;
        mean += weight * active as f64;
        if sum > 1e200 {
            (weight, mean, sum) = (weight / sum, mean / sum, 1.0);
        }
    }
    // Beyond, a geometric series.
    let ratio = load / cores.speed(settled);
    if ratio >= 1.0 {
        return None;
    }
    let beyond = ratio / (1.0 - ratio);
    sum += weight * beyond;
    mean += weight * (settled as f64 * beyond + beyond / (1.0 - ratio));
    Some(mean / sum)
}
