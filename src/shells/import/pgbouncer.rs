//! What `pgbouncer.ini`, or the variables of a PgBouncer container, say of the proxy.

use super::draft::Field;
use super::found::Found;
use super::ini::{Line, words};
use super::settings::{Address, one_word, quoted};
use crate::kernel::time::Span;

/// The proxy as files say it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proxy {
    /// Its settings; a later one replaces an earlier one of the same name.
    pub fields: Vec<Field>,
    /// Where it is declared.
    pub declared: Option<Found>,
    /// What had to be decided.
    pub decided: Vec<String>,
}

const NUMBERS: [&str; 8] = [
    "max_client_conn",
    "max_db_client_connections",
    "max_user_client_connections",
    "default_pool_size",
    "min_pool_size",
    "reserve_pool_size",
    "max_db_connections",
    "max_user_connections",
];
const SECONDS: [&str; 12] = [
    "reserve_pool_timeout",
    "query_wait_timeout",
    "query_timeout",
    "idle_transaction_timeout",
    "transaction_timeout",
    "client_idle_timeout",
    "client_login_timeout",
    "server_lifetime",
    "server_idle_timeout",
    "server_connect_timeout",
    "server_login_retry",
    "server_check_delay",
];
const SWITCHES: [&str; 2] = ["server_reset_query_always", "server_round_robin"];

/// The proxy of an ini file, for the database and user of an application's address.
pub fn of_ini(lines: &[Line], address: Option<&Address>) -> Proxy {
    let declared = lines.iter().find(|line| line.section == "pgbouncer").or(lines.first()).map(|line| line.found.clone());
    let mut proxy = Proxy { declared, ..Proxy::default() };
    for line in lines.iter().filter(|line| line.section == "pgbouncer") {
        let key = line.found.key.clone();
        proxy.set(&key, &line.found);
    }
    let port = lines.iter().rev().find(|line| line.section == "pgbouncer" && line.found.key == "listen_port");
    if let (Some(theirs), Some(port)) = (address.and_then(|address| address.port), port)
        && port.found.whole() != Some(u32::from(theirs))
    {
        proxy.decided.push(format!(
            "the application's address names port {theirs}, PgBouncer listens at {} ({}): here it goes through PgBouncer all the same",
            one_word(&port.found.value),
            port.found.at()
        ));
    }
    let named = |section: &str| lines.iter().filter(|line| line.section == section && !line.found.key.is_empty()).collect::<Vec<_>>();
    let databases = named("databases");
    let wanted = address.map_or("", |address| &*address.database);
    let entry = pick(&databases, wanted);
    if let (Some(entry), true) = (entry, databases.len() > 1) {
        proxy.decided.push(format!(
            "of {} databases only \"{}\" is here ({}): each other one has a pool of its own",
            databases.len(),
            entry.found.key,
            entry.found.at()
        ));
    }
    let mut user = address.map_or("", |address| &*address.user).to_owned();
    for (key, value) in entry.map(|entry| words(&entry.found.value)).unwrap_or_default() {
        let found = Found {
            key: format!("{} {key}", entry.map_or("", |entry| &*entry.found.key)),
            value: value.clone(),
            ..entry.expect("it has words").found.clone()
        };
        match key.as_str() {
            "user" => user = value,
            key => proxy.set(of_entry(key), &found),
        }
    }
    let users = named("users");
    if let Some(line) = users.iter().find(|line| line.found.key == user) {
        for (key, value) in words(&line.found.value) {
            let found = Found { key: format!("{user} {key}"), value, ..line.found.clone() };
            // A user's pool_size counts more than its database's.
            proxy.set(of_entry(&key), &found);
        }
    }
    proxy
}

/// The proxy of a container: `POOL_MODE`, `PGBOUNCER_DEFAULT_POOL_SIZE` and the like.
pub fn of_variables(env: &[Found], declared: Option<Found>) -> Proxy {
    let mut proxy = Proxy { declared, ..Proxy::default() };
    for found in env {
        let key = found.key.to_ascii_lowercase();
        proxy.set(key.strip_prefix("pgbouncer_").unwrap_or(&key), found);
    }
    proxy
}

/// The entry of this name, or the only one, or `*`.
fn pick<'a>(entries: &[&'a Line], wanted: &str) -> Option<&'a Line> {
    let named = |name: &str| entries.iter().find(|line| line.found.key == name).copied();
    named(wanted).or_else(|| named("*")).or_else(|| entries.first().copied())
}

