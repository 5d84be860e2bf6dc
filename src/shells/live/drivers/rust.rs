//! A worker with a pool of Rust's: a thread with an event loop of its own, as a process of a model has one.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, Semaphore};
use tokio::task::LocalSet;

use super::{Order, Setup, Stated, Step, Told, Trouble, Word, Worker};
use crate::kernel::time::Span;
use crate::measure::recording::{Checkout, StatementKind};
use crate::parts::pool::PoolSpec;
use crate::protocol::program::Does;
use crate::shells::cli::Failure;
use crate::shells::live::address::Address;
use crate::shells::live::clock::{Clock, pause};
use crate::shells::live::statements::Statements;

mod bb8;
mod deadpool;
mod notes;
mod plain;
mod sqlx;

use notes::Notes;

/// A pool at work, as requests meet it.
pub(super) trait Lends: 'static {
    /// A connection in a request's hands; dropped, it goes back.
    type Lent: 'static;
    /// Asks for one.
    async fn get(&self) -> Result<Self::Lent, Trouble>;
    /// The experiment's statement.
    async fn query(&self, lent: &mut Self::Lent, argument: f64) -> Result<(), Trouble>;
    /// `BEGIN` and its like.
    async fn say(&self, lent: &mut Self::Lent, words: &'static str) -> Result<(), Trouble>;
    /// Gives one back.
    async fn give_back(&self, lent: Self::Lent) {
        drop(lent);
    }
}

/// What the thread needs to make its pool.
#[derive(Clone)]
pub(super) struct Recipe {
    /// What it dials.
    pub address: Address,
    /// Whether a proxy stands there.
    pub proxied: bool,
    /// What a query is.
    pub statements: Statements,
    /// A statement that runs for longer is cancelled, where sessions are to say so themselves.
    pub statement_timeout: Option<Span>,
    pool: PoolSpec,
    concurrency: Option<u32>,
}

impl Recipe {
    /// As tokio-postgres wants it.
    pub fn config(&self) -> tokio_postgres::Config {
        let mut config = self.address.config();
        if let Some(timeout) = self.statement_timeout {
            config.options(format!("-c statement_timeout={}", timeout.nanos().div_ceil(1_000_000)));
        }
        config
    }
}

