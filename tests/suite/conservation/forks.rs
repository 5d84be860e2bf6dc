//! A copy of a model under way is the model itself, and with other chance it is another that starts from the same state.

use poolcast::kernel::rng::Seed;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::run::simulate;
use poolcast::testing::systems;
use proptest::prelude::*;

use super::watch::Watch;
use super::{cases, moment};

/// The system after 100 ms, and all that was seen of it.
fn under_way(blueprint: &Blueprint, seed: u64) -> (Model, Watch) {
    let mut model = Model::new(blueprint, &Seed::new(seed, 0)).expect("a system of the generator can be built");
    let mut watch = Watch::new(blueprint);
    simulate(&mut model, moment(100), &mut watch);
    (model, watch)
}

/// What it does from there on, looked at closely.
fn goes_on(mut model: Model, mut watch: Watch) -> Watch {
    for ms in 101..=250 {
        simulate(&mut model, moment(ms), &mut watch);
        watch.at_rest(&model);
    }
    watch
}

fn same(one: &Watch, other: &Watch) -> bool {
    one.wishes == other.wishes && one.ends == other.ends && one.area == other.area
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_copy_goes_on_as_the_model_itself_does(blueprint in systems(), seed in 0_u64..1000) {
        let (model, watch) = under_way(&blueprint, seed);
        let copy = goes_on(model.clone(), watch.clone());
        prop_assert!(same(&copy, &goes_on(model, watch)));
    }

    #[test]
    fn with_other_chance_nothing_is_lost_or_made_and_what_was_is_what_it_was(blueprint in systems(), seed in 0_u64..1000) {
        let (model, watch) = under_way(&blueprint, seed);
        let fork = |name: &str| goes_on(model.fork(&Seed::new(seed, 0).descendant(name)), watch.clone());
        let (one, again) = (fork("one"), fork("one"));
        prop_assert!(same(&one, &again), "the same chance is the same run");
        prop_assert!(watch.ends.iter().all(|(name, end)| one.ends.get(name) == Some(end)), "the past is the past");
        let undisturbed = goes_on(model.clone(), watch.clone());
        prop_assert!(same(&undisturbed, &goes_on(under_way(&blueprint, seed).0, watch.clone())), "forks leave the model alone");
    }
}
