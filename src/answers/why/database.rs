//! Rules about the database.

use super::{Advice, errors};
use crate::answers::document::Answer;
use crate::answers::words::{count, mean, percent, span};
use crate::parts::database::ServiceSpec;
use crate::parts::fault::{At, FaultSpec};
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;

/// Cores this busy have no capacity left.
const SATURATED: f64 = 0.95;

/// Faults end sessions, and requests fail on the dead connections.
pub(super) fn restarted(answer: &Answer) -> Option<Advice> {
    let At(when, fault) = answer.blueprint.faults.first()?;
    let names = ["ConnectionLost", "AdminShutdown", "ConnectionRefused", "CannotConnectNow", "ServerConnCrashed", "ServerLoginFailing"];
    let failed: u64 = names.iter().map(|name| errors(answer, name)).sum();
    if failed == 0 {
        return None;
    }
    let what = match fault {
        FaultSpec::RestartDatabase { down } => format!("the database restarts and refuses connections for {down}"),
        FaultSpec::KillConnections { fraction } => format!("{} of the database's sessions are ended", percent(*fraction)),
        #[allow(unreachable_patterns)] // other faults come with other words
        _ => "a fault ends connections".to_owned(),
    };
    let why = format!("{} after the start {what}: {} requests fail for that", span(when.seconds()), count(failed));
    let advice = Advice::new("the fault", why);
    let unguarded = answer.blueprint.apps.iter().find(|app| matches!(&app.pool, PoolSpec::SqlAlchemy(pool) if !pool.pool_pre_ping));
    Some(match unguarded {
        Some(app) => advice.set(
            "pool_pre_ping, which replaces dead connections before a request meets them",
            [(format!("apps.{}.pool.pool_pre_ping", app.name), "true".to_owned())],
        ),
        None => advice.then("a retry with a pause longer than the outage, for requests that may be repeated"),
    })
}

/// All connection slots are taken.
pub(super) fn slots(answer: &Answer) -> Option<Advice> {
    let refused = errors(answer, "TooManyClients").max(answer.point.database.refused);
    if refused == 0 || (errors(answer, "TooManyClients") == 0 && answer.point.requests.failed == 0) {
        return None;
    }
    let database = &answer.blueprint.database;
    let usable = u64::from(database.max_connections.saturating_sub(database.superuser_reserved_connections));
    let why = format!(
        "PostgreSQL has {} slots for applications (max_connections {} − {} reserved), and refused {}: {}",
        count(usable),
        database.max_connections,
        database.superuser_reserved_connections,
        count(refused),
        may_open(answer)
    );
    let advice = Advice::new("max_connections", why);
    if !matches!(answer.blueprint.proxy, ProxySpec::Direct) {
        return Some(advice.then(format!("let the proxy open at most {usable} server connections (max_db_connections)")));
    }
    let workers: u64 = answer.blueprint.apps.iter().map(|app| u64::from(app.workers)).sum();
    Some(advice.then(format!(
        "at most {} connections for each of the {} workers (pool_size + max_overflow), or PgBouncer(pool_mode: Transaction) between them",
        usable / workers.max(1),
        count(workers)
    )))
}

/// The cores are busy all the time.
pub(super) fn cores(answer: &Answer) -> Option<Advice> {
    let utilisation = answer.point.database.utilisation.filter(|busy| *busy > SATURATED)?;
    let (ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores }) = answer.blueprint.database.service else { return None };
    let active = answer.point.database.active_mean;
    let why = format!(
        "the database's {cores} cores are {} busy with {} statements at once: more connections would only share them further",
        percent(utilisation.min(1.0)),
        mean(active)
    );
    let most = 2 * u64::from(cores);
    let advice = Advice::new("database cores", why);
    Some(if active > 3.0 * f64::from(cores) {
        advice.then(format!(
            "fewer connections (about {most}) so that statements run at full speed one after another, then cheaper statements or more cores"
        ))
    } else {
        advice.set("cheaper statements, or more cores", [("database.service.cores".to_owned(), most.to_string())])
    })
}

/// The database ends what takes too long.
pub(super) fn timeouts(answer: &Answer) -> Option<Advice> {
    let database = &answer.blueprint.database;
    let (name, setting, value) = [
        ("StatementTimeout", "statement_timeout", database.statement_timeout),
        ("IdleInTransactionTimeout", "idle_in_transaction_session_timeout", database.idle_in_transaction_session_timeout),
    ]
    .into_iter()
    .find(|(name, ..)| errors(answer, name) > 0)?;
    let why = format!("{setting} ({value}) ends {} requests", count(errors(answer, name)));
    Some(Advice::new("timeouts", why).then(format!("shorter statements and transactions, or a longer {setting}")))
}

/// What the pools may open together.
pub(super) fn may_open(answer: &Answer) -> String {
    let apps = answer.blueprint.apps.iter().map(|app| format!("{} {} × {}", app.name, app.workers, app.pool.kind().size()));
    let total: Option<u64> =
        answer.blueprint.apps.iter().map(|app| Some(app.pool.kind().most_connections()? * u64::from(app.workers))).sum();
    let apps = apps.collect::<Vec<_>>().join(", ");
    match total {
        Some(total) => format!("the pools may hold {} ({apps})", count(total)),
        None => format!("the pools have no limit ({apps})"),
    }
}
