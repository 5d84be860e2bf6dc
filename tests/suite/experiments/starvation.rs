//! The important case: a lone statement fails after two minutes while the database is idle.

use poolcast::answers::why::advise;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::SimTime;
use poolcast::protocol::cx::World;
use poolcast::protocol::error::Error;
use poolcast::protocol::event::Event;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

use super::{ANSWERS, errors, figures, only, small};

/// From when on the lone statement is the only one.
const ALONE: f64 = 15.0;

/// Keeps the ends of the requests of each stream, and the most that the database had to do once all were served but one.
#[derive(Default)]
struct Watch {
    burst: Vec<(f64, Option<Error>)>,
    lone: Vec<(f64, Option<Error>)>,
    most_active: u64,
    sessions: Vec<u64>,
}

impl Observer for Watch {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        if let Fact::Ended { request, failure } = *fact {
            let ended = &world.requests[request];
            let streams = [&mut self.burst, &mut self.lone];
            let index = usize::from(ended.stream.0 == 1);
            streams.into_iter().nth(index).expect("there are two streams").push(((now - ended.arrived).seconds(), failure));
        }
    }

    fn after(&mut self, now: SimTime, _: &Event, model: &Model) {
        if now.seconds() > ALONE && self.lone.is_empty() {
            self.most_active = self.most_active.max(model.world.database.active.value());
            self.sessions.push(model.world.database.connections.value());
        }
    }
}

fn watched(scenario: &str, replication: u64) -> Watch {
    let plan = only(small("session-starvation"), scenario);
    let mut model = Model::new(&plan.points[0].blueprint, &Seed::new(plan.seed, replication)).expect("it builds");
    let mut watch = Watch::default();
    simulate(&mut model, SimTime::from_nanos(200_000_000_000), &mut watch);
    watch
}

#[test]
fn a_lone_statement_fails_after_two_minutes_on_an_idle_database() {
    for replication in 0..10 {
        let watch = watched("session, as in the guide", replication);
        assert_eq!(watch.burst.len(), 20);
        assert!(
            watch.burst.iter().all(|(took, failure)| failure.is_none() && *took < 0.2),
            "PgBouncer connects one by one: {:?}",
            watch.burst
        );
        let [(took, failure)] = watch.lone[..] else { panic!("one lone statement: {:?}", watch.lone) };
        assert_eq!(failure, Some(Error::QueryWaitTimeout), "replication {replication}");
        assert!((120.0..=120.4).contains(&took), "replication {replication}: it failed after {took} s");
        assert_eq!(watch.most_active, 0, "replication {replication}: the database had nothing to do all the while");
        assert!(watch.sessions.iter().all(|sessions| *sessions == 20), "twenty idle sessions, none more is opened: {:?}", watch.sessions);
    }
}

#[test]
fn a_client_idle_timeout_does_not_help_since_a_linked_client_is_not_idle_to_pgbouncer() {
    assert_eq!(errors(figures("session-starvation", "session, client_idle_timeout 30s"), "QueryWaitTimeout"), 2);
}

#[test]
fn fewer_kept_connections_more_server_connections_or_transaction_mode_each_help() {
    for scenario in ["session, pools of 5 + 25", "session, default_pool_size 60", "transaction"] {
        let watch = watched(scenario, 0);
        let [(took, None)] = watch.lone[..] else { panic!("{scenario}: {:?}", watch.lone) };
        assert!(took < 0.1, "{scenario}: served after {took} s");
        assert_eq!(figures("session-starvation", scenario).requests.failed, 0, "{scenario}");
    }
}

#[test]
fn the_setting_that_binds_is_named() {
    let advice = advise(&ANSWERS["session-starvation"][0]);
    assert!(advice.why.contains("default_pool_size is 20") && advice.why.contains("session mode"), "{}", advice.why);
}
