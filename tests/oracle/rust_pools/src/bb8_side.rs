//! bb8's pool, with a manager that connects to no database.

use std::sync::Arc;
use std::time::Duration;

use bb8::{ManageConnection, Pool, PooledConnection, QueueStrategy, RunError};
use serde_json::{Value, json};

use crate::dice::{Dice, MS, S};
use crate::schedule::{Kind, text};
use crate::settings::{choice, flag, number, span, time};
use crate::tasks::{Library, check, dial};
use crate::world::{Broken, Conn, World};

pub const KIND: Kind = Kind { library: "bb8", pool: draw, grain: MS, from: S, cancels: true };

fn draw(dice: &mut Dice, connect: u64) -> Value {
    let max_size = dice.one_of(&[1, 2, 2, 3, 3, 4]);
    let maybe = |dice: &mut Dice| dice.chance(0.6).then(|| text(dice.span(5 * S, 120 * S)));
    json!({ "Bb8": {
        "max_size": max_size,
        "min_idle": dice.one_of(&[None, None, Some(0), Some(1), Some(2), Some(3)]).map(|idle: u64| idle.min(max_size)),
        // Half of it is a pause, and pauses are whole milliseconds.
        "connection_timeout": text(2 * dice.span((connect / 4).max(20 * MS), 40 * S)),
        "max_lifetime": maybe(dice),
        "idle_timeout": maybe(dice),
        "reaper_rate": text(dice.span(2 * S, 60 * S)),
        "test_on_check_out": dice.chance(0.6),
        "retry_connection": dice.chance(0.7),
        "queue_strategy": dice.one_of(&["Fifo", "Fifo", "Lifo"]),
    }})
}

pub struct Bb8 {
    pool: Pool<Fake>,
    timeout: Duration,
}

pub struct Fake(Arc<World>);

impl ManageConnection for Fake {
    type Connection = Conn;
    type Error = Broken;

    async fn connect(&self) -> Result<Conn, Broken> {
        dial(&self.0).await
    }

    async fn is_valid(&self, conn: &mut Conn) -> Result<(), Broken> {
        check(conn).await
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        !conn.is_fit() || conn.is_gone()
    }
}

impl Library for Bb8 {
    type Lent = PooledConnection<'static, Fake>;

    async fn open(world: &Arc<World>) -> Bb8 {
        let settings = &world.schedule.pool["Bb8"];
        let order = if choice(settings, "queue_strategy") == "Lifo" { QueueStrategy::Lifo } else { QueueStrategy::Fifo };
        let timeout = time(settings, "connection_timeout");
        let pool = Pool::builder()
            .max_size(number(settings, "max_size").expect("a number"))
            .min_idle(number(settings, "min_idle"))
            .connection_timeout(timeout)
            .max_lifetime(span(settings, "max_lifetime"))
            .idle_timeout(span(settings, "idle_timeout"))
            .reaper_rate(time(settings, "reaper_rate"))
            .test_on_check_out(flag(settings, "test_on_check_out"))
            .retry_connection(flag(settings, "retry_connection"))
            .queue_strategy(order)
            .build_unchecked(Fake(world.clone()));
        world.promise_every(time(settings, "reaper_rate"));
        Bb8 { pool, timeout }
    }

    async fn get(&self) -> Result<PooledConnection<'static, Fake>, (char, String)> {
        self.pool.get_owned().await.map_err(|error| match &error {
            RunError::TimedOut => ('t', error.to_string()),
            RunError::User(why) => ('e', why.to_string()),
        })
    }

    fn patience(&self) -> Option<Duration> {
        Some(self.timeout)
    }

    fn conn<'a>(lent: &'a mut PooledConnection<'static, Fake>) -> &'a mut Conn {
        lent
    }
}
