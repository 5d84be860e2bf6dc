//! sqlx, with the settings that the model has. It tells when a connection is open, not when it began to open one, and of
//! closing it tells nothing: that is seen in the pool's size.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgSslMode};
use sqlx::{Executor, Postgres, query, raw_sql};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::notes::Notes;
use super::{Lends, Recipe, Trouble, duration};
use crate::parts::pool::sqlx::Sqlx;
use crate::shells::live::address::Tls;
use crate::shells::live::statements::Statements;

/// The pool.
pub struct SqlxPool {
    pool: PgPool,
    proxied: bool,
    statements: Statements,
    notes: Notes,
    /// Connections that have been told of as open.
    open: Arc<AtomicU32>,
}

/// A pool of these settings.
pub fn pool(spec: &Sqlx, recipe: &Recipe, notes: &Notes) -> SqlxPool {
    let open = Arc::new(AtomicU32::new(0));
    let (noted, counted) = (notes.clone(), open.clone());
    let options = PgPoolOptions::new()
        .max_connections(spec.max_connections)
        .min_connections(spec.min_connections)
        .acquire_timeout(duration(spec.acquire_timeout))
        .idle_timeout(spec.idle_timeout.map(duration))
        .max_lifetime(spec.max_lifetime.map(duration))
        .test_before_acquire(spec.test_before_acquire)
        .after_connect(move |_, _| {
            noted.opened(None);
            counted.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Ok(()) })
        });
    let pool = options.connect_lazy_with(address(recipe));
    SqlxPool { pool, proxied: recipe.proxied, statements: recipe.statements, notes: notes.clone(), open }
}

fn address(recipe: &Recipe) -> PgConnectOptions {
    let address = &recipe.address;
    let mut options = PgConnectOptions::new_without_pgpass()
        .port(address.port)
        .username(&address.user)
        .password(address.password().tell())
        .database(&address.database)
        .application_name("poolcast")
        .ssl_mode(if address.tls == Tls::On { PgSslMode::VerifyFull } else { PgSslMode::Disable });
    if let Some(timeout) = recipe.statement_timeout {
        options = options.options([("statement_timeout", timeout.nanos().div_ceil(1_000_000))]);
    }
    if address.is_socket() { options.socket(&address.host) } else { options.host(&address.host) }
}

fn trouble(error: sqlx::Error) -> Trouble {
    let state = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    Trouble { class: "sqlx::Error".to_owned(), state, text: error.to_string() }
}

impl Lends for SqlxPool {
    type Lent = PoolConnection<Postgres>;

    async fn get(&self) -> Result<Self::Lent, Trouble> {
        let got = self.pool.acquire().await.map_err(trouble);
        while self.open.load(Ordering::Relaxed) > self.pool.size() {
            self.open.fetch_sub(1, Ordering::Relaxed);
            self.notes.closed();
        }
        got
    }

    /// Behind a proxy nothing may be expected to stay prepared, so the argument stands in the text there.
    async fn query(&self, lent: &mut Self::Lent, argument: f64) -> Result<(), Trouble> {
        let connection = &mut **lent;
        if self.proxied {
            let text = self.statements.text(&argument.to_string());
            return connection.execute(raw_sql(&text)).await.map(|_| ()).map_err(trouble);
        }
        let text = self.statements.text("cast($1 as float8)");
        query(&text).bind(argument).execute(connection).await.map(|_| ()).map_err(trouble)
    }

    async fn say(&self, lent: &mut Self::Lent, words: &'static str) -> Result<(), Trouble> {
        (&mut **lent).execute(words).await.map(|_| ()).map_err(trouble)
    }
}
