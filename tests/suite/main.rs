//! One test binary; modules in reading order.

mod canonical;
mod experiment;
mod smoke;
mod theory;
