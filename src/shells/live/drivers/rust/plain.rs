//! tokio-postgres: statements as all its pools send them, and no pool at all.

use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config};

use super::notes::{Notes, connect};
use super::{Lends, Recipe, Trouble};
use crate::shells::live::address::Tls;
use crate::shells::live::session::in_full;

/// A connection for every checkout.
pub struct Plain {
    config: Config,
    tls: bool,
    notes: Notes,
    text: String,
}

/// No pool.
pub fn pool(recipe: &Recipe, notes: &Notes) -> Plain {
    Plain { config: recipe.config(), tls: recipe.address.tls == Tls::On, notes: notes.clone(), text: text(recipe) }
}

/// The statement, its argument a float.
pub fn text(recipe: &Recipe) -> String {
    recipe.statements.text("cast($1 as float8)")
}

/// One round trip, and no statement that would have to stay prepared behind a proxy.
pub async fn query(client: &Client, text: &str, argument: f64) -> Result<(), Trouble> {
    client.query_typed(text, &[(&argument, Type::FLOAT8)]).await.map(|_| ()).map_err(trouble)
}

/// `BEGIN` and its like.
pub async fn say(client: &Client, words: &str) -> Result<(), Trouble> {
    client.batch_execute(words).await.map_err(trouble)
}

/// An error of tokio-postgres in its own words.
pub fn trouble(error: tokio_postgres::Error) -> Trouble {
    let state = error.code().map(|code| code.code().to_owned());
    Trouble { class: "tokio_postgres::Error".to_owned(), state, text: in_full(&error) }
}

impl Lends for Plain {
    type Lent = (Client, JoinHandle<()>);

    async fn get(&self) -> Result<Self::Lent, Trouble> {
        connect(&self.config, self.tls, &self.notes).await.map_err(trouble)
    }

    async fn query(&self, (client, _): &mut Self::Lent, argument: f64) -> Result<(), Trouble> {
        query(client, &self.text, argument).await
    }

    async fn say(&self, (client, _): &mut Self::Lent, words: &'static str) -> Result<(), Trouble> {
        say(client, words).await
    }
}
