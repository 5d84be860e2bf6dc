//! A live run's requests once more for the model: when they really came, and what they really asked of the server.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::kernel::latency::{LatencySpec, Scaled};
use crate::kernel::time::{SimTime, Span};
use crate::measure::recording::fitness::occupies;
use crate::measure::recording::{Attempt, Recording, StatementKind};
use crate::parts::client::StreamSpec;
use crate::parts::fault::{At, FaultSpec};
use crate::parts::workload::{ArrivalsSpec, Replay};
use crate::protocol::program::{Op, Program, StepSpec};
use crate::simulation::blueprint::Blueprint;

/// The recording with every request's arrival where its worker took it up: a driver that was late is no fault of the
/// model. Where event loops are kept busy on purpose being late is what is looked at, and the sending counts.
pub fn on_time(recording: &Recording, blueprint: &Blueprint) -> Recording {
    let mut begun: BTreeMap<(u32, u64), u64> = BTreeMap::new();
    let busy = occupies(&blueprint.workload);
    for attempt in recording.attempts.iter().filter(|attempt| attempt.attempt <= 1) {
        let began = if busy { None } else { attempt.began };
        let sent = (attempt.sent > 0).then_some(attempt.sent);
        begun.insert((attempt.stream, attempt.number), began.or(sent).unwrap_or(attempt.arrived));
    }
    let mut recording = recording.clone();
    for attempt in &mut recording.attempts {
        if let Some(at) = begun.get(&(attempt.stream, attempt.number)) {
            attempt.arrived = *at;
        }
    }
    recording
}

/// The system with the arrivals and demands of a recording that is [`on_time`], and its faults when they really struck.
/// Every statement's demand is taken `pace` times: servers that compute may be faster or slower than when they were asked.
pub fn replayed(blueprint: &Blueprint, recording: &Recording, pace: f64) -> Blueprint {
    let mut blueprint = blueprint.clone();
    for (index, stream) in blueprint.workload.iter_mut().enumerate() {
        if queries(stream) == 0 || stream.arrivals.kind().rate().is_none() {
            // No table says what its statements asked for.
            slow_down(&mut stream.steps, pace);
        }
        if let Some(table) = table(stream, recording, index as u32, pace) {
            let mut replay = Replay::of("as recorded", 1.0);
            replay.load(&table).expect("a table that was just written can be read");
            stream.arrivals = ArrivalsSpec::Replay(replay);
        }
    }
    blueprint.faults = faults(&blueprint.faults, recording);
    blueprint
}

/// Arrivals and demands as CSV; nothing of users, who come when they were answered, and of streams that nobody sent.
fn table(stream: &StreamSpec, recording: &Recording, index: u32, pace: f64) -> Option<String> {
    stream.arrivals.kind().rate()?;
    let mut first: BTreeMap<u64, &Attempt> = BTreeMap::new();
    for attempt in recording.attempts.iter().filter(|attempt| attempt.stream == index && attempt.attempt <= 1) {
        first.insert(attempt.number, attempt);
    }
    // The n-th row is request n; one that was never born ends the table.
    let known: Vec<&Attempt> = (0..).map_while(|number| first.get(&number).copied()).collect();
    if known.is_empty() {
        return None;
    }
    let queries = queries(stream);
    let mut text = "at".to_owned();
    (1..=queries).for_each(|query| write!(text, ",query{query}").expect("a text can be written to"));
    let mut last = 0;
    for attempt in known {
        // Two workers may take up their requests in the other order.
        last = attempt.arrived.max(last);
        write!(text, "\n{}", seconds(last)).expect("a text can be written to");
        let asked = attempt.statements.iter().filter(|statement| statement.kind == StatementKind::Query);
        for statement in asked.take(queries) {
            let demand = Span::from_nanos(statement.served).scaled(pace);
            write!(text, ",{}", seconds(demand.nanos())).expect("a text can be written to");
        }
    }
    Some(text + "\n")
}

fn slow_down(steps: &mut [StepSpec], pace: f64) {
    for step in steps {
        match step {
            StepSpec::Query(demand) => *demand = LatencySpec::Scaled(Scaled(pace, Box::new(demand.clone()))),
            StepSpec::Session(inner) | StepSpec::Transaction(inner) | StepSpec::Repeat(_, inner) => slow_down(inner, pace),
            StepSpec::Choose(branches) => branches.iter_mut().for_each(|(_, inner)| slow_down(inner, pace)),
            _ => {}
        }
    }
}

