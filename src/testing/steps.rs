//! Strategies for the steps of requests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::workload::latencies;
use crate::protocol::program::StepSpec;

/// The steps of one stream: sessions with statements, transactions, other work, branches and repetitions; a few leak.
pub fn steps() -> impl Strategy<Value = Vec<StepSpec>> {
    vec(step(3, false), 1..=3)
}

/// Steps; inside a session there are more kinds.
fn step(depth: u32, session: bool) -> BoxedStrategy<StepSpec> {
    let own =
        latencies().prop_flat_map(|span| select(vec![StepSpec::Work(span.clone()), StepSpec::Await(span.clone()), StepSpec::Block(span)]));
    let statement = latencies().prop_map(StepSpec::Query);
    let leaf = if session {
        prop_oneof![
            6 => statement,
            2 => own,
            1 => Just(StepSpec::Leak { probability: 0.05 }),
            1 => Just(StepSpec::SessionState("set_config".into())),
        ]
        .boxed()
    } else {
        own.boxed()
    };
    if depth == 0 {
        return leaf;
    }
    let some = |session| vec(step(depth - 1, session), 1..=2);
    let branches = (some(session), some(session)).prop_map(|(a, b)| StepSpec::Choose(vec![(1.0, a), (2.0, b), (0.5, vec![])]));
    let repeat = some(session).prop_map(|inner| StepSpec::Repeat(2, inner));
    if session {
        prop_oneof![
            4 => leaf,
            2 => some(true).prop_map(|inner| StepSpec::Transaction(flat(inner))),
            1 => some(true).prop_map(StepSpec::Session),
            1 => branches,
            1 => repeat,
        ]
        .boxed()
    } else {
        prop_oneof![1 => leaf, 8 => some(true).prop_map(StepSpec::Session), 1 => branches, 1 => repeat].boxed()
    }
}

/// Without transactions, which cannot be nested.
fn flat(steps: Vec<StepSpec>) -> Vec<StepSpec> {
    let one = |step| match step {
        StepSpec::Transaction(inner) => StepSpec::Repeat(1, flat(inner)),
        StepSpec::Repeat(times, inner) => StepSpec::Repeat(times, flat(inner)),
        StepSpec::Choose(branches) => StepSpec::Choose(branches.into_iter().map(|(weight, inner)| (weight, flat(inner))).collect()),
        other => other,
    };
    steps.into_iter().map(one).collect()
}
