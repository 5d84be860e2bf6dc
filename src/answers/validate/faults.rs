//! How long a fault is felt, in a live run and in its simulation: until the last request has failed.

use crate::kernel::time::{SimTime, Span};
use crate::measure::journey::Journey;
use crate::measure::recording::{Attempt, Recording};

/// From the first fault until the last of the counted requests had failed for good, live and simulated; no time if none
/// did, and nothing without a fault.
pub fn failing(recording: &Recording, journeys: &[Journey]) -> Option<[Span; 2]> {
    let struck = recording.faults.iter().map(|fault| fault.at).min()?;
    let about = &recording.about;
    let counted = about.warmup..about.warmup + about.duration;
    let failed = |attempt: &&Attempt| attempt.failure.is_some() && !attempt.retried && counted.contains(&attempt.arrived);
    let live = recording.attempts.iter().filter(failed).filter_map(|attempt| attempt.heard);
    let simulated = journeys.iter().filter(|journey| journey.failure.is_some()).map(|journey| (journey.ended - SimTime::ZERO).nanos());
    let since = |last: Option<u64>| Span::from_nanos(last.map_or(0, |last| last.saturating_sub(struck)));
    Some([since(live.max()), since(simulated.max())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::recording::{About, Failure, Struck};
    use crate::protocol::error::Error;
    use crate::protocol::event::StreamId;

    fn attempt(heard: u64, failed: bool, retried: bool) -> Attempt {
        let failure = failed.then(|| Failure { name: Some(Error::ConnectionRefused), text: "refused".to_owned() });
        Attempt { arrived: heard - 1, heard: Some(heard), failure, retried, ..Attempt::default() }
    }

    fn journey(ended: u64, failure: Option<Error>) -> Journey {
        let [arrived, ended] = [0, ended].map(SimTime::from_nanos);
        Journey { stream: StreamId(0), number: 0, arrived, ended, is_over: true, failure, attempts: 1, segments: Vec::new() }
    }

    #[test]
    fn a_fault_is_felt_until_the_last_request_has_failed_for_good() {
        let attempts = vec![attempt(700, true, false), attempt(900, false, false), attempt(800, true, true)];
        let about = About { duration: 2_000, ..About::default() };
        let struck = |at| Struck { what: "RestartDatabase".to_owned(), due: at, at, until: at + 1 };
        let recording = Recording { about, attempts, faults: vec![struck(650), struck(500)], ..Recording::default() };
        let journeys = [journey(710, Some(Error::AdminShutdown)), journey(950, None)];
        assert_eq!(failing(&recording, &journeys), Some([200, 210].map(Span::from_nanos)));
        assert_eq!(failing(&recording, &[]), Some([Span::from_nanos(200), Span::ZERO]));
        assert_eq!(failing(&Recording { faults: Vec::new(), ..recording }, &journeys), None);
    }
}
