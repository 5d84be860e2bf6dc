//! sqlx's pool over a database of our own that does nothing but connect, ping and close.

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use log::LevelFilter;
use serde_json::{Value, json};
use sqlx_core::Url;
use sqlx_core::connection::{ConnectOptions, Connection};
use sqlx_core::error::Error;
use sqlx_core::pool::{Pool, PoolConnection, PoolOptions};
use sqlx_core::transaction::Transaction;

use crate::dice::{Dice, MS, S};
use crate::schedule::{Kind, text};
use crate::settings::{flag, number, span, time};
use crate::tasks::{Library, check, dial, until};
use crate::world::{Broken, Conn, World};
use database::Fake;

#[path = "sqlx_database.rs"]
mod database;

pub const KIND: Kind = Kind { library: "sqlx", pool: draw, grain: MS, from: 60 * S, cancels: true };

/// `acquire_timeout` lasts long enough for the start: `connect_with` opens `min_connections` one after the other.
fn draw(dice: &mut Dice, connect: u64) -> Value {
    let max = dice.one_of(&[1, 1, 2, 2, 3, 4]);
    let min = dice.one_of(&[0, 0, 1, 2]).min(max);
    let maybe = |dice: &mut Dice| dice.chance(0.6).then(|| text(dice.span(5 * S, 120 * S)));
    json!({ "Sqlx": {
        "max_connections": max,
        "min_connections": min,
        "acquire_timeout": text(dice.span((connect + 60 * MS) * (min + 2), 120 * S)),
        "idle_timeout": maybe(dice),
        "max_lifetime": maybe(dice),
        "test_before_acquire": dice.chance(0.6),
    }})
}

pub struct Sqlx {
    pool: Pool<Fake>,
    timeout: Duration,
}

/// A connection as sqlx sees it.
#[derive(Debug)]
pub struct FakeConnection(pub Conn);

#[derive(Clone)]
pub struct Options(Arc<World>);

fn error(why: Broken) -> Error {
    match why {
        Broken::Refused => Error::Io(std::io::ErrorKind::ConnectionRefused.into()),
        Broken::Lost => Error::Io(std::io::ErrorKind::ConnectionReset.into()),
    }
}

impl Connection for FakeConnection {
    type Database = Fake;
    type Options = Options;

    async fn close(self) -> Result<(), Error> {
        let world = self.0.world.clone();
        let closing = world.schedule.driver.close;
        drop(self);
        until(&world, (crate::clock::now() + closing, Ok(()))).await.map_err(error)
    }

    async fn close_hard(self) -> Result<(), Error> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Error> {
        if self.0.busy || self.0.lost {
            return Err(error(Broken::Lost));
        }
        check(&mut self.0).await.map_err(error)
    }

    async fn begin(&mut self) -> Result<Transaction<'_, Fake>, Error> {
        unreachable!("nobody begins a transaction")
    }

    fn shrink_buffers(&mut self) {}

    async fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn should_flush(&self) -> bool {
        false
    }
}

impl std::fmt::Debug for Options {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str("Options")
    }
}

impl FromStr for Options {
    type Err = Error;
    fn from_str(_: &str) -> Result<Options, Error> {
        unreachable!("options do not come from a text")
    }
}

impl ConnectOptions for Options {
    type Connection = FakeConnection;

    fn from_url(_: &Url) -> Result<Options, Error> {
        unreachable!("options do not come from an address")
    }

    async fn connect(&self) -> Result<FakeConnection, Error> {
        dial(&self.0).await.map(FakeConnection).map_err(error)
    }

    fn log_statements(self, _: LevelFilter) -> Options {
        self
    }

    fn log_slow_statements(self, _: LevelFilter, _: Duration) -> Options {
        self
    }
}

impl Library for Sqlx {
    type Lent = PoolConnection<Fake>;
    /// sqlx compares ages with `>`: by a real clock a round of its reaper always comes a little late.
    const TICKS: bool = true;

    async fn open(world: &Arc<World>) -> Sqlx {
        let settings = &world.schedule.pool["Sqlx"];
        let timeout = time(settings, "acquire_timeout");
        let pool = PoolOptions::new()
            .max_connections(number(settings, "max_connections").expect("a number"))
            .min_connections(number(settings, "min_connections").expect("a number"))
            .acquire_timeout(timeout)
            .idle_timeout(span(settings, "idle_timeout"))
            .max_lifetime(span(settings, "max_lifetime"))
            .test_before_acquire(flag(settings, "test_before_acquire"))
            .connect_with(Options(world.clone()))
            .await
            .expect("the server is up at the start");
        if let Some(period) = ["max_lifetime", "idle_timeout"].iter().filter_map(|name| span(settings, name)).min() {
            world.promise_every(period);
        }
        Sqlx { pool, timeout }
    }

    async fn get(&self) -> Result<PoolConnection<Fake>, (char, String)> {
        self.pool.acquire().await.map_err(|error| match &error {
            Error::PoolTimedOut => ('t', error.to_string()),
            Error::Io(_) => ('e', Broken::Lost.to_string()),
            _ => unreachable!("{error}"),
        })
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.timeout)
    }

    fn conn(lent: &mut PoolConnection<Fake>) -> &mut Conn {
        &mut lent.0
    }
}
