//! A server's process: started as another user if need be, watched until it is ready, and stopped.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::shells::cli::Failure;
use crate::shells::files::{self, scratch};
use crate::shells::live::clock::pause;

/// A running server.
pub struct Daemon {
    child: Child,
    /// At this signal it ends at once.
    signal: &'static str,
}

/// How long a server may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

impl Daemon {
    /// Starts a command and waits until it is ready; if it ends before that, its log says why.
    pub fn start(mut command: Command, log: &Log, signal: &'static str, ready: impl Fn(u32) -> bool) -> Result<Daemon, Failure> {
        let name = command.get_program().to_string_lossy().into_owned();
        let outside = |why: String| Failure::Outside(format!("{name} {why}\n{}", log.tail()));
        command.stdin(Stdio::null()).stdout(log.writer()?).stderr(log.writer()?).process_group(0);
        let child = command.spawn().map_err(|error| outside(format!("cannot be started: {error}")))?;
        let mut daemon = Daemon { child, signal };
        let begun = Instant::now();
        while !ready(daemon.process()) {
            if let Ok(Some(status)) = daemon.child.try_wait() {
                return Err(outside(format!("ended while it was starting ({status}):")));
            }
            if begun.elapsed() > PATIENCE {
                return Err(outside(format!("was not ready within {} s:", PATIENCE.as_secs())));
            }
            pause(BETWEEN_LOOKS);
        }
        Ok(daemon)
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal and waits for its end.
    pub fn stop(&mut self, signal: &str) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        send(signal, self.process());
        let begun = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if begun.elapsed() > PATIENCE {
                let _ = self.child.kill();
            }
            pause(BETWEEN_LOOKS);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop(self.signal);
    }
}

/// Where a server's output goes.
#[derive(Clone)]
pub struct Log(PathBuf);

impl Log {
    /// A file in this directory.
    pub fn within(directory: &Path, name: &str) -> Log {
        Log(directory.join(name))
    }

    /// Its last lines.
    pub fn tail(&self) -> String {
        let text = files::text(&self.0.to_string_lossy()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(6)..].iter().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
    }

    fn writer(&self) -> Result<Stdio, Failure> {
        scratch::append(&self.0).map(Stdio::from)
    }
}

/// Runs a command to its end; if it fails, its output says why.
pub fn finish(mut command: Command) -> Result<(), Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().map_err(|error| Failure::Outside(format!("{name} cannot be started: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Failure::Outside(format!("{name} failed ({}):\n{}", output.status, String::from_utf8_lossy(&said).trim_end())))
}

/// A command of the servers' owner.
pub fn command(program: &Path, owner: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env_remove("PGOPTIONS");
    if let Some((user, group)) = owner {
        command.uid(user).gid(group);
    }
    command
}

/// User and group of the servers if they cannot be ours: PostgreSQL refuses root.
pub fn other_owner() -> Result<Option<(u32, u32)>, Failure> {
    if scratch::owner("/proc/self").is_none_or(|(user, _)| user != 0) {
        return Ok(None);
    }
    let users = files::text("/etc/passwd").unwrap_or_default();
    let numbers = |line: &str| {
        let mut fields = line.strip_prefix("nobody:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let nobody = users.lines().find_map(numbers);
    nobody.map(Some).ok_or_else(|| {
        Failure::Outside(
            "PostgreSQL does not run as root, and there is no user `nobody` here that it could run as: start poolcast as another user"
                .to_owned(),
        )
    })
}

/// A port that nobody listens on just now.
pub fn free_port() -> Result<u16, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| Failure::Outside(format!("there is no free port on 127.0.0.1: {error}")))
}

/// Starts something that listens; somebody else may have taken its port meanwhile, so a few ports are tried.
pub fn on_free_port<T>(start: impl Fn(u16) -> Result<T, Failure>) -> Result<T, Failure> {
    let mut last = start(free_port()?);
    for _ in 0..2 {
        match &last {
            Err(Failure::Outside(why)) if why.contains("in use") => last = start(free_port()?),
            _ => return last,
        }
    }
    last
}

/// Sends a signal. Rust's library has no other than SIGKILL; every shell has them all.
pub fn send(signal: &str, process: u32) {
    let script = format!("kill -{signal} {process}");
    let _ = Command::new("/bin/sh").arg("-c").arg(script).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::shells::files::scratch::Scratch;

    fn shell(script: &str) -> Command {
        let mut command = command(Path::new("/bin/sh"), None);
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_server_that_ends_while_it_starts_is_told_at_once_with_its_last_words() {
        let scratch = Scratch::new(None).expect("it can be made");
        let log = Log::within(scratch.path(), "log");
        let (begun, script) = (Instant::now(), "echo could not bind: Address already in use >&2; exit 1");
        let Err(Failure::Outside(why)) = Daemon::start(shell(script), &log, "KILL", |_| false) else { panic!("it cannot be ready") };
        assert!(why.contains("Address already in use"), "{why}");
        assert!(begun.elapsed() < Duration::from_secs(10), "nobody waits for a server that has ended");
    }

    #[test]
    fn a_port_that_is_taken_meanwhile_is_replaced_by_another() {
        let ports = Cell::new(Vec::new());
        let start = |port: u16| {
            let mut tried = ports.take();
            tried.push(port);
            let (first, answer) = (tried.len() == 1, port);
            ports.set(tried);
            if first { Err(Failure::Outside("Address already in use".to_owned())) } else { Ok(answer) }
        };
        let started = on_free_port(start).unwrap_or_else(|failure| panic!("{failure:?}"));
        let tried = ports.take();
        assert_eq!((tried.len(), started), (2, tried[1]));
    }

    #[test]
    fn a_server_is_stopped_when_nobody_holds_it_any_more() {
        let scratch = Scratch::new(None).expect("it can be made");
        let log = Log::within(scratch.path(), "log");
        let daemon = Daemon::start(shell("exec sleep 600"), &log, "TERM", |_| true).unwrap_or_else(|failure| panic!("{failure:?}"));
        let process = format!("/proc/{}/stat", daemon.process());
        assert!(files::text(&process).is_some());
        drop(daemon);
        assert!(files::text(&process).is_none(), "it lives on");
    }
}
