//! What holds for every path, whatever comes: proved, and watched on random paths with heavy tails.
//!
//! J. Kiefer and J. Wolfowitz, "On the theory of queues with many servers" (1955): the sorted times at which the
//! connections will be free are monotone in everything that delays them. A waiter who leaves is one of no service. Without
//! heavy tails nothing is shown by not finding a counterexample: those of [`super::counterexamples`] need them.

use poolcast::parts::database::ServiceSpec;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::play::{Asked, Path, System, reference};

/// The same cases every time.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}

/// Requests in order, many at once, most short and some very long.
fn requests() -> impl Strategy<Value = Vec<Asked>> {
    let service = prop_oneof![6 => 0_u64..8, 2 => 8_u64..30, 1 => 100_u64..400];
    vec((0_u64..6, service), 2..30).prop_map(|gaps| {
        let mut at = 0;
        let one = |(gap, service): (u64, u64)| {
            at += gap.saturating_sub(1);
            Asked { at, app: 0, service }
        };
        gaps.into_iter().map(one).collect()
    })
}

fn no_longer(these: &[u64], those: &[u64]) -> bool {
    these.iter().zip(those).all(|(this, that)| this <= that)
}

/// The path on which the k-th request to start holds its connection for the k-th time, whoever it is. What comes before
/// a start decides who starts, so each round settles at least one start more.
fn by_start_order(system: &System, requests: &[Asked]) -> (Vec<Asked>, Path) {
    let mut asked: Vec<Asked> = requests.to_vec();
    for _ in 0..=requests.len() {
        let path = system.play(&asked);
        let mut order: Vec<(u64, usize)> = path.starts.iter().enumerate().filter_map(|(i, start)| Some(((*start)?, i))).collect();
        order.sort_unstable();
        let mut next = asked.clone();
        order.iter().zip(requests).for_each(|((_, who), drawn)| next[*who].service = drawn.service);
        if next == asked {
            return (asked, path);
        }
        asked = next;
    }
    panic!("the order of starts settles");
}

