//! A distribution's inverse as a table of cubics, so that a draw costs a few multiplications whatever the formula costs.

use super::Latency;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// A continuous distribution by its inverse, told apart by the nearer tail so that neither tail loses digits.
pub trait Law: Send + Sync {
    /// The exact mean in nanoseconds.
    fn mean(&self) -> f64;
    /// The value in nanoseconds with probability `v` below it, for 0 < v <= 1/2.
    fn lower(&self, v: f64) -> f64;
    /// The value in nanoseconds with probability `v` above it, for 0 < v <= 1/2.
    fn upper(&self, v: f64) -> f64;
}

/// A [`Law`] that is drawn from by table, one word a draw.
///
/// A cell is a 32nd of an octave of the nearer tail's probability; its cubic goes through the law's values at the four
/// Chebyshev nodes. Where a cubic is off by more than one part in 10⁷ (and by more than a nanosecond can show), and
/// beyond the last octave (once in 4096 draws), a draw asks the law itself.
pub struct Tabled<L> {
    law: L,
    /// Parameter: octaves outwards to inwards, cells upwards, the lower tail's and the upper tail's side by side.
    cells: Vec<Cell>,
}

/// Coefficients of a cubic over -1 ..= 1, lowest first; the lowest is NaN where the law itself is to be asked.
type Cell = [f64; 4];

const OCTAVES: u64 = 12;
const CELL_BITS: u32 = 5;
const MANTISSA_BITS: u32 = 52;
/// Leading bits (sign, exponent, cell) of the smallest tail probability in the table, 2^-13.
const FIRST: u64 = (1023 - 1 - OCTAVES) << CELL_BITS;
const TOLERANCE: f64 = 1e-7;
/// A nanosecond does not show this, in nanoseconds.
const UNSEEN: f64 = 1.0 / 1024.0;

impl<L: Law> Tabled<L> {
    /// Tabulates a law.
    pub fn new(law: L) -> Tabled<L> {
        let count = OCTAVES << CELL_BITS;
        let cells = (FIRST..FIRST + count).flat_map(|lead| [fit(lead, |v| law.lower(v)), fit(lead, |v| law.upper(v))]).collect();
        Tabled { law, cells }
    }

    /// The draw that belongs to one word: not decreasing in the word, but for the table's error.
    fn invert(&self, word: u64) -> f64 {
        let upper = word >> 63;
        let tail = (word ^ upper.wrapping_neg()) >> 12;
        let v = (tail.cast_signed() as f64 + 0.5) * (1.0 / 4_503_599_627_370_496.0); // signed: one instruction
        let bits = v.to_bits();
        let index = (bits >> (MANTISSA_BITS - CELL_BITS)).wrapping_sub(FIRST).wrapping_mul(2).wrapping_add(upper);
        if let Some([a, b, c, d]) = self.cells.get(index as usize) {
            let s = within_cell(bits);
            let x = a + s * (b + s * (c + s * d));
            if !x.is_nan() {
                return x;
            }
        }
        self.exact(v, upper == 1)
    }

    #[cold]
    fn exact(&self, v: f64, upper: bool) -> f64 {
        if upper { self.law.upper(v) } else { self.law.lower(v) }
    }
}

impl<L: Law> Latency for Tabled<L> {
    fn sample(&self, dice: &mut Stream) -> Span {
        Span::from_nanos_f64(self.invert(dice.word()))
    }
    fn mean(&self) -> f64 {
        self.law.mean()
    }
    fn quantile(&self, p: f64) -> f64 {
        if p <= 0.5 { self.law.lower(p) } else { self.law.upper(1.0 - p) }
    }
}

/// Where in its cell a probability lies, -1 ..= 1: the bits of its mantissa below those that name the cell.
fn within_cell(bits: u64) -> f64 {
    const TWO: u64 = 1024 << MANTISSA_BITS;
    let low = (bits << CELL_BITS) & ((1 << MANTISSA_BITS) - 1);
    f64::from_bits(low | TWO) - 3.0
}

/// The cubic of the cell with these leading bits.
fn fit(lead: u64, value: impl Fn(f64) -> f64) -> Cell {
    const OUTER: f64 = 0.923_879_532_511_286_7; // cos(pi / 8)
    const INNER: f64 = 0.382_683_432_365_089_8; // cos(3 pi / 8)
    let left = f64::from_bits(lead << (MANTISSA_BITS - CELL_BITS));
    let half = (f64::from_bits((lead + 1) << (MANTISSA_BITS - CELL_BITS)) - left) / 2.0;
    let at = |s: f64| value(left + half * (1.0 + s));
    let [f0, f1, f2, f3] = [at(OUTER), at(INNER), at(-INNER), at(-OUTER)];
    let c0 = (f0 + f1 + f2 + f3) / 4.0;
    let c1 = (OUTER * (f0 - f3) + INNER * (f1 - f2)) / 2.0;
    let c2 = (f0 - f1 - f2 + f3) * std::f64::consts::FRAC_1_SQRT_2 / 2.0;
    let c3 = (INNER * (f0 - f3) - OUTER * (f1 - f2)) / 2.0;
    let cell = [c0 - c2, c1 - 3.0 * c3, 2.0 * c2, 4.0 * c3];
    let good = |s: f64| {
        let (exact, cubic) = (at(s), cell[0] + s * (cell[1] + s * (cell[2] + s * cell[3])));
        (cubic - exact).abs() <= (exact * TOLERANCE).max(UNSEEN)
    };
    if good(-1.0) && good(0.0) && good(1.0) { cell } else { [f64::NAN; 4] }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exponential distribution with mean 1 s, but for a jump of 1 ms in its upper half.
    struct Broken {
        jump_below: f64,
    }

    impl Law for Broken {
        fn mean(&self) -> f64 {
            1e9
        }
        fn lower(&self, v: f64) -> f64 {
            -libm::log1p(-v) * 1e9
        }
        fn upper(&self, v: f64) -> f64 {
            -libm::log(v) * 1e9 + if v < self.jump_below { 1e6 } else { 0.0 }
        }
    }

    fn asked(table: &Tabled<Broken>) -> usize {
        table.cells.iter().filter(|cell| cell[0].is_nan()).count()
    }

    #[test]
    fn a_smooth_law_is_never_asked_within_the_table() {
        assert_eq!(asked(&Tabled::new(Broken { jump_below: 0.0 })), 0);
    }

    #[test]
    fn a_jump_costs_the_one_cell_that_it_lies_in_and_no_accuracy() {
        let table = Tabled::new(Broken { jump_below: 0.1 });
        assert_eq!(asked(&table), 1);
        for n in 0..100_000 {
            let v = 0.09 + 2e-7 * f64::from(n);
            let word = !(((v * 4_503_599_627_370_496.0) as u64) << 12);
            let v = ((!word >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0;
            let (x, exact) = (table.invert(word), table.law.upper(v));
            assert!((x / exact - 1.0).abs() <= 1e-7, "{v} above: {x} for {exact}");
        }
    }

    #[test]
    fn the_outermost_words_are_the_outermost_times() {
        let table = Tabled::new(Broken { jump_below: 0.0 });
        let outermost = 1.0 / (1u64 << 53) as f64;
        assert_eq!(table.invert(0), table.law.lower(outermost));
        assert_eq!(table.invert(u64::MAX), table.law.upper(outermost));
        let (below, above) = (table.invert(u64::MAX / 2), table.invert(u64::MAX / 2 + 1));
        assert!((above / below - 1.0).abs() < 2e-7, "{below} and {above} beside the median");
    }
}
