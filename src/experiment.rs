//! Floor 6: from the text of an experiment file to checked, complete plans. Imports kernel, protocol, parts and
//! simulation. Does no I/O: files that a file names come through callbacks.
//!
//! A text is read twice: by types ([`spec`]), which say whether it is right, and as a tree ([`tree`]), which knows where
//! everything stands. Partial systems ([`system`]) are laid over each other, single values set by their [`path`], and each
//! point of the [`sweep`] is completed and checked ([`plan`]). Whatever is wrong is a [`diagnose::Problem`].

pub mod check;
pub mod data;
pub mod diagnose;
pub mod edit;
pub mod file;
pub mod library;
pub mod locate;
pub mod objective;
pub mod path;
pub mod place;
pub mod plan;
pub mod read;
pub mod refused;
pub mod spec;
pub mod sweep;
pub mod system;
pub mod tokens;
pub mod tree;

pub use diagnose::Problem;
pub use file::Experiment;
pub use objective::Objective;
pub use place::Place;
pub use plan::{Plan, Point, Replications};
