//! pg-pool and Npgsql in small scenes.

use poolcast::kernel::latency::LatencySpec;
use poolcast::protocol::program::StepSpec;

use super::scene::{Scene, millis, query};

fn transaction_left_open() -> Vec<StepSpec> {
    let pause = StepSpec::Await(LatencySpec::always(millis(100)));
    vec![StepSpec::Session(vec![StepSpec::Transaction(vec![query(5), pause])])]
}

#[test]
fn pg_pool_never_rolls_back() {
    let scene = Scene::of("NodePostgres(max: 1)").does("a", &[100], transaction_left_open()).gives_up_after(50).asks("b", &[120], 5);
    assert_eq!(
        scene.until(200),
        [
            "110ms a connectdone 1",
            "110ms a checkout 1",
            "120ms b wait 0",
            "150ms a fails DeadlineExceeded",
            "150ms b checkout 1",
            "155ms b served"
        ]
    );
}

#[test]
fn pg_pool_closes_a_client_ten_seconds_idle_and_notices_a_broken_one_at_once() {
    let idle = Scene::of("NodePostgres()").asks("a", &[100], 5);
    assert_eq!(idle.only(&["close"], 60_000), ["10115ms pool close 1"]);
    let broken = Scene::of("NodePostgres()").asks("a", &[100, 2_000], 5).restart(1_000, 0);
    assert_eq!(broken.only(&["close", "checkout"], 3_000), ["110ms a checkout 1", "1s pool close 1", "2010ms a checkout 2"]);
}

#[test]
fn pg_pool_has_one_timeout_for_waiting_and_for_connecting() {
    let waiting = Scene::of(r#"NodePostgres(max: 1, connectionTimeoutMillis: "50ms")"#).asks("a", &[100], 500).asks("b", &[200], 5);
    assert_eq!(waiting.only(&["fails"], 1_000), ["250ms b fails PoolTimeout"]);
    let connecting = Scene::of(r#"NodePostgres(connectionTimeoutMillis: "5ms")"#).asks("a", &[100], 5);
    assert_eq!(connecting.only(&["fails"], 1_000), ["105ms a fails ConnectTimeout"]);
}

#[test]
fn pg_pool_closes_a_client_after_so_many_uses() {
    let scene = Scene::of("NodePostgres(max: 1, maxUses: 2)").asks("a", &[100, 200, 300], 5);
    assert_eq!(scene.only(&["close", "connectdone"], 1_000), ["110ms a connectdone 1", "205ms pool close 1", "310ms a connectdone 2"]);
}

#[test]
fn npgsql_resets_with_the_next_command_and_rolls_back_before_it_gives_back() {
    let clean = Scene::of("Npgsql(maximum_pool_size: 1)").asks("a", &[100], 10).asks("b", &[105], 10);
    assert_eq!(clean.only(&["reset"], 1_000), Vec::<String>::new());
    assert_eq!(clean.only(&["checkout"], 1_000), ["110ms a checkout 1", "120ms b checkout 1"]);
    let open = Scene::of("Npgsql(maximum_pool_size: 1)").does("a", &[100], transaction_left_open()).gives_up_after(50).asks("b", &[120], 5);
    assert_eq!(open.only(&["reset", "checkout"], 1_000), ["110ms a checkout 1", "150ms a reset 1", "150ms b checkout 1"]);
}

#[test]
fn npgsql_wakes_one_waiter_when_a_connect_fails_who_tries_for_himself() {
    let scene = Scene::of("Npgsql(maximum_pool_size: 1)").restart(50, 52).asks("a", &[100], 5).asks("b", &[101], 5);
    let lines = scene.until(1_000);
    assert_eq!(lines[..2], ["100ms a connectfail 1", "100ms a error 0"]);
    let slow = Scene::of(r#"Npgsql(maximum_pool_size: 1, timeout: "50ms")"#).connects_in(200).asks("a", &[100], 5).asks("b", &[120], 5);
    assert_eq!(slow.only(&["wait", "fails"], 1_000), ["120ms b wait 0", "150ms a fails ConnectTimeout", "170ms b fails ConnectTimeout"]);
}

#[test]
fn npgsql_prunes_as_many_as_were_idle_half_of_the_time() {
    let scene = Scene::of("Npgsql(minimum_pool_size: 1)").asks("a", &[1_000], 5).asks("b", &[1_000], 5).asks("c", &[1_000], 5);
    let closes = scene.only(&["close"], 1_000_000);
    assert_eq!(closes, ["301s pool close 1", "301s pool close 2"], "after 30 samples at 10 s each, down to the minimum");
}
