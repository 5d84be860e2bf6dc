//! What environment variables say of pools, under the many names that people give them.

use serde_json::Value;

use super::draft::Field;
use super::found::Found;
use crate::kernel::time::Span;

/// What a variable's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Whole,
    /// A whole number, or -1.
    Overflow,
    Seconds,
    Millis,
    /// Seconds; below 0 is never.
    Recycle,
    Switch,
}

/// SQLAlchemy's parameters by how the names of variables end; the longest end that fits counts.
const SQLALCHEMY: [(&str, &str, Form); 13] = [
    ("POOL_SIZE", "pool_size", Form::Whole),
    ("POOLSIZE", "pool_size", Form::Whole),
    ("MAX_OVERFLOW", "max_overflow", Form::Overflow),
    ("POOL_OVERFLOW", "max_overflow", Form::Overflow),
    ("POOL_TIMEOUT", "pool_timeout", Form::Seconds),
    ("POOL_TIMEOUT_SECONDS", "pool_timeout", Form::Seconds),
    ("POOL_RECYCLE", "pool_recycle", Form::Recycle),
    ("POOL_RECYCLE_SECONDS", "pool_recycle", Form::Recycle),
    ("POOL_PRE_PING", "pool_pre_ping", Form::Switch),
    ("PRE_PING", "pool_pre_ping", Form::Switch),
    ("PREPING", "pool_pre_ping", Form::Switch),
    ("POOL_USE_LIFO", "pool_use_lifo", Form::Switch),
    ("USE_LIFO", "pool_use_lifo", Form::Switch),
];
/// HikariCP's, as Spring Boot binds them: SPRING_DATASOURCE_HIKARI_….
const HIKARI: [(&str, &str, Form); 6] = [
    ("MAXIMUMPOOLSIZE", "maximumPoolSize", Form::Whole),
    ("MINIMUMIDLE", "minimumIdle", Form::Whole),
    ("CONNECTIONTIMEOUT", "connectionTimeout", Form::Millis),
    ("IDLETIMEOUT", "idleTimeout", Form::Millis),
    ("MAXLIFETIME", "maxLifetime", Form::Millis),
    ("KEEPALIVETIME", "keepaliveTime", Form::Millis),
];
/// Pools of other things.
const OTHERS: [&str; 13] =
    ["REDIS", "CELERY", "BROKER", "HTTP", "THREAD", "MONGO", "RABBIT", "AMQP", "KAFKA", "CACHE", "MYSQL", "ELASTIC", "PGBOUNCER"];
/// Numbers of processes, the surest name first.
const WORKERS: [&str; 7] =
    ["WEB_CONCURRENCY", "GUNICORN_WORKERS", "UVICORN_WORKERS", "WEB_WORKERS", "NUM_WORKERS", "API_WORKERS", "WORKERS"];

/// A pool, as variables say it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// The kind.
    pub kind: &'static str,
    /// What is set.
    pub fields: Vec<Field>,
}

/// The pool of an environment, and what had to be decided.
pub fn pool(env: &[Found], decided: &mut Vec<String>) -> Pool {
    let hikari: Vec<&Found> = env.iter().filter(|found| is_hikari(&found.key)).collect();
    let kind = if hikari.is_empty() { "SqlAlchemy" } else { "Hikari" };
    let mut fields: Vec<Field> = Vec::new();
    let options = env.iter().filter(|found| found.key.ends_with("ENGINE_OPTIONS")).flat_map(engine_options);
    for found in env.iter().cloned().chain(options) {
        let known = match kind {
            "Hikari" => hikari_field(&found.key),
            _ => sqlalchemy_field(&found.key),
        };
        let Some((name, form)) = known else { continue };
        let Some(value) = literal(&found, form) else {
            decided.push(format!("{} is left out: \"{}\" is no {}", found.origin(), one_word(&found.value), expected(form)));
            continue;
        };
        let field = Field { name, value, found };
        match fields.iter_mut().find(|field| field.name == name) {
            Some(old) if old.value != field.value => {
                decided.push(format!("{name} is said twice: {} counts, not {}", field.found.origin(), old.found.origin()));
                *old = field;
            }
            Some(old) => *old = field,
            None => fields.push(field),
        }
    }
    Pool { kind, fields }
}

