//! One test binary; modules in reading order.

mod canonical;
mod cli;
mod conservation;
mod conversations;
mod experiment;
mod smoke;
mod tables;
mod theory;
mod tidy;
