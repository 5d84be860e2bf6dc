//! One line for each layer of the system: its limit, how much of it is in use, who waits, what fails.

use super::lines::{Look, Sheet, left, paint, width};
use crate::answers::document::{Answer, Waits};
use crate::answers::words::{count, mean, percent, seconds};
use crate::parts::database::ServiceSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::proxy::pgbouncer::PgBouncer;
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// A layer's cells as text.
struct Layer {
    name: String,
    limit: String,
    in_use: String,
    busy: Option<f64>,
    wait: Option<[String; 2]>,
    errors: u64,
}

/// Where an error belongs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Client,
    Pool,
    Proxy,
    Database,
}

const NAME: usize = 26;
/// From here on a layer is called full.
const FULL: f64 = 0.95;

/// The lines with their heading.
pub fn render(sheet: Sheet, answer: &Answer) -> String {
    let layers = layers(answer);
    let name = layers.iter().map(|layer| width(&layer.name)).max().unwrap_or(0).clamp(18, NAME + sheet.more());
    let head = format!("  {}{:>7}{:>9}{:>8}{:>10}{:>9}{:>9}", left("layer", name), "limit", "in use", "busy", "wait p50", "p99", "errors");
    let mut out = format!("{}\n", paint(Look::Faint, head.trim_end()));
    for layer in layers {
        out += &layer.line(name);
    }
    out
}

/// The same as text, cell by cell: name, limit, in use, busy, wait p50, wait p99, errors.
pub fn cells(answer: &Answer) -> Vec<[String; 7]> {
    layers(answer).into_iter().map(Layer::cells).collect()
}

impl Layer {
    fn cells(self) -> [String; 7] {
        let busy = self.busy();
        let [p50, p99] = self.wait.unwrap_or(["–".to_owned(), "–".to_owned()]);
        [self.name, self.limit, self.in_use, busy, p50, p99, count(self.errors)]
    }

    fn busy(&self) -> String {
        // A hundredth of a per cent is idle, and its column has room for no more digits.
        self.busy.map_or("–".to_owned(), |busy| if busy < 0.0001 { "0 %".to_owned() } else { percent(busy.min(1.0)) })
    }

    fn line(&self, name: usize) -> String {
        let busy = format!("{:>8}", self.busy());
        let [p50, p99] = self.wait.clone().unwrap_or(["–".to_owned(), "–".to_owned()]);
        let errors = format!("{:>9}", count(self.errors));
        let full = self.busy.is_some_and(|busy| busy >= FULL);
        format!(
            "  {}{:>7}{:>9}{}{p50:>10}{p99:>9}{}\n",
            left(&self.name, name),
            self.limit,
            self.in_use,
            if full { paint(Look::Bad, &busy) } else { busy },
            if self.errors > 0 { paint(Look::Bad, &errors) } else { errors },
        )
    }
}

fn layers(answer: &Answer) -> Vec<Layer> {
    let clients = errors_at(answer, Place::Client);
    let mut layers = Vec::new();
    if clients > 0 {
        let name = "clients".to_owned();
        layers.push(Layer { name, limit: "–".into(), in_use: "–".into(), busy: None, wait: None, errors: clients });
    }
    layers.extend(apps(answer));
    layers.extend(proxy(answer));
    layers.push(database(answer));
    layers
}

fn apps(answer: &Answer) -> Vec<Layer> {
    let alone = answer.blueprint.apps.len() == 1;
    let app = |app: &AppSpec| {
        let usage = answer.point.pools.get(&app.name).cloned().unwrap_or_default();
        let limit = app.pool.kind().most_connections().map(|most| most * u64::from(answer.blueprint.most_workers(app)));
        let workers = match answer.blueprint.most_workers(app) {
            most if most > app.workers => format!("{}–{most}", app.workers),
            workers => workers.to_string(),
        };
        let mut streams = answer.blueprint.workload.iter().filter(|stream| stream.app == app.name);
        let only = streams.next().filter(|_| streams.next().is_none());
        let waits = match (alone, only) {
            (true, _) => Some(&answer.point.pool_wait),
            (false, Some(stream)) => answer.point.streams.get(&stream.name).map(|figures| &figures.pool_wait),
            (false, None) => None,
        };
        let size = app.pool.kind().size();
        Layer {
            name: if limit.is_none() && size == "no pool" {
                format!("{}  {workers} × {}", app.name, app.pool.name())
            } else {
                format!("{}  {workers} × {} {size}", app.name, app.pool.name())
            },
            limit: limit.map_or("∞".to_owned(), count),
            in_use: mean(usage.in_use_mean),
            busy: limit.filter(|limit| *limit > 0).map(|limit| usage.in_use_mean / limit as f64),
            wait: waits.map(|waits| wait(waits, &answer.point.verdict)),
            errors: if alone { errors_at(answer, Place::Pool) } else { pool_errors(answer, &app.name) },
        }
    };
    answer.blueprint.apps.iter().map(app).collect()
}

