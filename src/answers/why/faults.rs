//! Rules about faults.

use super::{Advice, errors};
use crate::answers::document::Answer;
use crate::answers::recovery::name;
use crate::answers::words::{count, percent, seconds, span};
use crate::kernel::time::Span;
use crate::parts::fault::{At, FaultSpec};
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::AppSpec;
use crate::simulation::roster::Roster;

/// Faults end sessions, and requests fail on the dead connections.
pub(super) fn ends_sessions(answer: &Answer) -> Option<Advice> {
    let At(when, fault) = answer.blueprint.faults.first()?;
    let names = ["ConnectionLost", "AdminShutdown", "ConnectionRefused", "CannotConnectNow", "ServerConnCrashed", "ServerLoginFailing"];
    let failed: u64 = names.iter().map(|name| errors(answer, name)).sum();
    // What fails long after a fault fails for another reason.
    if failed == 0 || 2 * failed < answer.point.requests.failed {
        return None;
    }
    let why =
        format!("{} after the start {}: {} requests fail for that", span(when.seconds()), in_words(answer, when, fault), count(failed));
    let advice = Advice::new("the fault", why);
    // A ping finds a connection that has died; it cannot open one where nobody answers.
    let broken = ["ConnectionLost", "AdminShutdown", "ServerConnCrashed"].iter().map(|name| errors(answer, name)).sum::<u64>();
    let unguarded = answer
        .blueprint
        .apps
        .iter()
        .filter(|_| 2 * broken > failed)
        .find(|app| matches!(&app.pool, PoolSpec::SqlAlchemy(pool) if !pool.pool_pre_ping));
    Some(match unguarded {
        Some(app) => advice.set(
            "pool_pre_ping, which replaces dead connections before a request meets them",
            [(format!("apps.{}.pool.pool_pre_ping", app.name), "true".to_owned())],
        ),
        None => advice.then("a retry with a pause longer than the outage, for requests that may be repeated"),
    })
}

/// A fault holds everything up for a while without ending a session: what waits behind it fills the pools.
pub(super) fn holds_up(answer: &Answer) -> Option<Advice> {
    let (peak, at) = answer.queue_peak;
    let in_its_time = |from: &Span, lasting: &Span| {
        // What piled up needs as long again to be worked off.
        let since = answer.point.warmup + at - from.seconds();
        (0.0..=2.0 * lasting.seconds()).contains(&since)
    };
    let faults = answer.blueprint.faults.iter();
    let (when, fault, cure) = faults
        .filter_map(|At(when, fault)| {
            let (lasting, cure) = match fault {
                FaultSpec::LockTable { lasting } => {
                    (lasting, "a lock_timeout for the migration: it then gives up and tries again, instead of everybody behind it")
                }
                FaultSpec::Partition { lasting } => {
                    (lasting, "a shorter deadline, or tcp_user_timeout and keepalives, so that those who hang let go of their connections")
                }
                FaultSpec::SlowDatabase { lasting, .. } => {
                    (lasting, "a shorter pool_timeout, so that requests nobody waits for any more are not worked off")
                }
                FaultSpec::SlowConnects { lasting, .. } => {
                    (lasting, "pools that keep what they have open: pool_size for the peak and no overflow")
                }
                _ => return None,
            };
            in_its_time(when, lasting).then_some((when, fault, cure))
        })
        .next()?;
    if answer.point.requests.failed == 0 && peak < 2.0 {
        return None;
    }
    let failed = match answer.point.requests.failed {
        0 => "none fails".to_owned(),
        failed => format!("{} fail", count(failed)),
    };
    let why = format!(
        "{} after the start {}: up to {} requests wait at once, and {failed}",
        span(when.seconds()),
        in_words(answer, when, fault),
        count(peak as u64)
    );
    Some(Advice::new("the fault", why).then(cure))
}

