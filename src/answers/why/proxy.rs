//! Rules about what stands between the pools and the database.

use super::database::may_open;
use super::{Advice, arrivals, errors, is_long};
use crate::answers::demand;
use crate::answers::document::Answer;
use crate::answers::words::{count, percent, seconds};
use crate::parts::proxy::ProxySpec;
use crate::parts::proxy::pgbouncer::{PgBouncer, PoolMode};
use crate::simulation::blueprint::AppSpec;

/// PgBouncer is one process: this busy, it makes everybody wait.
const OCCUPIED: f64 = 0.9;
/// What PgBouncer takes for `default_pool_size` if nobody says.
const USUAL_POOL_SIZE: u32 = 20;

/// PgBouncer accepts no more clients.
pub(super) fn clients(answer: &Answer) -> Option<Advice> {
    let (setting, refused) = [
        ("max_client_conn", "NoMoreConnections"),
        ("max_db_client_connections", "MaxDbClientConnections"),
        ("max_user_client_connections", "MaxUserClientConnections"),
    ]
    .into_iter()
    .map(|(setting, name)| (setting, errors(answer, name)))
    .find(|(_, refused)| *refused > 0)?;
    let proxy = pgbouncer(answer)?;
    let value = match setting {
        "max_client_conn" => proxy.max_client_conn,
        "max_db_client_connections" => proxy.max_db_client_connections,
        _ => proxy.max_user_client_connections,
    };
    let why = format!("PgBouncer accepts {value} clients ({setting}) and turned away {}; {}", count(refused), may_open(answer));
    let wanted = most_of_pools(answer).unwrap_or(10 * u64::from(value)).max(u64::from(value) + 1);
    Some(Advice::new(setting, why).set(format!("{setting} {wanted}"), [(format!("proxy.{setting}"), wanted.to_string())]))
}

/// PgBouncer's single process has no time left.
pub(super) fn processor(answer: &Answer) -> Option<Advice> {
    let proxy = pgbouncer(answer)?;
    let statements: f64 = answer.blueprint.workload.iter().map(|s| arrivals(answer, &s.name) * demand::of(&s.steps).statements).sum();
    let busy = statements * proxy.cpu_per_query.seconds();
    if busy <= OCCUPIED {
        return None;
    }
    let why = format!(
        "PgBouncer is one process on one core: {} statements a second at {} each (cpu_per_query) keep it {} busy",
        count(statements.round() as u64),
        proxy.cpu_per_query,
        percent(busy.min(1.0))
    );
    Some(Advice::new("PgBouncer's core", why).then(format!("{} PgBouncer processes behind one port (so_reuseport)", (busy / 0.7).ceil())))
}

/// In session mode a client connection keeps its server connection for as long as it is pooled.
pub(super) fn session_mode(answer: &Answer) -> Option<Advice> {
    let proxy = pgbouncer(answer).filter(|proxy| proxy.pool_mode == PoolMode::Session)?;
    let limit = server_limit(proxy);
    let wanted = most_of_pools(answer);
    if !waits(answer) || wanted.is_some_and(|wanted| wanted <= u64::from(limit.connections)) {
        return None;
    }
    let why = format!(
        "PgBouncer may open {} server connections ({}), and in session mode each pooled client connection keeps one for its whole life; {}: what is held idle in one worker is missing in another",
        limit.connections,
        limit.because(),
        may_open(answer)
    );
    let advice = Advice::new("PgBouncer", why);
    let database = &answer.blueprint.database;
    let room = u64::from(database.max_connections.saturating_sub(database.superuser_reserved_connections));
    let transaction = ("proxy.pool_mode".to_owned(), "Transaction".to_owned());
    Some(match wanted.filter(|wanted| *wanted <= room) {
        Some(wanted) => {
            let mut advice = advice.set(
                format!("{} to at least {wanted}, or pool_mode to Transaction", limit.setting),
                [(format!("proxy.{}", limit.setting), wanted.to_string())],
            );
            let next = advice.next.as_mut().expect("it was just set");
            for (setting, value) in caps(proxy) {
                if value > 0 && u64::from(value) < wanted && setting != limit.setting {
                    next.set.push((format!("proxy.{setting}"), wanted.to_string()));
                }
            }
            advice
        }
        None => advice.set(format!("pool_mode Transaction: the database has only {room} slots for that many sessions"), [transaction]),
    })
}

