//! One replication of a system on real pools and real servers, recorded.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use super::address::Address;
use super::binaries::Binaries;
use super::client::{Clients, Heard, Task};
use super::clock::Clock;
use super::drivers::{self, Setup, Worker};
use super::looks::Places;
use super::servers::Servers;
use super::session::Session;
use super::statements::Statements;
use super::{faults, health, looks};
use crate::answers::runner::Course;
use crate::experiment::Problem;
use crate::kernel::rng::Seed;
use crate::kernel::time::Span;
use crate::measure::recording::fitness;
use crate::measure::recording::{About, Recording};
use crate::parts::database::ServiceSpec;
use crate::parts::proxy::ProxySpec;
use crate::shells::cli::Failure;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// The servers of a run.
#[derive(Clone, Debug)]
pub enum Target {
    /// Thrown away afterwards.
    Local(Binaries),
    /// The user's own: the database, and the PgBouncer in front of it.
    Own(Address, Option<Address>),
}

/// How to go about live runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// On which servers.
    pub target: Target,
    /// The Python that the environment of Python workers is made with.
    pub python: String,
    /// Whether statements compute or sleep; left out, as the model says.
    pub compute: Option<bool>,
    /// Requests still under way so long after the end are given up.
    pub patience: Span,
    /// No more requests than these.
    pub most_requests: u64,
}

/// The time that everybody has to get ready once the clock is set.
const LEAD: Duration = Duration::from_millis(300);
/// And that for telling one worker's clock.
const LEAD_EACH: Duration = Duration::from_millis(30);

const LONGEST_STATEMENT: Span = Span::from_secs(60);

/// Says that the run is over, in whatever way it ends: the threads beside it wait for that.
struct Over<'a>(&'a AtomicBool);

/// Runs replication `replication` of a system: the same requests that a simulation of it has.
pub fn run(blueprint: &Blueprint, course: Course, replication: u64, options: &Options) -> Result<Recording, Failure> {
    check(blueprint, options)?;
    let servers = match &options.target {
        Target::Local(binaries) => Some(Mutex::new(Servers::start(binaries, blueprint)?)),
        Target::Own(..) => None,
    };
    let (dialled, places, mut versions) = ends(&options.target, blueprint, servers.as_ref())?;
    let (statements, mut warnings) = statements(blueprint, options, &places.database)?;
    let (words, heard) = mpsc::channel();
    let mut workers = crew(blueprint, &dialled, statements, options)?;
    versions.extend(workers.iter().flat_map(|worker| worker.versions()));
    let mut known = BTreeSet::new();
    versions.retain(|version| known.insert(version.clone()));
    let clock = Clock::starting_in(LEAD + LEAD_EACH * workers.len() as u32);
    for (number, worker) in workers.iter_mut().enumerate() {
        worker.start(clock, number as u32, words.clone())?;
    }
    drop(words);
    let counted = (course.warmup.nanos(), (course.warmup + course.duration).nanos());
    let task = Task {
        blueprint,
        seed: Seed::new(course.seed, replication),
        statements,
        counted,
        patience: options.patience.nanos(),
        most: options.most_requests,
    };
    let about = about(blueprint, course, replication, statements, &workers, versions);
    let beside = Beside { places: &places, servers: servers.as_ref(), blueprint, clock, processes: processes(&workers) };
    let mut recording = beside.record(|| Clients::new(task, clock, workers, heard).run())?;
    recording.about = about;
    warnings.extend(fitness::warnings(&recording, blueprint));
    recording.warnings = warnings;
    Ok(recording)
}