/// What an entry of a database or a user calls the setting.
fn of_entry(key: &str) -> &str {
    match key {
        "pool_size" => "default_pool_size",
        "reserve_pool" => "reserve_pool_size",
        "max_db_client_connections" | "max_client_connections" => "max_db_client_connections",
        key => key,
    }
}

impl Proxy {
    fn set(&mut self, key: &str, found: &Found) {
        let whole = |name: &&&str| **name == key;
        let (name, value) = if let Some(name) = NUMBERS.iter().find(whole) {
            (*name, found.whole().map(|number| number.to_string()))
        } else if let Some(name) = SECONDS.iter().find(whole) {
            (*name, found.span(Span::from_secs(1)).map(quoted))
        } else if let Some(name) = SWITCHES.iter().find(whole) {
            (*name, found.yes().map(|yes| yes.to_string()))
        } else if key == "pool_mode" {
            ("pool_mode", mode(&found.value))
        } else if key == "server_reset_query" {
            ("server_reset_query", Some(format!("{:?}", one_word(&found.value))))
        } else {
            return;
        };
        let Some(value) = value else {
            self.decided.push(format!("{} is left out: \"{}\" cannot be read", found.origin(), one_word(&found.value)));
            return;
        };
        let field = Field { name, value, found: found.clone() };
        match self.fields.iter_mut().find(|field| field.name == name) {
            Some(old) => *old = field,
            None => self.fields.push(field),
        }
    }
}

/// The kind of a pool mode.
pub fn mode(text: &str) -> Option<String> {
    let mode = ["Session", "Transaction", "Statement"].into_iter().find(|mode| mode.eq_ignore_ascii_case(text.trim()))?;
    Some(mode.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::includes::Files;
    use super::super::ini;
    use super::*;

    fn proxy(text: &str, address: Option<&Address>) -> Vec<String> {
        let (lines, _) = ini::read("pgbouncer.ini", text, &Files { read: &|_| None, list: &|_| Vec::new() });
        of_ini(&lines, address).fields.iter().map(|field| format!("{} {}", field.name, field.value)).collect()
    }

    const TEXT: &str = "[databases]\n* = host=db\nshop = host=db pool_size=7 pool_mode=statement\n[users]\nanna = pool_mode=session max_user_connections=9\n[pgbouncer]\npool_mode = transaction\ndefault_pool_size = 30\nquery_wait_timeout=10\nlisten_port = 6432\nserver_round_robin = 1\nmax_client_conn = many\n";

    #[test]
    fn a_databases_entry_counts_more_than_the_defaults_and_a_users_more_than_that() {
        assert_eq!(
            proxy(TEXT, None),
            ["pool_mode Transaction", "default_pool_size 30", "query_wait_timeout \"10s\"", "server_round_robin true"]
        );
        let shop = Address { database: "shop".into(), user: "bert".into(), ..Address::default() };
        assert_eq!(proxy(TEXT, Some(&shop))[..2], ["pool_mode Statement", "default_pool_size 7"]);
        let anna = Address { user: "anna".into(), ..shop };
        let found = proxy(TEXT, Some(&anna));
        assert_eq!((&*found[0], &**found.last().expect("there are some")), ("pool_mode Session", "max_user_connections 9"));
    }

    #[test]
    fn what_had_to_be_decided_is_told() {
        let (lines, _) = ini::read("pgbouncer.ini", TEXT, &Files { read: &|_| None, list: &|_| Vec::new() });
        let direct = Address { port: Some(5432), ..Address::default() };
        let decided = of_ini(&lines, Some(&direct)).decided;
        assert!(decided.iter().any(|text| text.contains("names port 5432, PgBouncer listens at 6432")), "{decided:?}");
        assert!(decided.iter().any(|text| text.contains("max_client_conn is left out: \"many\"")), "{decided:?}");
        assert!(decided.iter().any(|text| text.contains("of 2 databases only \"*\"")), "{decided:?}");
    }

    #[test]
    fn every_setting_of_the_model_is_read() {
        let settings = serde_json::to_value(crate::parts::proxy::pgbouncer::PgBouncer::default()).expect("it is plain data");
        let known = NUMBERS.into_iter().chain(SECONDS).chain(SWITCHES).chain(["pool_mode", "server_reset_query"]);
        let mut known: Vec<&str> = known.collect();
        let mut fields: Vec<&str> = settings.as_object().expect("a structure").keys().map(String::as_str).collect();
        // What is the model's own is in no ini file.
        fields.retain(|field| !matches!(*field, "version" | "cpu_per_query"));
        known.sort_unstable();
        fields.sort_unstable();
        assert_eq!(known, fields);
    }
}
