//! What a worker writes down beside its requests: connections opened and closed, by whomever.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};

use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, NoTls};

use super::Word;
use crate::measure::recording::PoolEvent;
use crate::shells::live::clock::Clock;
use crate::shells::live::tls;

/// The worker's clock, and where its words go.
#[derive(Clone)]
pub struct Notes {
    clock: Clock,
    number: u32,
    words: Sender<(u32, Word)>,
}

type Connects = Arc<Mutex<Vec<(u64, u64)>>>;

tokio::task_local! {
    /// Connections opened by the checkout that this task makes just now.
    static CONNECTS: Connects;
}

impl Notes {
    /// Of the worker of this number.
    pub fn new(clock: Clock, number: u32, words: Sender<(u32, Word)>) -> Notes {
        Notes { clock, number, words }
    }

    /// The run's time.
    pub fn now(&self) -> u64 {
        self.clock.now()
    }

    /// Tells it; after the run nobody listens.
    pub fn say(&self, word: Word) {
        let _ = self.words.send((self.number, word));
    }

    /// A connection is open; since when it was being opened, if that is known.
    pub fn opened(&self, begun: Option<u64>) {
        let at = self.now();
        if let Some(begun) = begun {
            // A connection that the library opens in a task of its own belongs to nobody's checkout.
            let _ = CONNECTS.try_with(|connects| connects.lock().expect("nobody panics while holding it").push((begun, at)));
        }
        self.pool(at, true, begun.map(|begun| at - begun));
    }

    /// A connection is closed.
    pub fn closed(&self) {
        self.pool(self.now(), false, None);
    }

    fn pool(&self, at: u64, opened: bool, took: Option<u64>) {
        self.say(Word::Pool(PoolEvent { worker: self.number, at, opened, took }));
    }
}

/// Makes a checkout; with it come the connections that were opened inside it.
pub async fn with_connects<T>(checkout: impl Future<Output = T>) -> (T, Vec<(u64, u64)>) {
    let connects = Connects::default();
    let got = CONNECTS.scope(connects.clone(), checkout).await;
    let connects = connects.lock().expect("nobody panics while holding it").clone();
    (got, connects)
}

/// Tells of a connection's end, also when its task is stopped.
struct Open(Notes);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.closed();
    }
}

/// A connection of tokio-postgres, whose opening and closing are written down.
pub async fn connect(config: &Config, tls: bool, notes: &Notes) -> Result<(Client, JoinHandle<()>), Error> {
    let begun = notes.now();
    let notes = notes.clone();
    if tls {
        let (client, connection) = config.connect(tls::connector()).await?;
        notes.opened(Some(begun));
        Ok((client, tokio::spawn(async move { watch(connection, notes).await })))
    } else {
        let (client, connection) = config.connect(NoTls).await?;
        notes.opened(Some(begun));
        Ok((client, tokio::spawn(async move { watch(connection, notes).await })))
    }
}

async fn watch<E>(connection: impl Future<Output = Result<(), E>>, notes: Notes) {
    let _open = Open(notes);
    let _ = connection.await;
}
