//! Plays requests of known times through a pool, and a loop of ten lines that must come to the same.

use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::parts::client::{Balance, StreamSpec};
use poolcast::parts::database::{Postgres, ServiceSpec};
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::pool::psycopg_pool::PsycopgPool;
use poolcast::parts::pool::sqlalchemy::SqlAlchemy;
use poolcast::parts::proxy::ProxySpec;
use poolcast::parts::workload::{ArrivalsSpec, Replay};
use poolcast::protocol::cx::World;
use poolcast::protocol::driver::DriverSpec;
use poolcast::protocol::event::RequestId;
use poolcast::protocol::fact::{Fact, PoolStep};
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::{AppSpec, Blueprint, Network};
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

/// A pool before a database, on which nothing takes time but what is said; in ticks.
#[derive(Clone, Debug)]
pub struct System {
    pub connections: u32,
    /// Connections beyond them, and how long it takes to open any.
    pub overflow: u32,
    pub connect: u64,
    /// Longest wait.
    pub patience: Option<u64>,
    /// Longest queue.
    pub most_waiting: Option<u32>,
    pub service: ServiceSpec,
}

/// A request: when it comes, for how long it holds its connection before its statement, and what that demands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    pub at: u64,
    pub app: u64,
    pub service: u64,
}

/// What became of the requests, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Path {
    /// When each got its connection.
    pub starts: Vec<Option<u64>>,
    /// When it was over.
    pub ends: Vec<u64>,
}

/// A tick is a millisecond: whole ticks are whole nanoseconds however long the path.
const TICK: u64 = 1_000_000;

impl System {
    /// So many connections and nothing else.
    pub fn of(connections: u32) -> System {
        System { connections, overflow: 0, connect: 0, patience: None, most_waiting: None, service: ServiceSpec::Delay }
    }

    /// The same with waiters who leave after so long.
    pub fn leaving_after(self, patience: u64) -> System {
        System { patience: Some(patience), ..self }
    }

    /// Plays requests that come in order.
    pub fn play(&self, requests: &[Asked]) -> Path {
        let blueprint = self.blueprint(requests);
        let mut model = Model::new(&blueprint, &Seed::new(1, 0)).expect("the system is in order");
        let mut seen = Seen { path: Path { starts: vec![None; requests.len()], ends: vec![0; requests.len()] }, over: 0 };
        simulate(&mut model, SimTime::ZERO + Span::from_secs(100_000), &mut seen);
        assert_eq!(seen.over, requests.len(), "every request ends once");
        seen.path
    }

    /// Each request is a stream of its own where they do different things with their connections.
    fn blueprint(&self, requests: &[Asked]) -> Blueprint {
        let plain = requests.iter().all(|asked| asked.app == 0);
        let workload = if plain {
            vec![stream(0, requests)]
        } else {
            requests.iter().enumerate().map(|(index, asked)| stream(index, &[*asked])).collect()
        };
        Blueprint {
            workload,
            apps: vec![AppSpec {
                name: "app".into(),
                workers: 1,
                balance: Balance::RoundRobin,
                concurrency: None,
                driver: DriverSpec::Ideal,
                pool: self.pool(),
            }],
            proxy: ProxySpec::Direct,
            database: Postgres {
                connect: LatencySpec::always(ticks(self.connect)),
                service: self.service.clone(),
                max_connections: 1000,
                ..Postgres::default()
            },
            network: Network { app: LatencySpec::default(), proxy: LatencySpec::default() },
            faults: vec![],
        }
    }

    /// Only psycopg's pool has a queue with a limit.
    fn pool(&self) -> PoolSpec {
        match self.most_waiting {
            None => SqlAlchemy {
                pool_size: self.connections,
                max_overflow: i64::from(self.overflow),
                pool_timeout: self.patience.map(ticks),
                ..SqlAlchemy::default()
            }
            .into(),
            Some(max_waiting) => PsycopgPool {
                min_size: self.connections,
                max_waiting,
                timeout: self.patience.map_or(Span::from_secs(50_000), ticks),
                ..PsycopgPool::default()
            }
            .into(),
        }
    }
}

impl Path {
    /// Ticks until each got its connection or left.
    pub fn waits(&self, requests: &[Asked]) -> Vec<u64> {
        let over = self.starts.iter().zip(&self.ends).map(|(start, end)| start.unwrap_or(*end));
        over.zip(requests).map(|(over, asked)| over - asked.at).collect()
    }

    /// How many never got a connection.
    pub fn lost(&self) -> usize {
        self.starts.iter().filter(|start| start.is_none()).count()
    }
}

/// Requests that hold their connection for a statement alone.
pub fn asked(at: &[u64], service: &[u64]) -> Vec<Asked> {
    at.iter().zip(service).map(|(at, service)| Asked { at: *at, app: 0, service: *service }).collect()
}

/// F. Pollaczek's queue with leaving: each in turn takes the connection that is back first, if that is early enough.
pub fn reference(system: &System, requests: &[Asked]) -> Path {
    let mut back = vec![0; system.connections as usize];
    let mut path = Path::default();
    for asked in requests {
        let first = back.iter_mut().min().expect("there is a connection");
        let start = asked.at.max(*first);
        let stays = system.patience.is_none_or(|patience| start - asked.at <= patience);
        if stays {
            *first = start + asked.service;
        }
        path.starts.push(stays.then_some(start));
        path.ends.push(if stays { *first } else { asked.at + system.patience.expect("it had a limit") });
    }
    path
}

fn ticks(number: u64) -> Span {
    Span::from_nanos(number * TICK)
}

fn stream(index: usize, requests: &[Asked]) -> StreamSpec {
    let mut steps = vec![StepSpec::Query(LatencySpec::default())];
    let app = requests.first().map_or(0, |asked| asked.app);
    if app > 0 {
        steps.insert(0, StepSpec::Await(LatencySpec::always(ticks(app))));
    }
    StreamSpec {
        name: format!("stream {index}"),
        app: "app".into(),
        arrivals: recorded(requests),
        steps: vec![StepSpec::Session(steps)],
        deadline: None,
        retry: None,
    }
}

fn recorded(requests: &[Asked]) -> ArrivalsSpec {
    let seconds = |ticks: u64| format!("{}.{:03}", ticks / 1000, ticks % 1000);
    let mut text = String::from("at,query1\n");
    for asked in requests {
        text += &format!("{},{}\n", seconds(asked.at), seconds(asked.service));
    }
    let mut replay = Replay::of("recorded", 1.0);
    replay.load(&text).expect("the recording is in order");
    replay.into()
}

struct Seen {
    path: Path,
    over: usize,
}

impl Observer for Seen {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        let place = |request: RequestId| world.requests[request].stream.index() + world.requests[request].number as usize;
        assert_eq!(now.nanos() % TICK, 0, "nothing happens between two ticks");
        match *fact {
            Fact::Pool { step: PoolStep::Checkout, request: Some(request), .. } => {
                self.path.starts[place(request)] = Some(now.nanos() / TICK);
            }
            Fact::Ended { request, .. } => {
                self.path.ends[place(request)] = now.nanos() / TICK;
                self.over += 1;
            }
            _ => {}
        }
    }

    fn is_satisfied(&self) -> bool {
        self.over == self.path.ends.len()
    }
}
