//! Pages to read: how exact poolcast is, what its numbers mean, what breaks, and what it costs, each with the commands that show it again.

#[doc = include_str!("guide/exact.md")]
pub mod how_exact_is_it {}

#[doc = include_str!("guide/live.md")]
pub mod against_live_pools {}

#[doc = include_str!("guide/numbers.md")]
pub mod what_the_numbers_mean {}

#[doc = include_str!("guide/faults.md")]
pub mod when_things_break {}

#[doc = include_str!("guide/speed.md")]
pub mod what_it_costs {}
