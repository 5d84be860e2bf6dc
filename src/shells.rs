//! Floor 8: what touches the world: files, the terminal, live databases, a local page. Imports all floors below; inside it,
//! `cli` uses the others, `import`, which is pure, is fed by `files`, and `live` and `serve` use `files`.

pub mod cli;
pub mod files;
pub mod import;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "serve")]
pub mod serve;
