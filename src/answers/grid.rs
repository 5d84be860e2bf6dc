//! A sweep in pieces: what is kept of each finished point, and how pieces from anywhere become the one result.
//!
//! Each point is kept by itself, under the fingerprint of the whole plan. So a sweep goes on where it stopped, and parts
//! from several machines are put together without asking where they ran: the result has the same bytes.

use serde::{Deserialize, Serialize};

use crate::answers::document::{Answer, Document, Point};
use crate::answers::why::advise;
use crate::experiment::{Plan, Problem};
use crate::measure::histogram::Histogram;
use crate::measure::outcome::Outcome;

/// What a directory of results belongs to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// The version that wrote it.
    pub poolcast: String,
    /// Of the complete plan and its data files, hexadecimal: what has the same one is the same experiment.
    pub fingerprint: String,
    /// The experiment's file without directory and ending.
    pub name: String,
    /// What it asks.
    pub question: String,
    /// Its seed.
    pub seed: u64,
    /// How many points the whole of it has.
    pub points: usize,
}

/// A finished point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    /// Of its sweep.
    pub fingerprint: String,
    /// Its place in the plan, from 0.
    pub index: usize,
    /// Its figures, as `run` would state them.
    pub point: Point,
    /// The layer that binds.
    pub binds: String,
    /// Each replication by itself.
    pub replications: Vec<Replication>,
}

/// What happened in one replication: plain observations, without intervals. Times are seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Replication {
    pub replication: u64,
    pub arrived: u64,
    pub completed: u64,
    pub failed: u64,
    pub latency_mean_s: Option<f64>,
    pub latency_p50_s: Option<f64>,
    pub latency_p99_s: Option<f64>,
    pub latency_max_s: Option<f64>,
    pub pool_wait_mean_s: Option<f64>,
    pub pool_wait_p99_s: Option<f64>,
    pub pool_timeouts: u64,
    pub database_connections_mean: f64,
    pub database_connections_max: u64,
    pub events: u64,
    pub digest: String,
}

/// A whole sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// What it belongs to.
    pub head: Head,
    /// All points in the order of the plan.
    pub pieces: Vec<Piece>,
}

impl Head {
    /// Of this plan; `data` are the names and texts of the files that it names.
    pub fn of(plan: &Plan, data: &[(String, String)], name: &str) -> Head {
        let mut all = blake3::Hasher::new();
        all.update(&serde_json::to_vec(plan).expect("a plan is plain data"));
        for (file, text) in data {
            for part in [file, text] {
                all.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            }
        }
        Head {
            poolcast: env!("CARGO_PKG_VERSION").to_owned(),
            fingerprint: all.finalize().to_hex().to_string(),
            name: name.to_owned(),
            question: plan.question.clone(),
            seed: plan.seed,
            points: plan.points.len(),
        }
    }

    /// Whether results under `other` may be mixed with these; `here` and `there` name the two for people.
    pub fn agrees(&self, here: &str, other: &Head, there: &str) -> Result<(), Problem> {
        if self.poolcast != other.poolcast {
            let title = format!("{there} was written by poolcast {}, {here} by {}", other.poolcast, self.poolcast);
            return Err(Problem::nowhere(title).help("versions are not mixed: run all of it with one version, into an empty directory"));
        }
        if self.fingerprint != other.fingerprint {
            let title = format!("{there} holds another experiment than {here}");
            let what = if self.question != other.question {
                format!("it asks: {}", other.question)
            } else if self.points != other.points {
                format!("it has {} points, not {}", other.points, self.points)
            } else {
                "the question is the same, but a value of its plan is not (or --set, --seed, --replications, a data file)".to_owned()
            };
            return Err(Problem::nowhere(title).help(what).help("give another directory, or remove this one if it is no longer needed"));
        }
        Ok(())
    }
}

impl Piece {
    /// What is kept of a point.
    pub fn of(head: &Head, index: usize, answer: Answer, outcomes: &[Outcome]) -> Piece {
        let binds = advise(&answer).binds.to_owned();
        let replications = (0..).zip(outcomes).map(|(replication, outcome)| Replication::of(replication, outcome)).collect();
        Piece { fingerprint: head.fingerprint.clone(), index, point: answer.point, binds, replications }
    }
}

impl Replication {
    fn of(replication: u64, outcome: &Outcome) -> Replication {
        let latency = Histogram::merged(outcome.streams.iter().map(|stream| &stream.latency));
        let wait = Histogram::merged(outcome.streams.iter().map(|stream| &stream.pool_wait));
        let seconds = |ns: Option<u64>| ns.map(|ns| ns as f64 / 1e9);
        let mean = |histogram: &Histogram| histogram.mean().map(|ns| ns / 1e9);
        Replication {
            replication,
            arrived: outcome.streams.iter().map(|stream| stream.arrived).sum(),
            completed: outcome.streams.iter().map(|stream| stream.completed).sum(),
            failed: outcome.streams.iter().flat_map(|stream| &stream.errors).sum(),
            latency_mean_s: mean(&latency),
            latency_p50_s: seconds(latency.quantile(0.5)),
            latency_p99_s: seconds(latency.quantile(0.99)),
            latency_max_s: seconds(latency.max()),
            pool_wait_mean_s: mean(&wait),
            pool_wait_p99_s: seconds(wait.quantile(0.99)),
            pool_timeouts: outcome.pools.iter().map(|pool| pool.timeouts).sum(),
            database_connections_mean: outcome.database.connections.mean,
            database_connections_max: outcome.database.connections.most,
            events: outcome.events,
            digest: format!("{:016x}", outcome.digest),
        }
    }
}

