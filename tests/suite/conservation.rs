//! What must hold exactly, for any system and at every event: random small systems of all kinds, watched closely.

mod crossings;
mod forks;
mod metamorphic;
mod watch;

use poolcast::answers::runner::{Course, run_all};
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::Span;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::testing::systems;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use watch::{Watch, moment};

/// The same cases every time.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}

/// Systems in which no request lasts for ever: a runner follows each to its end.
fn hurried() -> impl Strategy<Value = Blueprint> {
    systems().prop_map(|mut blueprint| {
        blueprint.workload.iter_mut().for_each(|stream| stream.deadline = Some(stream.deadline.unwrap_or(Span::from_millis(70))));
        blueprint
    })
}

/// Runs the system for 300 ms and watches.
fn watched(blueprint: &Blueprint, seed: u64) -> Watch {
    let mut model = Model::new(blueprint, &Seed::new(seed, 0)).expect("a system of the generator can be built");
    let mut watch = Watch::new(blueprint);
    for ms in 1..=300 {
        poolcast::simulation::run::simulate(&mut model, moment(ms), &mut watch);
        watch.at_rest(&model);
    }
    watch
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn requests_connections_and_time_are_neither_lost_nor_made(blueprint in systems(), seed in 0_u64..1000) {
        let watch = watched(&blueprint, seed);
        prop_assert_eq!(watch.area, watch.sojourns(moment(300)), "Little's law holds for the path itself");
    }
}

proptest! {
    #![proptest_config(cases(40))]

    #[test]
    fn every_request_that_is_counted_is_completed_or_fails(blueprint in hurried(), seed in 0_u64..1000) {
        let course = Course { seed, warmup: Span::from_millis(50), duration: Span::from_millis(200) };
        for stream in &run_all(&[&blueprint], course, 1, 1, &|_| ())[0][0].streams {
            prop_assert_eq!(stream.completed + stream.errors.iter().sum::<u64>(), stream.arrived);
            prop_assert_eq!(stream.latency.count(), stream.completed);
            prop_assert!(stream.waited <= stream.pool_wait.count());
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_run_on_any_number_of_threads(blueprint in hurried(), seed in 0_u64..1000) {
        let course = Course { seed, warmup: Span::from_millis(20), duration: Span::from_millis(100) };
        let run = |jobs| {
            let outcomes = run_all(&[&blueprint], course, 4, jobs, &|_| ()).remove(0);
            outcomes.iter().map(|outcome| (outcome.digest, outcome.events)).collect::<Vec<_>>()
        };
        let alone = run(1);
        prop_assert_eq!(&alone, &run(2));
        prop_assert_eq!(&alone, &run(8));
    }
}
