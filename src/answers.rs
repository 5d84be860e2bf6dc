//! Floor 7: questions asked of many runs, and their answers as documents and text. Imports the floors below; inside it,
//! everything may use `document`, `summary` uses `runner`, and `report` uses `why`.

pub mod document;
pub mod objectives;
pub mod runner;
pub mod summary;
