//! `poolcast calibrate`: a model file measured on a live server.

use std::path::PathBuf;
use std::thread;

use clap::{Args, ValueEnum};

use super::live::ServersArgs;
use super::{Failure, Outcome, answer, complain};
use crate::answers::calibrate::{Calibration, Operation, Throughput, model};
use crate::answers::report::{calibrate as report, json};
use crate::answers::runner::Course;
use crate::answers::validate::sitting::{Measured, Sitting, Trips};
use crate::experiment::{Plan, Point, Replications};
use crate::kernel::time::Span;
use crate::measure::scaling::Scaling;
use crate::parts::database::{Postgres, ServiceSpec};
use crate::parts::pool::sqlalchemy::SqlAlchemy;
use crate::parts::proxy::ProxySpec;
use crate::protocol::driver::DriverSpec;
use crate::shells::files;
use crate::shells::live::address::{Address, Tls};
use crate::shells::live::run::{self, Options, Target};
use crate::shells::live::session::Session;
use crate::shells::live::statements::Statements;
use crate::shells::live::{load, sitting};
use crate::simulation::blueprint::{AppSpec, Blueprint};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast calibrate --local --out models/database/here.ron
  poolcast calibrate --url postgres://app:secret@localhost/shop --format json | jq .service

It opens connections, sends empty queries, sleeps, and computes over rows that it makes up: it reads and writes no table.
Against a server of your own it still is load, of as many as 32 statements at once: --gentle leaves that part out.")]
pub(super) struct Calibrate {
    #[command(flatten)]
    servers: ServersArgs,
    /// Rounds of everything
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    repetitions: u32,
    /// Does not load the server: nothing is said of its cores
    #[arg(long)]
    gentle: bool,
    /// Writes the model into this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Shape::Table)]
    format: Shape,
    /// Prints nothing but the answer and errors
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Shape {
    /// For people
    Table,
    /// One document
    Json,
    /// The model file alone
    Ron,
}

/// Statements under way, of this many milliseconds each, for so long.
const ACTIVE: [u32; 6] = [1, 2, 4, 8, 16, 32];
const EACH: f64 = 5.0;
const LASTING: Span = Span::from_millis(700);
/// Rounds further apart than this share of their mean are no measurement.
const WIDEST: f64 = 0.5;
/// Of the application's side, in each round.
const SITTING: Course = Course { seed: 1, warmup: Span::from_millis(500), duration: Span::from_secs(3) };

/// What one round has measured.
struct Round {
    trips: Trips,
    curve: Vec<f64>,
}

/// What a server says of itself.
struct Said {
    version: String,
    date: String,
    slots: [u32; 2],
    set_up: &'static str,
}

impl Calibrate {
    pub(super) fn run(self) -> Outcome {
        let (plain, proxied) = (system(ProxySpec::Direct), system(ProxySpec::PgBouncer(Default::default())));
        let options = self.options(if self.servers.names_proxy() { &proxied } else { &plain })?;
        let has_proxy = match &options.target {
            Target::Local(binaries) => binaries.pgbouncer.is_some(),
            Target::Own(_, bouncer) => bouncer.is_some(),
        };
        let whole = if has_proxy { &proxied } else { &plain };
        let mut alone = options.clone();
        if let Target::Own(_, bouncer) = &mut alone.target {
            *bouncer = None;
        }
        let (mut rounds, mut sittings, mut busy) = (Vec::new(), Vec::new(), Vec::<String>::new());
        let mut together = Sitting::new(&plain, Trips::default());
        let said = sitting::with_servers(whole, &options, |database, bouncer| {
            let said = ask(database, &options.target)?;
            for number in 0..self.repetitions {
                let round = self.round(database, bouncer)?;
                let mut seen = Sitting::new(&plain, round.trips.clone());
                let recording = run::run(&seen.blueprint(&plain), SITTING, u64::from(number), &alone)?;
                seen.add(&recording);
                together.add(&recording);
                together.add_trips(&round.trips);
                busy.extend(recording.warnings);
                sittings.push(seen.measured());
                rounds.push(round);
                if !self.quiet {
                    complain(&format!("round {} of {}", number + 1, self.repetitions));
                }
            }
            Ok(said)
        })?;
        let document = self.document(&said, whole, &together, &rounds, &sittings, &busy);
        if let Some(path) = &self.out {
            files::write_pieces(path, |print| print(&document.model))?;
        }
        answer(&match self.format {
            Shape::Table => report::render(&document),
            Shape::Json => json::render(&document),
            Shape::Ron => document.model.clone(),
        })?;
        Ok(true)
    }

