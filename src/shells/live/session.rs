//! One connection to a server, asked one question after the other: for looking at servers, never for load.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, SimpleQueryMessage};

use super::address::Address;
use super::tls;
use crate::shells::cli::Failure;

/// An open connection.
pub struct Session {
    runtime: Runtime,
    client: Client,
    name: String,
}

/// A row of an answer as text, by the names of its columns.
pub type Row = BTreeMap<String, String>;

/// No question that is asked here takes long.
const PATIENCE: Duration = Duration::from_secs(30);

impl Session {
    /// Connects.
    pub fn open(address: &Address) -> Result<Session, Failure> {
        let outside = |why: String| Failure::Outside(format!("{address}: {why}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| outside(error.to_string()))?;
        let mut config = address.config();
        config.connect_timeout(PATIENCE);
        let client = tls::dial(&runtime, &config, address.tls).map_err(|error| outside(in_full(&error)))?;
        Ok(Session { runtime, client, name: address.to_string() })
    }

    /// The rows of the answer to one question.
    pub fn ask(&self, question: &str) -> Result<Vec<Row>, Failure> {
        let outside = |why: String| Failure::Outside(format!("{}: {why}", self.name));
        let asked = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, self.client.simple_query(question)).await });
        let messages = asked.map_err(|_| outside("no answer".to_owned()))?.map_err(|error| outside(in_full(&error)))?;
        let rows = messages.into_iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => {
                let value = |column: usize| Some((row.columns()[column].name().to_owned(), row.get(column)?.to_owned()));
                Some((0..row.len()).filter_map(value).collect())
            }
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The only value of the answer.
    pub fn value(&self, question: &str) -> Result<String, Failure> {
        Ok(self.ask(question)?.into_iter().next().and_then(|row: Row| row.into_values().next()).unwrap_or_default())
    }
}

/// An error with what caused it: tokio-postgres keeps the server's words in there.
pub fn in_full(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
