//! What every field of an experiment file means in the real system and here.

mod answer;
mod experiment;
mod kinds;
mod other_pools;
mod pools;
mod proxies;
mod system;

/// Fields or kinds that stand in one place of a file.
#[derive(Debug)]
pub struct Family {
    /// The path to them; `*` stands for a name.
    pub place: &'static str,
    /// What they are fields of.
    pub owner: &'static str,
    /// They.
    pub fields: &'static [Field],
}

/// One field or kind.
#[derive(Debug)]
pub struct Field {
    /// As the file writes it.
    pub name: &'static str,
    /// Its value if it is left out; empty where that is not allowed, or makes no sense.
    pub default: &'static str,
    /// In the real system, or what it is.
    pub real: &'static str,
    /// What it does here, where that is not the same.
    pub here: &'static str,
}

const fn field(name: &'static str, default: &'static str, real: &'static str, here: &'static str) -> Field {
    Field { name, default, real, here }
}

/// All families, outermost first.
pub const FAMILIES: &[&[Family]] = &[experiment::ALL, system::ALL, pools::ALL, other_pools::ALL, proxies::ALL, kinds::ALL, answer::ALL];

/// All fields with their families.
pub fn all() -> impl Iterator<Item = (&'static Family, &'static Field)> {
    FAMILIES.iter().flat_map(|families| families.iter()).flat_map(|family| family.fields.iter().map(move |field| (family, field)))
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
    use serde_json::Value;

    use super::*;
    use crate::experiment::spec::EXPERIMENT_FIELDS;
    use crate::experiment::system::{AppPart, NetworkPart, StreamPart, SystemPart};
    use crate::kernel::latency::LatencySpec;
    use crate::parts::database::Postgres;
    use crate::parts::pool::PoolSpec;
    use crate::parts::pool::asyncpg_pool::AsyncpgPool;
    use crate::parts::pool::bb8::Bb8;
    use crate::parts::pool::database_sql::DatabaseSql;
    use crate::parts::pool::deadpool::Deadpool;
    use crate::parts::pool::hikari::Hikari;
    use crate::parts::pool::node_postgres::NodePostgres;
    use crate::parts::pool::npgsql::Npgsql;
    use crate::parts::pool::pgx::Pgx;
    use crate::parts::pool::psycopg_pool::PsycopgPool;
    use crate::parts::pool::r2d2::R2d2;
    use crate::parts::pool::sqlalchemy::SqlAlchemy;
    use crate::parts::pool::sqlx::Sqlx;
    use crate::parts::proxy::ProxySpec;
    use crate::parts::proxy::pgbouncer::PgBouncer;
    use crate::parts::proxy::rds_proxy::RdsProxy;
    use crate::parts::workload::ArrivalsSpec;

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

    #[test]
    fn every_parameter_is_explained_with_the_default_that_it_has() {
        agrees("SqlAlchemy", &serde_json::to_value(SqlAlchemy::default()).expect("plain data"));
        agrees("PsycopgPool", &serde_json::to_value(PsycopgPool::default()).expect("plain data"));
        agrees("AsyncpgPool", &serde_json::to_value(AsyncpgPool::default()).expect("plain data"));
        agrees("Hikari", &serde_json::to_value(Hikari::default()).expect("plain data"));
        agrees("Pgx", &serde_json::to_value(Pgx::default()).expect("plain data"));
        agrees("DatabaseSql", &serde_json::to_value(DatabaseSql::default()).expect("plain data"));
        agrees("Sqlx", &serde_json::to_value(Sqlx::default()).expect("plain data"));
        agrees("Deadpool", &serde_json::to_value(Deadpool::default()).expect("plain data"));
        agrees("Bb8", &serde_json::to_value(Bb8::default()).expect("plain data"));
        agrees("R2d2", &serde_json::to_value(R2d2::default()).expect("plain data"));
        agrees("NodePostgres", &serde_json::to_value(NodePostgres::default()).expect("plain data"));
        agrees("Npgsql", &serde_json::to_value(Npgsql::default()).expect("plain data"));
        agrees("PgBouncer", &serde_json::to_value(PgBouncer::default()).expect("plain data"));
        agrees("RdsProxy", &serde_json::to_value(RdsProxy::default()).expect("plain data"));
        agrees("Postgres", &serde_json::to_value(Postgres::default()).expect("plain data"));
    }

    #[test]
    fn every_field_and_every_kind_of_the_grammar_is_explained() {
        explains("Experiment", EXPERIMENT_FIELDS);
        explains("System", SystemPart::FIELDS);
        explains("App", AppPart::FIELDS);
        explains("Stream", StreamPart::FIELDS);
        explains("Network", NetworkPart::FIELDS);
        let kinds = |listed: &[crate::kernel::registry::Listed]| listed.iter().map(|kind| kind.name).collect::<Vec<_>>();
        explains("arrivals", &kinds(ArrivalsSpec::KINDS));
        explains("times", &kinds(LatencySpec::KINDS));
        explains("pools", &kinds(PoolSpec::KINDS));
        explains("proxies", &kinds(ProxySpec::KINDS));
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
