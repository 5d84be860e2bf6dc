//! One test binary; modules in reading order.

mod canonical;
mod smoke;
