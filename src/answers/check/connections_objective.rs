//! An objective that the worst case misses, whatever a run happens to meet.

use super::fleet::labels;
use super::{Finding, Rule, System, worst};
use crate::answers::words::count;
use crate::experiment::Objective;

pub(super) const RULE: Rule =
    Rule { name: "connections-objective", about: "an objective on connections that the limits do not guarantee", apply };

fn apply(system: &System) -> Vec<Finding> {
    let [_, Some(most)] = worst(system).database else { return Vec::new() };
    let missed = system.objectives.iter().find_map(|objective| match objective {
        Objective::Connections { below } if most >= *below => Some(*below),
        _ => None,
    });
    let finding = |below: u64| {
        Finding::note(format!(
            "the limits allow {} connections at the database (with a deploy), the objective is below {}",
            count(most),
            count(below)
        ))
        .all(labels(system.blueprint))
        .why("a run may stay below it; nothing in the system makes sure of it")
        .help(format!("pools, or a proxy's server connections, of less than {} in all", count(below)))
    };
    missed.map(finding).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_fleet_of_a_hundred_and_twenty_does_not_guarantee_fewer_than_a_hundred() {
        // While it is deployed there are 4 + 1 workers.
        let with = |limit: u32| {
            format!(r#"apps: [App(name: "api", workers: 4, pool: SqlAlchemy(pool_size: 20))] OBJECTIVES Connections(below: {limit})"#)
        };
        assert!(found("connections-objective", &with(100)).expect("150 with a deploy").contains("150 connections"));
        is_quiet("connections-objective", &with(151));
    }
}
