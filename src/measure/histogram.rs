//! A histogram of nanoseconds: cheap to record in, exact in its counts and sum, and merged without loss.

/// Bins of one octave: values that fall together differ by less than one part in this many.
pub const BINS_PER_OCTAVE: u64 = 1 << OCTAVE_BITS;
const OCTAVE_BITS: u32 = 10;
const PAGE: usize = 1 << OCTAVE_BITS;

/// How often each length of time was seen.
///
/// Values below 2048 ns have a bin each, so zero is never mixed with anything. Above that a bin is at most 1/1024
/// (0.098 %) of its values wide. Count, sum, least and greatest are exact. Memory comes in pages of 8 kB, one for each
/// octave that was seen: an unused histogram holds nothing, and one of every possible value 450 kB.
///
/// All parts are integers, so merging is commutative and associative, and equal to having recorded in one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    pages: Vec<Option<Box<[u64; PAGE]>>>,
    count: u64,
    sum: u128,
    least: u64,
    greatest: u64,
}

/// Values on their way into a histogram. Bins lie far apart in memory; values that come together do not wait for each
/// other's.
#[derive(Clone, Debug, Default)]
pub struct Batch(Vec<u64>);

impl Batch {
    /// One value, in nanoseconds, which will be in `histogram` once [`Batch::settle`] has been called.
    #[inline]
    pub fn record(&mut self, ns: u64, histogram: &mut Histogram) {
        const TOGETHER: usize = 256;
        self.0.push(ns);
        if self.0.len() == TOGETHER {
            self.settle(histogram);
        }
    }

    /// All values are in `histogram` now.
    #[inline(never)]
    pub fn settle(&mut self, histogram: &mut Histogram) {
        histogram.record_all(&self.0);
        self.0.clear();
    }
}

/// One bin that is not empty: `count` values in `low ..= high` nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// The smallest value that falls here, in nanoseconds.
    pub low: u64,
    /// The largest value that falls here, in nanoseconds.
    pub high: u64,
    /// How many values fell here.
    pub count: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { pages: Vec::new(), count: 0, sum: 0, least: u64::MAX, greatest: 0 }
    }
}

impl Histogram {
    /// One value, in nanoseconds.
    pub fn record(&mut self, ns: u64) {
        self.record_all(&[ns]);
    }

    /// Some values, in nanoseconds.
    #[inline]
    pub fn record_all(&mut self, values: &[u64]) {
        let (mut sum, mut least, mut greatest) = (self.sum, self.least, self.greatest);
        for &ns in values {
            sum += u128::from(ns);
            least = least.min(ns);
            greatest = greatest.max(ns);
            let (page, place) = place_of(ns);
            match self.pages.get_mut(page) {
                Some(Some(bins)) => bins[place] += 1,
                _ => self.page(page)[place] += 1,
            }
        }
        (self.sum, self.least, self.greatest) = (sum, least, greatest);
        self.count += values.len() as u64;
    }

    /// Adds all that `other` has seen.
    pub fn merge(&mut self, other: &Histogram) {
        self.count += other.count;
        self.sum += other.sum;
        self.least = self.least.min(other.least);
        self.greatest = self.greatest.max(other.greatest);
        for (at, theirs) in other.pages.iter().enumerate() {
            if let Some(theirs) = theirs {
                self.page(at).iter_mut().zip(theirs.iter()).for_each(|(mine, theirs)| *mine += theirs);
            }
        }
    }

