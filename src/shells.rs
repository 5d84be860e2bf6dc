//! Floor 8: what touches the world: files, the terminal. Imports all floors below; inside it, `cli` uses the others.

pub mod cli;
pub mod files;
