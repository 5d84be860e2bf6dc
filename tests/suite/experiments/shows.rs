//! What each of the other experiments shows, in its small size.

use poolcast::answers::document::Point;

use super::{ANSWERS, errors, figures};

fn p50(point: &Point) -> f64 {
    point.latency.p50.expect("there are enough requests for a median")
}

fn p95(point: &Point) -> f64 {
    point.latency.p95.expect("there are enough requests for p95")
}

fn connects(point: &Point) -> u64 {
    point.pools.iter().map(|(_, pool)| pool.connects).sum()
}

#[test]
fn the_wait_falls_as_the_pool_grows() {
    let waits: Vec<f64> = ANSWERS["pool-size"].iter().map(|answer| answer.point.pool_wait.times.mean.expect("all are stable")).collect();
    assert_eq!(waits.len(), 5);
    assert!(waits.windows(2).all(|pair| pair[1] < pair[0]), "{waits:?}");
}

#[test]
fn overflow_that_comes_and_goes_is_slower_than_a_small_pool_that_stays() {
    let [churning, kept, small, none] = ["5 + 25", "30 + 0", "5 + 0", "none kept"].map(|name| figures("overflow-churn", name));
    assert!(p50(kept) < p50(small) && p50(small) < p50(churning) && p50(churning) < p50(none));
    // Of a volley of twelve five are kept, so seven are opened.
    let share = connects(churning) as f64 / churning.requests.arrived as f64;
    assert!((share - 7.0 / 12.0).abs() < 0.05, "{share}");
    assert!(connects(kept) < 60 && connects(none).abs_diff(none.requests.arrived) < 40, "{} {}", connects(kept), connects(none));
}

#[test]
fn waiting_long_delays_everybody_and_trying_again_adds_nothing_but_delay() {
    let [long, short, again] = ["wait 30s", "wait 1s", "wait 1s, try five times"].map(|name| figures("timeouts-under-overload", name));
    assert_eq!(long.requests.failed, 0, "the queue of half a minute's overload takes less than 30 s to serve");
    assert!(errors(short, "PoolTimeout") > 0 && short.latency.max < Some(3.0), "{:?}", short.latency.max);
    assert!(long.latency.max > Some(5.0) && again.latency.p95 > short.latency.p95);
    let timeouts = |point: &Point| point.pools.iter().map(|(_, pool)| pool.timeouts).sum::<u64>();
    assert!(timeouts(again) > 3 * timeouts(short), "retries multiply the load: {} against {}", timeouts(again), timeouts(short));
    assert!(again.requests.completed < short.requests.completed * 6 / 5, "and serve hardly more");
}

#[test]
fn a_deploy_needs_room_for_the_old_and_the_new_together() {
    let [rolling, at_once, without, small, pooled] =
        ["one by one", "all at once", "no overlap", "pools of 10", "behind PgBouncer"].map(|name| figures("deploy", name));
    assert!(errors(at_once, "TooManyClients") > 10 * errors(rolling, "TooManyClients").max(1), "twelve pools of 15 for 97 slots");
    assert!(at_once.database.connections_max <= 97 && without.database.connections_max <= 97);
    for fits in [without, small, pooled] {
        assert_eq!(fits.requests.failed, 0, "where both fit, nobody notices");
    }
    // Pools of 10 hold at most 60; while two are replaced, up to 80.
    assert!((61..=90).contains(&small.database.connections_max), "{}", small.database.connections_max);
    assert_eq!(pooled.database.connections_max, 40, "PgBouncer's pool does not grow with the workers");
    assert!(pooled.proxy.client_connections_max > 90, "its clients do: {}", pooled.proxy.client_connections_max);
}

#[test]
fn more_workers_help_where_their_pools_were_short_and_nowhere_else() {
    let [four, twelve, large, slow] =
        ["four workers", "scaled out to twelve", "twelve with pools of 20", "one core"].map(|name| figures("scaling", name));
    assert!(twelve.requests.failed * 3 < four.requests.failed, "{} of {}", twelve.requests.failed, four.requests.failed);
    assert!(errors(large, "TooManyClients") > 1000, "twelve pools of 20 are more than 97 slots");
    assert!(slow.requests.failed * 2 > four.requests.failed, "more workers make no cores: {}", slow.requests.failed);
}

#[test]
fn connections_of_one_age_are_replaced_in_one_wave() {
    let (never, minute) = (figures("recycling-wave", "never"), figures("recycling-wave", "every minute"));
    assert_eq!(connects(never), 0, "all are opened in the warm-up");
    // 150 counted seconds after a warm-up of 5 hold two waves, at about 60 and 120 s.
    assert_eq!(connects(minute), 2 * 2 * 10, "two replications, two waves of ten");
    assert!(minute.latency.max > never.latency.max);
    let answer = &ANSWERS["recycling-wave"][1];
    let slice = 150.0 / answer.queue.len() as f64;
    let busiest = answer.queue.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).expect("there are slices").0 as f64 * slice;
    assert!((50.0..60.0).contains(&busiest) || (110.0..120.0).contains(&busiest), "requests wait in the wave, not at {busiest} s");
}

#[test]
fn a_pool_saves_what_setting_a_connection_up_takes_and_no_more() {
    let saved = |network: &str| {
        let [without, with] = ["NullPool", "pooled"].map(|pool| figures("nullpool-against-pooled", &format!("{network}, {pool}")));
        (p50(without), p50(with))
    };
    let (without, with) = saved("loopback");
    assert!(without < 0.015 && with < 0.005, "{without} {with}");
    let (without, with) = saved("same zone");
    assert!(without < 0.025 && with < 0.005, "{without} {with}");
    let (without, with) = saved("slow login");
    assert!((0.05..0.1).contains(&without) && with < 0.01, "as the guide says: {without} {with}");
    let (without, with) = saved("10 ms away");
    assert!(without > 0.1 && with > 0.03, "{without} {with}");
}

