//! Kubernetes manifests: Deployments and StatefulSets with their ConfigMaps and autoscalers.

use super::compose::without_tag;
use super::dotenv::{expanded, last};
use super::found::Found;
use super::services::Service;
use super::yaml::{self, Node};
use crate::experiment::Problem;
use crate::experiment::diagnose::Source;

/// The containers of all workloads of a file, and what had to be decided about them.
pub fn services(name: &str, text: &str) -> Result<(Vec<Service>, Vec<String>), Problem> {
    let documents = yaml::read(name, text)?;
    let lists = documents.trees.iter().flat_map(|tree| match kind(tree) {
        "List" => tree.get("items").map(Node::items).unwrap_or_default(),
        _ => std::slice::from_ref(tree),
    });
    let reader = Reader { source: &documents.source, objects: lists.collect() };
    let mut decided = Vec::new();
    let workloads = reader.objects.iter().filter(|object| matches!(kind(object), "Deployment" | "StatefulSet"));
    let services = workloads.flat_map(|object| reader.workload(object, &mut decided)).collect();
    Ok((services, decided))
}

fn kind(object: &Node) -> &str {
    object.get("kind").and_then(Node::text).unwrap_or_default()
}

fn name_of(object: &Node) -> &str {
    object.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_default()
}

struct Reader<'a> {
    source: &'a Source,
    objects: Vec<&'a Node>,
}

impl Reader<'_> {
    fn workload(&self, object: &Node, decided: &mut Vec<String>) -> Vec<Service> {
        let name = name_of(object);
        let scalar = |node: &Node, key: &str| Some(node.found(self.source, key, node.text()?));
        let replicas = object.at(&["spec", "replicas"]).and_then(|node| scalar(node, "replicas"));
        let scaled = self.most_replicas(name);
        if let Some(most) = &scaled {
            decided.push(format!("{name} has as many replicas as its autoscaler allows at most ({}, {})", most.value, most.at()));
        }
        let replicas = scaled.or(replicas);
        let number = replicas.as_ref().and_then(Found::whole).unwrap_or(1);
        let surge = self.surge(object, number);
        let containers = object.at(&["spec", "template", "spec", "containers"]).map(Node::items).unwrap_or_default();
        let service = |(index, container): (usize, &Node)| Service {
            name: match containers.len() {
                1 => name.to_owned(),
                _ => format!("{name}-{}", container.get("name").and_then(Node::text).map_or(index.to_string(), str::to_owned)),
            },
            image: without_tag(container.get("image").and_then(Node::text).unwrap_or_default()),
            env: self.environment(container),
            command: self.command(container),
            replicas: replicas.clone(),
            surge: surge.clone(),
            cpus: container.at(&["resources", "limits", "cpu"]).and_then(|node| scalar(node, "cpu")),
            declared: container.get("name").map(|node| node.found(self.source, name, "")),
        };
        containers.iter().enumerate().map(service).collect()
    }

    /// `maxSurge` in copies; Kubernetes' default is a quarter, rounded up. A StatefulSet stops the old one first.
    fn surge(&self, object: &Node, replicas: u32) -> Option<(u32, Found)> {
        let strategy = object.at(&["spec", "strategy"]);
        let kind_of = strategy.and_then(|strategy| strategy.get("type")).and_then(Node::text);
        if kind(object) == "StatefulSet" || kind_of == Some("Recreate") {
            return Some((0, object.get("kind")?.found(self.source, "no surge", "")));
        }
        let quarter = |percent: u32| u32::try_from((u64::from(percent) * u64::from(replicas)).div_ceil(100)).unwrap_or(u32::MAX);
        let Some(node) = object.at(&["spec", "strategy", "rollingUpdate", "maxSurge"]) else {
            return Some((quarter(25), object.get("kind")?.found(self.source, "maxSurge 25%, the default", "")));
        };
        let text = node.text()?;
        let copies = match text.strip_suffix('%') {
            Some(percent) => quarter(percent.trim().parse().ok()?),
            None => text.parse().ok()?,
        };
        Some((copies, node.found(self.source, "maxSurge", text)))
    }

    fn most_replicas(&self, workload: &str) -> Option<Found> {
        let scaler = self.objects.iter().find(|object| {
            kind(object) == "HorizontalPodAutoscaler"
                && object.at(&["spec", "scaleTargetRef", "name"]).and_then(Node::text) == Some(workload)
        })?;
        let most = scaler.at(&["spec", "maxReplicas"])?;
        Some(most.found(self.source, "maxReplicas", most.text()?))
    }

    /// ConfigMaps of `envFrom` first, then `env`, whose `$(NAME)` refer to what stands before.
    fn environment(&self, container: &Node) -> Vec<Found> {
        let mut env = Vec::new();
        let maps = container.get("envFrom").map(Node::items).unwrap_or_default();
        for map in maps.iter().filter_map(|from| from.at(&["configMapRef", "name"]).and_then(Node::text)) {
            for (key, value) in self.config_map(map) {
                env.extend(value.text().map(|text| value.found(self.source, key, text)));
            }
        }
        for entry in container.get("env").map(Node::items).unwrap_or_default() {
            let Some(key) = entry.get("name").and_then(Node::text) else { continue };
            let reference = |field: &str| entry.at(&["valueFrom", "configMapKeyRef", field]).and_then(Node::text);
            let value = entry.get("value").or_else(|| {
                let wanted = reference("key")?;
                self.config_map(reference("name")?).iter().find(|(known, _)| known == wanted).map(|(_, value)| value)
            });
            let found = value.and_then(|value| Some(value.found(self.source, key, referring(value.text()?, &env))));
            env.extend(found);
        }
        env
    }

    fn config_map(&self, name: &str) -> &[(String, Node)] {
        let map = self.objects.iter().find(|object| kind(object) == "ConfigMap" && name_of(object) == name);
        map.and_then(|map| map.get("data")).map(Node::entries).unwrap_or_default()
    }

    fn command(&self, container: &Node) -> Option<Found> {
        let said: Vec<&Node> = ["command", "args"].into_iter().filter_map(|key| container.get(key)).collect();
        let words: Vec<&str> = said.iter().flat_map(|node| node.words()).collect();
        let env = self.environment(container);
        Some(said.last()?.found(self.source, "args", referring(&words.join(" "), &env)))
    }
}

