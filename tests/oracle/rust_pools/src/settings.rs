//! A pool's settings, read back from the schedule.

use std::time::Duration;

use serde_json::Value;

/// A time, or none.
pub fn span(settings: &Value, name: &str) -> Option<Duration> {
    let text = settings[name].as_str()?;
    let ns = text.strip_suffix("ns").and_then(|ns| ns.parse().ok());
    Some(Duration::from_nanos(ns.unwrap_or_else(|| panic!("{name}: {text} is no number of nanoseconds"))))
}

/// A time that is always set.
pub fn time(settings: &Value, name: &str) -> Duration {
    span(settings, name).unwrap_or_else(|| panic!("{name} is set"))
}

pub fn choice<'a>(settings: &'a Value, name: &str) -> &'a str {
    settings[name].as_str().unwrap_or_else(|| panic!("{name} is a word"))
}

/// A number, or none.
pub fn number(settings: &Value, name: &str) -> Option<u32> {
    settings[name].as_u64().map(|number| number as u32)
}

pub fn flag(settings: &Value, name: &str) -> bool {
    settings[name].as_bool().unwrap_or_else(|| panic!("{name} is true or false"))
}