/// Old and new workers are up together, and what has room for the one has none for both.
pub(super) fn doubles(answer: &Answer) -> Option<Advice> {
    let (refused, slots, whose, what) = match errors(answer, "NoMoreConnections") {
        0 => (answer.point.database.refused, slots(answer), "PostgreSQL has", "slots"),
        refused => (refused, max_client_conn(answer)?, "PgBouncer lets in", "clients"),
    };
    let deploys = |app: &&AppSpec| {
        let is_its = |at: &At| matches!(&at.1, FaultSpec::Deploy { app: name, .. } if *name == app.name);
        answer.blueprint.faults.iter().any(is_its)
    };
    let app = answer.blueprint.apps.iter().find(deploys)?;
    let each = app.pool.kind().most_connections()?;
    let most = u64::from(Roster::of(app, &answer.blueprint.faults).most());
    let others = answer.blueprint.apps.iter().filter(|other| other.name != app.name);
    let others = others.map(|other| Some(other.pool.kind().most_connections()? * u64::from(other.workers))).sum::<Option<u64>>()?;
    let usual = each * u64::from(app.workers) + others;
    if refused == 0 || usual > slots || each * most + others <= slots {
        return None;
    }
    let why = format!(
        "during its deploy {} has up to {most} workers at once instead of {}: their pools may hold {} ({most} × {}), {whose} {} {what}, and refuses {}",
        app.name,
        app.workers,
        count(each * most),
        app.pool.kind().size(),
        count(slots),
        count(refused)
    );
    let room = (slots.saturating_sub(others) / most.max(1)).max(1);
    Some(Advice::new("the deploy", why).then(format!(
        "at most {room} connections for each worker, or fewer workers replaced at once: a longer `each`, a shorter `overlap`{}",
        if matches!(answer.blueprint.proxy, ProxySpec::Direct) { ", or PgBouncer(pool_mode: Transaction) between them" } else { "" }
    )))
}

fn slots(answer: &Answer) -> u64 {
    let database = &answer.blueprint.database;
    u64::from(database.max_connections.saturating_sub(database.superuser_reserved_connections))
}

fn max_client_conn(answer: &Answer) -> Option<u64> {
    if let ProxySpec::PgBouncer(proxy) = &answer.blueprint.proxy { Some(u64::from(proxy.max_client_conn)) } else { None }
}

/// What the fault is, and what became of the system after it.
fn in_words(answer: &Answer, when: &Span, fault: &FaultSpec) -> String {
    let known = answer.point.recovery.iter().find(|recovery| recovery.at == when.seconds());
    let back = known.and_then(|recovery| recovery.after).filter(|after| *after > 0.0);
    let back = back.map_or_else(String::new, |after| format!(", and after {} all is as before", seconds(after)));
    name(fault) + &back
}

/// The fault is over, load is what it was, and the system is not: what keeps it so is its own doing.
pub(super) fn is_never_back(answer: &Answer) -> Option<Advice> {
    let recovery = answer.point.recovery.iter().find(|recovery| recovery.verdict == "metastable")?;
    let after = |share: &str, value: Option<f64>, before: Option<[f64; 2]>, words: fn(f64) -> String| {
        Some(format!("{share} {} instead of {} at most", words(value?), words(before?[1])))
    };
    let now: Vec<String> = [
        after("mean latency up to", recovery.latency.worst, recovery.latency.before, seconds),
        after("failures up to", recovery.error_rate.worst, recovery.error_rate.before, percent),
    ]
    .into_iter()
    .flatten()
    .collect();
    let runs = answer.point.replications;
    let why = format!(
        "metastable: {} after the start {}; that is over, load is what it was, and in {} of {runs} runs the system is not ({})",
        span(recovery.at),
        recovery.fault,
        runs - recovery.back_in,
        now.join(", ")
    );
    let retrying = answer.blueprint.workload.iter().find(|stream| stream.retry.as_ref().is_some_and(|retry| retry.attempts > 1));
    let advice = Advice::new("the fault", why);
    Some(match retrying {
        Some(stream) if stream.retry.as_ref().is_some_and(|retry| retry.budget.is_none_or(|budget| budget > 0.1)) => advice.set(
            "a retry budget: retries are what keeps the load up, and a tenth of them has to do; poolcast cliff says at which load it matters",
            [(format!("workload.{}.retry.budget", stream.name), "0.1".to_owned())],
        ),
        _ => advice.then("less work for requests that nobody waits for any more: a pool_timeout and a statement_timeout below the clients' patience"),
    })
}
