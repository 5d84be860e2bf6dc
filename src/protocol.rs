//! Floor 2: what parts can say to each other. Imports the kernel; its files are neighbours that import each other.

pub mod conn;
pub mod cx;
pub mod driver;
pub mod error;
pub mod event;
pub mod fact;
pub mod program;
pub mod request;
pub mod server;
