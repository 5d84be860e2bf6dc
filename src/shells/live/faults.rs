//! What goes wrong, on the schedule of the model, done to real servers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::clock::{Clock, pause};
use super::servers::Servers;
use super::session::Session;
use crate::experiment::Problem;
use crate::kernel::time::Span;
use crate::measure::recording::Struck;
use crate::parts::fault::{At, FaultSpec};
use crate::shells::cli::Failure;

/// Refuses what cannot be done to a real server, or must not be done to one that is not thrown away.
pub fn check(faults: &[At], is_ours: bool) -> Result<(), Failure> {
    for At(_, fault) in faults {
        let name = name(fault);
        let can = match fault {
            FaultSpec::RestartDatabase { starting, .. } => starting.is_zero(),
            FaultSpec::KillConnections { .. } | FaultSpec::RestartProxy { .. } => true,
            _ => false,
        };
        if !can {
            let problem = Problem::nowhere(format!("the fault {name} cannot be made to happen to a real server"));
            return Err(Failure::Input(problem.help(
                "these can: RestartDatabase (how long it is starting is its own business), KillConnections, RestartProxy; or --set faults=[] runs without",
            )));
        }
        if !is_ours {
            let problem = Problem::nowhere(format!("the fault {name} is done to a throw-away server only"));
            return Err(Failure::Input(problem.help("use --local, or run without faults: --set faults=[]")));
        }
    }
    Ok(())
}

/// Strikes until the schedule or the run is over.
pub fn strike(faults: &[At], servers: &Mutex<Servers>, clock: Clock, over: &AtomicBool) -> Result<Vec<Struck>, Failure> {
    let mut schedule: Vec<&At> = faults.iter().collect();
    schedule.sort_by_key(|At(at, _)| *at);
    let mut struck = Vec::new();
    for At(due, fault) in schedule {
        while clock.now() < due.nanos() {
            if over.load(Ordering::Relaxed) {
                return Ok(struck);
            }
            pause(clock.until(due.nanos()).min(Duration::from_millis(50)));
        }
        let at = clock.now();
        let mut servers = servers.lock().expect("nobody panics while holding the servers");
        match fault {
            FaultSpec::RestartDatabase { down, .. } => servers.restart_database(real(*down))?,
            FaultSpec::RestartProxy { down } => servers.restart_proxy(real(*down))?,
            FaultSpec::KillConnections { fraction } => kill(&servers, *fraction)?,
            _ => continue,
        }
        struck.push(Struck { what: name(fault).to_owned(), due: due.nanos(), at, until: clock.now() });
    }
    Ok(struck)
}

/// Ends this share of the applications' sessions, chosen at random.
fn kill(servers: &Servers, fraction: f64) -> Result<(), Failure> {
    let ours = "usename = 'app' and pid <> pg_backend_pid()";
    let question = format!(
        "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where {ours} order by random() \
         limit (select round({fraction} * count(*)) from pg_stat_activity where {ours})) as chosen",
    );
    Session::open(&servers.database())?.ask(&question).map(|_| ())
}

fn real(span: Span) -> Duration {
    Duration::from_nanos(span.nanos())
}

fn name(fault: &FaultSpec) -> &'static str {
    match fault {
        FaultSpec::RestartDatabase { .. } => "RestartDatabase",
        FaultSpec::CrashDatabase { .. } => "CrashDatabase",
        FaultSpec::Failover { .. } => "Failover",
        FaultSpec::SlowDatabase { .. } => "SlowDatabase",
        FaultSpec::SlowConnects { .. } => "SlowConnects",
        FaultSpec::Partition { .. } => "Partition",
        FaultSpec::RestartProxy { .. } => "RestartProxy",
        FaultSpec::LockTable { .. } => "LockTable",
        FaultSpec::Deploy { .. } => "Deploy",
        FaultSpec::Scale { .. } => "Scale",
        FaultSpec::KillConnections { .. } => "KillConnections",
    }
}
