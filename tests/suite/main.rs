//! One test binary; modules in reading order.

mod canonical;
mod conversations;
mod experiment;
mod smoke;
mod theory;
