//! sqlx, deadpool, bb8 and r2d2 in small scenes.

use super::scene::Scene;

#[test]
fn sqlx_pings_twice_per_use() {
    let scene = Scene::of("Sqlx(max_connections: 1)").asks("a", &[100, 200], 5);
    assert_eq!(
        scene.until(300),
        [
            "110ms a connectdone 1",
            "110ms a checkout 1",
            "115ms pool ping 1",
            "115ms a served",
            "200ms a ping 1",
            "200ms a checkout 1",
            "205ms pool ping 1",
            "205ms a served"
        ]
    );
}

#[test]
fn sqlx_tries_a_refused_connect_again_until_its_deadline() {
    let scene = Scene::of(r#"Sqlx(acquire_timeout: "100ms")"#).restart(50, 10_000).asks("a", &[100], 5);
    let lines = scene.until(300);
    assert_eq!(lines[..3], ["100ms a connectfail 1", "110ms a connectfail 2", "128ms a connectfail 3"]);
    assert!(lines.contains(&"200ms a fails PoolTimeout".to_owned()), "{lines:#?}");
}

#[test]
fn sqlx_closes_hard_what_does_not_answer_and_keeps_the_permit_for_another() {
    let scene = Scene::of("Sqlx(max_connections: 1)").asks("a", &[100, 1_000], 5).restart(500, 0).asks("b", &[1_001], 5);
    assert_eq!(
        scene.only(&["ping", "close", "connectdone", "checkout", "wait"], 1_017)[3..],
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
        ["100ms pool connectfail 1", "300ms pool connectfail 2", "700ms pool connectfail 3", "1100ms a fails PoolTimeout"]
    );
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
fn r2d2_ages_only_idle_connections_and_only_when_the_reaper_comes() {
    let scene = Scene::of(r#"R2d2(max_size: 1, max_lifetime: "40s")"#).asks("a", &[45_000], 30_000);
    assert_eq!(scene.only(&["close"], 100_000), ["90s pool close 1"], "at 60 s it is in use");
}
