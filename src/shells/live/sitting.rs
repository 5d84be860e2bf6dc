//! Round trips and connection set-ups, one after the other over sockets of our own, beside what [`run`](super::run) measures.

use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::Client;

use super::address::Address;
use super::clock::pause;
use super::run::{Options, Target};
use super::servers::Servers;
use super::session::in_full;
use super::tls;
use crate::answers::validate::sitting::Trips;
use crate::measure::recording::costs::Times;
use crate::parts::proxy::ProxySpec;
use crate::shells::cli::Failure;
use crate::simulation::blueprint::Blueprint;

/// How many of each.
const ROUND_TRIPS: usize = 200;
const CONNECTS: usize = 25;
/// Processes that are never idle answer faster than any application sees.
const BETWEEN: Duration = Duration::from_millis(2);

/// Round trips to the servers of `blueprint`, throw-away ones or the user's own.
pub fn trips(blueprint: &Blueprint, options: &Options) -> Result<Trips, Failure> {
    with_servers(blueprint, options, between)
}

/// Asks servers of `blueprint`, throw-away ones or the user's own: the database, and the proxy if there is one.
pub fn with_servers<T>(
    blueprint: &Blueprint,
    options: &Options,
    ask: impl FnOnce(&Address, Option<&Address>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match &options.target {
        Target::Own(database, bouncer) => ask(database, bouncer.as_ref()),
        Target::Local(binaries) => {
            let servers = Servers::start(binaries, blueprint)?;
            let bouncer = (blueprint.proxy != ProxySpec::Direct).then(|| servers.entrance());
            ask(&servers.database(), bouncer.as_ref())
        }
    }
}

/// Round trips and connection set-ups of these servers.
pub fn between(database: &Address, bouncer: Option<&Address>) -> Result<Trips, Failure> {
    let direct = round_trips(database, ROUND_TRIPS)?;
    let proxied = bouncer.map(|bouncer| round_trips(bouncer, ROUND_TRIPS)).transpose()?;
    Ok(Trips { direct, proxied, connect: connects(database, CONNECTS)? })
}

/// Empty queries, with pauses between.
pub fn round_trips(address: &Address, count: usize) -> Result<Times, Failure> {
    let dialler = Dialler::new(address)?;
    let client = dialler.dial()?;
    let mut times = Vec::new();
    for _ in 0..count {
        pause(BETWEEN);
        let begun = Instant::now();
        dialler.runtime.block_on(client.simple_query("")).map_err(|error| dialler.outside(&error))?;
        times.push(begun.elapsed().as_secs_f64());
    }
    Ok(Times::of(times))
}

/// Connections opened, from the first packet until the server is ready.
pub fn connects(address: &Address, count: usize) -> Result<Times, Failure> {
    let dialler = Dialler::new(address)?;
    let mut times = Vec::new();
    for _ in 0..count {
        pause(BETWEEN);
        let begun = Instant::now();
        let client = dialler.dial()?;
        times.push(begun.elapsed().as_secs_f64());
        drop(client);
    }
    Ok(Times::of(times))
}

struct Dialler<'a> {
    runtime: Runtime,
    address: &'a Address,
}

impl Dialler<'_> {
    fn new(address: &Address) -> Result<Dialler<'_>, Failure> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Failure::Outside(format!("{address}: {error}")))?;
        Ok(Dialler { runtime, address })
    }

    fn dial(&self) -> Result<Client, Failure> {
        tls::dial(&self.runtime, &self.address.config(), self.address.tls).map_err(|error| self.outside(&error))
    }

    fn outside(&self, error: &tokio_postgres::Error) -> Failure {
        Failure::Outside(format!("{}: {}", self.address, in_full(error)))
    }
}