/// The limit on statements that an application sets for its connections.
pub fn statement_timeout(env: &[Found], decided: &mut Vec<String>) -> Option<Field> {
    let found = env.iter().rev().find(|found| found.key.to_ascii_uppercase().contains("STATEMENT_TIMEOUT"))?;
    // PostgreSQL counts milliseconds, people who write 30 mean seconds.
    let number = found.value.trim().parse::<f64>().ok();
    let millis = found.key.to_ascii_uppercase().ends_with("_MS") || number.is_some_and(|number| number >= 1000.0);
    if number.is_some_and(|number| number > 0.0) && !found.key.to_ascii_uppercase().ends_with("_MS") {
        decided.push(format!("{} = {} is taken for {}", found.origin(), found.value, if millis { "milliseconds" } else { "seconds" }));
    }
    let span = found.span(if millis { Span::from_millis(1) } else { Span::from_secs(1) })?;
    Some(Field { name: "statement_timeout", value: quoted(span), found: found.clone() })
}

/// The variable that says how many processes there are.
pub fn workers(env: &[Found]) -> Option<&Found> {
    WORKERS.iter().find_map(|name| env.iter().rev().find(|found| found.key.eq_ignore_ascii_case(name)))
}

/// Whether a variable is about a pool of database connections.
pub fn is_pool(key: &str) -> bool {
    sqlalchemy_field(key).is_some() || is_hikari(key)
}

/// Whether a variable is the address of a database.
pub fn is_url(key: &str) -> bool {
    let key = key.to_ascii_uppercase();
    ["DATABASE_URL", "DB_URL", "DATABASE_URI", "POSTGRES_URL", "POSTGRES_DSN", "DATABASE_DSN", "DB_DSN", "DATASOURCE_URL"]
        .iter()
        .any(|end| key.ends_with(end))
}

/// What the address of the database says: the driver, the database and the user, never the password.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Address {
    /// `asyncpg` of `postgresql+asyncpg://`.
    pub driver: String,
    /// The name of the database.
    pub database: String,
    /// The user.
    pub user: String,
    /// The port, if it is said.
    pub port: Option<u16>,
}

/// The address in an environment, and where it stands.
pub fn address(env: &[Found]) -> Option<(Address, &Found)> {
    let found = env.iter().rev().find(|found| is_url(&found.key) && found.value.contains("://"))?;
    let (scheme, rest) = found.value.split_once("://")?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let user = authority.rsplit_once('@').map_or("", |(user, _)| user).split(':').next().unwrap_or_default();
    let driver = scheme.split_once('+').map_or("", |(_, driver)| driver);
    let database = path.split('?').next().unwrap_or_default();
    let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
    Some((Address { driver: driver.to_owned(), database: database.to_owned(), user: user.to_owned(), port }, found))
}

fn is_hikari(key: &str) -> bool {
    hikari_field(key).is_some()
}

fn hikari_field(key: &str) -> Option<(&'static str, Form)> {
    let key = key.to_ascii_uppercase();
    let (_, rest) = key.split_once("HIKARI_")?;
    let rest = rest.replace(['_', '-'], "");
    HIKARI.iter().find(|(name, _, _)| rest == *name).map(|(_, field, form)| (*field, *form))
}

fn sqlalchemy_field(key: &str) -> Option<(&'static str, Form)> {
    let key = key.to_ascii_uppercase();
    if OTHERS.iter().any(|other| key.contains(other)) {
        return None;
    }
    let fits = SQLALCHEMY.iter().filter(|(end, _, _)| key.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_')));
    fits.max_by_key(|(end, _, _)| end.len()).map(|(_, field, form)| (*field, *form))
}

/// `SQLALCHEMY_ENGINE_OPTIONS={"pool_size": 20}`: each entry as a variable of its own.
fn engine_options(found: &Found) -> Vec<Found> {
    let Ok(Value::Object(options)) = serde_json::from_str(&found.value) else { return Vec::new() };
    options.into_iter().map(|(key, value)| Found { key, value: value.to_string(), place: found.place.clone() }).collect()
}

fn literal(found: &Found, form: Form) -> Option<String> {
    let negative = || found.value.trim().parse::<f64>().is_ok_and(|number| number < 0.0);
    match form {
        Form::Whole => found.whole().filter(|number| *number <= 1_000_000).map(|number| number.to_string()),
        Form::Overflow if found.value.trim() == "-1" => Some("-1".to_owned()),
        Form::Overflow => found.whole().filter(|number| *number <= 1_000_000).map(|number| number.to_string()),
        Form::Recycle if negative() => Some("None".to_owned()),
        Form::Seconds | Form::Recycle => found.span(Span::from_secs(1)).map(quoted),
        Form::Millis => found.span(Span::from_millis(1)).map(quoted),
        Form::Switch => found.yes().map(|yes| yes.to_string()),
    }
}

fn expected(form: Form) -> &'static str {
    match form {
        Form::Whole | Form::Overflow => "whole number",
        Form::Seconds | Form::Recycle => "number of seconds",
        Form::Millis => "number of milliseconds",
        Form::Switch => "true or false",
    }
}

