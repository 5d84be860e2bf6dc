//! Floor 7: questions asked of many runs. Imports the floors below.

pub mod runner;
