//! Floor 7: questions asked of many runs, and their answers as documents and text. Imports the floors below; inside it,
//! everything may use `document`, `demand` and `words`, `runner` uses `summary` and `objectives`, `summary` uses `theory` and `check`,
//! `trace` uses `runner`, `grid` and `report` use `why`, `report` uses `compare`, `grid`, `check` and `trace`, and
//! `ask` uses `report`. `evidence` uses `runner`; `size` uses `evidence`, `search`, `load`, `check` and `why`.

pub mod ask;
pub mod check;
pub mod compare;
pub mod demand;
pub mod document;
pub mod evidence;
pub mod fields;
pub mod grid;
pub mod load;
pub mod objectives;
pub mod report;
pub mod runner;
pub mod search;
pub mod shards;
pub mod size;
pub mod summary;
pub mod theory;
pub mod trace;
pub mod why;
pub mod words;
