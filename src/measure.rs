//! Floor 5: observers and figures. Imports the floors below; inside it, `intervals` uses `student`, the files that
//! state figures from many replications use `histogram`, `intervals` and `student`, `outcome` uses `histogram` and
//! `windows`, `recording` uses `outcome` and `windows`, `spent` uses `journey`, and `journeys` uses both.

pub mod brink;
pub mod courses;
pub mod histogram;
pub mod intervals;
pub mod journey;
pub mod journeys;
pub mod lanes;
pub mod outcome;
pub mod paired;
pub mod quantiles;
pub mod recording;
pub mod scrapes;
pub mod spent;
pub mod stationary;
pub mod student;
pub mod theory;
pub mod trace;
pub mod windows;
