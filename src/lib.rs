//! poolcast forecasts how database connection pools behave, before production does.

// The floors, in reading order: each imports only those above it in this list.
pub mod kernel;
pub mod protocol;
pub mod parts;
pub mod simulation;
pub mod measure;
pub mod experiment;
pub mod answers;
pub mod shells;
