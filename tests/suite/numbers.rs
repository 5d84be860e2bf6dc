//! Numbers to stand behind: intervals cover, verdicts are right and comparisons are fair as often as they promise.
//!
//! An experiment whose answer is known is repeated hundreds of times with other seeds, and what the program says of it
//! each time is held against the truth. Most are replicated by a recursion that takes milliseconds, from whose outcome
//! on everything is the program's own; some by the whole simulator. Seeds are fixed, so nothing here is left to chance.
//!
//! `POOLCAST_MACRO_RUNS=1000 cargo test --release --test suite numbers:: -- --nocapture` does it a thousand times and
//! prints what it finds; `src/guide/numbers.md` has that.

mod bands;
mod chance;
mod cliff;
mod coverage;
mod macro_runs;
mod rare;
mod recursion;
mod standstill;
mod starts;
mod truth;
mod verdicts;
