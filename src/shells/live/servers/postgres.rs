//! The throw-away PostgreSQL.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::daemon::{Daemon, Log, command, finish, on_free_port};
use super::{ROOT, Site};
use crate::shells::cli::Failure;
use crate::shells::files;
use crate::shells::live::clock::pause;
use crate::simulation::blueprint::Blueprint;

/// The server, in a directory of its own.
pub struct Postgres {
    daemon: Daemon,
    program: PathBuf,
    data: PathBuf,
    log: Log,
    owner: Option<(u32, u32)>,
    port: u16,
}

impl Postgres {
    /// A new cluster with the settings of `blueprint`.
    pub fn start(site: &Site, blueprint: &Blueprint) -> Result<Postgres, Failure> {
        let data = site.scratch.directory("postgres")?;
        let password = site.scratch.file("password", site.password.tell())?;
        let mut initdb = command(&site.binaries.program("initdb"), site.owner);
        initdb.args(["--no-sync", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256", "--username", ROOT]);
        finish(arguments(initdb, &[("-D", &data), ("--pwfile", &password)]))?;
        let log = Log::within(site.scratch.path(), "postgres.log");
        let program = site.binaries.program("postgres");
        on_free_port(|port| {
            site.scratch.file("postgres/poolcast.conf", &settings(blueprint, port, site.scratch.path()))?;
            site.scratch.file("postgres/postgresql.conf", "include 'poolcast.conf'\n")?;
            let daemon = start(&program, &data, site.owner, &log)?;
            Ok(Postgres { daemon, program: program.clone(), data: data.clone(), log: log.clone(), owner: site.owner, port })
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its first process.
    pub fn process(&self) -> u32 {
        self.daemon.process()
    }

    /// Stops it (`fast`: sessions hear that an administrator did it) and starts it again after it has been down so long.
    pub fn restart(&mut self, down: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        self.daemon.stop("INT");
        pause(down.saturating_sub(begun.elapsed()));
        self.daemon = start(&self.program, &self.data, self.owner, &self.log)?;
        Ok(())
    }
}

fn start(program: &Path, data: &Path, owner: Option<(u32, u32)>, log: &Log) -> Result<Daemon, Failure> {
    let pid_file = data.join("postmaster.pid").to_string_lossy().into_owned();
    // The first line is the process, the eighth its state: the file of the process before tells nothing.
    let ready = |process: u32| {
        let text = files::text(&pid_file).unwrap_or_default();
        let line = |number: usize| text.lines().nth(number).map_or("", str::trim);
        line(0) == process.to_string() && line(7) == "ready"
    };
    Daemon::start(arguments(command(program, owner), &[("-D", data)]), log, "QUIT", ready)
}

/// What the experiment says of the server, and what makes a throw-away server fast to start. One connection more than the
/// experiment's is for looking at it.
fn settings(blueprint: &Blueprint, port: u16, directory: &Path) -> String {
    let database = &blueprint.database;
    let lines = [
        "listen_addresses = '127.0.0.1'".to_owned(),
        format!("port = {port}"),
        format!("unix_socket_directories = '{}'", directory.display()),
        format!("max_connections = {}", database.max_connections + 1),
        format!("superuser_reserved_connections = {}", database.superuser_reserved_connections),
        format!("statement_timeout = {}", database.statement_timeout.nanos().div_ceil(1_000_000)),
        format!("idle_in_transaction_session_timeout = {}", database.idle_in_transaction_session_timeout.nanos().div_ceil(1_000_000)),
        "fsync = off".to_owned(),
        "jit = off".to_owned(),
        "max_parallel_workers_per_gather = 0".to_owned(),
        "autovacuum = off".to_owned(),
        "wal_level = minimal".to_owned(),
        "max_wal_senders = 0".to_owned(),
        "shared_buffers = 32MB".to_owned(),
    ];
    lines.join("\n") + "\n"
}

fn arguments(mut command: Command, pairs: &[(&str, &Path)]) -> Command {
    for (option, path) in pairs {
        command.arg(option).arg(path);
    }
    command
}