/// Refuses what cannot be run live, before anything is started.
pub fn check(blueprint: &Blueprint, options: &Options) -> Result<(), Failure> {
    let wrong = |why: &str, help: &str| Err(Failure::Input(Problem::nowhere(why).help(help)));
    let is_ours = matches!(options.target, Target::Local(_));
    faults::check(&blueprint.faults, is_ours)?;
    match (&blueprint.proxy, &options.target) {
        (ProxySpec::RdsProxy(_), _) => wrong("an RDS Proxy cannot be run here", "--set proxy=Direct, or a PgBouncer in its place"),
        (ProxySpec::PgBouncer(_), Target::Local(binaries)) => binaries.pgbouncer().map(|_| ()),
        (ProxySpec::PgBouncer(_), Target::Own(_, None)) => wrong(
            "the experiment has a PgBouncer, and only the database's address is given",
            "give its address too: --pgbouncer-url, or --set proxy=Direct",
        ),
        (ProxySpec::Direct, Target::Own(_, Some(_))) => wrong(
            "an address of a PgBouncer is given, and the experiment has none",
            "leave --pgbouncer-url out, or --set proxy=\"PgBouncer()\"",
        ),
        _ => Ok(()),
    }
}

/// What workers dial: the way in, and the database itself.
struct Dialled {
    entrance: Address,
    database: Address,
}

/// What workers dial, where to look, and what runs there.
fn ends(target: &Target, blueprint: &Blueprint, servers: Option<&Mutex<Servers>>) -> Result<(Dialled, Places, Vec<String>), Failure> {
    if let Some(servers) = servers {
        let servers = servers.lock().expect("nobody has it yet");
        let entrance = servers.entrance();
        let places = Places { database: servers.database(), user: entrance.user.clone(), console: servers.console() };
        let dialled = Dialled { entrance, database: servers.behind() };
        return Ok((dialled, places, servers.versions().to_vec()));
    }
    let Target::Own(database, bouncer) = target else { unreachable!("servers of our own are started") };
    let entrance = bouncer.clone().unwrap_or_else(|| database.clone());
    let console = bouncer.as_ref().map(|bouncer| bouncer.with(&bouncer.user, bouncer.password().clone(), "pgbouncer"));
    let session = Session::open(database)?;
    let version = session.value("select version()")?;
    if bouncer.is_none() {
        leave_room(&session, blueprint)?;
    }
    let places = Places { database: database.clone(), user: database.user.clone(), console };
    Ok((Dialled { entrance, database: database.clone() }, places, vec![version]))
}

/// Refuses to take the last connections of a server that others may need.
fn leave_room(session: &Session, blueprint: &Blueprint) -> Result<(), Failure> {
    let question = "select current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int \
                    - (select count(*) from pg_stat_activity where backend_type = 'client backend')";
    let free: u64 = session.value(question)?.parse().unwrap_or(0);
    // A pool without a limit opens no more than its requests need.
    let most = |app: &AppSpec| Some(u64::from(app.workers) * app.pool.kind().most_connections().or(app.concurrency.map(u64::from))?);
    let wanted: Option<u64> = blueprint.apps.iter().map(most).sum();
    match wanted {
        Some(wanted) if wanted < free => Ok(()),
        _ => {
            let wanted = wanted.map_or("any number of".to_owned(), |wanted| wanted.to_string());
            let problem =
                Problem::nowhere(format!("the pools may open {wanted} connections, and the server has {free} left for everybody"));
            Err(Failure::Input(problem.help("smaller pools; or --local, where nobody else is in need of them")))
        }
    }
}

/// Statements compute where the model's database has cores that this machine has too; else they sleep, and that is told.
fn statements(blueprint: &Blueprint, options: &Options, database: &Address) -> Result<(Statements, Vec<String>), Failure> {
    let mut notes = Vec::new();
    let here = thread::available_parallelism().map_or(1, usize::from) as u32;
    let compute = match (options.compute, &blueprint.database.service) {
        (Some(compute), _) => compute,
        (None, ServiceSpec::Delay) => false,
        (None, ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores }) => {
            if *cores > here && matches!(options.target, Target::Local(_)) {
                notes.push(format!(
                    "the model's database has {cores} cores and this machine {here}: statements sleep here instead of computing, so they never wait for a core"
                ));
                false
            } else {
                true
            }
        }
    };
    let statements = if compute { Statements::calibrated(&Session::open(database)?)? } else { Statements::Sleep };
    Ok((statements, notes))
}