/// All server connections are linked and clients wait.
pub(super) fn servers(answer: &Answer) -> Option<Advice> {
    if !waits(answer) {
        return None;
    }
    let waited = answer.point.proxy_wait.times.p99.map_or(String::new(), |p99| format!(", p99 {}", seconds(p99)));
    let ends = format!("and clients wait for one (at most {} at once{waited})", count(answer.point.proxy.waiting_max));
    Some(match &answer.blueprint.proxy {
        ProxySpec::PgBouncer(proxy) => {
            let limit = server_limit(proxy);
            let wanted = limit.connections + limit.connections.div_ceil(2);
            let why = format!("PgBouncer's {} server connections ({}) are in use {ends}", limit.connections, limit.because());
            Advice::new("PgBouncer", why).set(
                format!("{} {wanted}, if the database has the cores for it; else shorter transactions", limit.setting),
                [(format!("proxy.{}", limit.setting), wanted.to_string())],
            )
        }
        ProxySpec::RdsProxy(proxy) => {
            let most = (f64::from(answer.blueprint.database.max_connections) * proxy.max_connections_percent / 100.0) as u64;
            let why = format!(
                "RDS Proxy's {most} database connections (max_connections_percent {}) are in use {ends}",
                proxy.max_connections_percent
            );
            Advice::new("RDS Proxy", why).then(match proxy.pin_probability {
                pinned if pinned > 0.0 => {
                    "avoid what pins sessions (pin_probability): a pinned connection is lost to all others".to_owned()
                }
                _ => "shorter transactions, or a larger instance".to_owned(),
            })
        }
        _ => return None,
    })
}

/// What keeps PgBouncer from opening more.
struct Limit {
    connections: u32,
    setting: &'static str,
}

impl Limit {
    fn because(&self) -> String {
        if self.setting == "default_pool_size" && self.connections == USUAL_POOL_SIZE {
            return format!("default_pool_size is {USUAL_POOL_SIZE}, which it is if left unset");
        }
        format!("{} is {}", self.setting, self.connections)
    }
}

/// The lowest of the limits, for one database and one user.
fn server_limit(proxy: &PgBouncer) -> Limit {
    let pool = Limit { connections: proxy.default_pool_size, setting: "default_pool_size" };
    caps(proxy).into_iter().fold(
        pool,
        |lowest, (setting, value)| {
            if value > 0 && value < lowest.connections { Limit { connections: value, setting } } else { lowest }
        },
    )
}

fn caps(proxy: &PgBouncer) -> [(&'static str, u32); 3] {
    [
        ("default_pool_size", proxy.default_pool_size),
        ("max_db_connections", proxy.max_db_connections),
        ("max_user_connections", proxy.max_user_connections),
    ]
}

fn waits(answer: &Answer) -> bool {
    let point = &answer.point;
    let gave_up = errors(answer, "QueryWaitTimeout") + errors(answer, "BorrowTimeout") > 0;
    gave_up || point.proxy.waiting_mean >= 1.0 || is_long(&point.proxy_wait.times, &point.latency)
}

fn pgbouncer(answer: &Answer) -> Option<&PgBouncer> {
    if let ProxySpec::PgBouncer(proxy) = &answer.blueprint.proxy { Some(proxy) } else { None }
}

/// What all pools together may open, if there is a limit.
fn most_of_pools(answer: &Answer) -> Option<u64> {
    let most = |app: &AppSpec| Some(app.pool.kind().most_connections()? * u64::from(answer.blueprint.most_workers(app)));
    answer.blueprint.apps.iter().map(most).sum()
}
