//! Floor 7: questions asked of many runs, and their answers as documents and text. Imports the floors below; inside it,
//! everything may use `document`, `demand` and `words`, `summary` uses `basis`, `over_time`, `recovery`, `deadlocks`,
//! `waves`, `near_miss`, `theory` and `check`, `runner` uses `summary`, `starts` and `objectives`, `measured` uses `runner`,
//! `summary` and `objectives`, `trace` uses `runner`, `grid` and `report` use `why`, `report` uses `compare`, `grid`,
//! `check`, `trace`, `film`, `size`, `validate` and `basis`, and `ask` uses `report`. `film`, `evidence`, `hunt` and `rare` use
//! `runner`, `rare` uses `check`; `over_time`, `recovery`, `deadlocks` and `waves` use its course, `waves` and `near_miss`
//! use `check`; `why` uses `recovery`; `size` uses `evidence`, `search`, `load`, `check` and `why`; `cliff` uses `evidence`,
//! `recovery`, `runner` and `starts`. `validate` uses `runner`, and `calibrate` uses `validate`.

pub mod ask;
pub mod basis;
pub mod calibrate;
pub mod check;
pub mod cliff;
pub mod compare;
pub mod deadlocks;
pub mod demand;
pub mod document;
pub mod evidence;
pub mod fields;
pub mod film;
pub mod grid;
#[cfg(feature = "hunt")]
pub mod hunt;
pub mod knobs;
pub mod load;
pub mod look;
pub mod measured;
pub mod metrics;
pub mod near_miss;
pub mod objectives;
pub mod over_time;
pub mod rare;
pub mod recovery;
pub mod report;
pub mod runner;
pub mod search;
pub mod shards;
pub mod size;
pub mod starts;
pub mod summary;
pub mod theory;
pub mod trace;
pub mod validate;
pub mod waves;
pub mod why;
pub mod words;
