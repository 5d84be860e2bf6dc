//! Requests as tasks of tokio, whose clock is paused and leaps from timer to timer.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep_until, timeout_at};

use crate::clock;
use crate::schedule::{Schedule, Step};
use crate::world::{Broken, Conn, Outcome, Recording, TASK, World};

/// A library, asked through its own front door.
pub trait Library: Sized + Send + Sync + 'static {
    type Lent: Send;
    /// Looks at the clock are a nanosecond apart.
    const TICKS: bool = false;

    fn open(world: &Arc<World>) -> impl Future<Output = Self> + Send;
    /// A connection, or the letter of the failure and the library's words for it.
    fn get(&self) -> impl Future<Output = Result<Self::Lent, (char, String)>> + Send;
    /// When `get` has to end, if it is known when it begins.
    fn patience(&self) -> Option<Duration>;
    fn conn(lent: &mut Self::Lent) -> &mut Conn;
}

/// What the library does under a schedule.
pub fn play<L: Library>(schedule: Schedule) -> Recording {
    clock::reset();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime can be built");
    let world = World::new(schedule);
    runtime.block_on(async {
        clock::begin();
        clock::tick(L::TICKS);
        let library = Arc::new(L::open(&world).await);
        for number in 0..world.schedule.requests.len() {
            tokio::spawn(TASK.scope(number, arrive(number, library.clone(), world.clone())));
        }
        sleep_until(clock::instant(world.schedule.end)).await;
    });
    let recording = world.recording();
    drop(runtime);
    clock::tick(false);
    clock::reset();
    recording
}

async fn arrive<L: Library>(number: usize, library: Arc<L>, world: Arc<World>) {
    let request = world.schedule.requests[number].clone();
    sleep(&world, request.at).await;
    let work = work(number, &*library, &world, &request.steps);
    let result = match request.deadline {
        None => work.await,
        Some(deadline) => {
            let at = request.at + deadline;
            world.promise(at);
            timeout_at(clock::instant(at), work).await.unwrap_or_else(|_| Err("DeadlineExceeded".to_owned()))
        }
    };
    if let Err(why) = result {
        world.failed(number, &why);
    }
}

async fn work<L: Library>(number: usize, library: &L, world: &World, steps: &[Step]) -> Result<(), String> {
    for step in steps {
        match step {
            Step::Session(steps) => session(number, library, world, steps).await?,
            Step::Await(span) => sleep(world, clock::now() + span).await,
            Step::Query(_) => unreachable!("a statement belongs to a session"),
        }
    }
    Ok(())
}

async fn session<L: Library>(number: usize, library: &L, world: &World, steps: &[Step]) -> Result<(), String> {
    if let Some(patience) = library.patience() {
        world.promise(clock::now() + patience.as_nanos() as u64);
    }
    let mut lent = library.get().await.map_err(|(letter, why)| {
        world.note(letter, Some(number), None);
        why
    })?;
    world.note('o', Some(number), Some(L::conn(&mut lent).serial));
    for step in steps {
        match step {
            Step::Query(demand) => {
                let conn = L::conn(&mut lent);
                let outcome = conn.ask(*demand);
                let outcome = until(world, outcome).await;
                conn.answered(outcome).map_err(|why| why.to_string())?;
            }
            Step::Await(span) => sleep(world, clock::now() + span).await,
            Step::Session(_) => unreachable!("sessions are not nested"),
        }
    }
    Ok(())
}

async fn sleep(world: &World, at: u64) {
    world.promise(at);
    sleep_until(clock::instant(at)).await;
}

/// A call that has begun ends.
pub async fn until<T>(world: &World, (at, result): Outcome<T>) -> Result<T, Broken> {
    if at > clock::now() {
        sleep(world, at).await;
    }
    result
}

/// A whole connect.
pub async fn dial(world: &Arc<World>) -> Result<Conn, Broken> {
    let (serial, outcome) = world.dial();
    let outcome = until(world, outcome).await;
    world.dialled(serial, outcome)
}

/// A whole check of the pool's.
pub async fn check(conn: &mut Conn) -> Result<(), Broken> {
    let outcome = conn.check();
    let world = conn.world.clone();
    let outcome = until(&world, outcome).await;
    conn.answered(outcome)
}
