//! Floor 1: virtual time and chance. Knows nothing of databases; imports nothing of this crate but its neighbours here.

pub mod agenda;
pub mod copied;
pub mod ids;
pub mod invalid;
pub mod latency;
pub mod level;
pub mod patience;
pub mod registry;
pub mod rng;
pub mod time;
