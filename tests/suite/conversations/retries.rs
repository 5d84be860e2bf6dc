//! What clients do about failures: how often they come again, when, for what, and within which budget.

use poolcast::kernel::time::Span;

use super::{one_user, said};

/// Attempts of one user whose database never answers, as request and time in seconds: each opens a connection, which fails.
fn attempts(retry: &str) -> Vec<(String, f64)> {
    let user = one_user("10s", r#"Session([Query(Constant("10ms"))])"#, &format!(", retry: Retry({retry})"));
    let lines = said(&format!(
        r#"workload: [{user}], apps: [App(name: "api", pool: NullPool)], proxy: Direct, network: Network(app: Constant("0s")),
           database: Postgres(connect: Constant("0s"), service: Delay), faults: [At("1ms", RestartDatabase(down: "10min"))]"#
    ));
    let failed = lines.iter().filter(|line| line.contains("connectfail"));
    failed
        .map(|line| {
            let mut words = line.split(' ');
            let at = Span::parse(words.next().expect("a time")).expect("it is one");
            (words.next().expect("a request").to_owned(), at.seconds())
        })
        .collect()
}

fn of_each(attempts: &[(String, f64)]) -> Vec<usize> {
    attempts.chunk_by(|a, b| a.0 == b.0).map(<[_]>::len).collect()
}

#[test]
fn a_budget_of_a_half_allows_every_second_request_one_more_attempt() {
    assert_eq!(of_each(&attempts(r#"attempts: 3, backoff: Constant("1s"), budget: 0.5"#))[..6], [1, 2, 1, 2, 1, 2]);
    assert_eq!(of_each(&attempts(r#"attempts: 3, backoff: Constant("1s"), budget: 0.0"#))[..3], [1, 1, 1]);
    assert_eq!(of_each(&attempts(r#"attempts: 3, backoff: Constant("1s")"#))[..3], [3, 3, 3]);
}

#[test]
fn only_what_is_to_be_retried_is() {
    assert_eq!(of_each(&attempts(r#"attempts: 3, on: [ConnectionRefused]"#))[..3], [3, 3, 3]);
    assert_eq!(of_each(&attempts(r#"attempts: 3, on: [PoolTimeout, AdminShutdown]"#))[..3], [1, 1, 1]);
}

#[test]
fn jitter_adds_up_to_its_share_of_the_pause_at_random() {
    let pauses = |retry: &str| -> Vec<f64> {
        let attempts = attempts(retry);
        attempts.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1 - pair[0].1).collect()
    };
    let even = pauses(r#"attempts: 4, backoff: Constant("1s")"#);
    assert!(even.iter().all(|pause| (pause - 1.0).abs() < 1e-9), "{even:?}");
    let spread = pauses(r#"attempts: 4, backoff: Constant("1s"), jitter: 0.5"#);
    let (least, most) = spread.iter().fold((f64::MAX, 0.0_f64), |(least, most), pause| (least.min(*pause), most.max(*pause)));
    assert!(spread.len() > 30 && least >= 1.0 && most <= 1.5 && least < 1.1 && most > 1.4, "{spread:?}");
}