    /// All of `parts` in one.
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Histogram>) -> Histogram {
        parts.into_iter().fold(Histogram::default(), |mut all, part| {
            all.merge(part);
            all
        })
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their exact sum in nanoseconds.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// The smallest value in nanoseconds, exactly.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.least)
    }

    /// The largest value in nanoseconds, exactly.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.greatest)
    }

    /// The mean in nanoseconds: the exact sum over the exact count, rounded once to a double each.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The p-quantile in nanoseconds by the inverted-cdf rule: the value of rank ⌈n p⌉, for 0 ≤ p ≤ 1.
    ///
    /// It is the upper end of the bin in which that value lies, but never more than the largest value seen: at least
    /// the exact one and less than 1/1024 of it above. The first and the last rank are exact.
    pub fn quantile(&self, p: f64) -> Option<u64> {
        let rank = rank(self.count, p)?;
        if rank == 1 {
            return self.min();
        }
        let mut seen = 0;
        let bin = self.bins().find(|bin| {
            seen += bin.count;
            seen >= rank
        });
        Some(bin.expect("the counts of the bins add up to the count").high.min(self.greatest))
    }

    /// How many values are at most `ns`; those that share the bin of `ns` all count, so it is exact at the upper end
    /// of a bin, below 2048 ns, below the smallest value and from the largest one on.
    pub fn count_at_most(&self, ns: u64) -> u64 {
        if ns < self.least {
            return 0;
        }
        let (last, place) = place_of(ns);
        let whole: u64 = self.pages.iter().take(last).flatten().map(|bins| bins.iter().sum::<u64>()).sum();
        let part = self.pages.get(last).and_then(Option::as_ref).map_or(0, |bins| bins[..=place].iter().sum());
        whole + part
    }

    /// The bins that are not empty, in rising order.
    pub fn bins(&self) -> impl Iterator<Item = Bin> + '_ {
        let pages = self.pages.iter().enumerate().filter_map(|(at, bins)| Some((at, bins.as_ref()?)));
        pages.flat_map(|(page, bins)| {
            let filled = bins.iter().enumerate().filter(|(_, count)| **count > 0);
            filled.map(move |(place, count)| {
                let (low, high) = ends(page, place);
                Bin { low, high, count: *count }
            })
        })
    }

    #[cold]
    fn page(&mut self, at: usize) -> &mut [u64; PAGE] {
        if self.pages.len() <= at {
            self.pages.resize(at + 1, None);
        }
        self.pages[at].get_or_insert_with(|| Box::new([0; PAGE]))
    }
}

/// The rank ⌈n p⌉ of the p-quantile, from 1 to n. A product that is a whole number but for its rounding counts as
/// whole (0.07 × 100 is 7.000000000000001 in doubles, and its rank is 7).
pub fn rank(n: u64, p: f64) -> Option<u64> {
    let product = n as f64 * p * (1.0 - 4.0 * f64::EPSILON);
    (n > 0).then(|| (libm::ceil(product) as u64).clamp(1, n))
}

/// Pages 0 and 1 hold a value per bin; page k from 2 on holds the octave from 2^(k+9), in bins of 2^(k-1).
fn place_of(ns: u64) -> (usize, usize) {
    let shift = (u64::BITS - 1 - OCTAVE_BITS).saturating_sub(ns.leading_zeros());
    let index = (u64::from(shift) << OCTAVE_BITS) + (ns >> shift);
    ((index >> OCTAVE_BITS) as usize, (index & (BINS_PER_OCTAVE - 1)) as usize)
}

