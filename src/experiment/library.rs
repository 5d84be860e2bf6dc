//! The models that come with the program: partial systems, each saying where its numbers come from.

macro_rules! models {
    ($($name:literal),* $(,)?) => {
        /// Every model by its name, with its text.
        pub const MODELS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/models/", $name, ".ron")))),*];
    };
}

models! {
    "database/postgres-15-2-cores",
    "database/postgres-15-loopback",
    "database/rds-same-az",
    "network/cross-az",
    "network/loopback",
    "network/same-az",
    "proxy/pgbouncer-session-guide",
    "proxy/pgbouncer-transaction",
    "proxy/rds-proxy",
    "pool/null",
    "pool/sqlalchemy-default",
    "pool/sqlalchemy-guide",
    "workload/nightly-batch",
    "workload/reports",
    "workload/web-api",
}

/// The text of the model of this name.
pub fn model(name: &str) -> Option<&'static str> {
    MODELS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// All names, in the order of the list.
pub fn names() -> Vec<&'static str> {
    MODELS.iter().map(|(name, _)| *name).collect()
}
