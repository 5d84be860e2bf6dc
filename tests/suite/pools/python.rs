//! psycopg_pool and asyncpg's own pool in small scenes.

use super::scene::Scene;

#[test]
fn psycopg_grows_by_one_connection_per_connect_time_however_many_wait() {
    let scene = Scene::of("PsycopgPool(min_size: 1, max_size: 4)");
    let scene = scene.asks("a", &[100], 500).asks("b", &[101], 500).asks("c", &[101], 500).asks("d", &[101], 500);
    assert_eq!(
        scene.only(&["connectdone", "checkout"], 200),
        [
            "10ms pool connectdone 1",
            "100ms a checkout 1",
            "111ms pool connectdone 2",
            "111ms b checkout 2",
            "121ms pool connectdone 3",
            "121ms c checkout 3",
            "131ms pool connectdone 4",
            "131ms d checkout 4"
        ]
    );
}

#[test]
fn psycopg_opens_its_first_connections_with_three_workers() {
    let lines = Scene::of("PsycopgPool()").only(&["connectdone"], 100);
    assert_eq!(lines, ["10ms pool connectdone 1", "10ms pool connectdone 2", "10ms pool connectdone 3", "20ms pool connectdone 4"]);
}

#[test]
fn psycopg_serves_an_expired_connection_once_more_and_replaces_it_when_it_comes_back() {
    let scene = Scene::of(r#"PsycopgPool(min_size: 1, max_lifetime: "10s")"#).asks("a", &[15_000, 16_000], 5);
    assert_eq!(
        scene.only(&["checkout", "close", "connectdone"], 17_000),
        ["10ms pool connectdone 1", "15s a checkout 1", "15005ms a close 1", "15015ms pool connectdone 2", "16s a checkout 2"]
    );
}

#[test]
fn psycopg_hands_over_without_a_race_and_refuses_more_waiters_than_allowed() {
    let scene = Scene::of("PsycopgPool(min_size: 1, max_waiting: 1)");
    let scene = scene.asks("a", &[100], 50).asks("b", &[110], 50).asks("c", &[120], 50).asks("d", &[150], 50);
    assert_eq!(
        scene.only(&["checkout", "fails"], 400),
        ["100ms a checkout 1", "120ms c fails PoolQueueFull", "150ms b checkout 1", "200ms d checkout 1"]
    );
}

#[test]
fn psycopg_gives_up_reconnecting_and_a_waiter_makes_it_grow_again() {
    let scene = Scene::of(r#"PsycopgPool(min_size: 1, timeout: "5s", reconnect_timeout: "20s")"#);
    let lines = scene.restart(0, 60_000).asks("a", &[1_000, 70_000], 5).until(80_000);
    let fails = lines.iter().filter(|line| line.contains("connectfail")).count();
    assert_eq!(fails, 6, "at 0, 1, 3, 7, 15 and 20 seconds: {lines:#?}");
    assert!(lines.contains(&"6s a fails PoolTimeout".to_owned()), "{lines:#?}");
    assert_eq!(lines[lines.len() - 5..lines.len() - 2], ["70s a wait 0", "70010ms pool connectdone 7", "70010ms a checkout 7"]);
}

#[test]
fn psycopg_closes_one_connection_per_idle_period_that_was_never_needed() {
    let scene = Scene::of(r#"PsycopgPool(min_size: 1, max_size: 3, max_idle: "60s")"#);
    let scene = scene.asks("a", &[100], 100).asks("b", &[100], 100).asks("c", &[100], 100);
    let closes = scene.only(&["close"], 400_000);
    assert_eq!(closes.iter().map(|line| line.split(' ').next().unwrap_or_default()).collect::<Vec<_>>(), ["2min", "3min"]);
}

#[test]
fn psycopg_checks_at_checkout_and_tries_again_at_once_then_after_about_a_second() {
    let scene = Scene::of("PsycopgPool(min_size: 3, check: true)").restart(1_000, 0).asks("a", &[2_000], 5);
    let lines = scene.only(&["ping", "invalidate", "checkout"], 9_000);
    let expected = [
        "2s a ping 1",
        "2s pool invalidate 1",
        "2s a ping 2",
        "2s pool invalidate 2",
        "3068925762ns a ping 3", // about a second …
        "3068925762ns pool invalidate 3",
        "5206777286ns a ping 4", // … and two
    ];
    assert_eq!(lines[..7], expected);
}

#[test]
fn asyncpg_takes_the_newest_live_holder_before_any_that_would_have_to_connect() {
    let scene = Scene::of("AsyncpgPool(min_size: 2, max_size: 4)");
    let scene = scene.asks("a", &[100], 50).asks("b", &[101], 40).asks("c", &[160], 5).asks("d", &[200], 50).asks("e", &[201], 5);
    assert_eq!(
        scene.only(&["connectdone", "checkout"], 300),
        [
            "10ms pool connectdone 1",
            "20ms pool connectdone 2",
            "100ms a checkout 1",
            "101ms b checkout 2",
            "160ms c checkout 1",
            "200ms d checkout 1",
            "201ms e checkout 2"
        ]
    );
}

#[test]
fn asyncpg_connects_in_the_caller_and_a_caller_who_leaves_loses_the_work() {
    let scene = Scene::of("AsyncpgPool(min_size: 0, max_size: 1)").asks("a", &[100], 50).gives_up_after(5).asks("b", &[102], 50);
    assert_eq!(
        scene.until(200),
        [
            "102ms b wait 0",
            "105ms a fails DeadlineExceeded",
            "105ms pool invalidate 1",
            "105ms b wake 0",
            "115ms b connectdone 2",
            "115ms b checkout 2",
            "165ms b reset 2",
            "165ms b served"
        ]
    );
}

#[test]
fn asyncpg_rolls_back_and_resets_before_anybody_else_gets_the_connection() {
    let scene = Scene::of("AsyncpgPool(min_size: 1, max_size: 1)").asks("a", &[100], 10).asks("b", &[105], 10);
    assert_eq!(
        scene.until(130)[1..],
        [
            "100ms a checkout 1",
            "105ms b wait 0",
            "110ms a reset 1",
            "110ms b wake 0",
            "110ms b checkout 1",
            "110ms a served",
            "120ms b reset 1",
            "120ms b served"
        ]
    );
}

#[test]
fn asyncpg_closes_idle_connections_above_min_size_after_five_minutes() {
    let scene = Scene::of("AsyncpgPool(min_size: 1, max_size: 3)").asks("a", &[1_000], 10).asks("b", &[1_000], 10);
    assert_eq!(scene.only(&["close"], 700_000).len(), 1);
}

#[test]
fn asyncpg_refills_to_min_size_one_after_the_other_when_connections_are_lost() {
    let lines = Scene::of("AsyncpgPool(min_size: 2, max_size: 2)").restart(1_000, 0).only(&["connectdone"], 5_000);
    assert_eq!(lines[2..], ["1010ms pool connectdone 3", "1020ms pool connectdone 4"]);
}
