//! `poolcast live`: the same experiment on real pools and real servers.

use std::env;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::common::{Common, Format};
use super::progress::Progress;
use super::{Failure, Outcome, answer, complain, keep};
use crate::answers::document::{Answer, Document};
use crate::answers::measured;
use crate::answers::report::{self, csv, json, table};
use crate::answers::runner::course;
use crate::answers::words::count;
use crate::experiment::{Plan, Point, Problem, Replications};
use crate::kernel::time::Span;
use crate::measure::recording::Recording;
use crate::shells::files::{self, Home};
use crate::shells::live::address::Address;
use crate::shells::live::binaries::Binaries;
use crate::shells::live::run::{self, Options, Target};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast live experiments/live/steady.ron --local
  poolcast live checkout.ron --local --set duration=30s --out recorded
  poolcast live checkout.ron --url postgres://app:secret@localhost/shop --format json | jq .points[].latency.p99

Pools that can be run live: SqlAlchemy and NullPool (asyncpg; with the driver Psycopg threads), Deadpool, Bb8, Sqlx.
A password is never printed or written; POOLCAST_URL and POOLCAST_PGBOUNCER_URL keep it out of the process list too.")]
pub(super) struct Live {
    /// An experiment file; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) servers: ServersArgs,
    /// Runs only this scenario (repeatable)
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Writes what a terminal would show as NAME.txt, NAME.json and NAME.csv, and each run's recording as NAME-….ndjson
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

/// Which servers, and how far a run may go: what `live` and its relatives have in common.
#[derive(Debug, Args)]
pub(super) struct ServersArgs {
    /// Starts a PostgreSQL (and a PgBouncer, if the experiment has one) and throws it away afterwards
    #[arg(long, conflicts_with_all = ["url", "pgbouncer_url"])]
    local: bool,
    /// A database of your own: postgres://user:password@host:port/database. POOLCAST_URL if left out
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// The PgBouncer in front of it. POOLCAST_PGBOUNCER_URL if left out
    #[arg(long, value_name = "URL")]
    pgbouncer_url: Option<String>,
    /// The directory of PostgreSQL's programs for --local; found by itself if left out
    #[arg(long, value_name = "DIR", requires = "local")]
    pg_bin: Option<PathBuf>,
    /// The Python that SQLAlchemy's environment is made with, once
    #[arg(long, value_name = "PROGRAM", default_value = "python3")]
    python: String,
    /// What a Query does at the server; left out, it computes if the model's database has cores and this machine as many
    #[arg(long, value_enum)]
    statements: Option<Statements>,
    /// Does not ask before loading a server that is not on this machine
    #[arg(long)]
    yes: bool,
    /// The longest that all runs together may take
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, default_value = AT_MOST)]
    at_most: Span,
    /// The most requests that one run may send
    #[arg(long, value_name = "N", default_value_t = MOST_REQUESTS)]
    most_requests: u64,
    /// The most connections that the pools may open together
    #[arg(long, value_name = "N", default_value_t = MOST_CONNECTIONS)]
    most_connections: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Statements {
    /// pg_sleep, in whole milliseconds
    Sleep,
    /// An amount of computing that takes as long on an idle core
    Compute,
}

/// What a run may take unless somebody allows more.
const AT_MOST: &str = "10min";
const MOST_REQUESTS: u64 = 200_000;
const MOST_CONNECTIONS: u64 = 500;

/// About what servers and workers take to start.
pub(super) const START: Span = Span::from_secs(2);
/// Requests still under way so long after the end are given up.
const PATIENCE: Span = Span::from_secs(30);

impl Live {
    pub(super) fn run(self) -> Outcome {
        let home = Home::of(&self.file);
        let mut plan = self.common.planned(&self.common.chosen(&home, &self.scenario)?)?;
        home.load(&mut plan)?;
        let replications = self.common.replications.unwrap_or(1);
        plan.replications = Replications::Fixed(replications);
        let options = self.servers.options(&plan, replications)?;
        let (mut answers, progress) = (Vec::new(), self.common.progress());
        for (index, point) in plan.points.iter().enumerate() {
            let recordings = self.recordings(&plan, index, &options, &progress)?;
            if let Some(directory) = &self.out {
                for recording in &recordings {
                    let name = format!("{}-{index}-{}.ndjson", home.stem(), recording.about.replication);
                    files::write_pieces(&directory.join(name), |print| recording.lines(print))?;
                }
            }
            answers.push(measured::answer(&plan, point, &recordings));
        }
        progress.end();
        let document = report::document(&plan, &answers);
        answer(&text(self.common.format, &document, &answers, &home.name))?;
        if let Some(directory) = &self.out {
            keep(directory, &home.stem(), |format| text(format, &document, &answers, &home.name))?;
        }
        Ok(document.is_met())
    }

    fn recordings(&self, plan: &Plan, index: usize, options: &Options, progress: &Progress) -> Result<Vec<Recording>, Failure> {
        let (mut recordings, point) = (Vec::new(), &plan.points[index]);
        let (course, each) = (course(plan, point), u64::from(self.common.replications.unwrap_or(1)));
        let seconds = (START + course.warmup + course.duration).seconds();
        for replication in 0..each {
            let run = || run::run(&point.blueprint, course, replication, options);
            let recording = progress.live(index as u64 * each + replication, plan.points.len() as u64 * each, seconds, run)?;
            if !self.common.is_quiet() {
                let name = point.scenario.clone().map_or(String::new(), |name| format!("{name}: "));
                let versions = recording.about.versions.join(", ");
                progress.say(|| complain(&format!("{name}{} attempts on {versions}", count(recording.attempts.len() as u64))));
            }
            recordings.push(recording);
        }
        Ok(recordings)
    }
}

