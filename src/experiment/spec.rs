//! What an experiment file says, as the typed reader sees it.

use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer};

use super::objective::Objective;
use super::system::SystemPart;
use crate::kernel::time::Span;

/// A file. What is [`Free`] here is read from the [tree](super::tree), where it keeps its words and its place.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename = "Experiment", deny_unknown_fields)]
pub struct ExperimentSpec {
    /// What the experiment asks.
    pub question: String,
    /// Names of partial systems that lie under this one.
    #[serde(default)]
    pub from: Vec<String>,
    /// The system, or the part of it that `from` leaves open.
    pub system: SystemPart,
    /// Variants of it, in the order written.
    #[serde(default)]
    pub scenarios: Scenarios,
    /// The grid.
    #[serde(default, rename = "vary")]
    pub _vary: Free,
    /// What must hold.
    #[serde(default)]
    pub objectives: Vec<Objective>,
    /// Virtual time that is not counted.
    #[serde(default, rename = "warmup")]
    pub _warmup: Free,
    /// Virtual time that is.
    pub duration: Span,
    /// Independent runs.
    #[serde(default, rename = "replications")]
    pub _replications: Free,
    /// The seed of all chance.
    pub seed: u64,
}

/// A variant of the system.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename = "Scenario", default, deny_unknown_fields)]
pub struct ScenarioSpec {
    /// Laid over the system.
    pub system: SystemPart,
    /// Single values set after that.
    #[serde(rename = "set")]
    pub _set: Free,
}

/// The scenarios in the order written.
#[derive(Clone, Debug, Default)]
pub struct Scenarios(pub Vec<(String, ScenarioSpec)>);

/// Anything at all: the typed reader passes over it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Free;

/// The fields of an experiment, for messages.
pub const EXPERIMENT_FIELDS: &[&str] =
    &["question", "from", "system", "scenarios", "vary", "objectives", "warmup", "duration", "replications", "seed"];

/// How the files are read: `pool_timeout: "30s"` without `Some(…)`, kinds without double parentheses.
pub fn options() -> ron::Options {
    use ron::extensions::Extensions;
    ron::Options::default()
        .with_default_extension(Extensions::IMPLICIT_SOME | Extensions::UNWRAP_NEWTYPES | Extensions::UNWRAP_VARIANT_NEWTYPES)
}

impl<'de> Deserialize<'de> for Free {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Free, D::Error> {
        IgnoredAny::deserialize(from).map(|_| Free)
    }
}

impl<'de> Deserialize<'de> for Scenarios {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Scenarios, D::Error> {
        struct Entries;
        impl<'de> de::Visitor<'de> for Entries {
            type Value = Scenarios;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("scenarios by their names: {\"direct\": Scenario(system: (proxy: Direct))}")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scenarios, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Scenarios(entries))
            }
        }
        from.deserialize_map(Entries)
    }
}
