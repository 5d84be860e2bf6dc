//! poolcast forecasts how database connection pools behave, before production does.

pub mod kernel;
pub mod protocol;
// The floors stand in reading order.
pub mod answers;
pub mod measure;
pub mod parts;
pub mod simulation;
