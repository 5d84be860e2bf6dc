//! The conversations and their recording, as the files have them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use poolcast::kernel::time::Span;
use poolcast::parts::proxy::pgbouncer::PgBouncer;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::play::Said;

/// One conversation. Its steps are for the player of the real programs: the recording tells what came of them.
#[derive(Deserialize)]
pub struct Conversation {
    pub name: String,
    pgbouncer: Map<String, Value>,
    #[serde(default)]
    pub database: Database,
    pub lasts: Span,
    /// Whether it matters which server serves whom: among many, those that are free in the same instant are as good as
    /// each other, and one exchange makes all that follows another.
    #[serde(default = "it_matters")]
    pub which_server: bool,
}

fn it_matters() -> bool {
    true
}

/// What is special about the database.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    pub max_connections: Option<u32>,
    pub superuser_reserved_connections: Option<u32>,
    pub statement_timeout: Span,
    pub idle_in_transaction_session_timeout: Span,
    /// How long a login takes above the usual, or "never".
    pub login: Option<String>,
}

/// What the real programs said.
#[derive(Deserialize)]
pub struct Recording {
    pub pgbouncer: String,
    pub postgresql: String,
    pub date: String,
    /// How long a login took at the database itself, in milliseconds.
    pub login_ms: f64,
    pub transcripts: BTreeMap<String, Vec<Said>>,
    /// It is not the committed one.
    #[serde(skip)]
    pub is_fresh: bool,
}

impl Conversation {
    /// PgBouncer's settings, of the version that was recorded.
    pub fn settings(&self) -> PgBouncer {
        let mut written = self.pgbouncer.clone();
        written.insert("version".to_owned(), "1.18".into());
        serde_json::from_value(Value::Object(written)).unwrap_or_else(|wrong| panic!("{}: {wrong}", self.name))
    }
}

/// All conversations.
pub fn conversations() -> Vec<Conversation> {
    read(folder().join("conversations.json"))
}

/// The committed recording, or the one that the environment names.
pub fn recording() -> Recording {
    match std::env::var_os("PGBOUNCER_RECORDING") {
        Some(fresh) => Recording { is_fresh: true, ..read(PathBuf::from(fresh)) },
        None => read(folder().join("recorded.json")),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/oracle/pgbouncer")
}

fn read<T: for<'a> Deserialize<'a>>(path: PathBuf) -> T {
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()))
}