/// A value in a message: short, and on one line.
pub fn one_word(value: &str) -> String {
    super::draft::one_line(value).chars().take(40).collect()
}

/// A time as an experiment writes it.
pub fn quoted(span: Span) -> String {
    format!("\"{span}\"")
}

#[cfg(test)]
mod tests {
    use super::super::dotenv;
    use super::*;

    #[test]
    fn the_common_spellings_are_one_pool() {
        for text in [
            "DATABASE_POOL_SIZE=20\nDATABASE_MAX_OVERFLOW=10\nDATABASE_POOL_RECYCLE=1800\nDATABASE_POOL_PRE_PING=true",
            "SQLALCHEMY_POOL_SIZE=20\nSQLALCHEMY_MAX_OVERFLOW=10\nSQLALCHEMY_POOL_RECYCLE=1800\nSQLALCHEMY_POOL_PRE_PING=True",
            "DB_POOL_SIZE=20\nDB_POOL_MAX_OVERFLOW=10\nDB_POOL_RECYCLE_SECONDS=1800\nDB_PRE_PING=1",
            "SQLALCHEMY_ENGINE_OPTIONS={\"pool_size\": 20, \"max_overflow\": 10, \"pool_recycle\": 1800, \"pool_pre_ping\": true}",
        ] {
            let mut decided = Vec::new();
            let pool = pool(&dotenv::read(".env", text), &mut decided);
            let said: Vec<(&str, &str)> = pool.fields.iter().map(|field| (field.name, &*field.value)).collect();
            assert_eq!(
                said,
                [("pool_size", "20"), ("max_overflow", "10"), ("pool_recycle", "\"30min\""), ("pool_pre_ping", "true")],
                "{text}"
            );
            assert!(decided.is_empty(), "{decided:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_said_twice_is_told() {
        let mut decided = Vec::new();
        let env = dotenv::read(
            ".env",
            "DB_POOL_SIZE=twenty\nREDIS_POOL_SIZE=50\nDB_MAX_OVERFLOW=-1\nDB_POOL_RECYCLE=-1\nA_POOL_TIMEOUT=10\nB_POOL_TIMEOUT=20",
        );
        let said: Vec<String> = pool(&env, &mut decided).fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        assert_eq!(said, ["max_overflow -1", "pool_recycle None", "pool_timeout \"20s\""]);
        assert_eq!(
            decided,
            [
                ".env:1 DB_POOL_SIZE is left out: \"twenty\" is no whole number",
                "pool_timeout is said twice: .env:6 B_POOL_TIMEOUT counts, not .env:5 A_POOL_TIMEOUT"
            ]
        );
    }

    #[test]
    fn spring_binds_hikari_and_an_address_says_driver_database_and_user() {
        let env = dotenv::read(
            ".env",
            "SPRING_DATASOURCE_HIKARI_MAXIMUM_POOL_SIZE=25\nSPRING_DATASOURCE_HIKARI_MAXLIFETIME=1200000\nDATABASE_URL=postgresql+asyncpg://shop:s3cret@db:6432/shop?ssl=1",
        );
        let pool = pool(&env, &mut Vec::new());
        assert_eq!((pool.kind, pool.fields[1].value.as_str()), ("Hikari", "\"20min\""));
        let (address, _) = address(&env).expect("there is one");
        assert_eq!(address, Address { driver: "asyncpg".into(), database: "shop".into(), user: "shop".into(), port: Some(6432) });
    }

    #[test]
    fn a_statement_timeout_is_in_the_unit_that_its_size_suggests() {
        let of = |text: &str| statement_timeout(&dotenv::read(".env", text), &mut Vec::new()).map(|field| field.value);
        assert_eq!(of("DATABASE_STATEMENT_TIMEOUT=30"), Some("\"30s\"".into()));
        assert_eq!(of("DATABASE_STATEMENT_TIMEOUT=30000"), Some("\"30s\"".into()));
        assert_eq!(of("DB_STATEMENT_TIMEOUT_MS=500"), Some("\"500ms\"".into()));
        assert_eq!(of("DB_STATEMENT_TIMEOUT=5min"), Some("\"5min\"".into()));
    }
}
