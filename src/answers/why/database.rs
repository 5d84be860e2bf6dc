//! Rules about the database.

use super::{Advice, arrivals, errors};
use crate::answers::demand;
use crate::answers::document::Answer;
use crate::answers::words::{count, mean, percent};
use crate::parts::database::ServiceSpec;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::proxy::pgbouncer::PoolMode;
use crate::simulation::blueprint::AppSpec;

/// Cores this busy have no capacity left.
const SATURATED: f64 = 0.95;
/// … and from which they are while requests wait.
const BUSY_IN_BURSTS: f64 = 0.9;

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
    let workers: u64 = answer.blueprint.apps.iter().map(|app| u64::from(answer.blueprint.most_workers(app))).sum();
    Some(advice.then(format!(
        "at most {} connections for each of the {} workers (pool_size + max_overflow), or PgBouncer(pool_mode: Transaction) between them",
        usable / workers.max(1),
        count(workers)
    )))
}

/// The cores are busy all the time.
pub(super) fn cores(answer: &Answer) -> Option<Advice> {
    let utilisation = answer.point.database.utilisation.filter(|busy| *busy > SATURATED)?;
    let (cores, contention) = match answer.blueprint.database.service {
        ServiceSpec::Sharing { cores, sigma, kappa } => (cores, at_full_cores(cores, sigma, kappa)),
        ServiceSpec::Queue { cores } => (cores, 1.0),
        ServiceSpec::Delay => return None,
    };
    let active = answer.point.database.active_mean;
    let why = format!(
        "the database's {cores} cores are {} busy with {} statements at once: more connections would only share them further",
        percent(utilisation.min(1.0)),
        mean(active)
    );
    let advice = Advice::new("database cores", why);
    let offered: f64 = answer.blueprint.workload.iter().map(|s| arrivals(answer, &s.name) * demand::of(&s.steps).service).sum();
    let at_best = offered * contention;
    if at_best < SATURATED * f64::from(cores) && active > 2.0 * f64::from(cores) {
        return Some(fewer(answer, advice, cores + cores.div_ceil(4)));
    }
    let needed = (at_best / 0.7).ceil() as u32;
    let words = format!("cheaper statements (they ask for {} cores of work), or about {} cores", mean(offered), needed.max(cores + 1));
    Some(advice.set(words, [("database.service.cores".to_owned(), needed.max(cores + 1).to_string())]))
}

/// The cores have enough to do only at times, and those are the times at which requests wait.
pub(super) fn bursts(answer: &Answer) -> Option<Advice> {
    let while_waiting = answer.busy_when_waiting.filter(|busy| *busy > BUSY_IN_BURSTS)?;
    let usual = answer.point.database.utilisation?;
    let cores = match answer.blueprint.database.service {
        ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores } => cores,
        ServiceSpec::Delay => return None,
    };
    let why = format!(
        "bursts: the database's {cores} cores are {} busy on average, but {} while requests wait for a connection (up to {} at once)",
        percent(usual),
        percent(while_waiting.min(1.0)),
        count(answer.queue_peak.0 as u64)
    );
    (answer.queue_peak.0 >= 1.0).then(|| fewer(answer, Advice::new("database cores", why), cores + cores.div_ceil(4)))
}

/// The work would fit if fewer statements disturbed each other.
fn fewer(answer: &Answer, advice: Advice, most: u32) -> Advice {
    let because = "so that statements disturb each other less: the cores have enough for the work itself";
    match (&answer.blueprint.proxy, &answer.blueprint.apps[..]) {
        (ProxySpec::PgBouncer(proxy), _) if proxy.pool_mode == PoolMode::Transaction => {
            advice.set(format!("about {most} server connections {because}"), [("proxy.default_pool_size".to_owned(), most.to_string())])
        }
        (ProxySpec::Direct, [app]) if matches!(app.pool, PoolSpec::SqlAlchemy(_)) => {
            let each = most.div_ceil(app.workers.max(1));
            let path = |field: &str| format!("apps.{}.pool.{field}", app.name);
            advice.set(
                format!("about {most} connections in all {because}"),
                [(path("pool_size"), each.to_string()), (path("max_overflow"), "0".to_owned())],
            )
        }
        _ => advice
            .then(format!("about {most} connections in all, or PgBouncer(pool_mode: Transaction, default_pool_size: {most}), {because}")),
    }
}

/// How much longer work takes when every core runs one statement, by the law of [`ServiceSpec::Sharing`].
fn at_full_cores(cores: u32, sigma: f64, kappa: f64) -> f64 {
    let m = f64::from(cores);
    1.0 + sigma * (m - 1.0) + kappa * m * (m - 1.0)
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
    let workers = |app: &AppSpec| answer.blueprint.most_workers(app);
    let apps = answer.blueprint.apps.iter().map(|app| format!("{} {} × {}", app.name, workers(app), app.pool.kind().size()));
    let total: Option<u64> =
        answer.blueprint.apps.iter().map(|app| Some(app.pool.kind().most_connections()? * u64::from(workers(app)))).sum();
    let apps = apps.collect::<Vec<_>>().join(", ");
    match total {
        Some(total) => format!("the pools may hold {} ({apps})", count(total)),
        None => format!("the pools have no limit ({apps})"),
    }
}
