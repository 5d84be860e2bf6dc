//! A recorded trace of the real library, read back.

use std::fmt;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// One schedule and what the real library did.
pub struct Recording<S> {
    pub schedule: S,
    pub rows: Vec<Row>,
    /// Nanoseconds and three figures of the pool's own: after each instant in which they changed.
    pub counters: Vec<[i64; 4]>,
    /// Nanoseconds at which independent things happened in an order that is nobody's rule; none where the recorder's clock
    /// lets nothing happen at once.
    pub ties: Vec<u64>,
    /// The requests that failed, and with what, in words or by poolcast's name; nothing where that is not recorded.
    pub errors: Option<Vec<String>>,
}

/// One step of the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub at: u64,
    pub event: &'static str,
    pub request: Option<u64>,
    pub conn: Option<u64>,
}

#[derive(Deserialize)]
struct Line<S> {
    schedule: S,
    trace: String,
    counters: String,
    #[serde(default)]
    ties: String,
    errors: Option<Vec<String>>,
}

const LETTERS: [(char, &str); 14] = [
    ('q', "request"),
    ('w', "wait"),
    ('k', "wake"),
    ('s', "connect_start"),
    ('d', "connect_done"),
    ('f', "connect_fail"),
    ('p', "ping"),
    ('r', "reset"),
    ('o', "checkout"),
    ('i', "checkin"),
    ('v', "invalidate"),
    ('c', "close"),
    ('t', "timeout"),
    ('e', "error"),
];

impl<S: DeserializeOwned> Recording<S> {
    /// Reads a line as a recorder writes it.
    pub fn read(line: &str) -> Recording<S> {
        let Line { schedule, trace, counters, ties, errors } = serde_json::from_str(line).expect("a recorder writes what is read here");
        let mut at = 0;
        let rows = trace.split_whitespace().map(|word| Row::read(word, &mut at)).collect();
        let counters = counters.split_whitespace().map(counts).collect();
        let ties = ties.split_whitespace().map(|at| at.parse().expect("a time in nanoseconds")).collect();
        Recording { schedule, rows, counters, ties, errors }
    }
}

impl Row {
    /// Reads "1200o3/2": 1200 ns after the last row, a checkout, request 3, connection 2.
    fn read(word: &str, at: &mut u64) -> Row {
        let letter = word.find(char::is_alphabetic).expect("a letter says what happened");
        if letter > 0 {
            *at += word[..letter].parse::<u64>().expect("a time in nanoseconds");
        }
        let (request, conn) = word[letter + 1..].split_once('/').unwrap_or((&word[letter + 1..], ""));
        let event = LETTERS.iter().find(|(known, _)| word[letter..].starts_with(*known)).expect("a known letter").1;
        Row { at: *at, event, request: request.parse().ok(), conn: conn.parse().ok() }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{:09} {}", self.at / 1_000_000_000, self.at % 1_000_000_000, self.event)?;
        if let Some(request) = self.request {
            write!(f, " request {request}")?;
        }
        if let Some(conn) = self.conn {
            write!(f, " conn {conn}")?;
        }
        Ok(())
    }
}

fn counts(text: &str) -> [i64; 4] {
    let numbers: Vec<i64> = text.split(',').map(|number| number.parse().expect("a count")).collect();
    numbers.try_into().expect("four numbers")
}