/// What stands between the pools and the database, and how many connections it may open there.
pub fn proxy_limit(blueprint: &Blueprint) -> Option<(String, u64)> {
    match &blueprint.proxy {
        ProxySpec::PgBouncer(proxy) => {
            Some((format!("PgBouncer {}", format!("{:?}", proxy.pool_mode).to_lowercase()), most_servers(proxy)))
        }
        ProxySpec::RdsProxy(proxy) => {
            let most = f64::from(blueprint.database.max_connections) * proxy.max_connections_percent / 100.0;
            Some(("RDS Proxy".to_owned(), most as u64))
        }
        _ => None,
    }
}

fn proxy(answer: &Answer) -> Option<Layer> {
    let (name, limit) = proxy_limit(&answer.blueprint)?;
    let in_use = answer.linked_mean.unwrap_or(answer.point.database.connections_mean);
    Some(Layer {
        name,
        limit: count(limit),
        in_use: mean(in_use),
        busy: (limit > 0).then(|| in_use / limit as f64),
        wait: Some(wait(&answer.point.proxy_wait, &answer.point.verdict)),
        errors: errors_at(answer, Place::Proxy),
    })
}

fn database(answer: &Answer) -> Layer {
    let database = &answer.blueprint.database;
    let cores = match database.service {
        ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores } => format!(" {cores} core{}", if cores == 1 { "" } else { "s" }),
        ServiceSpec::Delay => String::new(),
    };
    Layer {
        name: format!("PostgreSQL{cores}"),
        limit: count(u64::from(database.max_connections.saturating_sub(database.superuser_reserved_connections))),
        in_use: mean(answer.point.database.connections_mean),
        busy: answer.point.database.utilisation,
        wait: None,
        errors: errors_at(answer, Place::Database),
    }
}

/// What PgBouncer may open for one database and one user.
fn most_servers(proxy: &PgBouncer) -> u64 {
    let caps = [proxy.max_db_connections, proxy.max_user_connections].into_iter().filter(|cap| *cap > 0);
    u64::from(caps.fold(proxy.default_pool_size.saturating_add(proxy.reserve_pool_size), u32::min))
}

fn wait(waits: &Waits, verdict: &str) -> [String; 2] {
    [waits.times.p50, waits.times.p99].map(|figure| cell(figure, verdict))
}

/// A time, or the sign for what cannot be said: ✕ if there is no steady state to speak of.
pub fn cell(figure: Option<f64>, verdict: &str) -> String {
    match figure {
        Some(value) => seconds(value),
        None if verdict == "unstable" => "✕".to_owned(),
        None => "–".to_owned(),
    }
}

fn pool_errors(answer: &Answer, app: &str) -> u64 {
    let streams = answer.blueprint.workload.iter().filter(|stream| stream.app == app);
    let of = |name: &str| answer.point.streams.get(name).map_or(0, |figures| at(answer, &figures.requests.errors, Place::Pool));
    streams.map(|stream| of(&stream.name)).sum()
}

fn errors_at(answer: &Answer, place: Place) -> u64 {
    at(answer, &answer.point.requests.errors, place)
}

fn at(answer: &Answer, errors: &std::collections::BTreeMap<String, u64>, place: Place) -> u64 {
    errors.iter().filter(|(name, _)| place_of(name, answer) == place).map(|(_, count)| count).sum()
}

fn place_of(name: &str, answer: &Answer) -> Place {
    let proxied = !matches!(answer.blueprint.proxy, ProxySpec::Direct);
    match name {
        "DeadlineExceeded" => Place::Client,
        "PoolTimeout" | "PoolQueueFull" | "ConnectTimeout" => Place::Pool,
        "TooManyClients"
        | "CannotConnectNow"
        | "AdminShutdown"
        | "StatementTimeout"
        | "InFailedTransaction"
        | "IdleInTransactionTimeout" => Place::Database,
        _ if proxied => Place::Proxy,
        _ => Place::Database,
    }
}
