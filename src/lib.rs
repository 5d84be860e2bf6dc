//! poolcast forecasts how database connection pools behave, before production does.

pub mod kernel;
pub mod measure;
pub mod parts;
pub mod protocol;
pub mod simulation;
