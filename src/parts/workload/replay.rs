//! `Replay(file: "requests.csv", speed: 2.0)`: requests that were recorded, once more.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::recorded::Recorded;
use super::{Arrivals, ArrivalsKind, Batch};
use crate::kernel::invalid::Invalid;
use crate::kernel::registry::Example;
use crate::kernel::rng::Seed;
use crate::kernel::time::{SimTime, Span};

/// Recorded arrivals, and what each asked of the database if that was recorded too. The file is read by somebody else,
/// who says [`Replay::load`] before the process is built; a copy made by writing and reading again has to be loaded again.
///
/// The file is CSV with a heading: a column `at`, in seconds from the start of the run, in order; and where the
/// statements' service demands are known, columns `query1`, `query2` … in seconds, empty from where a request's are
/// not known: those statements draw theirs as without a recording. Lines that begin with `#` are passed over. After the
/// last row nothing comes any more. Takes no dice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// The file's name, as the experiment says it.
    pub file: String,
    /// How much faster than recorded: 2 halves all times between arrivals. Service demands stay as they are.
    #[serde(default = "as_recorded")]
    pub speed: f64,
    #[serde(skip)]
    recorded: Option<Arc<Recorded>>,
}

#[derive(Clone)]
struct Process {
    recorded: Arc<Recorded>,
    speed: f64,
    next: usize,
}

impl Example for Replay {
    const EXAMPLE: &'static str = r#"Replay(file: "requests.csv", speed: 2.0)"#;
    const WHAT: &'static str = "Recorded arrivals: Replay(file, speed), a CSV with a column `at` in seconds, and optionally query1, query2 … with the demand of each Query in order.";
}

impl Replay {
    /// The arrivals of a file that is still to be read.
    pub fn of(file: impl Into<String>, speed: f64) -> Replay {
        Replay { file: file.into(), speed, recorded: None }
    }

    /// The file to read, unless its contents are here already.
    pub fn needs_file(&self) -> Option<&str> {
        self.recorded.is_none().then_some(&*self.file)
    }

    /// Takes the arrivals from the file's text; an error names the line and says what would be right.
    pub fn load(&mut self, text: &str) -> Result<(), Invalid> {
        let recorded = Recorded::parse(text).map_err(|why| Invalid::field("file", format!("{}{why}", self.file)))?;
        self.recorded = Some(Arc::new(recorded));
        Ok(())
    }
}

impl ArrivalsKind for Replay {
    fn check(&self) -> Result<(), Invalid> {
        if self.file.is_empty() {
            return Err(Invalid::field("file", "must name a CSV file with a column at, such as \"requests.csv\""));
        }
        if !(self.speed > 0.0 && self.speed.is_finite()) {
            return Err(Invalid::field(
                "speed",
                format!("must be above 0, where 1 is as recorded and 2 twice as fast, found {}", self.speed),
            ));
        }
        Ok(())
    }
    fn build(&self, _: &str, _: &Seed) -> Box<dyn Arrivals> {
        let recorded = self.recorded.clone().expect("the file of recorded arrivals is loaded before a model is built");
        Box::new(Process { recorded, speed: self.speed, next: 0 })
    }
    /// The mean from the start to the last arrival, if the file is here.
    fn rate(&self) -> Option<f64> {
        let recorded = self.recorded.as_ref()?;
        let last = recorded.last();
        (last > SimTime::ZERO).then(|| recorded.count() as f64 / last.seconds() * self.speed)
    }
    fn stationary(&self) -> bool {
        false
    }
}

impl Arrivals for Process {
    fn next(&mut self) -> Option<Batch> {
        let recorded = self.recorded.at(self.next)?;
        self.next += 1;
        // As recorded means to the nanosecond, also where a double has fewer digits.
        let at = match self.speed {
            1.0 => recorded,
            speed => SimTime::ZERO + Span::from_nanos_f64(recorded.nanos() as f64 / speed),
        };
        Some(Batch { at, size: 1 })
    }
    fn demands(&self, number: u64) -> Option<&[Span]> {
        self.recorded.demands(usize::try_from(number).ok()?)
    }
}

fn as_recorded() -> f64 {
    1.0
}
