//! The answer does not depend on the number of threads.

use poolcast::answers::report::{document, json};
use poolcast::answers::runner::{RunOptions, run};

use super::plan;

#[test]
fn one_two_and_eight_threads_give_the_same_bytes() {
    for name in ["movehub", "session-starvation", "pool-size"] {
        let plan = plan(name, &[("warmup", "1s"), ("duration", "6s")], 8);
        let text = |jobs| json::render(&document(&plan, &run(&plan, &RunOptions { jobs, status_every: None }, &|_| {})));
        let one = text(1);
        assert!(one.contains("\"digest\""), "the digest is part of the document");
        assert_eq!(text(2), one, "{name} with two threads");
        assert_eq!(text(8), one, "{name} with eight threads");
    }
}
