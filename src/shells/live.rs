//! Real pools on real servers: the only sockets, child processes and wall clock.
//!
//! [`run`] does one replication of a system and gives a [`Recording`](crate::measure::recording::Recording), whatever the
//! servers are and whichever drivers the pools need. On the way: `servers` starts what is thrown away afterwards and
//! `address` says where a server is; `client` sends requests at their times to the workers of `drivers` and hears how
//! they ended; `looks`, `faults` and `health` go beside it, each on a thread of its own.
//!
//! Inside, `run` uses all others; `servers` uses `binaries`; everything may use `clock` and `address`.

pub mod address;
pub mod binaries;
pub mod client;
pub mod clock;
pub mod drivers;
pub mod faults;
pub mod health;
pub mod load;
pub mod looks;
pub mod run;
pub mod servers;
pub mod session;
pub mod sitting;
pub mod statements;
pub mod tls;
