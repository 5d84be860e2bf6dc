//! What the database's cores can do: more work than they have, and more connections than help them.

use super::fleet::{Worst, labels};
use super::{Finding, Rule, System, holds, worst};
use crate::answers::demand;
use crate::answers::words::{count, mean, percent};
use crate::parts::database::ServiceSpec;

pub(super) const OVERLOADED: Rule =
    Rule { name: "cores-overloaded", about: "statements that need more processor time than the database has", apply: overloaded };
pub(super) const CROWDED: Rule =
    Rule { name: "crowded-cores", about: "more connections than the cores can use, and what that costs", apply: crowded };

/// From this share on queues are long at any moment.
const BUSY: f64 = 0.8;
/// Active statements for each core beyond which more of them only wait.
const CROWD: u64 = 4;

fn overloaded(system: &System) -> Vec<Finding> {
    let blueprint = system.blueprint;
    let Some(most) = capacity(&blueprint.database.service) else { return Vec::new() };
    let streams = blueprint.workload.iter().filter_map(|stream| Some((stream, holds::rate(stream)? * demand::of(&stream.steps).service)));
    let (streams, wanted): (Vec<_>, Vec<f64>) = streams.filter(|(_, work)| *work > 0.0).unzip();
    let offered: f64 = wanted.iter().sum();
    if offered < BUSY * most {
        return Vec::new();
    }
    let message = format!("the statements need {} of what the database's cores can do", percent(offered / most));
    let finding = if offered >= most { Finding::error(message) } else { Finding::warning(message) };
    let parts = streams.into_iter().zip(&wanted).map(|(stream, work)| (stream, format!("{} cores of work", mean(*work))));
    let finding = finding
        .at("database.service", format!("{} cores' worth at best", mean(most)))
        .all(holds::labels(parts))
        .why("no pool and no proxy changes that: what does not fit into the cores waits somewhere");
    vec![finding.help("fewer or cheaper statements, a replica for reading, or more cores")]
}

fn crowded(system: &System) -> Vec<Finding> {
    let ServiceSpec::Sharing { cores, .. } = system.blueprint.database.service else { return Vec::new() };
    let Worst { database: [Some(most), _], .. } = worst(system) else { return Vec::new() };
    let (best, then) = (peak(&system.blueprint.database.service), rate(&system.blueprint.database.service, most));
    if most <= CROWD * u64::from(cores) || then > 0.9 * best.1 {
        return Vec::new();
    }
    let finding = Finding::note(format!("up to {} connections share {cores} cores", count(most)))
        .at("database.service", format!("most work is done by {} at once", best.0))
        .all(labels(system.blueprint))
        .why(format!("with all of them active the database does {} of what it does at its best", percent(then / best.1)));
    vec![finding.help(format!("fewer connections, or PgBouncer in transaction mode with default_pool_size {}", 2 * u64::from(cores)))]
}

/// Core seconds a second at best.
fn capacity(service: &ServiceSpec) -> Option<f64> {
    match *service {
        ServiceSpec::Delay => None,
        ServiceSpec::Queue { cores } => Some(f64::from(cores)),
        ServiceSpec::Sharing { .. } => Some(peak(service).1),
    }
}

/// How many statements at once do the most work, and how much that is.
fn peak(service: &ServiceSpec) -> (u64, f64) {
    let ServiceSpec::Sharing { cores, sigma, kappa } = *service else { return (0, 0.0) };
    // The law has one summit, at √((1 − σ) / κ), if the cores reach it.
    let summit = (((1.0 - sigma) / kappa).sqrt() as u64).clamp(1, u64::from(cores));
    let each = [summit, (summit + 1).min(u64::from(cores))].map(|active| (active, rate(service, active)));
    each.into_iter().fold((0, 0.0), |best, now| if now.1 > best.1 { now } else { best })
}

/// Core seconds a second that so many active statements get done: the law of [`ServiceSpec::Sharing`].
fn rate(service: &ServiceSpec, active: u64) -> f64 {
    let ServiceSpec::Sharing { cores, sigma, kappa } = *service else { return 0.0 };
    let m = active.min(CROWD * u64::from(cores)) as f64;
    (active as f64).min(f64::from(cores)) / (1.0 + sigma * (m - 1.0) + kappa * m * (m - 1.0))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn no_pool_helps_when_the_cores_are_what_is_missing() {
        let load = |rate: u32| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: {rate}), steps: [Session([Query(Constant("5ms"))])])], database: (service: Sharing(cores: 2))"#
            )
        };
        assert!(found("cores-overloaded", &load(500)).expect("2.5 of 2").starts_with("error"));
        assert!(found("cores-overloaded", &load(340)).expect("1.7 of 2").starts_with("warning"));
        is_quiet("cores-overloaded", &load(300));
        is_quiet("cores-overloaded", &load(500).replace("Sharing(cores: 2)", "Delay"));
    }

    #[test]
    fn thousands_of_connections_do_less_than_a_few() {
        let many = r#"apps: [App(name: "api", workers: 10, pool: SqlAlchemy(pool_size: 20))], database: (max_connections: 500, service: Sharing(cores: 8, sigma: 0.03, kappa: 0.0001))"#;
        let said = found("crowded-cores", many).expect("300 on 8 cores");
        // 8 / (1 + 0.03 · 31 + 0.0001 · 32 · 31) = 3.94 of 8 / (1 + 0.03 · 7 + 0.0001 · 8 · 7) = 6.58.
        assert!(said.contains("up to 300 connections share 8 cores") && said.contains("60 % of what it does"), "{said}");
        is_quiet("crowded-cores", &many.replace("workers: 10", "workers: 1"));
    }
}
