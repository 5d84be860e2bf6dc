//! The same system under another load: all arrivals so many times as frequent.

use crate::parts::workload::ArrivalsSpec;
use crate::simulation::blueprint::Blueprint;

/// `blueprint` with `factor` times the requests per second, of a closed process `factor` times the users. How arrivals
/// come (in bursts, in batches, over the day) stays as it is.
pub fn times(blueprint: &Blueprint, factor: f64) -> Blueprint {
    let mut more = blueprint.clone();
    for stream in &mut more.workload {
        match &mut stream.arrivals {
            ArrivalsSpec::Poisson(poisson) => poisson.rate *= factor,
            ArrivalsSpec::Regular(regular) => regular.rate *= factor,
            ArrivalsSpec::Bursts(bursts) => {
                bursts.quiet *= factor;
                bursts.burst *= factor;
            }
            ArrivalsSpec::Schedule(schedule) => schedule.0.iter_mut().for_each(|(_, rate)| *rate *= factor),
            ArrivalsSpec::Daily(daily) => {
                daily.mean *= factor;
                daily.amplitude *= factor;
            }
            ArrivalsSpec::Batches(batches) => batches.rate *= factor,
            ArrivalsSpec::Closed(closed) => closed.users = (f64::from(closed.users) * factor).round().max(1.0) as u32,
            ArrivalsSpec::Replay(replay) => replay.speed *= factor,
        }
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_arrivals_comes_so_many_times_as_often() {
        let text = |arrivals: &str| {
            format!(
                r#"Experiment(question: "?", system: System(workload: [Stream(name: "api", arrivals: {arrivals}, steps: [Session([Query(Constant("5ms"))])])],
                   apps: [App(name: "api", pool: NullPool)], proxy: Direct, database: Postgres(service: Delay)), duration: "1s", seed: 1)"#
            )
        };
        for arrivals in [
            "Poisson(rate: 10)",
            "Regular(rate: 10)",
            "Bursts(quiet: 1, burst: 40, mean_quiet: \"50s\", mean_burst: \"10s\")",
            "Daily(mean: 100, amplitude: 50, period: \"1h\")",
            "Batches(rate: 10, size: 3)",
        ] {
            let experiment =
                crate::experiment::Experiment::parse(&text(arrivals), "load.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
            let blueprint = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}")).points.remove(0).blueprint;
            let rate = |blueprint: &Blueprint| blueprint.workload[0].arrivals.kind().rate().expect("an open process has a rate");
            let ratio = rate(&times(&blueprint, 1.5)) / rate(&blueprint);
            assert!((ratio - 1.5).abs() < 1e-9, "{arrivals}: {ratio}");
        }
    }
}
