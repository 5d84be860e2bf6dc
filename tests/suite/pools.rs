//! Every kind of pool: what all of them keep to, and scenes in which small pools do what their libraries do.

mod busy_loop;
mod dotnet_and_node;
mod go;
mod hikari_recorded;
mod invariants;
mod java;
mod kept;
mod python;
mod recorded;
mod rust;
mod scene;
mod virtual_time;
