//! What a deployment file runs: images, commands, environments, how many of each.

use super::found::Found;

/// One kind of process that a deployment runs, as its file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its name.
    pub name: String,
    /// Its image, without the tag; empty if it is built.
    pub image: String,
    /// Variables, the last of a name counts.
    pub env: Vec<Found>,
    /// Its command, words joined by blanks.
    pub command: Option<Found>,
    /// How many copies.
    pub replicas: Option<Found>,
    /// How many copies more while a new version is rolled out.
    pub surge: Option<(u32, Found)>,
    /// Processors that it may use.
    pub cpus: Option<Found>,
    /// Where it is declared.
    pub declared: Option<Found>,
}

/// What a service is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An application with a pool.
    App,
    /// PostgreSQL.
    Postgres,
    /// PgBouncer.
    PgBouncer,
    /// Nothing that this program knows.
    Other,
}

/// Servers of applications, by the word in their command.
const SERVERS: [&str; 8] = ["gunicorn", "uvicorn", "hypercorn", "granian", "fastapi", "daphne", "celery", "uwsgi"];
/// Images that are no application, whatever variables they have.
const OTHERS: [&str; 12] =
    ["redis", "rabbitmq", "nginx", "traefik", "prometheus", "grafana", "adminer", "pgadmin", "exporter", "backup", "mailhog", "minio"];

impl Service {
    /// What it is for.
    pub fn role(&self) -> Role {
        let image = self.image.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let command = self.command.as_ref().map_or("", |found| &found.value);
        let database = |found: &Found| super::settings::is_pool(&found.key) || super::settings::is_url(&found.key);
        if OTHERS.iter().any(|other| image.contains(other)) {
            Role::Other
        } else if image.contains("pgbouncer") {
            Role::PgBouncer
        } else if ["postgres", "postgresql", "postgis", "timescaledb", "pgvector"].iter().any(|name| image.starts_with(name)) {
            Role::Postgres
        } else if SERVERS.iter().any(|server| command.contains(server)) || self.env.iter().any(database) {
            Role::App
        } else {
            Role::Other
        }
    }
}