    /// The bounds and the consent are those of any live run.
    fn options(&self, system: &Blueprint) -> Result<Options, Failure> {
        let point = Point { scenario: None, vary: Vec::new(), blueprint: system.clone() };
        let plan = Plan {
            question: String::new(),
            seed: SITTING.seed,
            warmup: SITTING.warmup,
            warmup_is_auto: false,
            duration: Span::from_secs(15),
            replications: Replications::Fixed(self.repetitions),
            objectives: Vec::new(),
            points: vec![point],
        };
        self.servers.options(&plan, self.repetitions)
    }

    fn round(&self, database: &Address, bouncer: Option<&Address>) -> Result<Round, Failure> {
        let trips = sitting::between(database, bouncer)?;
        let mut curve = Vec::new();
        if !self.gentle {
            let Statements::Compute { rows } = Statements::calibrated(&Session::open(database)?)? else {
                unreachable!("what is calibrated computes")
            };
            for active in ACTIVE {
                curve.push(load::throughput(database, active, (EACH * rows) as u64, LASTING)?);
            }
        }
        Ok(Round { trips, curve })
    }

    /// Cores and contention, unless something else shows in the figures.
    fn fit(&self, throughput: &[Throughput], busy: &[String]) -> Result<Scaling, String> {
        if let Some(first) = busy.first() {
            return Err(first.clone());
        }
        let wide = throughput.iter().find(|point| point.spread[1] - point.spread[0] > WIDEST * point.per_second);
        if let Some(Throughput { active, spread: [low, high], .. }) = wide {
            return Err(format!("the rounds differ too much: {low:.0} to {high:.0} per second with {active} under way"));
        }
        let points: Vec<(u32, f64)> = throughput.iter().map(|point| (point.active, point.per_second)).collect();
        let fit = Scaling::fit(&points)?;
        let here = thread::available_parallelism().map_or(u32::MAX, |cores| cores.get() as u32);
        if self.servers.is_local() && fit.cores > here {
            return Err(format!("it looks like {} cores, and there are {here}: something else slowed the first points down", fit.cores));
        }
        Ok(fit)
    }

    fn document(
        &self,
        said: &Said,
        whole: &Blueprint,
        together: &Sitting,
        rounds: &[Round],
        sittings: &[Vec<Measured>],
        busy: &[String],
    ) -> Calibration {
        let operations: Vec<Operation> = together.measured().into_iter().map(|all| Operation::among(all, sittings)).collect();
        let mut notes = busy.to_vec();
        notes.dedup();
        notes.push(format!("the library is SQLAlchemy with asyncpg; its driver in a model: {}", together.driver_text()));
        let points: Vec<(u32, Vec<f64>)> = if self.gentle {
            Vec::new()
        } else {
            ACTIVE.iter().enumerate().map(|(at, active)| (*active, rounds.iter().map(|round| round.curve[at]).collect())).collect()
        };
        let throughput: Vec<Throughput> = points.iter().map(|(active, rounds)| Throughput::of(*active, rounds)).collect();
        let service = match self.fit(&throughput, busy) {
            Ok(fit) => Some(fit),
            Err(_) if self.gentle => None,
            Err(why) => {
                notes.push(format!("nothing was fitted to the throughput: {why}"));
                None
            }
        };
        let mut found = Calibration {
            poolcast: env!("CARGO_PKG_VERSION").to_owned(),
            server: said.version.clone(),
            date: said.date.clone(),
            set_up: said.set_up.to_owned(),
            repetitions: rounds.len() as u64,
            operations,
            throughput,
            service,
            notes,
            model: String::new(),
        };
        found.model = model(&found, &together.model(whole), said.slots);
        found
    }
}

/// One engine of SQLAlchemy, whose statements sleep.
fn system(proxy: ProxySpec) -> Blueprint {
    let app = AppSpec { driver: DriverSpec::Asyncpg, ..AppSpec::new("api", SqlAlchemy::default()) };
    let database = Postgres { service: ServiceSpec::Delay, ..Postgres::default() };
    Blueprint { proxy, database, ..Blueprint::new(Vec::new(), vec![app]) }
}

fn ask(database: &Address, target: &Target) -> Result<Said, Failure> {
    let session = Session::open(database)?;
    let number = |name: &str| -> Result<u32, Failure> {
        Ok(session.value(&format!("select current_setting('{name}')"))?.parse().unwrap_or_default())
    };
    let most = number("max_connections")?;
    Ok(Said {
        version: session.value("select version()")?,
        date: session.value("select current_date")?,
        slots: [most, number("superuser_reserved_connections")?],
        set_up: match (target, database.tls) {
            (Target::Local(_), _) => "SCRAM-SHA-256 over loopback",
            (_, Tls::On) => "TLS, as the server asks",
            (_, Tls::Off) => "as the server asks, without TLS",
        },
    })
}
