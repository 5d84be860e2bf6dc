//! Quantiles of the normal and of Student's t distribution, from `libm` alone and so the same on every machine.

const SQRT_2: f64 = std::f64::consts::SQRT_2;
const SQRT_TAU: f64 = 2.506_628_274_631_000_7;

/// The p-quantile of the standard normal distribution, for 0 < p < 1.
pub fn normal_quantile(p: f64) -> f64 {
    debug_assert!(p > 0.0 && p < 1.0, "a probability strictly between 0 and 1");
    let tail = p.min(1.0 - p);
    let z = normal_upper_tail(tail);
    if p < 0.5 { -z } else { z }
}

/// The p-quantile of Student's t distribution with `degrees` of freedom (at least one), for 0 < p < 1.
pub fn t_quantile(p: f64, degrees: u32) -> f64 {
    debug_assert!(p > 0.0 && p < 1.0 && degrees > 0, "a probability strictly between 0 and 1, a degree of freedom or more");
    let tail = p.min(1.0 - p);
    let t = t_upper_tail(tail, f64::from(degrees));
    if p < 0.5 { -t } else { t }
}

/// The z ≥ 0 with P(Z > z) = `tail`: Abramowitz and Stegun 26.2.23 (good to 4.5e-4), then three Halley steps.
fn normal_upper_tail(tail: f64) -> f64 {
    let t = (-2.0 * libm::log(tail)).sqrt();
    let above = 2.515_517 + t * (0.802_853 + t * 0.010_328);
    let below = 1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308));
    let mut z = t - above / below;
    for _ in 0..3 {
        let density = libm::exp(-0.5 * z * z) / SQRT_TAU;
        let step = (0.5 * libm::erfc(z / SQRT_2) - tail) / density;
        z += step / (1.0 - 0.5 * z * step);
    }
    z
}

/// The t ≥ 0 with P(T > t) = `tail` = I(x; ν/2, 1/2) / 2, x = ν / (ν + t²): the incomplete beta function is inverted
/// by Newton steps, and where one leaves the bracket by halving that (in w = t / (1 + t), which is bounded).
fn t_upper_tail(tail: f64, degrees: f64) -> f64 {
    let half = 0.5 * degrees;
    let scale = log_beta(half, 0.5) + 0.5 * libm::log(degrees);
    let (mut low, mut high) = (0.0, 1.0);
    let mut t = normal_upper_tail(tail);
    for _ in 0..200 {
        let w = t / (1.0 + t);
        let excess = 0.5 * t_both_tails(t, degrees) - tail;
        if excess > 0.0 {
            low = w
        } else {
            high = w
        }
        let density = libm::exp(-(half + 0.5) * libm::log1p(t * t / degrees) - scale);
        let newton = t + excess / density;
        let inside = newton.is_finite() && newton > 0.0 && (low..high).contains(&(newton / (1.0 + newton)));
        let middle = 0.5 * (low + high);
        let next = if inside { newton } else { middle / (1.0 - middle) };
        if (next - t).abs() <= 1e-14 * t {
            return next;
        }
        t = next;
    }
    t
}

/// P(|T| > t), for t ≥ 0.
fn t_both_tails(t: f64, degrees: f64) -> f64 {
    let square = t * t;
    incomplete_beta(degrees / (degrees + square), square / (degrees + square), 0.5 * degrees, 0.5)
}

/// The regularised incomplete beta function I(x; a, b), with y = 1 - x given apart so that nothing cancels.
fn incomplete_beta(x: f64, y: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if y <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(a * libm::log(x) + b * libm::log(y) - log_beta(a, b));
    if x < (a + 1.0) / (a + b + 2.0) { front * beta_fraction(x, a, b) / a } else { 1.0 - front * beta_fraction(y, b, a) / b }
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22) by Lentz's method.
fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..20_000 {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction - before).abs() <= 1e-16 * fraction.abs() {
            break;
        }
    }
    fraction
}

fn log_beta(a: f64, b: f64) -> f64 {
    libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, expected: f64, relative: f64) {
        assert!((found - expected).abs() <= relative * expected.abs(), "found {found}, expected {expected}");
    }

    #[test]
    fn normal_quantiles_are_those_of_the_tables() {
        let table = [
            (0.75, 0.674489750196082),
            (0.975, 1.959963984540054),
            (0.995, 2.575829303548901),
            (0.999, 3.090232306167813),
            (1e-9, -5.997807015007687),
        ];
        for (p, z) in table {
            close(normal_quantile(p), z, 1e-13);
        }
        assert!(normal_quantile(0.5).abs() < 1e-15);
    }

    #[test]
    fn t_quantiles_are_those_of_the_tables() {
        let table = [
            (0.975, 1, 12.706204736174705),
            (0.975, 2, 4.302652729749464),
            (0.975, 9, 2.2621571627982055),
            (0.975, 31, 2.0395134463964085),
            (0.999, 15, 3.7328344253109003),
            (0.9995, 31, 3.633456349758331),
            (0.995, 10, 3.1692726726169512),
            (0.9, 30, 1.3104150253913956),
            (0.999, 1, 318.30883898555045),
        ];
        for (p, degrees, t) in table {
            close(t_quantile(p, degrees), t, 1e-12);
            close(t_quantile(1.0 - p, degrees), -t, 1e-10);
        }
    }

    #[test]
    fn one_and_two_degrees_of_freedom_follow_their_closed_forms() {
        for p in [0.5001, 0.6, 0.9, 0.999, 0.999999] {
            close(t_quantile(p, 1), libm::tan(std::f64::consts::PI * (p - 0.5)), 1e-9);
            let two = (2.0 * p - 1.0) / (2.0 * p * (1.0 - p)).sqrt();
            close(t_quantile(p, 2), two, 1e-9);
        }
    }

    #[test]
    fn many_degrees_of_freedom_come_close_to_the_normal() {
        let z = normal_quantile(0.975);
        let first_order = z + (z * z * z + z) / 4e6;
        close(t_quantile(0.975, 1_000_000), first_order, 1e-9);
        close(t_quantile(0.5, 7) + 1.0, 1.0, 1e-14);
    }
}
