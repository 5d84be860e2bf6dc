//! Virtual time: whole nanoseconds, and the one place where a float becomes time.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant of virtual time: nanoseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SimTime(u64);

/// A length of virtual time in nanoseconds (at most 292 years, so that an instant never overflows).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

const UNITS: [(&str, u64); 7] =
    [("ns", 1), ("us", 1_000), ("µs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("min", 60_000_000_000), ("h", 3_600_000_000_000)];
const DAY: u64 = 86_400_000_000_000;
/// 2⁵²: added to a smaller float it leaves no room for a fraction, so that the sum is rounded half to even, as IEEE says, and
/// its last bits are a whole number.
const NO_FRACTION: f64 = 4_503_599_627_370_496.0;

impl SimTime {
    /// The start of every run.
    pub const ZERO: SimTime = SimTime(0);
    /// Later than anything that happens.
    pub const NEVER: SimTime = SimTime(u64::MAX);

    /// The instant `ns` nanoseconds after the start.
    pub const fn from_nanos(ns: u64) -> SimTime {
        SimTime(ns)
    }

    /// Nanoseconds since the start.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds since the start, for people.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time from `earlier` to here, or nothing when `earlier` is later.
    pub fn since(self, earlier: SimTime) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest span there is: half of what an instant can hold.
    pub const MAX: Span = Span(u64::MAX / 2);

    /// `ns` nanoseconds.
    pub const fn from_nanos(ns: u64) -> Span {
        Span(ns)
    }

    /// `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Span {
        Span(ms * 1_000_000)
    }

    /// `s` whole seconds.
    pub const fn from_secs(s: u64) -> Span {
        Span(s * 1_000_000_000)
    }

    /// Rounds a float of seconds half to even; nothing negative, not a number or beyond [`Span::MAX`] gets through.
    pub fn from_seconds(seconds: f64) -> Span {
        Span::from_nanos_f64(seconds * 1e9)
    }

    /// Rounds a float of nanoseconds half to even, clamped to 0 ..= [`Span::MAX`]; a NaN becomes zero.
    pub fn from_nanos_f64(ns: f64) -> Span {
        if 0.0 < ns && ns < NO_FRACTION {
            Span((ns + NO_FRACTION).to_bits() - NO_FRACTION.to_bits())
        } else {
            Span((ns as u64).min(Span::MAX.0))
        }
    }

    /// The same, rounded up.
    pub fn from_nanos_f64_up(ns: f64) -> Span {
        let nearest = Span::from_nanos_f64(ns);
        Span(nearest.0 + u64::from(nearest.nanos_f64() < ns)).min(Span::MAX)
    }

    /// Nanoseconds as a float, exact below 2⁵³ (104 days).
    pub fn nanos_f64(self) -> f64 {
        self.0.min(Span::MAX.0).cast_signed() as f64 // a signed number converts in one instruction
    }

    /// Nanoseconds.
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Seconds, for people and for statistics.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether this is no time at all.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This span times `factor`, clamped.
    pub fn scaled(self, factor: f64) -> Span {
        Span::from_nanos_f64(self.0 as f64 * factor)
    }

    /// Reads "5ms", "300us", "1h", "1.5s", "1min 30s"; the error says what would be right.
    pub fn parse(text: &str) -> Result<Span, String> {
        let wrong = || format!("expected a duration with a unit such as \"5ms\", \"30s\" or \"1h\", found \"{text}\"");
        let mut rest = text.trim();
        let mut total: u64 = 0;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
            let number = &rest[..digits];
            let tail = rest[digits..].trim_start();
            let letters = tail.find(|c: char| !c.is_alphabetic()).unwrap_or(tail.len());
            let part = Span::of_unit(number, &tail[..letters]).ok_or_else(wrong)?;
            total = total.checked_add(part).filter(|t| *t <= Span::MAX.0).ok_or_else(|| format!("\"{text}\" is longer than 292 years"))?;
            rest = tail[letters..].trim_start();
        }
        Ok(Span(total))
    }

    fn of_unit(number: &str, unit: &str) -> Option<u64> {
        let unit = match unit {
            "d" => DAY,
            "m" => return None,
            "sec" => 1_000_000_000,
            _ => UNITS.iter().find(|(name, _)| *name == unit)?.1,
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let mut ns = whole.checked_mul(unit)?;
        let mut scale = unit;
        for digit in fraction.bytes() {
            scale /= 10;
            ns = ns.checked_add(u64::from(digit - b'0') * scale)?;
        }
        Some(ns)
    }
}

impl Add<Span> for SimTime {
    type Output = SimTime;
    fn add(self, span: Span) -> SimTime {
        SimTime(self.0.saturating_add(span.0))
    }
}

impl Sub for SimTime {
    type Output = Span;
    fn sub(self, earlier: SimTime) -> Span {
        debug_assert!(self.0 >= earlier.0, "time runs forward");
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0).min(Span::MAX.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Sub for Span {
    type Output = Span;
    fn sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }
}

/// Prints in the largest unit that leaves no fraction: "1500us", "30s", "1h".
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("0s");
        }
        let (name, unit) = UNITS
            .iter()
            .rev()
            .find(|(name, unit)| *name != "µs" && self.0.is_multiple_of(*unit))
            .expect("one nanosecond divides everything");
        write!(f, "{}{name}", self.0 / unit)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Span;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a duration with a unit such as \"5ms\", \"30s\" or \"1h\"")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Span, E> {
                Span::parse(text).map_err(E::custom)
            }
        }
        from.deserialize_str(Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_write_them_and_print_back() {
        for (text, ns) in
            [("5ms", 5_000_000), ("300us", 300_000), ("1.5s", 1_500_000_000), ("1min 30s", 90_000_000_000), ("0s", 0), ("2d", 2 * DAY)]
        {
            let span = Span::parse(text).expect(text);
            assert_eq!(span.nanos(), ns, "{text}");
            assert_eq!(Span::parse(&span.to_string()), Ok(span), "{text}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_refused_with_the_remedy() {
        for text in ["5", "", "ms", "5 parsecs", "1.2.3s", "-5ms", "inf", "5m"] {
            assert!(Span::parse(text).unwrap_err().contains("\"5ms\""), "{text}");
        }
        assert!(Span::parse("400000d").is_err());
    }

    #[test]
    fn floats_become_time_in_one_place_and_never_wrap() {
        assert_eq!(Span::from_seconds(-1.0), Span::ZERO);
        assert_eq!(Span::from_seconds(f64::NAN), Span::ZERO);
        assert_eq!(Span::from_seconds(f64::INFINITY), Span::MAX);
        for (ns, rounded) in
            [(0.5, 0), (1.5, 2), (2.5, 2), (2.500001, 3), (1e15 + 0.5, 1_000_000_000_000_000), (9e15, 9_000_000_000_000_000)]
        {
            assert_eq!(Span::from_nanos_f64(ns).nanos(), rounded, "{ns}");
        }
        assert_eq!(Span::from_nanos_f64(-1e300), Span::ZERO);
    }
}