fn starts(path: &Path) -> Vec<u64> {
    let mut starts: Vec<u64> = path.starts.iter().flatten().copied().collect();
    starts.sort_unstable();
    starts
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_pool_is_the_queue_of_the_textbooks(requests in requests(), connections in 1_u32..5, patience in proptest::option::of(0_u64..30)) {
        let system = System { patience, ..System::of(connections) };
        prop_assert_eq!(system.play(&requests), reference(&system, &requests));
    }

    #[test]
    fn one_connection_more_makes_nobody_wait_longer(requests in requests(), connections in 1_u32..5) {
        let waits = |connections| System::of(connections).play(&requests).waits(&requests);
        prop_assert!(no_longer(&waits(connections + 1), &waits(connections)));
    }

    #[test]
    fn a_shorter_hold_or_a_request_less_makes_nobody_else_wait_longer(
        requests in requests(), connections in 1_u32..4, which in any::<prop::sample::Index>(), part in 0_u64..4,
    ) {
        let (which, system) = (which.index(requests.len()), System::of(connections));
        let waits = system.play(&requests).waits(&requests);
        let mut shorter = requests.clone();
        shorter[which].service = shorter[which].service * part / 4;
        prop_assert!(no_longer(&system.play(&shorter).waits(&shorter), &waits));
        let (mut fewer, mut others) = (requests.clone(), waits);
        fewer.remove(which);
        others.remove(which);
        prop_assert!(no_longer(&system.play(&fewer).waits(&fewer), &others));
    }

    #[test]
    fn later_arrivals_make_nobody_start_earlier(requests in requests(), connections in 1_u32..4, delays in vec(0_u64..20, 30)) {
        let system = System::of(connections);
        let mut latest = 0;
        let later: Vec<Asked> = requests.iter().zip(&delays).map(|(asked, delay)| {
            latest = latest.max(asked.at + delay);
            Asked { at: latest, ..*asked }
        }).collect();
        prop_assert!(system.play(&requests).starts.iter().zip(system.play(&later).starts).all(|(early, late)| *early <= late));
    }

    #[test]
    fn without_patience_one_connection_more_refuses_nobody_else(requests in requests(), connections in 1_u32..5) {
        let starts = |connections| System::of(connections).leaving_after(0).play(&requests).starts;
        prop_assert!(starts(connections + 1).iter().zip(starts(connections)).all(|(more, fewer)| more.is_some() || fewer.is_none()));
    }

    #[test]
    fn waiters_who_leave_make_nobody_who_stays_wait_longer(requests in requests(), connections in 1_u32..4, patience in 0_u64..40) {
        let (some, all) = (System::of(connections).leaving_after(patience).play(&requests), System::of(connections).play(&requests));
        prop_assert!(some.starts.iter().zip(all.starts).all(|(stayed, all)| stayed.is_none_or(|start| Some(start) <= all)));
    }

    #[test]
    fn equal_holds_time_out_less_with_more_connections_or_more_patience(
        requests in requests(), hold in 1_u64..20, connections in 1_u32..4, patience in 0_u64..20, more in 1_u64..20,
    ) {
        let equal: Vec<Asked> = requests.iter().map(|asked| Asked { service: hold, ..*asked }).collect();
        let lost = |connections, patience| System::of(connections).leaving_after(patience).play(&equal).lost();
        prop_assert!(lost(connections + 1, patience) <= lost(connections, patience));
        prop_assert!(lost(connections, patience + more) <= lost(connections, patience));
    }

    /// Whether a statement queues for a connection or for a core is all the same, unless it demands nothing, which needs no core.
    #[test]
    fn a_pool_before_fewer_cores_only_moves_the_queue(mut requests in requests(), cores in 1_u32..4, more in 0_u32..4) {
        requests.iter_mut().for_each(|asked| asked.service += 1);
        let ends = |connections| System { service: ServiceSpec::Queue { cores }, ..System::of(connections) }.play(&requests).ends;
        prop_assert_eq!(ends(cores), ends(cores + more));
    }

    #[test]
    fn a_limit_that_the_queue_does_not_reach_is_none(requests in requests(), connections in 1_u32..4) {
        let limited = System { most_waiting: Some(requests.len() as u32), ..System::of(connections) };
        prop_assert_eq!(limited.play(&requests), System::of(connections).play(&requests));
    }
}

proptest! {
    #![proptest_config(cases(100))]

    /// By induction over the starts: so far each was no later and of no later a request, so at most as many connections are
    /// taken, and whoever starts next in the one system waits in the other or has started there.
    #[test]
    fn holds_by_order_of_start_time_out_less_with_more_connections_more_patience_or_a_shorter_hold(
        requests in requests(), connections in 1_u32..4, patience in 0_u64..30, more in 1_u64..20, which in any::<prop::sample::Index>(),
    ) {
        let system = System::of(connections).leaving_after(patience);
        let (_, path) = by_start_order(&system, &requests);
        let mut shorter = requests.clone();
        shorter[which.index(requests.len())].service /= 2;
        let better = [
            by_start_order(&System::of(connections + 1).leaving_after(patience), &requests).1,
            by_start_order(&System::of(connections).leaving_after(patience + more), &requests).1,
            by_start_order(&system, &shorter).1,
        ];
        for other in better {
            prop_assert!(other.lost() <= path.lost());
            prop_assert!(no_longer(&starts(&other), &starts(&path)), "the k-th start is no later");
        }
    }
}

/// The shape of the holds does not matter to a pool that nobody waits for, only their number at once.
#[test]
fn as_many_connections_as_requests_make_nobody_wait() {
    let requests: Vec<Asked> = (0..40).map(|i| Asked { at: i / 4, app: 0, service: 1 << (i % 9) }).collect();
    assert_eq!(System::of(40).play(&requests).waits(&requests), [0; 40]);
}
