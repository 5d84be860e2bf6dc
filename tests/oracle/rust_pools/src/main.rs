//! Plays random schedules to real pools and writes what they did, one JSON object a line.
//!
//!     rust_pools deadpool|bb8|sqlx|r2d2 [SCHEDULES [FIRST SEED]]

use std::io::Write;

use schedule::{Kind, Schedule};
use world::Recording;

mod bb8_side;
mod clock;
mod deadpool_side;
mod dice;
mod r2d2_side;
mod schedule;
mod settings;
mod sqlx_side;
mod tasks;
mod world;

type Play = fn(Schedule) -> Recording;

const LIBRARIES: [(Kind, Play); 4] = [
    (deadpool_side::KIND, tasks::play::<deadpool_side::Deadpool>),
    (bb8_side::KIND, tasks::play::<bb8_side::Bb8>),
    (sqlx_side::KIND, tasks::play::<sqlx_side::Sqlx>),
    (r2d2_side::KIND, r2d2_side::play),
];

fn main() {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let name = given.first().map_or("", String::as_str);
    let Some((kind, play)) = LIBRARIES.iter().find(|(kind, _)| kind.library == name) else {
        let known: Vec<&str> = LIBRARIES.iter().map(|(kind, _)| kind.library).collect();
        eprintln!("rust_pools {} [SCHEDULES [FIRST SEED]]", known.join("|"));
        std::process::exit(2);
    };
    let number = |place: usize, usual: u64| given.get(place).map_or(usual, |text| text.parse().expect("a number"));
    let (schedules, first) = (number(1, 100), number(2, 1));
    let mut out = std::io::stdout().lock();
    for seed in first..first + schedules {
        serde_json::to_writer(&mut out, &play(kind.draw(seed))).expect("standard output takes it");
        writeln!(out).expect("standard output takes it");
    }
}
