//! deadpool-postgres, with the settings that the model has.

use std::pin::Pin;

use deadpool_postgres::tokio_postgres::{Client as PgClient, Config, Error};
use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, PoolError, QueueMode, RecyclingMethod, Runtime, Timeouts};
use tokio::task::JoinHandle;

use super::notes::{Notes, connect};
use super::{Lends, Recipe, Trouble, duration, plain};
use crate::parts::pool::QueueOrder;
use crate::parts::pool::deadpool::{Deadpool, RecyclingMethod as Recycling};
use crate::shells::live::address::Tls;

/// The pool.
pub struct DeadpoolPool {
    pool: Pool,
    text: String,
}

struct Noted {
    tls: bool,
    notes: Notes,
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(PgClient, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Noted {
    fn connect(&self, config: &Config) -> Connecting<'_> {
        let config = config.clone();
        Box::pin(async move { connect(&config, self.tls, &self.notes).await })
    }
}

/// A pool of these settings.
pub fn pool(spec: &Deadpool, recipe: &Recipe, notes: &Notes) -> DeadpoolPool {
    let recycling_method = match spec.recycling_method {
        Recycling::Fast => RecyclingMethod::Fast,
        Recycling::Verified => RecyclingMethod::Verified,
        Recycling::Clean => RecyclingMethod::Clean,
    };
    let noted = Noted { tls: recipe.address.tls == Tls::On, notes: notes.clone() };
    let manager = Manager::from_connect(recipe.config(), noted, ManagerConfig { recycling_method });
    let timeouts = Timeouts { wait: spec.wait.map(duration), create: spec.create.map(duration), recycle: spec.recycle.map(duration) };
    let queue_mode = if spec.queue_mode == QueueOrder::Lifo { QueueMode::Lifo } else { QueueMode::Fifo };
    let builder =
        Pool::builder(manager).max_size(spec.max_size as usize).timeouts(timeouts).queue_mode(queue_mode).runtime(Runtime::Tokio1);
    DeadpoolPool { pool: builder.build().expect("timeouts have a runtime"), text: plain::text(recipe) }
}

impl Lends for DeadpoolPool {
    type Lent = Object;

    async fn get(&self) -> Result<Object, Trouble> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => plain::trouble(error),
            other => Trouble { class: "deadpool::PoolError".to_owned(), state: None, text: other.to_string() },
        })
    }

    async fn query(&self, lent: &mut Object, argument: f64) -> Result<(), Trouble> {
        plain::query(lent, &self.text, argument).await
    }

    async fn say(&self, lent: &mut Object, words: &'static str) -> Result<(), Trouble> {
        plain::say(lent, words).await
    }
}
