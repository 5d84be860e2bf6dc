//! The gamma distribution of scale 1: the regularised incomplete gamma functions by their logarithms, and the quantiles.

use super::normal_quantile::normal_quantile;

/// A gamma distribution of scale 1, by its shape.
#[derive(Clone, Copy, Debug)]
pub struct UnitGamma {
    shape: f64,
    ln_gamma: f64,
}

const CLOSE: f64 = 1e-16;

impl UnitGamma {
    /// The gamma distribution of this shape, above 0.
    pub fn new(shape: f64) -> UnitGamma {
        UnitGamma { shape, ln_gamma: libm::lgamma(shape) }
    }

    /// The x with probability `v` below it, for 0 < v <= 1/2.
    pub fn lower(&self, v: f64) -> f64 {
        let wanted = libm::log(v);
        self.solve(self.guess(v, normal_quantile(v)), |y| {
            let (below, _) = self.ln_tails(y);
            (below - wanted, libm::exp(self.ln_slope(y) - below))
        })
    }

    /// The x with probability `v` above it, for 0 < v <= 1/2.
    pub fn upper(&self, v: f64) -> f64 {
        let wanted = libm::log(v);
        self.solve(self.guess(1.0 - v, -normal_quantile(v)), |y| {
            let (_, above) = self.ln_tails(y);
            (above - wanted, -libm::exp(self.ln_slope(y) - above))
        })
    }

    /// Newton's method on the logarithm of a tail over y = ln x. Both tails are log-concave in y, so that from its
    /// second step on Newton's method approaches the root from one side and cannot miss it; the steps are bounded
    /// because the first may overshoot.
    fn solve(&self, guess: f64, error_and_slope: impl Fn(f64) -> (f64, f64)) -> f64 {
        let mut y = guess;
        for _ in 0..200 {
            let (error, slope) = error_and_slope(y);
            let step = (-error / slope).clamp(-8.0, 8.0);
            y += step;
            // Convergence is quadratic: the next step would be below 1e-15.
            if step.abs() < 1e-8 {
                break;
            }
        }
        libm::exp(y)
    }

    /// Where to start: Wilson and Hilferty's cube for a shape above 1, else the head of the series or an exponential tail.
    fn guess(&self, p: f64, z: f64) -> f64 {
        let a = self.shape;
        let head = (libm::log(p) + self.ln_gamma + libm::log(a)) / a;
        let ninth = 1.0 / (9.0 * a);
        let cube_root = 1.0 - ninth + z * libm::sqrt(ninth);
        if a > 1.0 && cube_root > 0.2 {
            return libm::log(a) + 3.0 * libm::log(cube_root);
        }
        let head_reaches = 1.0 - a * (0.253 + a * 0.12);
        if a > 1.0 || p < head_reaches { head } else { libm::log(1.0 - libm::log((1.0 - p) / (1.0 - head_reaches))) }
    }

    /// ln of the density of y = ln x.
    fn ln_slope(&self, y: f64) -> f64 {
        self.shape * y - libm::exp(y) - self.ln_gamma
    }

    /// (ln P, ln Q): the logarithms of the probabilities below and above x = e^y.
    fn ln_tails(&self, y: f64) -> (f64, f64) {
        let x = libm::exp(y);
        let front = self.ln_slope(y);
        if x < self.shape + 1.0 {
            let below = front + libm::log(self.series(x));
            (below, ln_rest(below))
        } else {
            let above = front + libm::log(self.fraction(x));
            (ln_rest(above), above)
        }
    }

    /// P(x) / (x^a e^-x / Γ(a)) as a power series (Abramowitz and Stegun 6.5.29), for x < a + 1.
    fn series(&self, x: f64) -> f64 {
        let mut a = self.shape;
        let mut term = 1.0 / a;
        let mut sum = term;
        while term > sum * CLOSE {
            a += 1.0;
            term *= x / a;
            sum += term;
        }
        sum
    }

