//! A scene: one pool, clients by name, a server that connects in 10 ms over wires that take no time; and what was done.

use poolcast::experiment::Experiment;
use poolcast::kernel::latency::LatencySpec;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::{SimTime, Span};
use poolcast::parts::client::StreamSpec;
use poolcast::parts::fault::{At, FaultSpec};
use poolcast::parts::workload::Replay;
use poolcast::protocol::cx::World;
use poolcast::protocol::event::RequestId;
use poolcast::protocol::fact::{Fact, PoolStep};
use poolcast::protocol::program::StepSpec;
use poolcast::simulation::blueprint::Blueprint;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

/// A system of one app with this pool, and nobody who asks anything.
pub fn system(pool: &str, more: &str) -> Blueprint {
    let text = format!(
        r#"Experiment(question: "?", duration: "1s", seed: 1, system: System(
            workload: [Stream(name: "nobody", arrivals: Poisson(rate: 1), steps: [Session([])])],
            apps: [App(name: "api", pool: {pool} {more})], proxy: Direct, network: Network(app: Constant("0s")),
            database: Postgres(connect: Constant("10ms"), service: Delay)))"#
    );
    let experiment = Experiment::parse(&text, "scene.ron", &|_| None).unwrap_or_else(|problem| panic!("{problem}"));
    let plan = experiment.plan(&[], None, None).unwrap_or_else(|problem| panic!("{problem}"));
    let mut blueprint = plan.points[0].blueprint.clone();
    blueprint.workload.clear();
    blueprint
}

/// A stream of requests at these milliseconds.
pub fn stream(name: &str, at_ms: &[u64], steps: Vec<StepSpec>) -> StreamSpec {
    let mut replay = Replay::of("times.csv", 1.0);
    let rows: String = at_ms.iter().map(|ms| format!("{}.{:03}\n", ms / 1000, ms % 1000)).collect();
    replay.load(&format!("at\n{rows}")).expect("the times are in order");
    StreamSpec { name: name.to_owned(), app: "api".to_owned(), arrivals: replay.into(), steps, deadline: None, retry: None }
}

pub fn millis(ms: u64) -> Span {
    Span::from_millis(ms)
}

pub fn query(ms: u64) -> StepSpec {
    StepSpec::Query(LatencySpec::always(millis(ms)))
}

/// One pool and its clients.
pub struct Scene {
    blueprint: Blueprint,
    seed: u64,
}

impl Scene {
    pub fn of(pool: &str) -> Scene {
        Scene { blueprint: system(pool, ""), seed: 1 }
    }

    pub fn seeded(mut self, seed: u64) -> Scene {
        self.seed = seed;
        self
    }

    /// Connecting takes so long.
    pub fn connects_in(mut self, ms: u64) -> Scene {
        self.blueprint.database.connect = LatencySpec::always(millis(ms));
        self
    }

    /// A client asks at these milliseconds and holds its connection for one statement of `hold` ms each time.
    pub fn asks(self, name: &str, at_ms: &[u64], hold: u64) -> Scene {
        self.does(name, at_ms, vec![StepSpec::Session(vec![query(hold)])])
    }

    pub fn does(mut self, name: &str, at_ms: &[u64], steps: Vec<StepSpec>) -> Scene {
        self.blueprint.workload.push(stream(name, at_ms, steps));
        self
    }

    /// The last client gives up after so long.
    pub fn gives_up_after(mut self, ms: u64) -> Scene {
        self.blueprint.workload.last_mut().expect("a client was named").deadline = Some(millis(ms));
        self
    }

    pub fn restart(mut self, at_ms: u64, down_ms: u64) -> Scene {
        self.blueprint.faults.push(At(millis(at_ms), FaultSpec::restart(millis(down_ms))));
        self
    }

    /// All that was done up to `ms`: "11ms a checkout 1" is client a getting the pool's first connection.
    pub fn until(&self, ms: u64) -> Vec<String> {
        let mut model = Model::new(&self.blueprint, &Seed::new(self.seed, 0)).expect("the scene can be set");
        let mut pen = Pen { names: self.blueprint.workload.iter().map(|stream| stream.name.clone()).collect(), lines: Vec::new() };
        simulate(&mut model, SimTime::ZERO + millis(ms), &mut pen);
        pen.lines
    }

    /// Of these steps alone.
    pub fn only(&self, steps: &[&str], ms: u64) -> Vec<String> {
        let chosen = |line: &String| line.split(' ').nth(2).is_some_and(|step| steps.contains(&step));
        self.until(ms).into_iter().filter(chosen).collect()
    }
}

struct Pen {
    names: Vec<String>,
    lines: Vec<String>,
}

impl Observer for Pen {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        let name = |request: RequestId| self.names[world.requests[request].stream.index()].clone();
        let line = match *fact {
            Fact::Ended { request, failure: None } => format!("{} served", name(request)),
            Fact::Ended { request, failure: Some(why) } => format!("{} fails {why}", name(request)),
            Fact::Pool { step: PoolStep::Request | PoolStep::ConnectStart | PoolStep::Checkin, .. } => return,
            Fact::Pool { step, request, conn, .. } => {
                format!("{} {} {conn}", request.map_or("pool".to_owned(), name), format!("{step:?}").to_lowercase())
            }
            _ => return,
        };
        self.lines.push(format!("{} {line}", now.since(SimTime::ZERO)));
    }
}