/// A worker for each of the model's, all of them ready.
fn crew(blueprint: &Blueprint, dialled: &Dialled, statements: Statements, options: &Options) -> Result<Vec<Box<dyn Worker>>, Failure> {
    let proxied = blueprint.proxy != ProxySpec::Direct;
    // A throw-away server has the experiment's timeout in its configuration; behind a proxy nobody may set one.
    let is_own = matches!(options.target, Target::Own(..));
    let statement_timeout = (is_own && !proxied).then(|| longest_statement(blueprint));
    let mut workers = Vec::new();
    for app in &blueprint.apps {
        for _ in 0..app.workers {
            let Dialled { entrance: address, database } = dialled;
            let setup = Setup { app, address, database, proxied, statements, statement_timeout, python: &options.python };
            workers.push(drivers::worker(&setup)?);
        }
    }
    for worker in &mut workers {
        worker.ready()?;
    }
    Ok(workers)
}

/// On a server that goes on afterwards nothing may run for ever.
fn longest_statement(blueprint: &Blueprint) -> Span {
    let given = blueprint.database.statement_timeout;
    if given.is_zero() { LONGEST_STATEMENT } else { given }
}

fn about(
    blueprint: &Blueprint,
    course: Course,
    replication: u64,
    statements: Statements,
    crew: &[Box<dyn Worker>],
    versions: Vec<String>,
) -> About {
    let workers = blueprint.apps.iter().flat_map(|app| (0..app.workers).map(|_| app.name.clone()));
    About {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        seed: course.seed,
        replication,
        warmup: course.warmup.nanos(),
        duration: course.duration.nanos(),
        streams: blueprint.workload.iter().map(|stream| stream.name.clone()).collect(),
        workers: workers.collect(),
        set_ups: crew.iter().map(|worker| worker.set_up()).collect(),
        statements: statements.name().to_owned(),
        versions,
    }
}

fn processes(workers: &[Box<dyn Worker>]) -> Vec<u32> {
    workers.iter().filter_map(|worker| worker.process()).collect()
}

/// What goes on beside the clients.
struct Beside<'a> {
    places: &'a Places,
    servers: Option<&'a Mutex<Servers>>,
    blueprint: &'a Blueprint,
    clock: Clock,
    processes: Vec<u32>,
}

impl Beside<'_> {
    /// Lets the clients run, and looks and strikes meanwhile.
    fn record(self, clients: impl FnOnce() -> Result<Heard, Failure>) -> Result<Recording, Failure> {
        let over = AtomicBool::new(false);
        let known = Mutex::new(Vec::new());
        // While a server is being restarted, it is the one before that counts.
        let ours = || {
            let mut known = known.lock().expect("nobody panics while holding it");
            if let Some(Ok(servers)) = self.servers.map(Mutex::try_lock) {
                *known = servers.processes();
            }
            known.clone()
        };
        let processes = health::Processes { drivers: self.processes, servers: &ours };
        thread::scope(|scope| {
            let _end = Over(&over);
            let looks = scope.spawn(|| looks::look(self.places, self.clock, &over));
            let health = scope.spawn(|| health::look(&processes, self.clock, &over));
            let faults = self.servers.map(|servers| scope.spawn(|| faults::strike(&self.blueprint.faults, servers, self.clock, &over)));
            let heard = clients();
            over.store(true, Ordering::Relaxed);
            let faults = faults.map_or(Ok(Vec::new()), |faults| faults.join().expect("faults do not panic"));
            let (looks, health) = (looks.join().expect("looking does not panic"), health.join().expect("looking does not panic"));
            let Heard { attempts, mut pools } = heard?;
            pools.sort_by_key(|event| event.at);
            Ok(Recording { attempts, pools, looks, health, faults: faults?, ..Recording::default() })
        })
    }
}

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
