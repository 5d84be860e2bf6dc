//! Single paths, to the tick: requests of known times through a pool, and what must come out of them exactly.
//!
//! [`traces`] plays recorded paths, [`theorems`] what holds for every path, [`counterexamples`] what sounds as if it did
//! and does not. All of them rest on one rule for what happens in one instant, [`Rank`](poolcast::kernel::agenda::Rank): first
//! connections come back and the longest waiter takes them, even at the very end of its patience, because a waiter that
//! is woken looks for a connection before it looks at the clock; then patience ends; then requests arrive, in the order
//! in which they are known.
//!
//! Two things that paths are known for cannot be said here, because no pool does them: handing a connection to the
//! newest waiter (under which the sum of all waits is that of a fair queue if all holds are equal, and one connection
//! more may make waits longer), and a queue with a limit of none before psycopg's pool, whose 0 means no limit: a pool
//! without patience stands for it. Nor is there one with both patience and a limit: psycopg's pool counts those who gave up.

mod counterexamples;
mod play;
mod theorems;
mod traces;