    /// Q(x) / (x^a e^-x / Γ(a)) as a continued fraction (Abramowitz and Stegun 6.5.31) by Lentz's method, for x >= a + 1.
    fn fraction(&self, x: f64) -> f64 {
        let mut b = x + 1.0 - self.shape;
        let mut c = f64::INFINITY;
        let mut d = 1.0 / b;
        let mut value = d;
        for i in 1..10_000 {
            let i = f64::from(i);
            let numerator = i * (self.shape - i);
            b += 2.0;
            d = 1.0 / (numerator * d + b);
            c = b + numerator / c;
            let factor = c * d;
            value *= factor;
            if (factor - 1.0).abs() < 4.0 * CLOSE {
                break;
            }
        }
        value
    }
}

/// ln(1 - e^l) for l <= 0.
fn ln_rest(l: f64) -> f64 {
    if l > -std::f64::consts::LN_2 { libm::log(-libm::expm1(l)) } else { libm::log1p(-libm::exp(l)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reference: bisection of the incomplete gamma function with 30 digits.
    #[test]
    fn quantiles_agree_with_thirty_digit_arithmetic() {
        let known = [
            (0.5, 0.05, false, 0.001_966_070_000_009_761_6),
            (0.5, 0.05, true, 1.920_729_410_347_063),
            (5.0, 0.01, false, 1.279_106_080_093_603),
            (5.0, 0.01, true, 11.604_625_579_477_18),
            (50.0, 0.5, false, 49.667_064_617_994_23),
            (50.0, 1e-12, true, 116.905_283_979_603_9),
            (50.0, 1e-12, false, 15.042_083_793_080_92),
            (0.04, 0.5, false, 1.728_164_683_942_607e-8),
            (0.04, 0.1, true, 0.043_384_135_329_113_2),
            (0.0025, 0.05, true, 6.912_775_201_627_758e-10),
            (0.0025, 1e-6, true, 5.913_851_987_748_607),
            (400.0, 1e-9, false, 291.447_301_616_088_75),
            (400.0, 0.25, true, 413.302_012_772_635_5),
            (1000.0, 0.5, false, 999.666_686_426_965_2),
            (1000.0, 1e-15, true, 1_272.191_892_136_283),
            (1.0, 0.5, true, std::f64::consts::LN_2),
        ];
        for (shape, v, upper, x) in known {
            let gamma = UnitGamma::new(shape);
            let found = if upper { gamma.upper(v) } else { gamma.lower(v) };
            // An error in a probability counts 1 / shape times as much in x, when the shape is small.
            let allowed = 1e-13 / f64::min(shape, 1.0);
            assert!((found / x - 1.0_f64).abs() < allowed, "shape {shape}, {v}: {found} for {x}");
        }
    }

    #[test]
    fn quantiles_agree_with_printed_tables_of_chi_square() {
        // Half of a chi-square variable with n degrees of freedom has a gamma distribution of shape n / 2.
        for (n, v, above, printed) in [
            (1.0, 0.05, true, 3.841),
            (2.0, 0.01, true, 9.210),
            (10.0, 0.05, false, 3.940),
            (10.0, 0.05, true, 18.307),
            (30.0, 0.005, true, 53.672),
        ] {
            let gamma = UnitGamma::new(n / 2.0);
            let found = 2.0 * if above { gamma.upper(v) } else { gamma.lower(v) };
            assert!((found - printed).abs() <= 0.000_501, "{n} degrees of freedom, {v}: {found} for {printed}");
        }
    }

    #[test]
    fn the_two_tails_meet_at_the_median() {
        for shape in [0.0025, 0.1, 0.9, 1.0, 1.1, 2.0, 7.3, 100.0, 1000.0] {
            let gamma = UnitGamma::new(shape);
            let (below, above) = (gamma.lower(0.5), gamma.upper(0.5));
            assert!((below / above - 1.0).abs() < 1e-12 / f64::min(shape, 1.0), "{shape}: {below} and {above}");
        }
    }
}