/// The worker.
pub struct Rust {
    recipe: Recipe,
    orders: Option<UnboundedSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Rust {
    /// A worker that is ready as soon as the run starts.
    pub fn new(setup: &Setup) -> Rust {
        let recipe = Recipe {
            address: setup.address.clone(),
            proxied: setup.proxied,
            statements: setup.statements,
            statement_timeout: setup.statement_timeout,
            pool: setup.app.pool.clone(),
            concurrency: setup.app.concurrency,
        };
        Rust { recipe, orders: None, thread: None }
    }
}

impl Worker for Rust {
    /// Its thread begins with the run.
    fn ready(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    fn start(&mut self, clock: Clock, number: u32, words: Sender<(u32, Word)>) -> Result<(), Failure> {
        let (sender, orders) = unbounded_channel();
        let (recipe, notes) = (self.recipe.clone(), Notes::new(clock, number, words));
        let spawned = thread::Builder::new().name(format!("worker {number}")).spawn(move || work(&recipe, notes, orders));
        self.thread = Some(spawned.map_err(|error| Failure::Outside(format!("no thread for a worker: {error}")))?);
        self.orders = Some(sender);
        Ok(())
    }

    fn tell(&mut self, order: Order) {
        if let Some(orders) = &self.orders {
            let _ = orders.send(order);
        }
    }

    fn process(&self) -> Option<u32> {
        None
    }

    fn versions(&self) -> Vec<String> {
        let library = match self.recipe.pool {
            PoolSpec::Deadpool(_) => "deadpool-postgres 0.14",
            PoolSpec::Bb8(_) => "bb8 0.9",
            PoolSpec::Sqlx(_) => "sqlx 0.8",
            _ => "no pool",
        };
        vec![library.to_owned(), "tokio 1".to_owned()]
    }

    fn stop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Rust {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The thread: until nobody can give orders any more.
fn work(recipe: &Recipe, notes: Notes, orders: UnboundedReceiver<Order>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("an event loop can be made");
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        match &recipe.pool {
            PoolSpec::Deadpool(spec) => serve(deadpool::pool(spec, recipe, &notes), recipe, notes, orders).await,
            PoolSpec::Bb8(spec) => serve(bb8::pool(spec, recipe, &notes), recipe, notes, orders).await,
            PoolSpec::Sqlx(spec) => serve(sqlx::pool(spec, recipe, &notes), recipe, notes, orders).await,
            _ => serve(plain::pool(recipe, &notes), recipe, notes, orders).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

async fn serve<P: Lends>(pool: P, recipe: &Recipe, notes: Notes, mut orders: UnboundedReceiver<Order>) {
    let pool = Rc::new(pool);
    let places = recipe.concurrency.map(|most| Rc::new(Semaphore::new(most as usize)));
    let leavers: Rc<RefCell<BTreeMap<u64, Rc<Notify>>>> = Rc::default();
    while let Some(order) = orders.recv().await {
        match order {
            Order::Begin(id, steps) => {
                let gone = Rc::new(Notify::new());
                leavers.borrow_mut().insert(id, gone.clone());
                let (pool, places, notes, leavers) = (pool.clone(), places.clone(), notes.clone(), leavers.clone());
                tokio::task::spawn_local(async move {
                    let told = attend(&*pool, places.as_deref(), &notes, id, &steps, &gone).await;
                    leavers.borrow_mut().remove(&id);
                    notes.say(Word::Done(told));
                });
            }
            Order::Cancel(id) => {
                if let Some(gone) = leavers.borrow().get(&id) {
                    gone.notify_one();
                }
            }
        }
    }
}

/// Does a request until it is done or its client has gone.
async fn attend<P: Lends>(pool: &P, places: Option<&Semaphore>, notes: &Notes, id: u64, steps: &[Step], gone: &Notify) -> Told {
    let told = RefCell::new(Told { id, began: notes.now(), checkouts: Vec::new(), statements: Vec::new(), ended: 0, error: None });
    let doing = async {
        let _place = match places {
            Some(places) => Some(places.acquire().await.expect("the places are never closed")),
            None => None,
        };
        Doing { pool, notes, told: &told, held: Vec::new() }.all(steps).await
    };
    let error = tokio::select! {
        done = doing => done.err(),
        () = gone.notified() => Some(Trouble { class: "Cancelled".to_owned(), state: None, text: "cancelled".to_owned() }),
    };
    let mut told = told.into_inner();
    told.ended = notes.now();
    // What was dropped on the way is back too.
    for checkout in told.checkouts.iter_mut().filter(|checkout| checkout.given.is_none() && error.is_some()) {
        checkout.back.get_or_insert(told.ended);
    }
    Told { error, ..told }
}

struct Doing<'a, P: Lends> {
    pool: &'a P,
    notes: &'a Notes,
    told: &'a RefCell<Told>,
    /// The innermost last.
    held: Vec<Held<P::Lent>>,
}

struct Held<L> {
    lent: L,
    checkout: usize,
    in_transaction: bool,
}

impl<P: Lends> Doing<'_, P> {
    async fn all(mut self, steps: &[Step]) -> Result<(), Trouble> {
        for step in steps {
            if let Err(trouble) = self.one(step).await {
                while let Some(mut held) = self.held.pop() {
                    // What the libraries' transactions do when they are dropped.
                    if held.in_transaction {
                        let _ = self.pool.say(&mut held.lent, "ROLLBACK").await;
                    }
                    self.give_back(held).await;
                }
                return Err(trouble);
            }
        }
        Ok(())
    }

    async fn one(&mut self, step: &Step) -> Result<(), Trouble> {
        match step.does {
            Does::Work(span) => burn(span),
            Does::Block(span) => pause(Duration::from_nanos(span.nanos())),
            Does::Await(span) => tokio::time::sleep(Duration::from_nanos(span.nanos())).await,
            Does::Checkout => return self.check_out().await,
            Does::Checkin => {
                if let Some(held) = self.held.pop() {
                    self.give_back(held).await;
                }
            }
            Does::Begin => return self.state(StatementKind::Begin, 0.0).await,
            Does::Commit => return self.state(StatementKind::Commit, 0.0).await,
            Does::Query(_) => return self.state(StatementKind::Query, step.argument).await,
            Does::Leak => {
                if let Some(held) = self.held.pop() {
                    // Never to be given back, as long as this process lives.
                    std::mem::forget(held.lent);
                }
            }
        }
        Ok(())
    }

    async fn check_out(&mut self) -> Result<(), Trouble> {
        let checkout = {
            let mut told = self.told.borrow_mut();
            told.checkouts.push(Checkout { asked: self.notes.now(), ..Checkout::default() });
            told.checkouts.len() - 1
        };
        let (got, connects) = notes::with_connects(self.pool.get()).await;
        let mut told = self.told.borrow_mut();
        let entry = &mut told.checkouts[checkout];
        entry.connects = connects;
        match got {
            Ok(lent) => {
                entry.got = Some(self.notes.now());
                self.held.push(Held { lent, checkout, in_transaction: false });
                Ok(())
            }
            Err(trouble) => {
                entry.back = Some(self.notes.now());
                Err(trouble)
            }
        }
    }

    async fn give_back(&mut self, held: Held<P::Lent>) {
        self.told.borrow_mut().checkouts[held.checkout].given = Some(self.notes.now());
        self.pool.give_back(held.lent).await;
        self.told.borrow_mut().checkouts[held.checkout].back = Some(self.notes.now());
    }

    async fn state(&mut self, kind: StatementKind, argument: f64) -> Result<(), Trouble> {
        let held = self.held.last_mut().expect("a checked program states inside a session");
        self.told.borrow_mut().statements.push(Stated { checkout: held.checkout as u32, kind, sent: self.notes.now(), replied: None });
        match kind {
            StatementKind::Query => self.pool.query(&mut held.lent, argument).await?,
            StatementKind::Begin => self.pool.say(&mut held.lent, "BEGIN").await?,
            StatementKind::Commit => self.pool.say(&mut held.lent, "COMMIT").await?,
        }
        held.in_transaction = kind == StatementKind::Begin || held.in_transaction && kind == StatementKind::Query;
        if let Some(statement) = self.told.borrow_mut().statements.last_mut() {
            statement.replied = Some(self.notes.now());
        }
        Ok(())
    }
}

/// Uses the processor for so long, as far as others leave it to us.
fn burn(span: Span) {
    let end = Instant::now() + Duration::from_nanos(span.nanos());
    while Instant::now() < end {
        spin_loop();
    }
}

/// As the libraries want it.
fn duration(span: Span) -> Duration {
    Duration::from_nanos(span.nanos())
}
