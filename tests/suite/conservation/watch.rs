//! An observer that believes nothing: it counts for itself and compares with what the parts say.

use std::collections::BTreeMap;

use poolcast::kernel::time::SimTime;
use poolcast::parts::database::ServiceSpec;
use poolcast::parts::pool::PoolSpec;
use poolcast::parts::proxy::ProxySpec;
use poolcast::protocol::cx::World;
use poolcast::protocol::event::Event;
use poolcast::protocol::fact::Fact;
use poolcast::protocol::request::Stage;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;

/// So many milliseconds after the start.
pub fn moment(ms: u64) -> SimTime {
    SimTime::from_nanos(ms * 1_000_000)
}

/// A request by its stream and its number.
pub type Name = (u32, u64);

/// What a request is: when it came, and all it drew.
pub type Wish = (SimTime, Vec<u64>);

/// What has been seen.
#[derive(Clone, Default)]
pub struct Watch {
    // Parameters.
    slots: u64,
    cores: u64,
    most_servers: u64,
    /// Whether each worker's pool has a queue beside an idle list.
    queues: Vec<bool>,
    // Seen.
    /// What each request that has come wants.
    pub wishes: BTreeMap<Name, Wish>,
    /// When each request that is over ended, and whether well.
    pub ends: BTreeMap<Name, (SimTime, bool)>,
    /// The integral of how many are in the system, as the requests that live say it.
    pub area: u128,
    inside: u64,
    now: SimTime,
}

impl Watch {
    /// Nothing seen yet of this system.
    pub fn new(blueprint: &Blueprint) -> Watch {
        let database = &blueprint.database;
        let most_servers = match &blueprint.proxy {
            ProxySpec::Direct => 0,
            ProxySpec::PgBouncer(bouncer) if bouncer.default_pool_size == 0 => u64::MAX,
            ProxySpec::PgBouncer(bouncer) => u64::from(bouncer.default_pool_size.max(bouncer.min_pool_size) + bouncer.reserve_pool_size),
            ProxySpec::RdsProxy(proxy) => (f64::from(database.max_connections) * proxy.max_connections_percent / 100.0).max(1.0) as u64,
        };
        let cores = match database.service {
            ServiceSpec::Delay => u64::MAX,
            ServiceSpec::Sharing { cores, .. } | ServiceSpec::Queue { cores } => u64::from(cores),
        };
        let queues = |pool: &PoolSpec| matches!(pool, PoolSpec::SqlAlchemy(_));
        Watch {
            slots: u64::from(database.max_connections - database.superuser_reserved_connections),
            cores,
            most_servers,
            queues: blueprint.workers().map(|(app, _)| queues(&app.pool)).collect(),
            ..Watch::default()
        }
    }

    /// The sum of all times in the system up to `end`.
    pub fn sojourns(&self, end: SimTime) -> u128 {
        let until = |name: &Name| self.ends.get(name).map_or(end, |(ended, _)| *ended);
        self.wishes.iter().map(|(name, (arrived, _))| u128::from((until(name) - *arrived).nanos())).sum()
    }

    /// Between two instants, when all that had to happen at once has happened.
    pub fn at_rest(&mut self, model: &Model) {
        self.settle(model.world.agenda.now());
        let mut occupied = vec![false; self.queues.len()];
        let mut load = vec![0; self.queues.len()];
        for (_, request) in model.world.requests.iter() {
            occupied[request.worker.index()] |= request.stage == Stage::Working;
            load[request.worker.index()] += u32::from(!matches!(request.stage, Stage::AtClient | Stage::Done));
            assert!(request.stage != Stage::Done || request.given_up, "a request that is done is over");
        }
        assert_eq!(model.world.load, load, "a balancer sees the requests at each worker");
        for (worker, pool) in model.pools().iter().enumerate() {
            let gauges = pool.gauges();
            if !occupied[worker] && self.queues[worker] {
                assert!(gauges.pending == 0 || gauges.idle == 0, "nobody waits beside an idle slot: {gauges:?}");
            }
        }
    }

    fn settle(&mut self, now: SimTime) {
        assert!(now >= self.now, "time goes forward");
        self.area += u128::from(self.inside) * u128::from((now - self.now).nanos());
        self.now = now;
    }

    fn meters(&self, model: &Model) {
        let world = &model.world;
        let mut counted = vec![(0, 0); world.pools.len()];
        for (worker, pool) in model.pools().iter().enumerate() {
            let gauges = pool.gauges();
            assert!(gauges.limit.is_none_or(|limit| gauges.in_use <= limit), "no pool lends more than it may: {gauges:?}");
            let app = &mut counted[world.app_of[worker].index()];
            *app = (app.0 + gauges.in_use, app.1 + gauges.pending);
        }
        for (meter, (in_use, pending)) in world.pools.iter().zip(counted) {
            assert_eq!((meter.in_use.value(), meter.pending.value()), (in_use, pending), "the meters follow the pools");
        }
        let (database, proxy) = (&world.database, &world.proxy);
        assert!(database.connections.value() <= self.slots, "the database has no more slots than it has");
        assert!(database.busy.value() <= self.cores.min(database.active.value()), "each busy core runs a statement");
        assert!(database.active.value() <= database.connections.value(), "each statement runs on a connection");
        assert!(proxy.servers.value() <= self.most_servers, "the proxy opens no more than it may");
        assert!(proxy.linked.value() <= proxy.servers.value(), "what is linked is there");
    }

    fn leases(world: &World) {
        let mut lent: Vec<usize> = Vec::new();
        for (_, request) in world.requests.iter() {
            for lease in request.leases.iter() {
                assert!(world.conns.get(lease.conn).is_some(), "what a request holds is there");
                lent.push(lease.conn.place());
            }
        }
        lent.sort_unstable();
        assert!(lent.windows(2).all(|pair| pair[0] < pair[1]), "no connection is lent twice");
    }
}

impl Observer for Watch {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        match *fact {
            Fact::Arrived { request } => {
                let born = &world.requests[request];
                assert_eq!(born.arrived, now);
                let before = self.wishes.insert((born.stream.0, born.number), (now, born.drawn.clone()));
                assert!(before.is_none(), "a request arrives once");
            }
            Fact::Ended { request, failure } => {
                let ended = &world.requests[request];
                let name = (ended.stream.0, ended.number);
                assert!(self.wishes.contains_key(&name), "who ends has arrived");
                assert!(self.ends.insert(name, (now, failure.is_none())).is_none(), "a request ends once");
            }
            _ => {}
        }
    }

    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        self.settle(now);
        self.inside = model.world.requests.iter().filter(|(_, request)| !request.given_up).count() as u64;
        assert_eq!(self.inside as usize, self.wishes.len() - self.ends.len(), "who has arrived and not ended is in the system");
        self.meters(model);
        Watch::leases(&model.world);
    }
}
