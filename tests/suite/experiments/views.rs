//! What `--status-every` shows: the systems' own consoles, at these instants of virtual time.

use poolcast::answers::document::Answer;
use poolcast::answers::report::{document, table};
use poolcast::answers::runner::{RunOptions, run};
use poolcast::experiment::Plan;
use poolcast::kernel::time::Span;

use super::{only, plan, small};

fn looked_at(plan: &Plan) -> Answer {
    run(plan, &RunOptions { jobs: 1, status_every: Some(Span::from_secs(10)) }, &|_| {}).remove(0)
}

#[test]
fn every_ten_seconds_all_consoles_are_printed() {
    let plan = only(plan("movehub", &[("warmup", "5s"), ("duration", "26s")], 1), "transaction");
    let answer = looked_at(&plan);
    let seconds: Vec<f64> = answer.statuses.iter().map(|(second, _)| *second).collect();
    assert_eq!(seconds, [0.0, 10.0, 20.0, 30.0], "from the start, through the warm-up, to the end");
    for (second, view) in &answer.statuses {
        for worker in 1..=4 {
            assert!(view.contains(&format!("api worker {worker}: Pool size: 20  Connections in pool: ")), "at {second} s\n{view}");
        }
        assert!(view.contains("cl_active | cl_waiting") && view.contains(" | transaction"), "at {second} s\n{view}");
        assert!(view.contains("idle in transaction "), "at {second} s\n{view}");
    }
    let document = document(&plan, std::slice::from_ref(&answer));
    let text = table::render(&document, &[answer], "movehub.ron");
    let text = anstream::adapter::strip_str(&text).to_string();
    let heads: Vec<&str> = text.lines().filter(|line| line.starts_with("  at ")).collect();
    assert_eq!(heads, ["  at 0 ms", "  at 10 s", "  at 20 s", "  at 30 s"]);
}

#[test]
fn without_a_proxy_there_is_no_show_pools() {
    let answer = looked_at(&only(plan("movehub", &[("warmup", "0s"), ("duration", "11s")], 1), "direct"));
    assert_eq!(answer.statuses.len(), 2);
    assert!(answer.statuses.iter().all(|(_, view)| !view.contains("cl_active") && view.contains("api worker 4: Pool size: 20")));
}

#[test]
fn looking_changes_nothing() {
    let plan = only(small("session-starvation"), "transaction");
    let unwatched = run(&plan, &RunOptions { jobs: 1, status_every: None }, &|_| {}).remove(0);
    assert_eq!(looked_at(&plan).point, unwatched.point);
}

#[test]
fn the_starved_statement_can_be_seen_on_every_console() {
    let answer = looked_at(&only(small("session-starvation"), "session, as in the guide"));
    let (_, view) = answer.statuses.iter().find(|(second, _)| *second == 60.0).expect("one view is of the first minute");
    let lines: Vec<&str> = view.lines().collect();
    assert_eq!(lines[0], "busy worker 1: Pool size: 20  Connections in pool: 20 Current Overflow: 0 Current Checked out connections: 0");
    assert_eq!(lines[1], "quiet worker 1: Pool size: 20  Connections in pool: 0 Current Overflow: -19 Current Checked out connections: 1");
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let (heads, values) = (cells(lines[2]), cells(lines[4]));
    let shown = |column: &str| &values[heads.iter().position(|head| head == column).expect("PgBouncer has this column")];
    assert_eq!([shown("cl_active"), shown("cl_waiting"), shown("sv_active"), shown("sv_idle")], ["20", "1", "20", "0"]);
    assert_eq!((shown("maxwait").as_str(), shown("pool_mode").as_str()), ("39", "session"));
    let sessions = |state: &str| cells(lines.iter().find(|line| cells(line)[0] == state).expect("PostgreSQL has this state"))[1].clone();
    assert_eq!((sessions("active"), sessions("idle")), ("0".to_owned(), "20".to_owned()));
}
