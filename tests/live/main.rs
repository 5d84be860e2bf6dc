//! Real pools on real servers: `tests/live/run.sh` installs what these tests need and runs them.

mod faults;
mod own;
mod pools;
mod program;
mod servers;
mod system;
