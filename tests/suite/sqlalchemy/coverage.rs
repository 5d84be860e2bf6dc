//! Which of the pool's rules a set of recordings has put to the test, and how often.

use std::collections::BTreeMap;

use super::schedule::Schedule;
use crate::recorded::{Recording, Row};

/// Every rule that a trace can show.
pub const RULES: [&str; 22] = [
    "an idle connection is lent",
    "a connection is opened",
    "a newcomer takes an idle connection although others wait",
    "a newcomer opens a connection although others wait",
    "no room: to the line",
    "woken, and lent to",
    "woken, and has to open, replace or ping",
    "woken in vain: to the end of the line",
    "the wait is over: refused",
    "the wait is over, but there is room: opens a connection",
    "a connect fails",
    "a connect fails, and the slot goes back empty",
    "a stale connection is replaced",
    "a connection is replaced in the checkout that opened it",
    "a ping is answered",
    "a ping fails",
    "the initialisation fails",
    "given back and kept",
    "given back and closed, the idle list being full",
    "broken or abandoned while lent, or in its reset",
    "left the line, or still stands in it",
    "left while its connection was opened",
];

/// How often each rule was taken.
pub fn count(recordings: &[Recording<Schedule>]) -> BTreeMap<&'static str, u64> {
    let mut table: BTreeMap<&str, u64> = RULES.iter().map(|rule| (*rule, 0)).collect();
    for recording in recordings {
        let mut last: BTreeMap<Option<u64>, [&str; 2]> = BTreeMap::new();
        for row in &recording.rows {
            let waiting = last.values().filter(|events| events[1] == "wait").count();
            let before = last.entry(row.request).or_insert(["", ""]);
            for rule in taken(*before, row, waiting) {
                *table.get_mut(rule).expect("a rule of the table") += 1;
            }
            *before = [before[1], row.event];
        }
        for [_, event] in last.values() {
            match *event {
                "wait" => *table.get_mut(RULES[20]).expect("a rule of the table") += 1,
                "connect_start" => *table.get_mut(RULES[21]).expect("a rule of the table") += 1,
                _ => {}
            }
        }
    }
    table
}

/// What a row says after the two before it of the same request.
fn taken([earlier, before]: [&str; 2], row: &Row, waiting: usize) -> Vec<&'static str> {
    let barges = waiting > 0 && before == "request";
    let rules = match (before, row.event) {
        ("request", "checkout") => vec![0],
        ("request", "connect_start") => vec![1],
        (_, "wait") if before == "wake" => vec![7],
        (_, "wait") => vec![4],
        ("wake", "checkout") => vec![5],
        ("wake", _) => vec![6],
        (_, "timeout") => vec![8],
        ("wait", "connect_start") => vec![9],
        (_, "connect_fail") => vec![10],
        ("connect_fail", "checkin") => vec![11],
        ("close", "connect_start") if earlier == "invalidate" => vec![],
        ("close", "connect_start") if earlier == "connect_done" => vec![12, 13],
        ("close", "connect_start") => vec![12],
        ("ping", "checkout") => vec![14],
        ("ping", "invalidate") => vec![15],
        ("close", "error") if earlier == "connect_done" => vec![16],
        ("reset", "checkin") => vec![17],
        ("checkin", "close") if earlier == "reset" => vec![18],
        ("checkout" | "reset", "invalidate") => vec![19],
        _ => vec![],
    };
    let overtakes = match (barges, row.event) {
        (true, "checkout" | "ping" | "close") => Some(2),
        (true, "connect_start") => Some(3),
        _ => None,
    };
    rules.into_iter().chain(overtakes).map(|rule| RULES[rule]).collect()
}