#[test]
fn leaks_empty_the_pool_and_the_database_cannot_give_back_what_the_pool_has_lent() {
    let [leaking, larger, ended, closed] =
        ["5 + 10", "5 + 40", "ended by the database", "found and closed"].map(|name| figures("leaks", name));
    assert!(errors(leaking, "PoolTimeout") > 0);
    assert_eq!(errors(ended, "PoolTimeout"), errors(leaking, "PoolTimeout"), "the pool counts them as lent all the same");
    assert!(ended.database.connections_mean < 0.5 * leaking.database.connections_mean, "the database's slots are free again");
    assert_eq!((larger.requests.failed, closed.requests.failed), (0, 0));
    assert!(larger.pools.get("api").expect("its pool").in_use_max > 15, "a larger pool leaks as well, later");
}

#[test]
fn a_blocked_loop_looks_like_a_small_pool_and_a_larger_pool_does_not_help() {
    let [blocked, larger, thread] =
        ["blocking", "blocking, three times the pool", "in a thread"].map(|name| figures("blocking-call", name));
    assert!(p95(blocked) > 0.3 && p95(larger) > 0.3, "{} {}", p95(blocked), p95(larger));
    assert!(blocked.database.utilisation < Some(0.3), "the database has little to do");
    assert!(larger.requests.failed > 0 && errors(larger, "TooManyClients") == larger.requests.failed, "it only fills max_connections");
    assert!(p95(thread) < 0.05, "{}", p95(thread));
}

#[test]
fn a_call_inside_a_transaction_delays_those_who_never_call() {
    let catalog = |scenario: &str| {
        let point = figures("long-transactions", scenario);
        point.streams.get("catalog").expect("a stream").latency.mean.expect("some were served")
    };
    let used = |scenario: &str| figures("long-transactions", scenario).pools.get("shop").expect("its pool").in_use_mean;
    let [inside, proxied, larger, between] =
        ["inside", "inside, behind PgBouncer", "inside, a larger pool", "between two transactions"].map(catalog);
    assert!(inside > 0.1 && proxied > 0.02, "statements of 2 ms take {inside} s, behind PgBouncer {proxied} s");
    assert!(larger < 0.005 && between < 0.005, "{larger} {between}");
    assert!(used("between two transactions") < 1.0 && used("inside, a larger pool") > 20.0, "the same service for a fiftieth of it");
}

#[test]
fn every_bad_half_minute_has_a_face_of_its_own() {
    let point = |scenario| figures("bad-minutes", scenario);
    let mostly = |scenario, error| {
        let (of_it, failed) = (errors(point(scenario), error), point(scenario).requests.failed);
        assert!(of_it > 100 && 2 * of_it > failed, "{scenario}: {of_it} of {failed} are {error}: {:?}", point(scenario).requests.errors);
    };
    mostly("restart", "ConnectionRefused");
    mostly("crash", "CannotConnectNow");
    mostly("failover", "ConnectionRefused");
    mostly("proxy restart", "ConnectionRefused");
    mostly("partition", "PoolTimeout");
    mostly("migration", "PoolTimeout");
    assert!(errors(point("restart"), "CannotConnectNow") > 0, "it starts up for a second");
    assert_eq!(point("slow disk").requests.failed, 0);
    let slow = point("slow disk").latency.mean > Some(3.0 * point("failover").latency.mean.expect("there are requests"));
    assert!(slow, "statements take eight times as long, and disturb each other");
    let killed = point("slow connects, after a kill");
    assert!(killed.latency.max > Some(0.2), "set-ups of a hundred times the usual: {:?}", killed.latency.max);
}

#[test]
fn retries_keep_a_database_down_and_fewer_later_or_other_ones_let_it_go() {
    let verdict = |name: &str| figures("retries", name).recovery[0].verdict.clone();
    assert_eq!(verdict("twenty attempts"), "metastable", "{:?}", figures("retries", "twenty attempts").recovery);
    for cured in ["two attempts", "a budget of a tenth", "long pauses with jitter", "only what the pool refused", "pool of 20"] {
        assert_eq!(verdict(cured), "recovers", "{cured}: {:?}", figures("retries", cured).recovery);
    }
}

#[test]
fn jitter_and_spacing_take_the_waves_out_of_recycling() {
    let waves = |name: &str| &figures("recycling-wave", name).waves;
    for herd in ["every minute", "pgx, every minute"] {
        assert!(waves(herd).iter().all(|wave| wave.peak >= 6.0) && waves(herd).len() == 1, "{herd}: {:?}", waves(herd));
    }
    for spread in ["never", "pgx, jitter", "PgBouncer, every minute"] {
        assert!(waves(spread).is_empty(), "{spread}: {:?}", waves(spread));
    }
    let spaced = figures("recycling-wave", "PgBouncer, every minute");
    assert!(spaced.proxy.connects >= 24, "its servers are replaced all the same: {}", spaced.proxy.connects);
}

#[test]
fn two_connections_for_each_request_bring_a_pool_to_a_standstill_and_one_or_fewer_requests_do_not() {
    let seen = |name: &str| figures("nested-sessions", name).deadlocks.as_ref().map(|found| found.seen);
    assert!(seen("250 a second") > Some(0) && errors(figures("nested-sessions", "250 a second"), "PoolTimeout") > 0);
    assert_eq!((seen("250 a second, fourteen at once"), seen("250 a second, one session")), (Some(0), None));
}
