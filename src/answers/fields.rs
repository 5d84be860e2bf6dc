//! What every field of an experiment file means in the real system and here.

use std::sync::LazyLock;

use crate::kernel::latency::LatencySpec;
use crate::kernel::registry::Listed;
pub use crate::kernel::registry::{Field, field};
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::ArrivalsSpec;

mod answer;
mod drivers;
mod experiment;
mod kinds;
mod proxies;
mod system;

/// Fields or kinds that stand in one place of a file.
#[derive(Clone, Debug)]
pub struct Family {
    /// The path to them; `*` stands for a name.
    pub place: &'static str,
    /// What they are fields of.
    pub owner: &'static str,
    /// They.
    pub fields: &'static [Field],
}

/// All families, outermost first.
static FAMILIES: LazyLock<Vec<Family>> = LazyLock::new(|| {
    let written = |families: &[Family]| families.to_vec();
    [
        written(experiment::ALL),
        written(system::ALL),
        kinds_of("pools", "apps.*.pool", PoolSpec::KINDS),
        written(drivers::ALL),
        kinds_of("proxies", "proxy", ProxySpec::KINDS),
        written(proxies::ALL),
        kinds_of("arrivals", "workload.*.arrivals", ArrivalsSpec::KINDS),
        kinds_of("times", "", LatencySpec::KINDS),
        written(kinds::ALL),
        written(answer::ALL),
    ]
    .concat()
});

/// What the files of these kinds say of themselves.
fn kinds_of(owner: &'static str, place: &'static str, kinds: &[Listed]) -> Vec<Family> {
    let all: Vec<Field> = kinds.iter().map(|kind| kind.explained).collect();
    // Made once, and then as lasting as what is written in tables.
    let named = Family { place, owner, fields: all.leak() };
    let parameters = kinds.iter().map(|kind| Family { place, owner: kind.name, fields: kind.parameters });
    [named].into_iter().chain(parameters).collect()
}

/// All fields with their families.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Field)> {
    FAMILIES.iter().flat_map(|family| family.fields.iter().map(move |field| (family, field)))
}

/// What `path` can mean: a name alone, or a path as `--set` takes it. Where the path itself says which of several fields
/// of one name is meant, only that one.
pub fn find(path: &str) -> Vec<(&'static Family, &'static Field)> {
    let steps: Vec<&str> = path.trim().split('.').filter(|step| step.parse::<usize>().is_err()).collect();
    let Some((name, way)) = steps.split_last() else { return Vec::new() };
    let named: Vec<_> = all().filter(|(_, field)| field.name == *name).collect();
    let leads = |place: &str| {
        let place: Vec<&str> = place.split('.').filter(|step| !step.is_empty()).collect();
        place.len() <= way.len() && place.iter().rev().zip(way.iter().rev()).all(|(want, step)| *want == "*" || want == step)
    };
    let owned = |family: &Family| way.last().is_some_and(|owner| *owner == family.owner);
    let exact: Vec<_> = named
        .iter()
        .copied()
        .filter(|(family, _)| !way.is_empty() && !family.place.is_empty() && (leads(family.place) || owned(family)))
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    // `apps.api`: the name of an element, not of a field.
    match (named.is_empty(), way.split_last()) {
        (true, Some((list, before))) if ["apps", "workload"].contains(list) && before.len() <= 1 => find(list),
        _ => named,
    }
}

/// All names once, for "did you mean".
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = all().map(|(_, field)| field.name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use serde_json::Value;

    use super::*;
    use crate::experiment::spec::{EXPERIMENT_FIELDS, options};
    use crate::experiment::system::{AppPart, NetworkPart, StreamPart, SystemPart};
    use crate::parts::database::Postgres;

    fn owned(owner: &str) -> Vec<&'static Field> {
        all().filter(|(family, _)| family.owner == owner).map(|(_, field)| field).collect()
    }

    fn explains(owner: &str, names: &[&str]) {
        let known: Vec<&str> = owned(owner).iter().map(|field| field.name).collect();
        for name in names {
            assert!(known.contains(name), "{owner} has {name}, which nobody explains");
        }
        for name in known {
            assert!(names.contains(&name), "{owner} has no {name}");
        }
    }

    /// The table says the defaults that the program has, for every field of `value`.
    fn agrees(owner: &str, value: &Value) {
        let object = value.as_object().expect("a structure");
        explains(owner, &object.keys().map(String::as_str).collect::<Vec<_>>());
        for field in owned(owner) {
            let plain = match &object[field.name] {
                Value::String(text) if text.starts_with(|c: char| c.is_ascii_uppercase()) => text.clone(),
                Value::Null => "None".to_owned(),
                Value::Number(number) => number.as_f64().expect("a number").to_string(),
                other => other.to_string(),
            };
            if !matches!(object[field.name], Value::Object(_)) {
                assert_eq!(field.default.trim_matches('"'), plain.trim_matches('"'), "{owner}.{}", field.name);
            }
        }
    }

    /// A kind that is written without any parameter.
    fn all_defaults<Spec: DeserializeOwned + Serialize>(kind: &str) -> Value {
        let spec: Spec = options().from_str(&format!("{kind}()")).expect("every parameter has a default");
        serde_json::to_value(spec).expect("plain data")[kind].take()
    }

    #[test]
    fn every_parameter_is_explained_with_the_default_that_it_has() {
        let parameters = |kind: &&Listed| !kind.parameters.is_empty();
        for kind in PoolSpec::KINDS.iter().filter(parameters) {
            agrees(kind.name, &all_defaults::<PoolSpec>(kind.name));
        }
        for kind in ProxySpec::KINDS.iter().filter(parameters) {
            agrees(kind.name, &all_defaults::<ProxySpec>(kind.name));
        }
        agrees("Postgres", &serde_json::to_value(Postgres::default()).expect("plain data"));
    }

    #[test]
    fn every_field_and_every_kind_of_the_grammar_is_explained() {
        explains("Experiment", EXPERIMENT_FIELDS);
        explains("System", SystemPart::FIELDS);
        explains("App", AppPart::FIELDS);
        explains("Stream", StreamPart::FIELDS);
        explains("Network", NetworkPart::FIELDS);
        let all = [ArrivalsSpec::KINDS, LatencySpec::KINDS, PoolSpec::KINDS, ProxySpec::KINDS].concat();
        assert!(all.iter().all(|kind| kind.explained.real.ends_with(['.', ':'])), "a kind says what it is in a sentence");
    }

    #[test]
    fn a_path_says_which_of_several_fields_of_one_name_is_meant() {
        let owners = |path: &str| find(path).iter().map(|(family, _)| family.owner).collect::<Vec<_>>();
        assert_eq!(owners("apps.api.pool.pool_size"), ["SqlAlchemy"]);
        assert_eq!(owners("pool_size"), ["SqlAlchemy"]);
        assert_eq!(owners("proxy.default_pool_size"), ["PgBouncer"]);
        assert_eq!(owners("apps.api.name"), ["App"]);
        assert_eq!(owners("workload.bookings.name"), ["Stream"]);
        assert_eq!(owners("workload.bookings"), ["System"]);
        assert_eq!(owners("database.max_connections"), ["Postgres"]);
        assert_eq!(owners("Connections.below"), ["Connections"]);
        assert!(owners("name").len() > 1 && owners("pool_sise").is_empty());
    }
}
