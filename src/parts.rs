//! Floor 3: clients, workers, pools, a proxy, a database, faults. Imports kernel and protocol. Parts never hold, import
//! or call each other; a family's kinds (`pool/…`) import their family's trait.

pub mod client;
pub mod database;
pub mod fault;
pub mod pool;
pub mod proxy;
pub mod worker;
pub mod workload;
