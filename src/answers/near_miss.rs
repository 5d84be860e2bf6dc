//! Whether a run that saw no checkout time out came so near to it that the question is how rare a timeout is.

use crate::answers::check::pools::habits;
use crate::answers::document::{Named, StreamFigures};
use crate::answers::words::seconds;
use crate::simulation::blueprint::Blueprint;

/// A wait this near to its limit is a near miss: tails of waits fall about exponentially, so what was seen once at half of
/// the limit among a million checkouts is to be expected beyond it once in some million millions.
const NEAR: f64 = 0.5;

/// What to say of it; nothing where timeouts were seen, or the longest wait was nowhere near.
pub fn note(blueprint: &Blueprint, streams: &Named<StreamFigures>) -> Option<String> {
    if streams.iter().any(|(_, figures)| figures.requests.failed + figures.requests.unfinished > 0) {
        return None;
    }
    let near = |(name, figures): (&str, &StreamFigures)| {
        let stream = blueprint.workload.iter().find(|stream| stream.name == name)?;
        let app = blueprint.apps.iter().find(|app| app.name == stream.app)?;
        let (field, limit) = habits(&app.pool).wait?;
        let (limit, longest) = (limit?.seconds(), figures.pool_wait.times.max?);
        (limit > 0.0 && longest >= NEAR * limit).then(|| {
            let (longest, limit) = (seconds(longest), seconds(limit));
            format!(
                "{name}: no checkout timed out, but the longest wait was {longest} of {field} {limit}: `poolcast rare` says how rare it is"
            )
        })
    };
    streams.iter().find_map(near)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::Experiment;

    fn said(longest: f64, failed: u64) -> Option<String> {
        let text = r#"Experiment(question: "?", duration: "1min", seed: 1, system: System(proxy: Direct,
            workload: [Stream(name: "api", arrivals: Poisson(rate: 1), steps: [Session([])])],
            apps: [App(name: "web", pool: SqlAlchemy(pool_timeout: "2s"))]))"#;
        let plan = text.parse::<Experiment>().expect("it reads").plan(&[], None, None).expect("it is complete");
        let mut figures = StreamFigures::default();
        figures.pool_wait.times.max = Some(longest);
        figures.requests.failed = failed;
        note(&plan.points[0].blueprint, &Named(vec![("api".to_owned(), figures)]))
    }

    #[test]
    fn a_wait_of_most_of_the_timeout_is_a_near_miss_and_a_short_one_or_a_timeout_is_none() {
        assert!(said(1.2, 0).is_some_and(|note| note.contains("the longest wait was 1.2 s of pool_timeout 2.0 s")));
        assert_eq!((said(0.9, 0), said(1.9, 3)), (None, None));
    }
}
