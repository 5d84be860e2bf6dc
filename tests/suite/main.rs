//! One test binary; modules in reading order.

mod smoke;
