//! Floor 4: all parts together, and how to tell each of them something. Imports the floors below.

mod ahead;
pub mod blueprint;
pub mod conversation;
pub mod model;
pub mod observer;
pub mod roster;
pub mod run;
