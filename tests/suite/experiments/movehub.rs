//! What MoveHub must show: session mode as in the guide starves, sized it does not, transaction mode does not.

use poolcast::answers::document::Answer;
use poolcast::answers::runner::{Course, run_all};
use poolcast::answers::summary::{Asked, answer};
use poolcast::answers::why::advise;
use poolcast::kernel::rng::Seed;
use poolcast::kernel::time::SimTime;
use poolcast::measure::outcome::Outcome;
use poolcast::protocol::cx::World;
use poolcast::protocol::error::Error;
use poolcast::protocol::fact::Fact;
use poolcast::simulation::model::Model;
use poolcast::simulation::observer::Observer;
use poolcast::simulation::run::simulate;

use super::{errors, only, plan};

/// Long enough for those who wait two minutes.
const SIZE: &[(&str, &str)] = &[("warmup", "30s"), ("duration", "150s")];

fn ran(scenario: &str, replications: u32) -> (Answer, Vec<Outcome>) {
    let plan = only(plan("movehub", SIZE, replications), scenario);
    let blueprint = &plan.points[0].blueprint;
    let course = Course { seed: plan.seed, warmup: plan.warmup, duration: plan.duration };
    let outcomes = run_all(&[blueprint], course, u64::from(replications), 2, &|_| {}).remove(0);
    let asked = Asked { scenario: scenario.to_owned(), vary: serde_json::Map::new(), blueprint, course, measured: false };
    (answer(asked, &outcomes, Vec::new()), outcomes)
}

#[test]
fn session_mode_as_in_the_guide_stops_at_twenty_server_connections_while_the_database_idles() {
    let (answer, outcomes) = ran("session, as in the guide", 3);
    for (replication, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome.proxy.servers.most, 20, "replication {replication}: default_pool_size, not max_db_connections, binds");
        assert!(outcome.proxy.waiting.most > 0 && outcome.proxy.linked.most == 20, "replication {replication}");
    }
    assert!(errors(&answer.point, "QueryWaitTimeout") > 0, "{:?}", answer.point.requests.errors);
    assert!(errors(&answer.point, "PoolTimeout") > 0, "behind those who hold connections others wait in the pools");
    let utilisation = answer.point.database.utilisation.expect("it has cores");
    assert!(utilisation < 0.5, "the database idles: {utilisation}");
    let advice = advise(&answer);
    assert!(advice.why.contains("default_pool_size is 20"), "{}", advice.why);
    let next = advice.next.expect("there is something to try");
    assert!(next.set.iter().any(|(path, _)| path == "proxy.default_pool_size"), "{next:?}");
}

#[test]
fn sized_and_in_transaction_mode_nobody_waits_in_vain() {
    for scenario in ["session, sized", "transaction"] {
        let (answer, _) = ran(scenario, 1);
        for error in ["QueryWaitTimeout", "PoolTimeout"] {
            assert_eq!(errors(&answer.point, error), 0, "{scenario}: {:?}", answer.point.requests.errors);
        }
        assert!(answer.point.requests.completed > 100_000, "{scenario} was asked something");
    }
}

/// Keeps how long each request that PgBouncer refused had waited since it asked for a connection.
#[derive(Default)]
struct Refused(Vec<f64>);

impl Observer for Refused {
    fn fact(&mut self, now: SimTime, fact: &Fact, world: &World) {
        if let Fact::Ended { request, failure: Some(Error::QueryWaitTimeout) } = *fact {
            self.0.push((now - world.requests[request].asked).seconds());
        }
    }
}

#[test]
fn who_waits_at_the_proxy_waits_two_minutes() {
    let plan = only(plan("movehub", SIZE, 1), "session, as in the guide");
    let mut model = Model::new(&plan.points[0].blueprint, &Seed::new(plan.seed, 0)).expect("it builds");
    let mut refused = Refused::default();
    simulate(&mut model, SimTime::from_nanos(180_000_000_000), &mut refused);
    let shortest = refused.0.iter().copied().fold(f64::INFINITY, f64::min);
    assert!((120.0..120.4).contains(&shortest), "query_wait_timeout is 120 s, looked at three times a second: {:?}", refused.0);
    // 30 s in the queue of the pool at most, then a connection that PgBouncer never serves.
    assert!(refused.0.iter().all(|waited| (120.0..150.4).contains(waited)), "{:?}", refused.0);
}
