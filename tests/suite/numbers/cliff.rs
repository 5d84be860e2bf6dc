//! The cliff of a system whose degraded state can be written down.
//!
//! Statements that would take longer than T = 200 ms are ended and sent again, up to twenty times, and a request meets the
//! same demand again. With N statements under way on C cores each runs at rate r = C/N, so those with a demand above
//! θ = r·T never end well, and cost 20·θ of the cores instead. With exponential demands of mean m and y = θ/m a load of
//! λ requests a second keeps the cores busy with exactly N statements if λ·m·((1 − e⁻ʸ) + 19·y·e⁻ʸ) = C. The bracket is
//! greatest at y = 20/19, where it is 7.63: below λ = C/(7.63·m) there is no degraded state to stay in.

use poolcast::answers::cliff::{Task, cliff};
use poolcast::experiment::Experiment;

const CORES: f64 = 2.0;

const RETRIES: &str = r#"Experiment(question: "From which load on does it stay down?", system: System(
    workload: [Stream(name: "api", arrivals: Poisson(rate: 50), steps: [Session([Query(Exponential(mean: "10ms"))])],
        retry: Retry(attempts: 20, backoff: Exponential(mean: "20ms")))],
    apps: [App(name: "api", pool: SqlAlchemy(pool_size: 100, max_overflow: 0, pool_timeout: "1s"))], proxy: Direct,
    database: Postgres(max_connections: 1000, connect: Constant("0s"), service: Sharing(cores: 2, sigma: 0.0, kappa: 0.0),
        statement_timeout: "200ms"),
    faults: [At("4s", SlowDatabase(factor: 20, lasting: "4s"))]), warmup: "0s", duration: "40s", seed: 1, replications: 16)"#;

#[test]
fn a_system_that_retries_stays_down_from_where_its_degraded_state_begins() {
    let experiment = Experiment::parse(RETRIES, "test", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let plan_at = |rate: f64| experiment.plan(&[("workload.api.arrivals.rate".to_owned(), rate.to_string())], None, None);
    let task =
        Task { path: "workload.api.arrivals.rate", range: (10.0, 60.0), plan_at: &plan_at, at_most: Some(16), jobs: 2, heard: &|_| {} };
    let found = cliff(&task).unwrap_or_else(|problem| panic!("{problem}"));
    let y = 20.0_f64 / 19.0;
    let fluid = CORES / (0.01 * ((1.0 - (-y).exp()) + 19.0 * y * (-y).exp()));
    assert!((26.0..26.5).contains(&fluid), "{fluid}");
    let (works, fails) = (found.down.works_at.expect("far below it comes back"), found.down.fails_at.expect("far above it does not"));
    // A small system comes back by chance from states that a large one stays in: the edge lies above the fluid's, not below.
    assert!((0.9 * fluid..1.3 * fluid).contains(&works) && fails > works && fails <= 1.6 * fluid, "{works} and {fails} beside {fluid}");
    assert_eq!((found.up.works_at, found.up.fails_at), (Some(60.0), None), "from rest a third of the cores is no load");
    assert_eq!(found.hysteresis, Some([fails, 60.0]));
}
