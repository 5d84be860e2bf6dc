//! r2d2's pool, with threads in virtual time and a manager that connects to no database.

use std::sync::Arc;

use parking_lot::threads;
use r2d2::{ManageConnection, Pool};
use scheduled_thread_pool::{OnPoolDropBehavior, ScheduledThreadPool};
use serde_json::{Value, json};

use crate::clock;
use crate::dice::{Dice, MS, S};
use crate::schedule::{Kind, Schedule, Step, text};
use crate::settings::{flag, number, span, time};
use crate::world::{Broken, Conn, Outcome, Recording, THREAD, World};

pub const KIND: Kind = Kind { library: "r2d2", pool: draw, grain: 1, from: S, cancels: false };

fn draw(dice: &mut Dice, connect: u64) -> Value {
    let max_size = dice.one_of(&[1, 2, 2, 3, 4, 5]);
    let maybe = |dice: &mut Dice| dice.chance(0.5).then(|| text(dice.span(5 * S, 120 * S)));
    json!({ "R2d2": {
        "max_size": max_size,
        "min_idle": dice.one_of(&[None, None, Some(0), Some(1), Some(2)]).map(|idle: u64| idle.min(max_size)),
        "connection_timeout": text(dice.span((connect / 2).max(50 * MS), 80 * S)),
        "max_lifetime": maybe(dice),
        "idle_timeout": maybe(dice),
        "test_on_check_out": dice.chance(0.7),
    }})
}

struct Fake(Arc<World>);

impl ManageConnection for Fake {
    type Connection = Conn;
    type Error = Broken;

    fn connect(&self) -> Result<Conn, Broken> {
        let (serial, outcome) = self.0.dial();
        let outcome = until(&self.0, outcome);
        self.0.dialled(serial, outcome)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), Broken> {
        let outcome = conn.check();
        let outcome = until(&self.0, outcome);
        conn.answered(outcome)
    }

    /// A driver that is not asked anything reads nothing: only a statement finds that the connection has ended.
    fn has_broken(&self, conn: &mut Conn) -> bool {
        !conn.is_fit()
    }
}

/// r2d2's own number of threads.
const WORKERS: u32 = 3;

fn open(world: &Arc<World>) -> Pool<Fake> {
    let settings = &world.schedule.pool["R2d2"];
    let workers =
        ScheduledThreadPool::builder().num_threads(WORKERS as usize).on_drop_behavior(OnPoolDropBehavior::DiscardPendingScheduled).build();
    threads::gather(1 + u64::from(WORKERS));
    Pool::builder()
        .max_size(number(settings, "max_size").expect("a number"))
        .min_idle(number(settings, "min_idle"))
        .connection_timeout(time(settings, "connection_timeout"))
        .max_lifetime(span(settings, "max_lifetime"))
        .idle_timeout(span(settings, "idle_timeout"))
        .test_on_check_out(flag(settings, "test_on_check_out"))
        .thread_pool(Arc::new(workers))
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build_unchecked(Fake(world.clone()))
}

/// What the library does under a schedule.
pub fn play(schedule: Schedule) -> Recording {
    threads::join();
    let world = World::new(schedule);
    let pool = open(&world);
    for number in 0..world.schedule.requests.len() {
        let (pool, world) = (pool.clone(), world.clone());
        threads::spawn(move || {
            THREAD.set(Some(number));
            sleep(&world, world.schedule.requests[number].at);
            if let Err(why) = work(number, &pool, &world) {
                world.failed(number, &why);
            }
        });
    }
    threads::stop(Some(world.schedule.end));
    let recording = world.recording();
    drop(pool);
    threads::leave();
    recording
}

fn work(number: usize, pool: &Pool<Fake>, world: &World) -> Result<(), String> {
    for step in &world.schedule.requests[number].steps {
        match step {
            Step::Session(steps) => session(number, pool, world, steps)?,
            Step::Await(span) => sleep(world, clock::now() + span),
            Step::Query(_) => unreachable!("a statement belongs to a session"),
        }
    }
    Ok(())
}

fn session(number: usize, pool: &Pool<Fake>, world: &World, steps: &[Step]) -> Result<(), String> {
    world.promise(clock::now() + pool.connection_timeout().as_nanos() as u64);
    let mut lent = pool.get().map_err(|error| {
        world.note('t', Some(number), None);
        // After a colon it says what the last connect met with, which poolcast does not.
        error.to_string().split(':').next().unwrap_or_default().to_owned()
    })?;
    world.note('o', Some(number), Some(lent.serial));
    for step in steps {
        match step {
            Step::Query(demand) => {
                let outcome = lent.ask(*demand);
                let outcome = until(world, outcome);
                lent.answered(outcome).map_err(|why| why.to_string())?;
            }
            Step::Await(span) => sleep(world, clock::now() + span),
            Step::Session(_) => unreachable!("sessions are not nested"),
        }
    }
    Ok(())
}

fn sleep(world: &World, at: u64) {
    world.promise(at);
    threads::stop(Some(at));
}

fn until<T>(world: &World, (at, result): Outcome<T>) -> Result<T, Broken> {
    if at > clock::now() {
        sleep(world, at);
    }
    result
}
