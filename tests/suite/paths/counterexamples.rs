//! What sounds like a theorem and is none: the smallest paths that refute it, which the simulator walks to the tick.
//!
//! One request that takes up a connection which it would not have got before can cost several others their patience.

use poolcast::parts::database::ServiceSpec;

use super::play::{Asked, System, asked};

/// Ticks after which a connection that an earlier request has opened is idle.
const WARM: u64 = 100;

#[test]
fn one_connection_more_may_make_more_requests_time_out() {
    let found = [asked(&[0, 1, 3, 3, 7, 10, 13], &[3, 3, 30, 30, 1, 1, 1]), asked(&[2, 3, 3, 4, 5, 7, 7], &[2, 2, 6, 5, 1, 1, 4])];
    for (requests, patience) in found.iter().zip([2, 1]) {
        let lost = |connections| System::of(connections).leaving_after(patience).play(requests).lost();
        assert_eq!((lost(1), lost(2)), (2, 3));
    }
}

#[test]
fn more_patience_may_make_more_requests_time_out() {
    let requests = asked(&[0, 0, 1, 2], &[2, 6, 1, 3]);
    let lost = |patience| System::of(1).leaving_after(patience).play(&requests).lost();
    assert_eq!((lost(1), lost(2)), (1, 2));
}

#[test]
fn a_shorter_hold_may_make_more_requests_time_out() {
    let system = System::of(1).leaving_after(2);
    let lost = |first| system.play(&asked(&[0, 0, 2, 4], &[first, 5, 3, 5])).lost();
    assert_eq!((lost(3), lost(2)), (1, 2));
}

#[test]
fn a_request_less_may_make_more_of_the_others_time_out() {
    let (requests, system) = (asked(&[0, 1, 3, 4], &[3, 7, 2, 4]), System::of(1).leaving_after(1));
    let others = system.play(&requests).starts[1..].iter().filter(|start| start.is_none()).count();
    assert_eq!((others, system.play(&requests[1..]).lost()), (1, 2));
}

#[test]
fn one_connection_more_may_make_all_waits_together_longer_where_waiters_leave() {
    let waits = |requests: &[Asked], connections, patience| System::of(connections).leaving_after(patience).play(requests).waits(requests);
    let requests = asked(&[0, 0, 0, 1, 1, 5, 7], &[1, 3, 6, 7, 5, 1, 7]);
    assert_eq!(waits(&requests, 1, 2), [0, 1, 2, 2, 2, 0, 0]);
    assert_eq!(waits(&requests, 2, 2), [0, 0, 1, 2, 2, 2, 1]);
    // Even if the k-th to start holds its connection for the k-th time: here 3, 1, 1, 2, 30, 30, 1.
    let (arrivals, patience) = ([1, 2, 2, 3, 3, 5, 6], 1);
    let one = asked(&arrivals, &[3, 0, 0, 1, 0, 1, 2]);
    assert_eq!(waits(&one, 1, patience), [0, 1, 1, 1, 1, 0, 0]);
    let two = asked(&arrivals, &[3, 1, 1, 2, 30, 30, 0]);
    assert_eq!(waits(&two, 2, patience), [0, 0, 1, 1, 1, 1, 1]);
}

/// A queue with no room is a pool without patience: see the head of the parent.
#[test]
fn room_for_one_more_waiter_may_refuse_more_requests() {
    let found = [asked(&[0, 0, 2, 4, 7], &[2, 6, 2, 2, 2]), asked(&[0, 1, 4, 5, 7], &[3, 5, 1, 2, 5])];
    for requests in found {
        let none = System::of(1).leaving_after(0).play(&requests).lost();
        let one = System { most_waiting: Some(1), ..System::of(1) }.play(&requests).lost();
        assert_eq!((none, one), (1, 2));
    }
}

#[test]
fn one_connection_more_may_delay_those_who_hold_theirs_while_they_work() {
    let requests = [(0, 3, 1), (0, 1, 7)].map(|(at, app, service)| Asked { at, app, service });
    let path =
        |requests: &[Asked], connections| System { service: ServiceSpec::Queue { cores: 1 }, ..System::of(connections) }.play(requests);
    assert_eq!(path(&requests, 1).ends, [4, 12]);
    assert_eq!(path(&requests, 2).ends, [9, 8], "both together take longer");
    let requests = [(0, 4, 3), (0, 2, 1), (0, 1, 7), (3, 1, 3)].map(|(at, app, service)| Asked { at, app, service });
    assert_eq!(path(&requests, 2).starts, [0, 0, 3, 7].map(Some));
    assert_eq!(path(&requests, 3).starts, [0, 0, 0, 8].map(Some), "and one starts later");
}

#[test]
fn one_connection_more_before_shared_cores_may_make_all_requests_slower() {
    let shared = ServiceSpec::Sharing { cores: 1, sigma: 0.0, kappa: 0.0 };
    let ends = |connections| System { service: shared.clone(), ..System::of(connections) }.play(&asked(&[0, 0], &[1, 1])).ends;
    assert_eq!((ends(1), ends(2)), (vec![1, 2], vec![2, 2]));
}

/// Whoever opens a connection waits for it, also if another comes back sooner.
#[test]
fn one_overflow_connection_more_may_make_waits_longer() {
    let requests = asked(&[0, WARM, WARM], &[0, 1, 2]);
    let waits = |overflow| System { overflow, connect: 6, ..System::of(1) }.play(&requests).waits(&requests);
    assert_eq!((&waits(0)[1..], &waits(1)[1..]), (&[0, 1][..], &[0, 6][..]));
    let free = |overflow| System { overflow, ..System::of(1) }.play(&requests).waits(&requests);
    assert_eq!((&free(0)[1..], &free(1)[1..]), (&[0, 1][..], &[0, 0][..]), "where opening takes no time it does not");
}
