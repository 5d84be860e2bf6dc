//! Floor 8: what touches the world: files, the terminal. Imports all floors below; inside it, `cli` uses the others, and
//! `import`, which is pure, is fed by `files`.

pub mod cli;
pub mod files;
pub mod import;
