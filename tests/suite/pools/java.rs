//! HikariCP in small scenes.

use poolcast::kernel::latency::LatencySpec;
use poolcast::protocol::program::StepSpec;

use super::scene::{Scene, millis, query};

#[test]
fn hikari_opens_one_connection_per_connect_and_thirty_milliseconds() {
    let lines = Scene::of("Hikari(maximumPoolSize: 4)").only(&["connectdone"], 500);
    assert_eq!(
        lines,
        ["10ms pool connectdone 1", "120ms pool connectdone 2", "160ms pool connectdone 3", "200ms pool connectdone 4"],
        "one in the constructor, the others from 100 ms later on: 10 ms to connect, 30 ms to sleep"
    );
    let lines = Scene::of("Hikari(version: V2, maximumPoolSize: 4)").only(&["connectdone"], 500);
    assert_eq!(lines[1..], ["120ms pool connectdone 2", "130ms pool connectdone 3", "140ms pool connectdone 4"]);
}

#[test]
fn hikari_serves_a_cold_burst_as_slowly_as_it_adds() {
    let scene = Scene::of("Hikari(maximumPoolSize: 3, minimumIdle: 0)");
    let scene = scene.asks("a", &[1_000], 500).asks("b", &[1_000], 500).asks("c", &[1_000], 500);
    assert_eq!(scene.only(&["checkout"], 1_200), ["1010ms a checkout 2", "1050ms b checkout 3", "1090ms c checkout 4"]);
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
    assert!(closes.iter().all(|line| line.starts_with("30110ms")), "{closes:?}");
}

#[test]
fn hikari_backs_off_from_a_server_that_refuses_and_callers_see_their_own_timeout_only() {
    let scene = Scene::of(r#"Hikari(maximumPoolSize: 1, connectionTimeout: "1s")"#).restart(0, 3_000).asks("a", &[100], 5);
    let lines = scene.only(&["connectfail", "fails", "connectdone"], 6_000);
    assert_eq!(
        lines,
        [
            "0s pool connectfail 1",
            "100ms pool connectfail 2",
            "110ms pool connectfail 3",
            "130ms pool connectfail 4",
            "170ms pool connectfail 5",
            "250ms pool connectfail 6",
            "410ms pool connectfail 7",
            "730ms pool connectfail 8",
            "1100ms a fails PoolTimeout",
            "1370ms pool connectfail 9",
            "2650ms pool connectfail 10",
            "5220ms pool connectdone 11"
        ]
    );
}

#[test]
fn hikari_2_backs_off_by_a_quarter_of_a_second_and_half_as_much_more_each_time() {
    let scene = Scene::of(r#"Hikari(version: V2, maximumPoolSize: 1, connectionTimeout: "500ms")"#).restart(0, 3_000);
    let lines = scene.only(&["connectfail"], 1_900);
    let fails = ["0s pool connectfail 1", "100ms pool connectfail 2", "350ms pool connectfail 3", "725ms pool connectfail 4"];
    assert_eq!(lines[..4], fails);
    assert_eq!(lines[4..], ["1225ms pool connectfail 5", "1725ms pool connectfail 6"], "up to connectionTimeout");
}

#[test]
fn hikari_counts_idleness_from_the_beginning_of_the_last_statement() {
    let scene = Scene::of("Hikari(maximumPoolSize: 1)").asks("a", &[1_000, 1_700], 600);
    assert_eq!(scene.only(&["ping"], 3_000), ["1s a ping 1", "1700ms a ping 1"], "100 ms after it came back");
}

#[test]
fn hikari_gives_a_thread_what_it_gave_back_last() {
    let pause = StepSpec::Await(LatencySpec::always(millis(50)));
    let session = || StepSpec::Session(vec![query(50)]);
    let scene = Scene::of("Hikari(maximumPoolSize: 2)").asks("a", &[1_000], 80).does("b", &[1_010], vec![session(), pause, session()]);
    assert_eq!(scene.only(&["checkout"], 2_000), ["1s a checkout 1", "1010ms b checkout 2", "1110ms b checkout 2"]);
}
