//! `docker-compose.yml`: services with their environments, commands and replicas.

use super::dotenv::{self, expanded, last};
use super::found::Found;
use super::includes::{Files, beside};
use super::services::Service;
use super::yaml::{self, Node};
use crate::experiment::Problem;
use crate::experiment::diagnose::Source;

/// The services of a file; `variables` fill its `${…}` in.
pub fn services(name: &str, text: &str, variables: &[Found], files: &Files) -> Result<Vec<Service>, Problem> {
    let documents = yaml::read(name, text)?;
    let reader = Reader { name, source: &documents.source, variables, files };
    let all = documents.trees.iter().filter_map(|tree| tree.get("services")).flat_map(Node::entries);
    Ok(all.map(|(name, node)| reader.service(name, node)).collect())
}

struct Reader<'a> {
    name: &'a str,
    source: &'a Source,
    variables: &'a [Found],
    files: &'a Files<'a>,
}

impl Reader<'_> {
    fn service(&self, name: &str, node: &Node) -> Service {
        let image = node.get("image").and_then(Node::text).map(|image| self.expanded(image)).unwrap_or_default();
        let rolled = node.at(&["deploy", "update_config"]);
        let first = rolled.and_then(|rolled| rolled.get("order")).and_then(Node::text) == Some("start-first");
        let parallel = rolled.and_then(|rolled| rolled.get("parallelism")).or(rolled).filter(|_| first);
        Service {
            name: name.to_owned(),
            image: without_tag(&image),
            env: self.environment(node),
            command: self.command(node),
            replicas: self.scalar(node, &["deploy", "replicas"]).or_else(|| self.scalar(node, &["scale"])),
            surge: parallel
                .map(|node| (node.text().and_then(|text| text.parse().ok()).unwrap_or(1), node.found(self.source, "start-first", ""))),
            cpus: self.scalar(node, &["deploy", "resources", "limits", "cpus"]).or_else(|| self.scalar(node, &["cpus"])),
            declared: Some(node.found(self.source, name, "")),
        }
    }

    fn expanded(&self, text: &str) -> String {
        expanded(text, &|name| last(self.variables, name))
    }

    fn scalar(&self, node: &Node, keys: &[&str]) -> Option<Found> {
        let node = node.at(keys)?;
        Some(node.found(self.source, keys.last()?, self.expanded(node.text()?)))
    }

    /// `env_file`s first, then `environment`, as a map or as a list of `KEY=value`; a key alone is taken from outside.
    fn environment(&self, node: &Node) -> Vec<Found> {
        let mut env = Vec::new();
        if let Some(given) = node.get("env_file") {
            let paths = given.items().iter().filter_map(|item| item.get("path").unwrap_or(item).text()).chain(given.text());
            for path in paths {
                let path = beside(self.name, self.expanded(path).trim_start_matches("./"));
                env.extend((self.files.read)(&path).map(|text| dotenv::read(&path, &text)).unwrap_or_default());
            }
        }
        let Some(given) = node.get("environment") else { return env };
        for (key, value) in given.entries() {
            env.extend(self.variable(value, key, value.text()));
        }
        for item in given.items() {
            let text = item.text().unwrap_or_default();
            env.extend(match text.split_once('=') {
                Some((key, value)) => self.variable(item, key, Some(value)),
                None => self.variable(item, text, None),
            });
        }
        env
    }

    fn variable(&self, node: &Node, key: &str, value: Option<&str>) -> Option<Found> {
        let value = value.map(|value| self.expanded(value)).or_else(|| last(self.variables, key))?;
        Some(node.found(self.source, key, value))
    }

    fn command(&self, node: &Node) -> Option<Found> {
        let said = ["entrypoint", "command"].into_iter().filter_map(|key| node.get(key)).filter(|node| !node.words().is_empty());
        let said: Vec<&Node> = said.collect();
        let words: Vec<&str> = said.iter().flat_map(|node| node.words()).collect();
        Some(said.last()?.found(self.source, "command", self.expanded(&words.join(" "))))
    }
}

/// "postgres" of "postgres:15-alpine", "host:5000/postgres" of "host:5000/postgres@sha256:…".
pub fn without_tag(image: &str) -> String {
    let image = image.split('@').next().unwrap_or_default();
    match image.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => name.to_owned(),
        _ => image.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::services::Role;
    use super::*;

    #[test]
    fn environments_of_both_forms_commands_of_both_and_replicas_are_found() {
        let text = r#"
x-env: &env
  DB_POOL_SIZE: ${POOL:-12}
services:
  api:
    image: registry:5000/shop/api:1.2
    environment:
      <<: *env
      WEB_CONCURRENCY: "4"
    command: ["gunicorn", "-k", "uvicorn.workers.UvicornWorker", "app:app"]
    deploy: {replicas: 3, update_config: {order: start-first, parallelism: 2}}
  jobs:
    build: .
    env_file: [jobs.env]
    environment:
      - DB_POOL_SIZE=2
      - POOL
    command: celery -A app worker -c 8
  db:
    image: postgres:15
    cpus: 4
"#;
        let read = |name: &str| (name == "deploy/jobs.env").then(|| "DB_MAX_OVERFLOW=1\n".to_owned());
        let variables = dotenv::read(".env", "POOL=20\n");
        let files = Files { read: &read, list: &|_| Vec::new() };
        let services = services("deploy/compose.yml", text, &variables, &files).expect("it is YAML");
        let roles: Vec<(&str, Role)> = services.iter().map(|service| (&*service.name, service.role())).collect();
        assert_eq!(roles, [("api", Role::App), ("jobs", Role::App), ("db", Role::Postgres)]);
        let (api, jobs, db) = (&services[0], &services[1], &services[2]);
        assert_eq!((last(&api.env, "DB_POOL_SIZE"), last(&api.env, "WEB_CONCURRENCY")), (Some("20".into()), Some("4".into())));
        assert_eq!(api.image, "registry:5000/shop/api");
        assert_eq!((api.replicas.as_ref().and_then(Found::whole), api.surge.as_ref().map(|surge| surge.0)), (Some(3), Some(2)));
        assert_eq!((last(&jobs.env, "DB_POOL_SIZE"), last(&jobs.env, "DB_MAX_OVERFLOW")), (Some("2".into()), Some("1".into())));
        assert_eq!((last(&jobs.env, "POOL"), db.cpus.as_ref().and_then(Found::whole)), (Some("20".into()), Some(4)));
        assert_eq!(jobs.command.as_ref().map(|found| found.at()), Some("deploy/compose.yml:18".to_owned()));
    }
}
