//! The throw-away PgBouncer, in front of the throw-away PostgreSQL.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::daemon::{Daemon, Log, command, on_free_port};
use super::{APP, ROOT, Site};
use crate::kernel::time::Span;
use crate::parts::proxy::pgbouncer::{PgBouncer as Spec, PoolMode};
use crate::shells::cli::Failure;
use crate::shells::files;
use crate::shells::live::clock::pause;

/// The proxy.
pub struct PgBouncer {
    daemon: Daemon,
    program: PathBuf,
    directory: PathBuf,
    owner: Option<(u32, u32)>,
    port: u16,
}

impl PgBouncer {
    /// With the settings of `spec`, in front of the server that listens on `upstream`. The users' passwords stand in its
    /// file as the server keeps them: from a password in plain text it would derive the secret anew at each login, which
    /// takes its one thread some 4 ms.
    pub fn start(site: &Site, spec: &Spec, upstream: u16, secrets: &[(&str, String)]) -> Result<PgBouncer, Failure> {
        let (program, directory) = (site.binaries.pgbouncer()?.to_owned(), site.scratch.path().to_owned());
        let users: String = secrets.iter().map(|(user, secret)| format!("\"{user}\" \"{secret}\"\n")).collect();
        site.scratch.file("users.txt", &users)?;
        on_free_port(|port| {
            site.scratch.file("pgbouncer.ini", &settings(spec, upstream, port, &directory))?;
            let daemon = start(&program, &directory, site.owner)?;
            Ok(PgBouncer { daemon, program: program.clone(), directory: directory.clone(), owner: site.owner, port })
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.daemon.process()
    }

    /// Ends it without a word, and starts it again once it has been down so long.
    pub fn restart(&mut self, down: Duration) -> Result<(), Failure> {
        let begun = Instant::now();
        self.daemon.stop("KILL");
        pause(down.saturating_sub(begun.elapsed()));
        self.daemon = start(&self.program, &self.directory, self.owner)?;
        Ok(())
    }
}

fn start(program: &Path, directory: &Path, owner: Option<(u32, u32)>) -> Result<Daemon, Failure> {
    let pid_file = directory.join("pgbouncer.pid").to_string_lossy().into_owned();
    // It writes the file once it listens.
    let ready = |process: u32| files::text(&pid_file).is_some_and(|text| text.trim() == process.to_string());
    let mut command = command(program, owner);
    command.arg(directory.join("pgbouncer.ini"));
    Daemon::start(command, &Log::within(directory, "pgbouncer.log"), "KILL", ready)
}

/// The ini file. Settings that only newer versions know are written where they are used, so that an older PgBouncer
/// refuses an experiment that it cannot play. One client more than the experiment's is for the console.
fn settings(spec: &Spec, upstream: u16, port: u16, directory: &Path) -> String {
    let mode = match spec.pool_mode {
        PoolMode::Session => "session",
        PoolMode::Transaction => "transaction",
        PoolMode::Statement => "statement",
    };
    let directory = directory.display();
    let mut lines = vec![
        format!(
            "[databases]\n{APP} = host=127.0.0.1 port={upstream} dbname={APP}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}"
        ),
        format!("auth_type = scram-sha-256\nauth_file = {directory}/users.txt\nadmin_users = {ROOT}"),
        format!("unix_socket_dir =\npidfile = {directory}/pgbouncer.pid\nlog_connections = 0\nlog_disconnections = 0"),
        format!("ignore_startup_parameters = extra_float_digits,options\npool_mode = {mode}"),
        format!("max_client_conn = {}", spec.max_client_conn.saturating_add(1)),
        format!("server_reset_query = {}", spec.server_reset_query),
        format!("server_reset_query_always = {}", u8::from(spec.server_reset_query_always)),
        format!("server_round_robin = {}", u8::from(spec.server_round_robin)),
    ];
    lines.extend(numbers(spec).iter().map(|(name, value)| format!("{name} = {value}")));
    lines.extend(times(spec).iter().map(|(name, span)| format!("{name} = {}", span.seconds())));
    lines.join("\n") + "\n"
}

fn numbers(spec: &Spec) -> Vec<(&'static str, u32)> {
    let mut numbers = vec![
        ("default_pool_size", spec.default_pool_size),
        ("min_pool_size", spec.min_pool_size),
        ("reserve_pool_size", spec.reserve_pool_size),
        ("max_db_connections", spec.max_db_connections),
        ("max_user_connections", spec.max_user_connections),
    ];
    let newer =
        [("max_db_client_connections", spec.max_db_client_connections), ("max_user_client_connections", spec.max_user_client_connections)];
    numbers.extend(newer.into_iter().filter(|(_, value)| *value > 0));
    numbers
}

fn times(spec: &Spec) -> Vec<(&'static str, Span)> {
    let mut times = vec![
        ("reserve_pool_timeout", spec.reserve_pool_timeout),
        ("query_wait_timeout", spec.query_wait_timeout),
        ("query_timeout", spec.query_timeout),
        ("idle_transaction_timeout", spec.idle_transaction_timeout),
        ("client_idle_timeout", spec.client_idle_timeout),
        ("client_login_timeout", spec.client_login_timeout),
        ("server_lifetime", spec.server_lifetime),
        ("server_idle_timeout", spec.server_idle_timeout),
        ("server_connect_timeout", spec.server_connect_timeout),
        ("server_login_retry", spec.server_login_retry),
        ("server_check_delay", spec.server_check_delay),
    ];
    if !spec.transaction_timeout.is_zero() {
        times.push(("transaction_timeout", spec.transaction_timeout));
    }
    times
}
