//! HikariCP in small scenes.

use super::scene::Scene;

#[test]
fn hikari_opens_one_connection_per_connect_and_thirty_milliseconds() {
    let lines = Scene::of("Hikari(maximumPoolSize: 4)").only(&["connectdone"], 500);
    assert_eq!(
        lines,
        ["10ms pool connectdone 1", "50ms pool connectdone 2", "90ms pool connectdone 3", "130ms pool connectdone 4"],
        "10 ms to connect, 30 ms to sleep"
    );
}

#[test]
fn hikari_serves_a_cold_burst_as_slowly_as_it_adds() {
    let scene = Scene::of("Hikari(maximumPoolSize: 3, minimumIdle: 0)");
    let scene = scene.asks("a", &[1_000], 500).asks("b", &[1_000], 500).asks("c", &[1_000], 500);
    assert_eq!(scene.only(&["checkout"], 1_200), ["1010ms a checkout 1", "1050ms b checkout 2", "1090ms c checkout 3"]);
}

#[test]
fn hikari_validates_only_what_was_idle_for_half_a_second() {
    let scene = Scene::of("Hikari(maximumPoolSize: 1)").asks("a", &[1_000, 1_400, 2_000], 50);
    assert_eq!(scene.only(&["ping"], 3_000), ["1s a ping 1", "2s a ping 1"]);
}

#[test]
fn hikari_closes_an_idle_connection_at_its_age_and_one_in_use_when_it_comes_back() {
    let scene = Scene::of(r#"Hikari(maximumPoolSize: 1, maxLifetime: "30s")"#).asks("a", &[25_000], 10_000);
    let lines = scene.only(&["close", "connectdone"], 66_000);
    assert_eq!(lines[..3], ["10ms pool connectdone 1", "35s pool close 1", "35010ms pool connectdone 2"]);
    assert!(lines.len() >= 4 && lines[3].ends_with("pool close 2"), "29.25 to 30 s after it was opened: {lines:?}");
}

#[test]
fn hikari_keeps_minimum_idle_and_lets_the_rest_age_out_at_the_next_round_of_the_housekeeper() {
    let scene = Scene::of(r#"Hikari(maximumPoolSize: 3, minimumIdle: 1, idleTimeout: "10s")"#);
    let scene = scene.asks("a", &[1_000], 500).asks("b", &[1_000], 500).asks("c", &[1_000], 500);
    let closes = scene.only(&["close"], 40_000);
    assert_eq!(closes.len(), 2, "{closes:?}");
    assert!(closes.iter().all(|line| line.starts_with("30100ms")), "{closes:?}");
}

#[test]
fn hikari_backs_off_from_a_server_that_refuses_and_callers_see_their_own_timeout_only() {
    let scene = Scene::of(r#"Hikari(maximumPoolSize: 1, connectionTimeout: "1s")"#).restart(0, 3_000).asks("a", &[100], 5);
    let lines = scene.only(&["connectfail", "fails", "connectdone"], 6_000);
    assert_eq!(
        lines,
        [
            "0s pool connectfail 1",
            "10ms pool connectfail 2",
            "30ms pool connectfail 3",
            "70ms pool connectfail 4",
            "150ms pool connectfail 5",
            "310ms pool connectfail 6",
            "630ms pool connectfail 7",
            "1100ms a fails PoolTimeout",
            "1270ms pool connectfail 8",
            "2550ms pool connectfail 9",
            "5120ms pool connectdone 10"
        ]
    );
}
