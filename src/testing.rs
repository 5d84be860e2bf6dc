//! For property-based tests: strategies for workloads, pools and whole systems (feature `proptest`).
//!
//! A test of one's own can say "for every arrival pattern up to 300 requests a second no checkout waits over a second", and
//! proptest looks for the pattern that breaks it, and for the simplest such one:
//!
//! ```
//! use poolcast::Experiment;
//! use poolcast::experiment::Replications;
//! use poolcast::kernel::latency::LogNormal;
//! use poolcast::kernel::time::Span;
//! use poolcast::parts::client::StreamSpec;
//! use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
//! use poolcast::protocol::program::StepSpec::{Query, Session};
//! use poolcast::simulation::blueprint::{AppSpec, Blueprint};
//! use poolcast::testing::arrivals_up_to;
//! use proptest::prelude::*;
//!
//! proptest! {
//!     #![proptest_config(ProptestConfig::with_cases(20))]
//!     # #[allow(clippy::test_attr_in_doctest)]
//!     fn no_checkout_waits_over_a_second(arrivals in arrivals_up_to(300.0), seed in any::<u64>()) {
//!         let statement = LogNormal { mean: Some(Span::from_millis(8)), cv: Some(1.5), ..LogNormal::default() };
//!         let steps = vec![Session(vec![Query(statement.into())])];
//!         let pool = SqlAlchemy { pool_size: 10, max_overflow: 5, ..SqlAlchemy::default() };
//!         let system = Blueprint::new(vec![StreamSpec::new("orders", "shop", arrivals, steps)], vec![AppSpec::new("shop", pool)]);
//!         let answer = Experiment {
//!             seed,
//!             duration: Span::from_secs(20),
//!             replications: Replications::Fixed(1),
//!             ..Experiment::new("Is the pool of the shop large enough?", system)
//!         }
//!         .run()
//!         .expect("the system is sound");
//!         prop_assert!(answer.points[0].pool_wait.times.max.is_none_or(|seconds| seconds < 1.0));
//!     }
//! }
//! # no_checkout_waits_over_a_second();
//! ```
//!
//! An experiment that cannot be read says where and why:
//!
//! ```
//! let wrong = "(question: \"?\", system: (), duration: \"5 parsecs\", seed: 1)".parse::<poolcast::Experiment>();
//! assert!(wrong.unwrap_err().to_string().contains("parsecs"));
//! ```

mod pools;
mod steps;
mod systems;
mod workload;

pub use pools::{pools, sqlalchemy};
pub use steps::steps;
pub use systems::{databases, drivers, faults, proxies, systems};
pub use workload::{arrivals, arrivals_up_to, latencies, millis, recorded, retries};