impl Grid {
    /// All pieces in order; pieces that are there twice have to be equal, and none may be missing.
    pub fn of(head: Head, mut pieces: Vec<Piece>) -> Result<Grid, Problem> {
        pieces.sort_by_key(|piece| piece.index);
        if let Some(two) = pieces.windows(2).find(|two| two[0].index == two[1].index && two[0] != two[1]) {
            let title = format!("point {} was run twice with different results", two[0].index);
            return Err(Problem::nowhere(title)
                .help("the same experiment gives the same bytes everywhere: one of the machines or files is at fault"));
        }
        pieces.dedup_by_key(|piece| piece.index);
        let missing: Vec<usize> =
            (0..head.points).filter(|index| pieces.binary_search_by_key(index, |piece| piece.index).is_err()).collect();
        if !missing.is_empty() {
            let title = format!("{} of {} points are missing: {}", missing.len(), head.points, ranges(&missing));
            let help = "run the same sweep again into the same directories: what is finished there is kept";
            return Err(Problem::nowhere(title).help(help));
        }
        Ok(Grid { head, pieces })
    }

    /// The document that `run` would write.
    pub fn document(&self) -> Document {
        Document {
            poolcast: self.head.poolcast.clone(),
            question: self.head.question.clone(),
            seed: self.head.seed,
            points: self.pieces.iter().map(|piece| piece.point.clone()).collect(),
        }
    }
}

/// "3, 7–9, 12": numbers in order, neighbours together, and not more than fit on a line or two.
fn ranges(numbers: &[usize]) -> String {
    const MOST: usize = 12;
    let mut parts: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match parts.last_mut() {
            Some((_, last)) if *last + 1 == *number => *last = *number,
            _ => parts.push((*number, *number)),
        }
    }
    let shown = parts.iter().take(MOST).map(|(first, last)| if first == last { first.to_string() } else { format!("{first}–{last}") });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if parts.len() > MOST { format!("{shown} …") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        let text = |text: &str| text.to_owned();
        Head { poolcast: text("1.0.0"), fingerprint: text("abc"), name: text("x"), question: text("Which?"), seed: 1, points: 4 }
    }

    fn piece(index: usize) -> Piece {
        Piece { fingerprint: "abc".into(), index, point: Point::default(), binds: "–".into(), replications: Vec::new() }
    }

    #[test]
    fn pieces_from_anywhere_come_into_the_order_of_the_plan() {
        let grid = Grid::of(head(), vec![piece(2), piece(0), piece(3), piece(1), piece(2)]).expect("all are there");
        assert_eq!(grid.pieces.iter().map(|piece| piece.index).collect::<Vec<_>>(), [0, 1, 2, 3]);
        let title = |pieces| Grid::of(head(), pieces).expect_err("some are missing").title;
        assert_eq!(title(vec![piece(1)]), "3 of 4 points are missing: 0, 2–3");
        let other = Piece { binds: "app pool".into(), ..piece(1) };
        assert!(title(vec![piece(0), piece(1), other]).contains("point 1 was run twice with different results"));
    }

    #[test]
    fn versions_and_experiments_are_not_mixed() {
        let mine = head();
        assert!(mine.agrees("here", &head(), "there").is_ok());
        let refusal = |other: Head| {
            let problem = mine.agrees("here", &other, "there").expect_err("they differ");
            format!("{} {}", problem.title, problem.help.join(" "))
        };
        assert!(refusal(Head { poolcast: "0.9.0".into(), ..head() }).contains("there was written by poolcast 0.9.0, here by 1.0.0"));
        assert!(refusal(Head { fingerprint: "x".into(), question: "Why?".into(), ..head() }).contains("it asks: Why?"));
        assert!(refusal(Head { fingerprint: "x".into(), points: 5, ..head() }).contains("5 points, not 4"));
        assert!(refusal(Head { fingerprint: "x".into(), ..head() }).contains("a value of its plan"));
    }

    #[test]
    fn a_piece_reads_back_as_it_was_written() {
        let mut written = piece(3);
        written.point.latency.mean = Some(0.1 + 0.2);
        written.point.requests.throughput = 1.0 / 3.0;
        let text = serde_json::to_string(&written).expect("it is plain data");
        assert_eq!(serde_json::from_str::<Piece>(&text).expect("it was written by us"), written);
    }
}
