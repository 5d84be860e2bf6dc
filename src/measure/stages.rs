//! What requests spent their time on, told in the same words of a live request and of a simulated one.

use crate::kernel::time::Span;
use crate::measure::journey::{Doing, Journey};
use crate::measure::recording::{Attempt, Checkout};

/// What a request's time goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a connection of the pool, opening one apart.
    Wait,
    /// Opening connections.
    Connect,
    /// Statements, from sending to the reply.
    Statements,
    /// Giving connections back.
    GiveBack,
    /// Everything else: the application's own steps, its event loop.
    Rest,
}

/// Seconds, in the order of [`Stage`].
pub type Spent = [f64; 5];

/// A live request that ended well; its retries would be another story.
pub fn live(attempt: &Attempt) -> Option<Spent> {
    let heard = attempt.heard.filter(|_| attempt.failure.is_none() && attempt.attempt == 1)?;
    let mut spent = [0.0; 5];
    for Checkout { asked, got, given, back, connects } in &attempt.checkouts {
        let connecting: f64 = connects.iter().map(|(from, to)| seconds(*from, *to)).sum();
        spent[Stage::Connect as usize] += connecting;
        spent[Stage::Wait as usize] += (seconds(*asked, (*got)?) - connecting).max(0.0);
        // A connection that is never given back takes no time to give back.
        spent[Stage::GiveBack as usize] += given.zip(*back).map_or(0.0, |(given, back)| seconds(given, back));
    }
    for statement in &attempt.statements {
        spent[Stage::Statements as usize] += seconds(statement.sent, statement.replied?);
    }
    spent[Stage::Rest as usize] = (seconds(attempt.arrived, heard) - spent.iter().sum::<f64>()).max(0.0);
    Some(spent)
}

/// A simulated request that ended well at the first attempt.
pub fn simulated(journey: &Journey) -> Option<Spent> {
    if !journey.is_over || journey.failure.is_some() || journey.attempts > 1 {
        return None;
    }
    let mut spent = [0.0; 5];
    for segment in &journey.segments {
        let stage = match segment.doing {
            // The driver's own time goes before a checkout as long as there is no connection, and before a statement then.
            Doing::Driver if segment.conn.is_none() => Stage::Wait,
            Doing::Driver => Stage::Statements,
            doing => stage(doing),
        };
        spent[stage as usize] += Span::seconds(segment.to - segment.from);
    }
    Some(spent)
}

fn stage(doing: Doing) -> Stage {
    match doing {
        Doing::Pool | Doing::PoolWait | Doing::Ping => Stage::Wait,
        Doing::Connect | Doing::Initialise => Stage::Connect,
        Doing::Query | Doing::Commit | Doing::ProxyWait => Stage::Statements,
        Doing::Reset | Doing::Close => Stage::GiveBack,
        Doing::EventLoop | Doing::AppQueue | Doing::Work | Doing::Await | Doing::Driver | Doing::RetryPause => Stage::Rest,
    }
}

fn seconds(from: u64, to: u64) -> f64 {
    Span::from_nanos(to.saturating_sub(from)).seconds()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::time::SimTime;
    use crate::measure::journey::Segment;
    use crate::measure::recording::Statement;
    use crate::protocol::event::{StreamId, WorkerId};

    const MS: u64 = 1_000_000;

    fn is(spent: Option<Spent>, expected: Spent) {
        let spent = spent.expect("it ended well");
        assert!(spent.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{spent:?}");
    }

    #[test]
    fn a_live_and_a_simulated_request_that_did_the_same_spent_the_same() {
        let checkout =
            Checkout { asked: MS, got: Some(8 * MS), given: Some(20 * MS), back: Some(21 * MS), connects: vec![(3 * MS, 7 * MS)] };
        let statement = Statement { sent: 9 * MS, replied: Some(19 * MS), ..Statement::default() };
        let attempt =
            Attempt { attempt: 1, heard: Some(22 * MS), checkouts: vec![checkout], statements: vec![statement], ..Attempt::default() };
        is(live(&attempt), [0.003, 0.004, 0.010, 0.001, 0.004]);

        let course = [
            (Doing::EventLoop, 1),
            (Doing::Driver, 2),
            (Doing::PoolWait, 4),
            (Doing::Connect, 8),
            (Doing::Driver, 10),
            (Doing::Query, 18),
            (Doing::Reset, 19),
            (Doing::EventLoop, 22),
        ];
        let mut from = SimTime::ZERO;
        let segments = course.map(|(doing, until)| {
            let to = SimTime::from_nanos(until * MS);
            let conn = (until > 4).then_some(1);
            Segment { doing, from: std::mem::replace(&mut from, to), to, worker: WorkerId::default(), conn }
        });
        let journey = Journey {
            stream: StreamId::default(),
            number: 0,
            arrived: SimTime::ZERO,
            ended: from,
            is_over: true,
            failure: None,
            attempts: 1,
            segments: segments.to_vec(),
        };
        is(simulated(&journey), [0.003, 0.004, 0.010, 0.001, 0.004]);
    }

    #[test]
    fn who_failed_or_tried_again_tells_nothing() {
        assert_eq!(live(&Attempt { attempt: 2, heard: Some(1), ..Attempt::default() }), None);
        assert_eq!(live(&Attempt { attempt: 1, heard: None, ..Attempt::default() }), None);
    }
}