fn ends(page: usize, place: usize) -> (u64, u64) {
    let shift = page.saturating_sub(1) as u32;
    let leading = if page == 0 { 0 } else { BINS_PER_OCTAVE };
    let low = (leading + place as u64) << shift;
    (low, low + ((1 << shift) - 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|v| histogram.record(*v));
        histogram
    }

    /// Times of all magnitudes, with many zeros and many equal ones.
    fn times() -> impl Strategy<Value = Vec<u64>> {
        let any_magnitude = (any::<u64>(), 0u32..64).prop_map(|(bits, shift)| bits >> shift);
        proptest::collection::vec(prop_oneof![Just(0), 0u64..3000, any_magnitude, Just(u64::MAX)], 0..200)
    }

    #[test]
    fn bins_tile_all_nanoseconds_without_gap_or_overlap_and_are_narrow() {
        let mut next = 0u64;
        for page in 0..=54 {
            for place in 0..PAGE {
                let (low, high) = ends(page, place);
                assert_eq!(low, next, "bin {place} of page {page}");
                assert_eq!((place_of(low), place_of(high)), ((page, place), (page, place)));
                assert!((high - low + 1) <= (low / BINS_PER_OCTAVE).max(1), "a bin is at most 1/1024 of its values wide");
                next = high.wrapping_add(1);
            }
        }
        assert_eq!(next, 0, "the last bin ends at the last nanosecond");
    }

    #[test]
    fn an_unused_histogram_holds_nothing_and_knows_nothing() {
        let unused = Histogram::default();
        assert_eq!((unused.pages.capacity(), unused.bins().count()), (0, 0));
        assert_eq!((unused.min(), unused.max(), unused.mean(), unused.quantile(0.5)), (None, None, None, None));
        assert_eq!((unused.count(), unused.sum(), unused.count_at_most(u64::MAX)), (0, 0, 0));
    }

    #[test]
    fn the_quantile_is_the_value_of_rank_n_p_rounded_up() {
        let hundred = of(&(1..=100).collect::<Vec<u64>>());
        for (p, value) in [(0.0, 1), (0.01, 1), (0.07, 7), (0.5, 50), (0.501, 51), (0.99, 99), (0.991, 100), (1.0, 100)] {
            assert_eq!(hundred.quantile(p), Some(value), "p = {p}");
        }
        let mostly_nothing = of(&[0, 0, 0, 5_000_000]);
        assert_eq!((mostly_nothing.quantile(0.75), mostly_nothing.quantile(0.76)), (Some(0), Some(5_000_000)));
    }

    #[test]
    fn the_sum_does_not_wrap_where_64_bits_would() {
        let long = of(&[u64::MAX; 3]);
        assert_eq!(long.sum(), 3 * u128::from(u64::MAX));
    }

    proptest! {
        #[test]
        fn merging_is_the_same_as_recording_in_one(a in times(), b in times(), c in times()) {
            let whole = of(&[a.as_slice(), &b, &c].concat());
            let (a, b, c) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(&Histogram::merged([&a, &b, &c]), &whole);
            prop_assert_eq!(&Histogram::merged([&c, &Histogram::merged([&b, &a])]), &whole);
            prop_assert_eq!(&Histogram::merged([&Histogram::default(), &whole]), &whole);
        }

        #[test]
        fn a_quantile_lies_less_than_a_bin_above_the_exact_one(mut values in times(), p in 0.0..=1.0f64) {
            let histogram = of(&values);
            values.sort_unstable();
            let exact = rank(values.len() as u64, p).map(|rank| values[rank as usize - 1]);
            match (histogram.quantile(p), exact) {
                (Some(found), Some(exact)) => {
                    prop_assert!(found >= exact && found - exact <= exact / BINS_PER_OCTAVE, "{found} for {exact}");
                }
                (found, exact) => prop_assert_eq!(found, exact),
            }
        }

        #[test]
        fn counts_sums_and_ends_are_exact(values in times(), bound in any::<u64>(), shift in 0u32..64) {
            let histogram = of(&values);
            prop_assert_eq!(histogram.count(), values.len() as u64);
            prop_assert_eq!(histogram.bins().map(|bin| bin.count).sum::<u64>(), histogram.count());
            prop_assert_eq!(histogram.sum(), values.iter().map(|v| u128::from(*v)).sum::<u128>());
            prop_assert_eq!(histogram.min(), values.iter().copied().min());
            prop_assert_eq!(histogram.max(), values.iter().copied().max());
            let (page, place) = place_of(bound >> shift);
            let (low, high) = ends(page, place);
            let at_most = |bound| values.iter().filter(|v| **v <= bound).count() as u64;
            prop_assert_eq!(histogram.count_at_most(high), at_most(high));
            let within = histogram.count_at_most(low);
            prop_assert!(within >= at_most(low) && within <= at_most(high));
        }
    }
}
