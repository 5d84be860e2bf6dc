//! bb8 over tokio-postgres, with the settings that the model has. It connects in tasks of its own, so no checkout can tell
//! which connection was opened for it.

use bb8::{ManageConnection, Pool, PooledConnection, QueueStrategy, RunError};
use tokio_postgres::{Client, Config, Error};

use super::notes::{Notes, connect};
use super::{Lends, Recipe, Trouble, duration, plain};
use crate::parts::pool::QueueOrder;
use crate::parts::pool::bb8::Bb8;
use crate::shells::live::address::Tls;

/// The pool.
pub struct Bb8Pool {
    pool: Pool<Connections>,
    text: String,
}

/// How it makes connections, as bb8-postgres does.
pub struct Connections {
    config: Config,
    tls: bool,
    notes: Notes,
}

impl ManageConnection for Connections {
    type Connection = Client;
    type Error = Error;

    async fn connect(&self) -> Result<Client, Error> {
        connect(&self.config, self.tls, &self.notes).await.map(|(client, _)| client)
    }

    async fn is_valid(&self, client: &mut Client) -> Result<(), Error> {
        client.simple_query("").await.map(|_| ())
    }

    fn has_broken(&self, client: &mut Client) -> bool {
        client.is_closed()
    }
}

/// A pool of these settings.
pub fn pool(spec: &Bb8, recipe: &Recipe, notes: &Notes) -> Bb8Pool {
    let connections = Connections { config: recipe.config(), tls: recipe.address.tls == Tls::On, notes: notes.clone() };
    let strategy = if spec.queue_strategy == QueueOrder::Lifo { QueueStrategy::Lifo } else { QueueStrategy::Fifo };
    let builder = Pool::builder()
        .max_size(spec.max_size)
        .min_idle(spec.min_idle)
        .connection_timeout(duration(spec.connection_timeout))
        .max_lifetime(spec.max_lifetime.map(duration))
        .idle_timeout(spec.idle_timeout.map(duration))
        .reaper_rate(duration(spec.reaper_rate))
        .test_on_check_out(spec.test_on_check_out)
        .retry_connection(spec.retry_connection)
        .queue_strategy(strategy);
    Bb8Pool { pool: builder.build_unchecked(connections), text: plain::text(recipe) }
}

impl Lends for Bb8Pool {
    type Lent = PooledConnection<'static, Connections>;

    async fn get(&self) -> Result<Self::Lent, Trouble> {
        self.pool.get_owned().await.map_err(|error| match error {
            RunError::User(error) => plain::trouble(error),
            RunError::TimedOut => Trouble { class: "bb8::RunError".to_owned(), state: None, text: error.to_string() },
        })
    }

    async fn query(&self, lent: &mut Self::Lent, argument: f64) -> Result<(), Trouble> {
        plain::query(lent, &self.text, argument).await
    }

    async fn say(&self, lent: &mut Self::Lent, words: &'static str) -> Result<(), Trouble> {
        plain::say(lent, words).await
    }
}
