//! sqlx, deadpool, bb8 and r2d2 in small scenes.

use poolcast::protocol::program::StepSpec;

use super::scene::{Scene, query};

#[test]
fn sqlx_pings_twice_per_use() {
    let scene = Scene::of("Sqlx(max_connections: 1)").asks("a", &[100, 200], 5);
    assert_eq!(
        scene.until(300),
        [
            "10ms pool connectdone 1",
            "100ms a ping 1",
            "100ms a checkout 1",
            "105ms pool ping 1",
            "105ms a served",
            "200ms a ping 1",
            "200ms a checkout 1",
            "205ms pool ping 1",
            "205ms a served"
        ]
    );
}

#[test]
fn sqlx_tries_a_refused_connect_again_until_its_deadline() {
    let scene = Scene::of(r#"Sqlx(acquire_timeout: "102ms")"#).restart(50, 10_000).asks("a", &[100], 5);
    let lines = scene.only(&["connectfail", "fails"], 300);
    let pauses =
        ["100ms a connectfail 2", "110ms a connectfail 3", "130ms a connectfail 4", "151ms a connectfail 5", "172ms a connectfail 6"];
    assert_eq!(lines[..5], pauses, "10 ms doubling, up to a fifth of the 102 ms that were left at first, in whole milliseconds");
    assert_eq!(lines[6..], ["202ms a fails PoolTimeout"]);
}

#[test]
fn sqlx_closes_hard_what_does_not_answer_and_keeps_the_permit_for_another() {
    let scene = Scene::of("Sqlx(max_connections: 1)").asks("a", &[100, 1_000], 5).restart(500, 0).asks("b", &[1_001], 5);
    assert_eq!(
        scene.only(&["ping", "close", "connectdone", "checkout", "wait"], 1_017)[4..],
        [
            "1s a ping 1",
            "1s a close 1",
            "1001ms b wait 0",
            "1010ms a connectdone 2",
            "1010ms a checkout 2",
            "1015ms pool ping 2",
            "1015ms b ping 2",
            "1015ms b checkout 2"
        ]
    );
}

#[test]
fn sqlx_opens_one_connection_at_its_start_and_the_least_number_one_after_the_other() {
    let start = |pool: &str| Scene::of(pool).only(&["connectdone", "ping"], 1_000);
    assert_eq!(start("Sqlx()"), ["10ms pool connectdone 1"]);
    assert_eq!(start("Sqlx(min_connections: 2)"), ["10ms pool connectdone 1", "20ms pool connectdone 2", "20ms pool ping 1"]);
}

#[test]
fn sqlx_lets_the_reaper_begin_every_idle_time_anew() {
    let lines = Scene::of(r#"Sqlx(idle_timeout: "10s")"#).asks("a", &[1_000], 5).only(&["close"], 60_000);
    assert_eq!(lines, ["20s pool close 1"], "at 10 s it was idle for 9 s, and is idle from then on");
}

#[test]
fn sqlx_fills_up_to_the_least_number_when_it_closes_what_comes_back() {
    let scene = Scene::of(r#"Sqlx(max_connections: 2, min_connections: 1, max_lifetime: "1s", idle_timeout: None)"#);
    let scene = scene.asks("a", &[500], 700);
    assert_eq!(
        scene.only(&["close", "connectdone"], 1_500),
        ["10ms pool connectdone 1", "1200ms pool close 1", "1210ms pool connectdone 2"]
    );
}

#[test]
fn deadpool_takes_a_broken_object_back_and_drops_it_at_its_next_turn() {
    let scene = Scene::of("Deadpool(max_size: 1)").asks("a", &[100], 100).restart(150, 0).asks("b", &[500], 5);
    assert_eq!(scene.only(&["close", "checkout"], 1_000), ["110ms a checkout 1", "500ms b close 1", "510ms b checkout 2"]);
}

#[test]
fn deadpool_waits_for_ever_connects_in_the_caller_and_never_closes() {
    let scene = Scene::of("Deadpool(max_size: 1)").asks("a", &[100], 100_000).asks("b", &[200], 5);
    assert_eq!(
        scene.until(10_000_000),
        [
            "110ms a connectdone 1",
            "110ms a checkout 1",
            "200ms b wait 0",
            "100110ms b checkout 1",
            "100110ms a served",
            "100115ms b served"
        ]
    );
}

#[test]
fn deadpool_drops_stale_connections_one_after_the_other_in_one_get() {
    let scene = Scene::of("Deadpool(max_size: 3)").asks("a", &[100, 2_000], 5).asks("b", &[100], 5).asks("c", &[100], 5).restart(1_000, 0);
    assert_eq!(
        scene.only(&["close", "connectdone", "checkout"], 3_000)[6..],
        ["2s a close 1", "2s a close 2", "2s a close 3", "2010ms a connectdone 4", "2010ms a checkout 4"]
    );
}

#[test]
fn deadpool_has_a_timeout_for_each_stage() {
    let waiting = Scene::of(r#"Deadpool(max_size: 1, wait: "50ms")"#).asks("a", &[100], 500).asks("b", &[200], 5);
    assert_eq!(waiting.only(&["fails"], 1_000), ["250ms b fails PoolTimeout"]);
    let creating = Scene::of(r#"Deadpool(max_size: 1, create: "5ms")"#).asks("a", &[100], 500);
    assert_eq!(creating.only(&["fails"], 1_000), ["105ms a fails ConnectTimeout"]);
}

#[test]
fn bb8_may_serve_who_caused_a_connect_with_what_came_back() {
    let scene = Scene::of("Bb8(max_size: 2, test_on_check_out: false)").asks("a", &[100], 15).asks("b", &[120], 50);
    assert_eq!(
        scene.only(&["wait", "connectdone", "checkout"], 300),
        [
            "100ms a wait 0",
            "110ms pool connectdone 1",
            "110ms a checkout 1",
            "120ms b wait 0",
            "125ms b checkout 1",
            "130ms pool connectdone 2"
        ]
    );
}

#[test]
fn bb8_gives_up_after_its_timeout_and_the_connect_is_tried_again_meanwhile() {
    let scene = Scene::of(r#"Bb8(max_size: 1, connection_timeout: "1s")"#).restart(0, 60_000).asks("a", &[100], 5);
    assert_eq!(
        scene.only(&["connectfail", "fails"], 5_000),
        [
            "100ms pool connectfail 1",
            "500ms pool connectfail 2",
            "1s pool connectfail 3",
            "1100ms a fails PoolTimeout",
            "1500ms pool connectfail 4"
        ],
        "400 ms doubling, up to half of the timeout, until it has passed"
    );
}

#[test]
fn bb8_gives_a_connection_back_to_whoever_returns_it_and_asks_again() {
    let session = StepSpec::Session(vec![query(20)]);
    let scene = Scene::of("Bb8(max_size: 1, test_on_check_out: false)").does("a", &[100], vec![session.clone(), session]);
    let scene = scene.asks("b", &[115], 5);
    assert_eq!(scene.only(&["checkout"], 1_000), ["110ms a checkout 1", "130ms a checkout 1", "150ms b checkout 1"]);
}

#[test]
fn r2d2_opens_all_its_connections_at_the_start_with_three_threads() {
    let lines = Scene::of("R2d2(max_size: 5)").only(&["connectdone"], 5_000);
    let times: Vec<&str> = lines.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect();
    assert_eq!(times, ["10ms", "10ms", "10ms", "20ms", "20ms"]);
}

#[test]
fn r2d2_takes_the_newest_checks_it_and_drops_it_when_it_is_dead() {
    let scene = Scene::of("R2d2(max_size: 2)").restart(1_000, 0).asks("a", &[2_000], 5);
    assert_eq!(
        scene.only(&["ping", "close", "checkout"], 3_000),
        ["2s a ping 2", "2s pool close 2", "2s a ping 1", "2s pool close 1", "2010ms a ping 3", "2010ms a checkout 3"]
    );
}

#[test]
fn r2d2_gives_a_connection_back_to_the_thread_that_returns_it_and_asks_again() {
    let session = StepSpec::Session(vec![query(20)]);
    let scene = Scene::of("R2d2(max_size: 1, test_on_check_out: false)").does("a", &[100], vec![session.clone(), session]);
    let scene = scene.asks("b", &[115], 5);
    assert_eq!(scene.only(&["checkout"], 1_000), ["100ms a checkout 1", "120ms a checkout 1", "140ms b checkout 1"]);
}

#[test]
fn r2d2_waits_400_ms_before_it_tries_a_connect_again() {
    let lines = Scene::of(r#"R2d2(max_size: 1, connection_timeout: "2s")"#).restart(0, 60_000).only(&["connectfail"], 3_000);
    assert_eq!(lines, ["0s pool connectfail 1", "400ms pool connectfail 2", "1200ms pool connectfail 3", "2200ms pool connectfail 4"]);
}

#[test]
fn r2d2_ages_only_idle_connections_and_only_when_the_reaper_comes() {
    let scene = Scene::of(r#"R2d2(max_size: 1, max_lifetime: "40s")"#).asks("a", &[45_000], 30_000);
    assert_eq!(scene.only(&["close"], 100_000), ["90s pool close 1"], "at 60 s it is in use");
}
