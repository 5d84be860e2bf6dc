//! deadpool's pool, with a manager that connects to no database.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult, TimeoutType};
use serde_json::{Value, json};

use crate::clock;
use crate::dice::{Dice, MS, S};
use crate::schedule::{Kind, text};
use crate::settings::{choice, span};
use crate::tasks::{Library, check, dial};
use crate::world::{Broken, Conn, World};

pub const KIND: Kind = Kind { library: "deadpool", pool: draw, grain: MS, from: 0, cancels: true };

fn draw(dice: &mut Dice, connect: u64) -> Value {
    let maybe = |dice: &mut Dice, low, high| dice.chance(0.5).then(|| text(dice.span(low, high)));
    let wait = if dice.chance(0.1) { Some(text(0)) } else { maybe(dice, 50 * MS, 60 * S) };
    json!({ "Deadpool": {
        "max_size": dice.one_of(&[1, 1, 2, 2, 3, 4]),
        "wait": wait,
        "create": if dice.chance(0.4) { Some(text(dice.span(connect / 2 + MS, connect * 3 + 50 * MS))) } else { None },
        "recycle": maybe(dice, 5 * MS, 120 * MS),
        "queue_mode": dice.one_of(&["Fifo", "Lifo"]),
        "recycling_method": dice.one_of(&["Fast", "Verified", "Verified", "Clean"]),
    }})
}

pub struct Deadpool {
    pool: Pool<Fake>,
    wait: Option<Duration>,
}

struct Fake {
    world: Arc<World>,
    create: Option<Duration>,
    recycle: Option<Duration>,
    /// deadpool-postgres' `RecyclingMethod`: with `Fast` it only asks the driver.
    asks: bool,
}

impl Manager for Fake {
    type Type = Conn;
    type Error = Broken;

    async fn create(&self) -> Result<Conn, Broken> {
        self.promise(self.create);
        dial(&self.world).await
    }

    async fn recycle(&self, conn: &mut Conn, _: &Metrics) -> RecycleResult<Broken> {
        if conn.is_gone() {
            return Err(RecycleError::message("closed"));
        }
        self.promise(self.recycle);
        if self.asks { check(conn).await.map_err(RecycleError::Backend) } else { Ok(()) }
    }
}

impl Fake {
    fn promise(&self, limit: Option<Duration>) {
        if let Some(limit) = limit {
            self.world.promise(clock::now() + limit.as_nanos() as u64);
        }
    }
}

/// A lent object. One that was left in the middle of a statement is of no further use.
pub struct Lent(Option<Object<Fake>>);

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(object) = self.0.take().filter(|object| object.busy) {
            drop(Object::take(object));
        }
    }
}

impl Library for Deadpool {
    type Lent = Lent;

    async fn open(world: &Arc<World>) -> Deadpool {
        let settings = &world.schedule.pool["Deadpool"];
        let asks = choice(settings, "recycling_method") != "Fast";
        let mode = if choice(settings, "queue_mode") == "Lifo" { QueueMode::Lifo } else { QueueMode::Fifo };
        let wait = span(settings, "wait");
        let (create, recycle) = (span(settings, "create"), span(settings, "recycle"));
        let pool = Pool::builder(Fake { world: world.clone(), create, recycle, asks })
            .max_size(settings["max_size"].as_u64().expect("a number") as usize)
            .wait_timeout(wait)
            .create_timeout(create)
            .recycle_timeout(recycle)
            .queue_mode(mode)
            .runtime(Runtime::Tokio1)
            .build()
            .expect("the settings are good");
        Deadpool { pool, wait }
    }

    async fn get(&self) -> Result<Lent, (char, String)> {
        self.pool.get().await.map(|object| Lent(Some(object))).map_err(|error| match &error {
            PoolError::Timeout(TimeoutType::Wait | TimeoutType::Create) => ('t', error.to_string()),
            PoolError::Backend(why) => ('e', why.to_string()),
            _ => unreachable!("{error}"),
        })
    }

    fn patience(&self) -> Option<Duration> {
        self.wait
    }

    fn conn(lent: &mut Lent) -> &mut Conn {
        lent.0.as_mut().expect("it is lent")
    }
}
