//! `Empirical("queries.csv")`: measured times, drawn with replacement.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Latency, LatencyKind};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Stream;
use crate::kernel::time::Span;

/// Measured times from a file, one to a line. The file is read by somebody else, who says [`Empirical::load`] before
/// the distribution is prepared; a copy made by writing and reading again has to be loaded again.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    /// The file's name, as the experiment says it.
    pub file: String,
    samples: Vec<Span>,
}

/// The times, ready.
struct Measured {
    /// Never empty; shortest first.
    samples: Vec<Span>,
}

impl Empirical {
    /// The times of a file that is still to be read.
    pub fn of(file: impl Into<String>) -> Empirical {
        Empirical { file: file.into(), samples: Vec::new() }
    }

    /// The file to read, unless its times are here already.
    pub fn needs_file(&self) -> Option<&str> {
        self.samples.is_empty().then_some(&*self.file)
    }

    /// Takes the times from the file's text: a number of seconds or a duration with a unit on each line. Empty lines
    /// and one heading are passed over.
    pub fn load(&mut self, text: &str) -> Result<(), Invalid> {
        let mut samples = Vec::new();
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim).enumerate();
        for (i, line) in lines.filter(|(_, line)| !line.is_empty()) {
            match parse(line) {
                Some(span) => samples.push(span),
                None if samples.is_empty() && i == 0 && is_heading(line) => {}
                None => return Err(Invalid::here(format!("{}, line {}: {REMEDY}, found \"{line}\"", self.file, i + 1))),
            }
        }
        if samples.is_empty() {
            return Err(Invalid::here(format!("{} holds no times: {REMEDY} on each line", self.file)));
        }
        samples.sort_unstable();
        self.samples = samples;
        Ok(())
    }
}

const REMEDY: &str = "expected a number of seconds such as 0.005 or a duration such as 5ms";

fn parse(line: &str) -> Option<Span> {
    match line.parse::<f64>() {
        Ok(seconds) => (seconds >= 0.0 && seconds.is_finite()).then(|| Span::from_seconds(seconds)),
        Err(_) => Span::parse(line).ok(),
    }
}

fn is_heading(line: &str) -> bool {
    line.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"' || c == '#') && line.parse::<f64>().is_err()
}

impl Example for Empirical {
    const EXAMPLE: &'static str = r#"Empirical("queries.csv")"#;
    const WHAT: &'static str = "Measured times from a file: Empirical(file).";
}

impl LatencyKind for Empirical {
    fn check(&self) -> Result<(), Invalid> {
        if self.file.is_empty() {
            return Err(Invalid::field("file", "must name a file with one time on each line, such as \"queries.csv\""));
        }
        Ok(())
    }
    fn prepare(&self) -> Box<dyn Latency> {
        assert!(!self.samples.is_empty(), "the file of an empirical distribution is loaded before a model is built");
        Box::new(Measured { samples: self.samples.clone() })
    }
}

impl Latency for Measured {
    fn sample(&self, dice: &mut Stream) -> Span {
        let index = (u128::from(dice.word()) * self.samples.len() as u128) >> 64;
        self.samples[index as usize]
    }
    fn mean(&self) -> f64 {
        let sum: u128 = self.samples.iter().map(|span| u128::from(span.nanos())).sum();
        sum as f64 / self.samples.len() as f64
    }
    fn quantile(&self, p: f64) -> f64 {
        let rank = libm::ceil(p * self.samples.len() as f64) as usize;
        self.samples[rank.clamp(1, self.samples.len()) - 1].nanos() as f64
    }
}

impl Serialize for Empirical {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&self.file)
    }
}

/// Reads `Empirical("queries.csv")` and `Empirical(file: "queries.csv")`.
impl<'de> Deserialize<'de> for Empirical {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Empirical, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            file: String,
        }
        struct Name;
        impl<'de> de::Visitor<'de> for Name {
            type Value = Empirical;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("the name of a file with one time on each line, such as \"queries.csv\"")
            }
            fn visit_str<E: de::Error>(self, file: &str) -> Result<Empirical, E> {
                Ok(Empirical::of(file))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Empirical, A::Error> {
                let fields = Fields::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Empirical::of(fields.file))
            }
        }
        from.deserialize_any(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Vec<u64>, String> {
        let mut empirical = Empirical::of("x.csv");
        empirical.load(text).map_err(|invalid| invalid.to_string())?;
        Ok(empirical.samples.iter().map(|span| span.nanos()).collect())
    }

    #[test]
    fn seconds_and_durations_are_read_below_a_heading_and_sorted() {
        assert_eq!(load("latency\n0.005\r\n\n 300us \n1e-3\n1.5s"), Ok(vec![300_000, 1_000_000, 5_000_000, 1_500_000_000]));
        assert_eq!(load("\u{feff}2\n1"), Ok(vec![1_000_000_000, 2_000_000_000]));
    }

    #[test]
    fn what_is_no_time_is_refused_by_its_line() {
        for (text, line) in
            [("seconds\n1\nx", 3), ("a\nb\n1", 2), ("1\n\n-2", 3), ("1\nNaN", 2), ("inf", 1), ("5 parsecs", 1), ("1\n1,2", 2)]
        {
            let why = load(text).expect_err(text);
            assert!(why.starts_with(&format!("x.csv, line {line}: expected a number of seconds")), "{text}: {why}");
        }
        assert!(load("seconds\n").expect_err("no times").contains("x.csv holds no times"));
        assert!(load("").expect_err("no times").contains("x.csv holds no times"));
    }

    #[test]
    fn a_file_is_needed_until_it_is_loaded_and_a_failed_load_changes_nothing() {
        let mut empirical = Empirical::of("x.csv");
        assert!(empirical.load("1\nx").is_err());
        assert_eq!(empirical.needs_file(), Some("x.csv"));
        assert_eq!(empirical.load("1"), Ok(()));
        assert_eq!(empirical.needs_file(), None);
    }

    #[test]
    fn quantiles_are_the_times_by_rank() {
        let mut empirical = Empirical::of("x.csv");
        empirical.load("4\n2\n1\n3").expect("four times");
        let latency = empirical.prepare();
        let ranks = [(0.01, 1e9), (0.25, 1e9), (0.26, 2e9), (0.5, 2e9), (0.75, 3e9), (0.76, 4e9), (0.99, 4e9)];
        for (p, ns) in ranks {
            assert_eq!(latency.quantile(p), ns, "{p}");
        }
        assert_eq!(latency.mean(), 2.5e9);
    }
}
