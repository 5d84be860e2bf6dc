//! Floor 5: observers and figures. Imports the floors below; inside it, `intervals` uses `student`, and the files that
//! state figures from many replications use `histogram`, `intervals` and `student`.

pub mod histogram;
pub mod intervals;
pub mod paired;
pub mod quantiles;
pub mod stationary;
pub mod student;
