//! Partial systems: what files say, laid over each other until one is complete.

use serde::{Deserialize, Deserializer, Serialize};

use crate::kernel::invalid::Invalid;
use crate::kernel::latency::LatencySpec;
use crate::kernel::time::Span;
use crate::parts::client::{Balance, Retry, StreamSpec};
use crate::parts::database::{Postgres, ServiceSpec};
use crate::parts::fault::At;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::ArrivalsSpec;
use crate::protocol::driver::DriverSpec;
use crate::protocol::program::StepSpec;
use crate::simulation::blueprint::{AppSpec, Blueprint, Network};

/// Declares a part of a system of which a file may give any fields, and how one is laid over another: `named` lists
/// merge by name, `inside` merges field by field, `whole` is replaced.
macro_rules! partial {
    ($(#[$doc:meta])* $Part:ident as $word:literal {
        $(key $key:ident = $key_doc:literal;)?
        $(named $named:ident: $Named:ty = $named_doc:literal;)*
        $(inside $inside:ident: $Inside:ty = $inside_doc:literal;)*
        $(whole $whole:ident: $Whole:ty = $whole_doc:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename = $word, deny_unknown_fields)]
        pub struct $Part {
            $(#[doc = $key_doc] pub $key: String,)?
            $(#[doc = $named_doc] #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $named: Vec<$Named>,)*
            $(#[doc = $inside_doc] #[serde(default)] pub $inside: $Inside,)*
            $(#[doc = $whole_doc] #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")] pub $whole: Option<$Whole>,)*
        }

        impl $Part {
            /// The fields a file may give.
            pub const FIELDS: &'static [&'static str] =
                &[$(stringify!($key),)? $(stringify!($named),)* $(stringify!($inside),)* $(stringify!($whole),)*];

            /// Lays `over` on top: what it gives replaces what is here.
            pub fn lay(&mut self, over: $Part) {
                $(for element in over.$named {
                    match self.$named.iter_mut().find(|old| old.name == element.name) {
                        Some(old) => old.lay(element),
                        None => self.$named.push(element),
                    }
                })*
                $(self.$inside.lay(over.$inside);)*
                $(if over.$whole.is_some() { self.$whole = over.$whole; })*
            }
        }
    };
}

partial! {
    /// Some of a system.
    SystemPart as "System" {
        named workload: StreamPart = "What is asked of it.";
        named apps: AppPart = "The applications.";
        inside database: DatabasePart = "The database.";
        inside network: NetworkPart = "The wires.";
        whole proxy: ProxySpec = "What stands between the apps and the database.";
        whole faults: Vec<At> = "What goes wrong.";
    }
}

partial! {
    /// Some of a stream.
    StreamPart as "Stream" {
        key name = "Its name.";
        whole app: String = "The app it goes to.";
        whole arrivals: ArrivalsSpec = "When requests are born.";
        whole steps: Vec<StepSpec> = "What each does.";
        whole deadline: Option<Span> = "When its client gives up.";
        whole retry: Option<Retry> = "What its client does about failures.";
    }
}

partial! {
    /// Some of an app.
    AppPart as "App" {
        key name = "Its name.";
        whole workers: u32 = "How many workers.";
        whole balance: Balance = "How arrivals are spread over them.";
        whole concurrency: Option<u32> = "Requests that a worker handles at once.";
        whole driver: DriverSpec = "The client library.";
        whole pool: PoolSpec = "The pool in each worker.";
    }
}

partial! {
    /// Some of a PostgreSQL server.
    DatabasePart as "Postgres" {
        whole max_connections: u32 = "Connection slots.";
        whole superuser_reserved_connections: u32 = "Slots kept for superusers.";
        whole statement_timeout: Span = "A statement that runs longer is cancelled.";
        whole idle_in_transaction_session_timeout: Span = "A session idle inside a transaction for longer is ended.";
        whole connect: LatencySpec = "One connection set-up on an idle server.";
        whole service: ServiceSpec = "How statements share the server.";
    }
}

partial! {
    /// Some of the wires.
    NetworkPart as "Network" {
        whole app: LatencySpec = "App to its next hop.";
        whole proxy: LatencySpec = "Proxy to database.";
    }
}

impl SystemPart {
    /// Fills in every default, so that every field that has a value can be seen and set.
    pub fn fill(&mut self) {
        let only = if let [app] = self.apps.as_slice() { Some(app.name.clone()) } else { None };
        for stream in &mut self.workload {
            stream.app = stream.app.take().or_else(|| only.clone());
            stream.deadline.get_or_insert_default();
            stream.retry.get_or_insert_default();
        }
        for app in &mut self.apps {
            app.workers.get_or_insert(1);
            app.balance.get_or_insert_default();
            app.concurrency.get_or_insert_default();
            app.driver.get_or_insert_default();
        }
        let given = std::mem::take(&mut self.database);
        self.database = DatabasePart::of(Postgres::default());
        self.database.lay(given);
        self.network.app.get_or_insert_default();
        self.network.proxy.get_or_insert_default();
        self.proxy.get_or_insert(ProxySpec::Direct);
        self.faults.get_or_insert_default();
    }

    /// A system has an app and a stream, whatever else is set in it.
    pub fn check_lists(&self) -> Result<(), Invalid> {
        if self.apps.is_empty() {
            return Err(Invalid::field("apps", "a system needs an app: apps: [App(name: \"api\", pool: SqlAlchemy(pool_size: 5))]"));
        }
        if self.workload.is_empty() {
            return Err(Invalid::field(
                "workload",
                "a system needs a stream of requests: workload: [Stream(name: \"api\", arrivals: Poisson(rate: 100), steps: [Session([Query(Constant(\"5ms\"))])])]",
            ));
        }
        Ok(())
    }

    /// The complete system, of a filled one; what has no default and was not given is missing.
    pub fn blueprint(self) -> Result<Blueprint, Invalid> {
        self.check_lists()?;
        let names = self.apps.iter().map(|app| format!("`{}`", app.name)).collect::<Vec<_>>().join(", ");
        let stream = |stream: StreamPart| {
            let name = stream.name.clone();
            stream.complete(&names).map_err(|invalid| invalid.within(&name).within("workload"))
        };
        let app = |app: AppPart| {
            let name = app.name.clone();
            app.complete().map_err(|invalid| invalid.within(&name).within("apps"))
        };
        Ok(Blueprint {
            workload: self.workload.into_iter().map(stream).collect::<Result<_, _>>()?,
            apps: self.apps.into_iter().map(app).collect::<Result<_, _>>()?,
            proxy: self.proxy.expect("the system is filled"),
            database: self.database.complete(),
            network: Network { app: self.network.app.unwrap_or_default(), proxy: self.network.proxy.unwrap_or_default() },
            faults: self.faults.unwrap_or_default(),
        })
    }
}

/// A complete system, as a file would give it in every field.
impl From<Blueprint> for SystemPart {
    fn from(whole: Blueprint) -> SystemPart {
        let Blueprint { workload, apps, proxy, database, network, faults } = whole;
        SystemPart {
            workload: workload.into_iter().map(StreamPart::of).collect(),
            apps: apps.into_iter().map(AppPart::of).collect(),
            proxy: Some(proxy),
            database: DatabasePart::of(database),
            network: NetworkPart { app: Some(network.app), proxy: Some(network.proxy) },
            faults: Some(faults),
        }
    }
}

impl StreamPart {
    fn of(whole: StreamSpec) -> StreamPart {
        let StreamSpec { name, app, arrivals, steps, deadline, retry } = whole;
        StreamPart { name, app: Some(app), arrivals: Some(arrivals), steps: Some(steps), deadline: Some(deadline), retry: Some(retry) }
    }

    fn complete(self, apps: &str) -> Result<StreamSpec, Invalid> {
        Ok(StreamSpec {
            name: self.name,
            app: self
                .app
                .ok_or_else(|| Invalid::here(format!("there are several apps, so a stream says which it goes to: app: one of {apps}")))?,
            arrivals: self.arrivals.ok_or_else(|| missing("arrivals", "a stream needs arrivals: arrivals: Poisson(rate: 100)"))?,
            steps: self.steps.ok_or_else(|| missing("steps", "a stream needs steps: steps: [Session([Query(Constant(\"5ms\"))])]"))?,
            deadline: self.deadline.flatten(),
            retry: self.retry.flatten(),
        })
    }
}

impl AppPart {
    fn of(whole: AppSpec) -> AppPart {
        let AppSpec { name, workers, balance, concurrency, driver, pool } = whole;
        AppPart {
            name,
            workers: Some(workers),
            balance: Some(balance),
            concurrency: Some(concurrency),
            driver: Some(driver),
            pool: Some(pool),
        }
    }

    fn complete(self) -> Result<AppSpec, Invalid> {
        Ok(AppSpec {
            name: self.name,
            workers: self.workers.unwrap_or(1),
            balance: self.balance.unwrap_or_default(),
            concurrency: self.concurrency.flatten(),
            driver: self.driver.unwrap_or_default(),
            pool: self.pool.ok_or_else(|| {
                missing("pool", "an app needs a pool: pool: SqlAlchemy(pool_size: 5, max_overflow: 10), or pool: NullPool")
            })?,
        })
    }
}

impl DatabasePart {
    fn of(whole: Postgres) -> DatabasePart {
        let Postgres {
            max_connections,
            superuser_reserved_connections,
            statement_timeout,
            idle_in_transaction_session_timeout,
            connect,
            service,
        } = whole;
        DatabasePart {
            max_connections: Some(max_connections),
            superuser_reserved_connections: Some(superuser_reserved_connections),
            statement_timeout: Some(statement_timeout),
            idle_in_transaction_session_timeout: Some(idle_in_transaction_session_timeout),
            connect: Some(connect),
            service: Some(service),
        }
    }

    fn complete(self) -> Postgres {
        let standard = Postgres::default();
        Postgres {
            max_connections: self.max_connections.unwrap_or(standard.max_connections),
            superuser_reserved_connections: self.superuser_reserved_connections.unwrap_or(standard.superuser_reserved_connections),
            statement_timeout: self.statement_timeout.unwrap_or(standard.statement_timeout),
            idle_in_transaction_session_timeout: self
                .idle_in_transaction_session_timeout
                .unwrap_or(standard.idle_in_transaction_session_timeout),
            connect: self.connect.unwrap_or(standard.connect),
            service: self.service.unwrap_or(standard.service),
        }
    }
}

fn missing(field: &str, why: &str) -> Invalid {
    Invalid::field(field, why)
}

/// A field that stands in the file is given, also when it is `None`: a `None` laid over a deadline takes it away.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}
