//! One test binary; modules in reading order.

mod check;
mod cli;
mod compare;
mod conservation;
mod conversations;
mod experiment;
mod experiments;
mod import;
mod numbers;
mod paths;
mod pools;
mod recorded;
mod pgbouncer;
mod library;
mod metrics;
#[cfg(feature = "serve")]
mod serve;
mod smoke;
mod tables;
mod theory;
mod tidy;
mod trace;
mod validation;
mod sqlalchemy;
