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