/// `$(NAME)` as Kubernetes fills it in, then what a shell would.
fn referring(text: &str, env: &[Found]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("$(") {
        let Some((name, tail)) = after.split_once(')') else { break };
        out += before;
        out += &last(env, name).unwrap_or_else(|| format!("$({name})"));
        rest = tail;
    }
    out += rest;
    if out.contains("${") { expanded(&out, &|name| last(env, name)) } else { out }
}

#[cfg(test)]
mod tests {
    use super::super::services::Role;
    use super::*;

    #[test]
    fn deployments_have_their_config_maps_their_surge_and_their_autoscaler() {
        let text = r#"
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {DATABASE_POOL_SIZE: "8"}
---
kind: Deployment
metadata: {name: api}
spec:
  replicas: 4
  strategy: {rollingUpdate: {maxSurge: 50%}}
  template:
    spec:
      containers:
        - name: api
          image: shop/api:1
          envFrom: [{configMapRef: {name: settings}}]
          env:
            - {name: N, value: "3"}
            - name: DATABASE_MAX_OVERFLOW
              valueFrom: {configMapKeyRef: {name: settings, key: DATABASE_POOL_SIZE}}
          args: ["gunicorn", "-w", "$(N)", "app"]
---
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec: {maxReplicas: 10, scaleTargetRef: {name: api}}
"#;
        let (services, decided) = services("k8s.yml", text).expect("it is YAML");
        let api = &services[0];
        assert_eq!((api.name.as_str(), api.role(), api.replicas.as_ref().and_then(Found::whole)), ("api", Role::App, Some(10)));
        assert_eq!(api.surge.as_ref().map(|surge| surge.0), Some(5));
        assert_eq!((last(&api.env, "DATABASE_POOL_SIZE"), last(&api.env, "DATABASE_MAX_OVERFLOW")), (Some("8".into()), Some("8".into())));
        assert_eq!(api.command.as_ref().map(|found| &*found.value), Some("gunicorn -w 3 app"));
        assert!(decided[0].contains("at most (10, k8s.yml:"), "{decided:?}");
    }
}
