//! poolcast forecasts how database connection pools behave, before production does.
//!
//! # Bird's eye
//!
//! A run is a pure function: [`simulate`](simulation::run::simulate)`(model, end, observer)`. A
//! [model](simulation::model::Model) is a set of *parts* (clients, workers, pools, a proxy, a database) that never hold,
//! import or call each other. A part says a *verb* (`dial`, `query`, `grant`, `reply`, `release` …) to its context
//! [`Cx`](protocol::cx::Cx); the verb becomes a small [`Event`](protocol::event::Event) on the
//! [agenda](kernel::agenda); one `dispatch`, in the order in which a request meets things, tells the part that the event
//! concerns. [Observers](simulation::observer::Observer) see everything and change nothing, and every figure comes from one.
//! Around that core stand the shells: files, the terminal, and real pools on real servers.
//!
//! The flow is closed, so that it can be read on one screen: events, verbs and dispatch are plain enums and matches. The
//! kinds are open: a new pool, proxy, distribution or arrival process is a file of its own.
//!
//! # The floors, in reading order
//!
//! A file imports from its own floor and from floors below it, never from above; `tests/suite/tidy.rs` holds that.
//!
//! 1. [`kernel`]: virtual time and chance. Knows nothing of databases.
//! 2. [`protocol`]: what parts can say to each other; requests, connections, and the world that they live in.
//! 3. [`parts`]: clients with their workload, workers, pools, proxies, the database, faults. Each family alone.
//! 4. [`simulation`]: all parts together, and how to tell each of them something; the run.
//! 5. [`measure`]: observers and figures; what can honestly be said of a number of replications.
//! 6. [`experiment`]: from the text of a file to checked, complete plans.
//! 7. [`answers`]: questions asked of many runs; the only threads; documents and their text.
//! 8. [`shells`]: what touches the world.
//!
//! # The life of a request
//!
//! | event | told to | where |
//! |---|---|---|
//! | `Arrive` | the clients: a request is born with all it will ever draw | `parts/client.rs`, `parts/workload/` |
//! | `Begin` | its worker: the steps of its [program](protocol::program) begin | `parts/worker.rs` |
//! | `Acquire` | its worker's pool, which lends, dials, or lets it wait | `parts/pool/sqlalchemy/checkout.rs` |
//! | `Connect`, `Accept` | the proxy or the database; back to who dialled | `parts/proxy/`, `parts/database/` |
//! | `Grant` | the worker: the request goes on with the connection | `parts/worker.rs` |
//! | `Query` | the proxy, which links the client to a server connection and passes the statement on | `parts/proxy/pgbouncer/` |
//! | `Query` | the database, where statements share the cores | `parts/database/postgres/` |
//! | `DatabaseRing` | the database: a statement has had its service | `parts/database/postgres/server.rs` |
//! | `Reply`, `Reply` | the proxy, then the worker | |
//! | `Release`, `Released` | the pool, which resets and keeps or closes; the worker | `parts/pool/sqlalchemy/checkin.rs` |
//! | `Finished` | the client: the end, or a pause and another attempt | `parts/client.rs` |
//!
//! # Glossary
//!
//! - *client*: who sends requests of a *stream* and has a deadline; *request*: one of them, through all its attempts.
//! - *app*: equal *workers*; *worker*: a process with one event loop and a pool of its own.
//! - *connection*: two ends and a *wire*, one statement at a time. Whoever holds the *near* end gets the replies; the *far*
//!   end is a server's. *Lent*: in a request's hands; *idle*: in its pool's.
//! - *dial*, *accept*, *hang up*, *shut*: the near end opens, the server lets in, the near end closes, the server closes.
//! - *acquire*, *grant*, *refuse*, *release*, *withdraw*: between a request and its pool.
//! - *waiter*: a request that has acquired and was not granted yet. *Demand*: a statement's time on an idle server.
//! - *blueprint*: a complete system before a model is built from it; *point*: one of an experiment's systems;
//!   *replication*: one run of a point; *outcome*: what was counted in it; *answer*: what outcomes say together.
//! - Real systems keep their own words: SQLAlchemy's overflow and checkedout, PgBouncer's `CL_WAITING`, `SV_IDLE`, janitor.
//!
//! # What always holds
//!
//! 1. A run depends on its arguments alone. No clock, file, socket, thread or environment below the answers.
//! 2. Parts meet only in the protocol. What one must know of another at building time is told as plain data (a proxy hears
//!    the database's [`Slots`](protocol::server::Slots)).
//! 3. Between a worker and its own pool no time passes. Over a wire each message takes half of a round trip, and messages on
//!    one connection never overtake each other.
//! 4. Who comes first in one instant is one written rule: lower [`Rank`](kernel::agenda::Rank) first (who was woken, what ends, what
//!    opens, patience, housekeeping, new work); within a rank the one scheduled first; and what an event causes in its own instant
//!    happens at once, before the next event of the list.
//! 5. While a step occupies a worker's event loop, whatever reaches that process waits in a line, and consequences of what is
//!    taken from the line go to its end, as callbacks do in a real loop.
//! 6. What a request wants is drawn at its birth from its stream's dice at its own number: request 4711 is the same request in
//!    every scenario, so comparisons are paired. No policy can change it.
//! 7. Each owner and purpose has a random stream of its own: a new part moves nobody else's draws.
//! 8. Observers change nothing, and nothing in the core reads a fact.
//! 9. Input can be wrong ([`Invalid`](kernel::invalid::Invalid), with its place and a remedy). A built model cannot fail: what
//!    cannot happen panics with a sentence.
//!
//! # Real pools
//!
//! With the feature `live` (in the default ones) the same system can be run for real: `shells/live/run.rs` starts a PostgreSQL
//! and a PgBouncer that are thrown away, starts workers with real pools in them, and sends them the requests that a
//! simulation of the same seed has: the [`Wants`](parts::client::Wants) of a stream are drawn at the same places of the same
//! dice, and [`Program::walk`](protocol::program::Program::walk) tells what each does. What comes back is a
//! [`Recording`](measure::recording::Recording) of every attempt, which is [counted](measure::recording::outcome) as a
//! replication is and [answered](answers::measured) as a point is, so every report works on it. How a recording must be read:
//!
//! - A `Query` sleeps whole milliseconds (`pg_sleep` rounds up), rounded by chance so that the mean is right; or it computes,
//!   if the model's database has cores and this machine as many. `Attempt::statements` has both the draw and what was asked.
//! - The first statement of a session carries the library's `BEGIN`; giving back carries its `ROLLBACK`.
//! - Counts of database and proxy are from looks every 0.1 s. Which waits were of no length, how long clients waited at the
//!   proxy, and how busy the database's cores were cannot be seen from outside, and are `null`.
//! - [`Fitness`](measure::recording::fitness::Fitness) says whether driver and machine were up to it.
//!
//! # Determinism
//!
//! The same experiment gives the same bytes on every machine, with any number of threads. Time is whole nanoseconds, and floats
//! become time in one place ([`kernel::time`]). Transcendental functions come from the `libm` crate, pinned, and samplers use
//! nothing but it and IEEE operations. Chance is ChaCha8 in named streams. No hash map is iterated. Counts and integrals over
//! time are integers; replications run on threads but are summed in the order of the plan. Each run has a digest of the ends of
//! all requests and of all checkouts.
//!
//! # Where a new kind goes
//!
//! One file beside its neighbours (`parts/pool/`, `parts/proxy/`, `parts/workload/`, `kernel/latency/`) with its parameters, an
//! [`Example`](kernel::registry::Example) of how a file writes it and what `poolcast explain` says of it, and the family's trait;
//! two lines in the family's signpost: `mod x;` and its row in `kinds!`. A new rule of `poolcast check` is a file in
//! `answers/check/` and two lines in `answers/check.rs`. A new event, verb or trait method is a change of the design and deserves
//! a commit of its own.
//!
//! # Where the design was changed, and why
//!
//! - *Facts are the observers' channel.* At first observers were to conclude from events; but what a pool did (waited, pinged,
//!   timed out) is known only to it, so parts say [`Fact`](protocol::fact::Fact)s, delivered after each event.
//! - *Drivers.* The library between a worker and its connections costs time and round trips of its own (asyncpg's ping takes
//!   three), so the protocol has a [`Driver`](protocol::driver::Driver) for each app.
//! - *Balance lives with the client.* Who spreads requests over workers sees only their numbers, as a load balancer does, and no
//!   worker knows of another.
//! - *A request's dice are words, drawn at birth* and kept in the request, rather than a stream of its own: cheaper, and a
//!   retry wants the same again.
//! - *PgBouncer's processor time costs no event.* Its one thread is a time until which it is busy; what it says leaves then
//!   (`World::departs`). That is exact for a thread that serves first come, first served.
//! - *One alarm for a queue of equal deadlines* ([`kernel::patience`]): a timeout that is never reached costs no event.
//! - *Events are an enum to read and two words to keep* ([`Packed`](protocol::event::Packed)): a third of the time went into
//!   copying them. For the same reason an id is one word.
//! - *Observers say which steps of pools they want to hear of*, and of others nobody is told.
//! - *What a stream wants is drawn in a place of its own* (`parts/client/wants.rs`), so that live clients draw the same.
//!
//! # In a program of one's own
//!
//! [`Experiment`] is read from text (`text.parse()`) or built in code ([`Experiment::new`]), and
//! [`run`](Experiment::run) answers with the typed [`Document`](answers::document::Document). For property-based tests the
//! feature `proptest` has strategies and an example (`poolcast::testing`).
//!
//! # To read on
//!
//! [`guide`] has pages of their own: [how exact it is](guide::how_exact_is_it),
//! [how far from live pools](guide::against_live_pools), [what the numbers mean](guide::what_the_numbers_mean), [when things
//! break](guide::when_things_break) and
//! [what it costs](guide::what_it_costs).

pub mod guide;
#[cfg(feature = "proptest")]
pub mod testing;

pub use experiment::Experiment;

// The floors, in reading order: each imports only those above it in this list.
pub mod kernel;
pub mod protocol;
pub mod parts;
pub mod simulation;
pub mod measure;
pub mod experiment;
pub mod answers;
pub mod shells;
