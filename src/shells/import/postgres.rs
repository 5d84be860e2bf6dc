//! What `postgresql.conf`, or the command of a PostgreSQL container, says of the database.

use super::draft::Field;
use super::found::Found;
use super::settings::{one_word, quoted};
use crate::kernel::time::Span;

/// The database's settings, and what had to be decided.
pub fn fields(settings: &[Found], decided: &mut Vec<String>) -> Vec<Field> {
    let last = |name: &str| settings.iter().rev().find(|found| found.key == name);
    let mut fields = Vec::new();
    let mut add = |name: &'static str, value: Option<String>, found: &Found| match value {
        Some(value) => fields.push(Field { name, value, found: found.clone() }),
        None => decided.push(format!("{} is left out: \"{}\" cannot be read", found.origin(), one_word(&found.value))),
    };
    if let Some(found) = last("max_connections") {
        add("max_connections", found.whole().map(|number| number.to_string()), found);
    }
    if let Some((number, found)) = reserved(last("superuser_reserved_connections"), last("reserved_connections")) {
        add("superuser_reserved_connections", number.map(|number| number.to_string()), &found);
    }
    for name in ["statement_timeout", "idle_in_transaction_session_timeout"] {
        if let Some(found) = last(name) {
            add(name, found.span(Span::from_millis(1)).map(quoted), found);
        }
    }
    fields
}

/// PostgreSQL 16 keeps `reserved_connections` for a role beside those for superusers: neither is for applications.
fn reserved(superuser: Option<&Found>, role: Option<&Found>) -> Option<(Option<u32>, Found)> {
    match (superuser, role) {
        (Some(superuser), None) => Some((superuser.whole(), superuser.clone())),
        (superuser, Some(role)) => {
            let others = superuser.map_or(Some(3), Found::whole);
            let key = "reserved_connections and superuser_reserved_connections".to_owned();
            Some((role.whole().zip(others).map(|(a, b)| a.saturating_add(b)), Found { key, ..role.clone() }))
        }
        (None, None) => None,
    }
}

/// The settings in a container's command: `postgres -c max_connections=200 --statement-timeout=5s`.
pub fn of_command(command: &Found) -> Vec<Found> {
    let words: Vec<&str> = command.value.split_whitespace().collect();
    let after_c = words.windows(2).filter(|pair| pair[0] == "-c").map(|pair| pair[1]);
    let long = words.iter().filter_map(|word| word.strip_prefix("--"));
    let short = words.windows(2).filter(|pair| pair[0] == "-N").map(|pair| ("max_connections".to_owned(), pair[1].to_owned()));
    let named = after_c.chain(long).filter_map(|setting| setting.split_once('='));
    let named = named.map(|(key, value)| (key.replace('-', "_").to_ascii_lowercase(), value.trim_matches(['\'', '"']).to_owned()));
    named.chain(short).map(|(key, value)| Found { key, value, place: command.place.clone() }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::conf;
    use super::super::includes::Files;
    use super::*;

    #[test]
    fn units_are_postgresqls_and_the_last_setting_counts() {
        let text = "max_connections = 100\nmax_connections = 250\nstatement_timeout = 30000\nidle_in_transaction_session_timeout = '5 min'\nreserved_connections = 4\n";
        let (found, _) = conf::read("postgresql.conf", text, &Files { read: &|_| None, list: &|_| Vec::new() });
        let fields: Vec<String> = fields(&found, &mut Vec::new()).iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        assert_eq!(
            fields,
            [
                "max_connections 250",
                "superuser_reserved_connections 7",
                "statement_timeout \"30s\"",
                "idle_in_transaction_session_timeout \"5min\""
            ]
        );
    }

    #[test]
    fn a_containers_command_sets_what_its_file_does() {
        let (found, _) = conf::read(
            "x",
            "command = 'postgres -c max_connections=200 --statement-timeout=5s -N 300'\n",
            &Files { read: &|_| None, list: &|_| Vec::new() },
        );
        let fields: Vec<String> =
            fields(&of_command(&found[0]), &mut Vec::new()).iter().map(|field| format!("{} {}", field.name, field.value)).collect();
        assert_eq!(fields, ["max_connections 300", "statement_timeout \"5s\""]);
    }
}
