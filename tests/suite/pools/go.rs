//! pgxpool and database/sql in small scenes.

use poolcast::protocol::program::StepSpec;

use super::scene::{Scene, query};

#[test]
fn pgx_finishes_the_connect_of_a_caller_who_has_left() {
    let scene = Scene::of("Pgx(pool_max_conns: 1)").asks("a", &[100], 5).gives_up_after(4).asks("b", &[102], 5);
    assert_eq!(
        scene.until(200),
        ["102ms b wait 0", "104ms a fails DeadlineExceeded", "110ms pool connectdone 1", "110ms b checkout 1", "115ms b served"]
    );
}

#[test]
fn pgx_destroys_what_comes_back_inside_a_transaction() {
    let transaction = StepSpec::Session(vec![StepSpec::Transaction(vec![
        query(5),
        StepSpec::Await(poolcast::kernel::latency::LatencySpec::always(super::scene::millis(100))),
    ])]);
    let scene = Scene::of("Pgx(pool_max_conns: 1)").does("a", &[100], vec![transaction]).gives_up_after(50).asks("b", &[120], 5);
    assert_eq!(
        scene.only(&["checkout", "reset", "invalidate", "close"], 300),
        ["110ms a checkout 1", "150ms pool invalidate 1", "150ms pool close 1", "160ms b checkout 2"]
    );
}

#[test]
fn pgx_pings_what_was_idle_for_more_than_a_second_and_also_after_a_slow_connect() {
    let scene = Scene::of("Pgx(pool_max_conns: 1)").asks("a", &[1_000, 2_000, 3_500], 5);
    assert_eq!(scene.only(&["ping"], 5_000), ["3500ms a ping 1"]);
    let slow = Scene::of("Pgx(pool_max_conns: 1)").connects_in(1_500).asks("a", &[1_000], 5);
    assert_eq!(slow.only(&["ping"], 5_000), ["2500ms a ping 1"]);
}

#[test]
fn pgx_takes_the_newest_idle_connection_and_serves_waiters_in_order() {
    let scene = Scene::of("Pgx(pool_max_conns: 2)");
    let scene = scene.asks("a", &[100, 150], 20).asks("b", &[100], 25).asks("c", &[105], 20).asks("d", &[106], 20);
    let order: Vec<String> = scene.only(&["checkout"], 300);
    assert_eq!(order, ["110ms a checkout 1", "110ms b checkout 2", "130ms c checkout 1", "135ms d checkout 2", "150ms a checkout 1"]);
}

#[test]
fn pgx_jitter_of_a_second_or_less_does_nothing() {
    let closes = |jitter: &str| {
        let pool = format!(
            r#"Pgx(pool_max_conns: 1, pool_min_conns: 1, pool_max_conn_lifetime: "10s", pool_health_check_period: "1s", pool_max_conn_lifetime_jitter: "{jitter}")"#
        );
        Scene::of(&pool).only(&["close"], 200_000)
    };
    assert_eq!(closes("0s"), closes("1s"));
    assert_ne!(closes("0s"), closes("10s"));
}

#[test]
fn database_sql_keeps_two_idle_connections_and_closes_the_rest() {
    let scene = Scene::of("DatabaseSql()").asks("a", &[100, 200], 5).asks("b", &[100, 200], 6).asks("c", &[100, 200], 7);
    assert_eq!(scene.only(&["connectdone"], 300).len(), 4, "three, and each burst one more");
    assert_eq!(scene.only(&["close"], 300), ["117ms c close 3", "217ms c close 4"]);
}

#[test]
fn database_sql_serves_waiters_in_a_random_order() {
    let order = |seed: u64| -> Vec<String> {
        let mut scene = Scene::of("DatabaseSql(max_open_conns: 1)").seeded(seed).asks("a", &[100], 50);
        for name in ["b", "c", "d", "e", "f"] {
            scene = scene.asks(name, &[120], 10);
        }
        let lines = scene.only(&["checkout"], 1_000);
        lines.iter().map(|line| line.split(' ').nth(1).unwrap_or_default().to_owned()).collect()
    };
    let orders: Vec<Vec<String>> = (1..=8).map(order).collect();
    assert!(orders.iter().any(|order| *order != ["a", "b", "c", "d", "e", "f"]), "{orders:?}");
    assert!(orders.iter().any(|order| *order != orders[0]), "{orders:?}");
}

#[test]
fn database_sql_opens_another_for_a_waiter_when_a_connection_is_dropped() {
    let scene = Scene::of(r#"DatabaseSql(max_open_conns: 1, conn_max_lifetime: "1s")"#).asks("a", &[100], 2_000).asks("b", &[200], 5);
    assert_eq!(scene.only(&["close", "checkout"], 3_000), ["110ms a checkout 1", "2110ms a close 1", "2120ms b checkout 2"]);
}