impl ServersArgs {
    /// What is to be done, if it keeps within the bounds and the user agrees.
    pub(super) fn options(&self, plan: &Plan, runs: u32) -> Result<Options, Failure> {
        let options = Options {
            target: self.target()?,
            python: self.python.clone(),
            compute: self.statements.map(|statements| statements == Statements::Compute),
            patience: PATIENCE,
            most_requests: self.most_requests,
        };
        for point in &plan.points {
            run::check(&point.blueprint, &options)?;
            self.check_connections(point)?;
        }
        self.check_time(plan, runs)?;
        self.agree(&options.target)?;
        Ok(options)
    }

    fn target(&self) -> Result<Target, Failure> {
        if self.local {
            return Ok(Target::Local(Binaries::find(self.pg_bin.as_deref(), &self.python)?));
        }
        // In the environment an address is seen by nobody who lists processes.
        let given = |option: &Option<String>, name: &str| option.clone().or_else(|| env::var(name).ok()).filter(|url| !url.is_empty());
        let Some(url) = given(&self.url, "POOLCAST_URL") else {
            let problem = Problem::nowhere("a live run needs servers, and none are named");
            return Err(Failure::Input(problem.help("--local starts some and throws them away; --url names a database of your own")));
        };
        let bouncer = given(&self.pgbouncer_url, "POOLCAST_PGBOUNCER_URL");
        let bouncer = bouncer.map(|url| Address::parse(&url, "--pgbouncer-url")).transpose()?;
        Ok(Target::Own(Address::parse(&url, "--url")?, bouncer))
    }

    /// Whether servers are started and thrown away.
    pub(super) fn is_local(&self) -> bool {
        self.local
    }

    /// Whether a PgBouncer of the user's own stands before the database.
    pub(super) fn names_proxy(&self) -> bool {
        !self.local && (self.pgbouncer_url.is_some() || env::var("POOLCAST_PGBOUNCER_URL").is_ok_and(|url| !url.is_empty()))
    }

    /// What was given of all this, as words of a command line. Passwords are left out.
    pub(super) fn words(&self) -> Vec<String> {
        let address = |url: &Option<String>, option: &str| {
            let address = url.as_ref().and_then(|url| Address::parse(url, option).ok());
            address.map_or(Vec::new(), |address| vec![option.to_owned(), address.to_string()])
        };
        let mut words = if self.local { vec!["--local".to_owned()] } else { Vec::new() };
        words.extend(address(&self.url, "--url"));
        words.extend(address(&self.pgbouncer_url, "--pgbouncer-url"));
        if let Some(statements) = self.statements.and_then(|statements| statements.to_possible_value()) {
            words.extend(["--statements".to_owned(), statements.get_name().to_owned()]);
        }
        let usual = [
            ("--at-most", self.at_most.to_string(), AT_MOST.to_owned()),
            ("--most-requests", self.most_requests.to_string(), MOST_REQUESTS.to_string()),
            ("--most-connections", self.most_connections.to_string(), MOST_CONNECTIONS.to_string()),
        ];
        for (option, given, usual) in usual {
            if given != usual {
                words.extend([option.to_owned(), given]);
            }
        }
        words
    }

    /// The longest that all runs together may take.
    pub(super) fn at_most(&self) -> Span {
        self.at_most
    }

    fn check_time(&self, plan: &Plan, runs: u32) -> Result<(), Failure> {
        let once: f64 = plan.points.iter().map(|point| (course(plan, point).warmup + plan.duration).seconds()).sum();
        let all = once * f64::from(runs);
        if all <= self.at_most.seconds() {
            return Ok(());
        }
        let problem = Problem::nowhere(format!(
            "live runs take real time: {} of them would take {}",
            plan.points.len() as u32 * runs,
            Span::from_seconds(all)
        ));
        Err(Failure::Input(problem.help(format!("a shorter --set duration=…, one --scenario, or --at-most {}", Span::from_seconds(all)))))
    }

    fn check_connections(&self, point: &Point) -> Result<(), Failure> {
        let all: Option<u64> =
            point.blueprint.apps.iter().map(|app| Some(u64::from(app.workers) * app.pool.kind().most_connections()?)).sum();
        let most = point.blueprint.database.max_connections;
        match all {
            Some(all) if all > self.most_connections => {
                let problem = Problem::nowhere(format!("the pools may open {all} connections, more than a live run is allowed"));
                Err(Failure::Input(problem.help(format!("smaller pools, or --most-connections {all}"))))
            }
            _ if self.local && u64::from(most) > 10 * self.most_connections => {
                let problem = Problem::nowhere(format!("a throw-away server with max_connections {most} takes more memory than it should"));
                Err(Failure::Input(problem.help("--set database.max_connections=200")))
            }
            _ => Ok(()),
        }
    }

    /// A server somewhere else is loaded only if its owner says so.
    fn agree(&self, target: &Target) -> Result<(), Failure> {
        let Target::Own(database, bouncer) = target else { return Ok(()) };
        let far: Vec<String> = [Some(database), bouncer.as_ref()]
            .into_iter()
            .flatten()
            .filter(|address| !address.is_near())
            .map(ToString::to_string)
            .collect();
        if self.yes || far.is_empty() {
            return Ok(());
        }
        let problem = Problem::nowhere(format!("this would put load on {}, which is not on this machine", far.join(" and ")));
        Err(Failure::Input(problem.help("if nobody else depends on it just now, say so: --yes")))
    }
}

fn text(format: Format, document: &Document, answers: &[Answer], file: &str) -> String {
    match format {
        Format::Table => table::render(document, answers, file),
        Format::Json => json::render(document),
        Format::Csv => csv::render(document),
    }
}