/// How many statements a request sends, if that is always the same; else their demands are drawn as they were live.
fn queries(stream: &StreamSpec) -> usize {
    let program = Program::compile(&stream.steps).expect("a checked stream's steps make a program");
    let chooses = program.ops.iter().any(|op| matches!(op, Op::Choose { .. }));
    if chooses { 0 } else { program.queries().count() }
}

fn faults(faults: &[At], recording: &Recording) -> Vec<At> {
    let mut schedule = faults.to_vec();
    schedule.sort_by_key(|At(at, _)| *at);
    for (At(at, fault), struck) in schedule.iter_mut().zip(&recording.faults) {
        *at = SimTime::from_nanos(struck.at) - SimTime::ZERO;
        let really = Span::from_nanos(struck.until.saturating_sub(struck.at));
        match fault {
            // Stopping takes what is asked for, or longer; what is left of the time the server was starting.
            FaultSpec::RestartDatabase { down, starting } => *starting = Span::from_nanos(really.nanos().saturating_sub(down.nanos())),
            FaultSpec::RestartProxy { down } => *down = really,
            _ => {}
        }
    }
    schedule
}

/// Whole nanoseconds as seconds, exactly.
fn seconds(nanos: u64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::latency::LatencySpec;
    use crate::kernel::rng::Seed;
    use crate::measure::recording::Statement;
    use crate::parts::pool::sqlalchemy::SqlAlchemy;
    use crate::parts::workload::{Closed, Poisson};
    use crate::simulation::blueprint::AppSpec;

    fn attempt(number: u64, due: u64, began: u64, served: u64) -> Attempt {
        let statement = Statement { served, ..Statement::default() };
        Attempt {
            number,
            attempt: 1,
            arrived: due,
            due,
            sent: due + 1,
            began: Some(began),
            statements: vec![statement],
            ..Attempt::default()
        }
    }

    #[test]
    fn the_model_meets_requests_when_their_workers_did_and_what_they_asked() {
        let query = StepSpec::Query(LatencySpec::always(Span::from_millis(5)));
        let stream = StreamSpec::new("api", "api", Poisson { rate: 100.0 }, vec![StepSpec::Session(vec![query])]);
        let blueprint = Blueprint::new(vec![stream], vec![AppSpec::new("api", SqlAlchemy::default())]);
        let attempts = vec![attempt(1, 2_000, 2_900, 7_000_000), attempt(0, 1_000, 3_000, 4_000_000)];
        let recording = on_time(&Recording { attempts, ..Recording::default() }, &blueprint);
        let replayed = replayed(&blueprint, &recording, 1.5);
        let mut arrivals = replayed.workload[0].arrivals.kind().build("api", &Seed::new(1, 0));
        let at: Vec<u64> = std::iter::from_fn(|| arrivals.next()).map(|batch| (batch.at - SimTime::ZERO).nanos()).collect();
        assert_eq!(at, [3_000, 3_000], "they stay in the order of their numbers");
        assert_eq!(arrivals.demands(1), Some([Span::from_nanos(10_500_000)].as_slice()));
    }

    #[test]
    fn statements_of_users_are_as_much_slower_as_the_server_was() {
        let query = StepSpec::Query(LatencySpec::always(Span::from_millis(4)));
        let steps = vec![StepSpec::Session(vec![StepSpec::Repeat(2, vec![query])])];
        let users = Closed { users: 3, think: LatencySpec::always(Span::from_millis(1)) };
        let blueprint = Blueprint::new(vec![StreamSpec::new("api", "api", users, steps)], vec![AppSpec::new("api", SqlAlchemy::default())]);
        let replayed = replayed(&blueprint, &Recording::default(), 1.5);
        let StepSpec::Session(inner) = &replayed.workload[0].steps[0] else { panic!("{replayed:?}") };
        let StepSpec::Repeat(2, inner) = &inner[0] else { panic!("{replayed:?}") };
        let StepSpec::Query(demand) = &inner[0] else { panic!("{replayed:?}") };
        assert_eq!(demand.prepare().constant(), Some(Span::from_millis(6)));
    }
}
