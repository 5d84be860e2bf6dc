//! Systems that queueing theory solves, as pure functions: what a simulation of them must come to.
//!
//! Nothing here knows of events, pools or experiments. Times are in one unit and rates in its inverse, whichever the
//! caller takes. A function gives nothing where there is no steady state, or where the answer would cost more than a
//! glance. Inside, all may use [`station`], and the Markov chains use [`chain`].

pub mod chain;
pub mod closed;
pub mod constant_service;
pub mod general_service;
pub mod overflow;
pub mod phases;
pub mod sharing;
pub mod station;
pub mod waiting;
