//! Clients that give up before the pool does.

use super::pools::habits;
use super::{Finding, Rule, System, of_app, of_stream};

pub(super) const RULE: Rule =
    Rule { name: "deadline-below-pool-timeout", about: "clients that give up before their request's wait for a connection ends", apply };

fn apply(system: &System) -> Vec<Finding> {
    let finding = |stream: &crate::parts::client::StreamSpec| {
        let deadline = stream.deadline?;
        let app = system.blueprint.apps.iter().find(|app| app.name == stream.app)?;
        let (field, Some(patience)) = habits(&app.pool).wait? else { return None };
        (deadline < patience).then(|| {
            Finding::warning(format!("clients of {} give up after {deadline}, its pool lets them wait {patience}", stream.name))
                .at(of_app(&app.name, &format!("pool.{field}")), format!("waits up to {patience}"))
                .at(of_stream(&stream.name, "deadline"), format!("the client is gone after {deadline}"))
                .why("under load the line is full of requests that nobody waits for any more, and retries stand behind them")
                .help(format!("{field} below {deadline}: fail early, so that what is served is still wanted"))
        })
    };
    system.blueprint.workload.iter().filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{found, is_quiet};

    #[test]
    fn a_load_balancer_that_gives_up_after_ten_seconds_leaves_its_requests_in_line() {
        let patient = |deadline: u32| {
            format!(
                r#"workload: [Stream(name: "api", arrivals: Poisson(rate: 5), steps: [Session([Query(Constant("1ms"))])], deadline: "{deadline}s")]"#
            )
        };
        assert!(found("deadline-below-pool-timeout", &patient(10)).expect("10 s < 30 s").contains("pool_timeout below 10s"));
        is_quiet("deadline-below-pool-timeout", &patient(30));
        is_quiet("deadline-below-pool-timeout", "");
    }
}
