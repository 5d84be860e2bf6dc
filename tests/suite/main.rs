//! One test binary; modules in reading order.
