//! A throw-away PostgreSQL and PgBouncer with the experiment's settings, on free ports of the loopback interface, in a
//! directory that is gone afterwards.
//!
//! Started as root, the servers run as `nobody`: PostgreSQL refuses root. They belong to process groups of their own, so
//! that Ctrl-C reaches poolcast alone, and whatever ends poolcast, the [`guard`](guard::Guard) ends them.

use std::time::Duration;

use super::address::{Address, Secret};
use super::binaries::{Binaries, version};
use super::session::Session;
use crate::parts::proxy::ProxySpec;
use crate::shells::cli::Failure;
use crate::shells::files::scratch::{self, Scratch};
use crate::simulation::blueprint::Blueprint;

mod daemon;
mod guard;
mod pgbouncer;
mod postgres;

use guard::Guard;
use pgbouncer::PgBouncer;
use postgres::Postgres;

/// Running servers. They stop when this is dropped; the fields are dropped in this order.
pub struct Servers {
    pgbouncer: Option<PgBouncer>,
    postgres: Postgres,
    _guard: Guard,
    _scratch: Scratch,
    password: Secret,
    versions: Vec<String>,
}

/// The role of applications: no superuser, so that reserved connections are reserved from it.
const APP: &str = "app";
/// The role that looks at the servers and strikes them.
const ROOT: &str = "postgres";

/// How servers are started.
struct Site<'a> {
    binaries: &'a Binaries,
    scratch: &'a Scratch,
    /// User and group of the servers, if they are not ours.
    owner: Option<(u32, u32)>,
    password: &'a Secret,
}

impl Servers {
    /// Starts what `blueprint` has.
    pub fn start(binaries: &Binaries, blueprint: &Blueprint) -> Result<Servers, Failure> {
        let owner = daemon::other_owner()?;
        let scratch = Scratch::new(owner)?;
        let guard = Guard::over(scratch.path())?;
        let password = Secret::new(scratch::random_name());
        let site = Site { binaries, scratch: &scratch, owner, password: &password };
        let postgres = Postgres::start(&site, blueprint)?;
        let secrets = furnish(&postgres, &password)?;
        let mut versions = vec![version(&binaries.program("postgres"))];
        let pgbouncer = match &blueprint.proxy {
            ProxySpec::PgBouncer(spec) => {
                versions.push(version(binaries.pgbouncer()?));
                Some(PgBouncer::start(&site, spec, postgres.port(), &secrets)?)
            }
            _ => None,
        };
        Ok(Servers { pgbouncer, postgres, _guard: guard, _scratch: scratch, password, versions })
    }

    /// What applications dial.
    pub fn entrance(&self) -> Address {
        let port = self.pgbouncer.as_ref().map_or(self.postgres.port(), PgBouncer::port);
        Address::local(port, APP, self.password.clone(), APP)
    }

    /// The database itself, as applications dial it where there is no proxy.
    pub fn behind(&self) -> Address {
        Address::local(self.postgres.port(), APP, self.password.clone(), APP)
    }

    /// The database itself, for whoever looks at it.
    pub fn database(&self) -> Address {
        Address::local(self.postgres.port(), ROOT, self.password.clone(), APP)
    }

    /// PgBouncer's console.
    pub fn console(&self) -> Option<Address> {
        let bouncer = self.pgbouncer.as_ref()?;
        Some(Address::local(bouncer.port(), ROOT, self.password.clone(), "pgbouncer"))
    }

    /// What runs, as it names itself.
    pub fn versions(&self) -> &[String] {
        &self.versions
    }

    /// The numbers of their processes.
    pub fn processes(&self) -> Vec<u32> {
        [Some(self.postgres.process()), self.pgbouncer.as_ref().map(PgBouncer::process)].into_iter().flatten().collect()
    }

    /// Stops the database as an administrator would (`fast`), and starts it again once it has been down for so long.
    pub fn restart_database(&mut self, down: Duration) -> Result<(), Failure> {
        self.postgres.restart(down)
    }

    /// The same with the proxy, whose connections end without a word.
    pub fn restart_proxy(&mut self, down: Duration) -> Result<(), Failure> {
        self.pgbouncer.as_mut().map_or(Ok(()), |bouncer| bouncer.restart(down))
    }
}

/// Makes the role and the database of applications; gives the roles with their secrets as the server keeps them.
fn furnish(postgres: &Postgres, password: &Secret) -> Result<Vec<(&'static str, String)>, Failure> {
    let session = Session::open(&Address::local(postgres.port(), ROOT, password.clone(), "postgres"))?;
    session.ask(&format!("CREATE ROLE {APP} LOGIN PASSWORD '{}'", password.tell()))?;
    session.ask(&format!("CREATE DATABASE {APP} OWNER {APP}"))?;
    let secret = |role: &'static str| {
        let secret = session.value(&format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{role}'"))?;
        Ok((role, secret))
    };
    [APP, ROOT].into_iter().map(secret).collect()
}
