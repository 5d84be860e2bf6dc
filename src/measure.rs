//! Floor 5: observers and figures. Imports the floors below; inside it, `intervals` uses `student`, the files that
//! state figures from many replications use `histogram`, `intervals` and `student`, `outcome` uses `deadlocks`,
//! `histogram`, `rush` and `windows`, `recording` uses `histogram`, `outcome` and `windows`, `spent` uses `journey`, and `journeys` uses
//! both; `equivalence` uses `student`, and `stages` uses `journey` and `recording`; `waves` uses `rush`.

pub mod brink;
pub mod courses;
pub mod deadlocks;
pub mod equivalence;
pub mod histogram;
pub mod intervals;
pub mod journey;
pub mod journeys;
pub mod lanes;
pub mod outcome;
pub mod paired;
pub mod proportion;
pub mod quantiles;
pub mod recording;
pub mod rush;
pub mod scaling;
pub mod scrapes;
pub mod spent;
pub mod stages;
pub mod stationary;
pub mod student;
pub mod theory;
pub mod trace;
pub mod waves;
pub mod windows;
