//! The formulas of the theory that answers are compared with, against the tables: no simulation.

use std::collections::BTreeMap;

use poolcast::measure::theory::closed::Closed;
use poolcast::measure::theory::constant_service::ConstantService;
use poolcast::measure::theory::general_service;
use poolcast::measure::theory::overflow::Overflow;
use poolcast::measure::theory::phases::{Phased, Source};
use poolcast::measure::theory::sharing::mean_active;
use poolcast::measure::theory::station::{Cores, Station};
use poolcast::measure::theory::waiting::Waiting;

use super::exact::{self, Given, Law, Row};

/// A formula under test: what it says of a system, by the names that the tables have, and at a probability if need be.
type Said = BTreeMap<&'static str, f64>;

/// Compares every row of `family` of which `say` knows something; `quantile` says a wait's quantile.
fn agrees(family: &str, within: f64, say: impl Fn(&Given) -> Option<Said>, quantile: impl Fn(&Given, f64) -> Option<f64>) {
    let (mut compared, mut wrong) = (0, Vec::new());
    for row in exact::rows(family) {
        let Some(said) = say(&row.given) else { continue };
        for figure in row.figures() {
            let found = match figure.name {
                "wait_quantile" => quantile(&row.given, figure.at.expect("a quantile has a probability")),
                name => said.get(name).copied(),
            };
            let Some(found) = found else { continue };
            compared += 1;
            if (found - figure.exact).abs() > within * figure.exact.abs() {
                wrong.push(format!("{} {} {:?}: {found} for {}", row.id, figure.name, figure.at, figure.exact));
            }
        }
    }
    assert!(compared >= exact::rows(family).len(), "{family}: only {compared} figures are said");
    assert!(wrong.is_empty(), "{family}: {} of {compared}\n{}", wrong.len(), wrong.join("\n"));
}

fn nothing(_: &Given, _: f64) -> Option<f64> {
    None
}

fn mean(law: Law) -> f64 {
    match law {
        Law::Constant(mean) | Law::Exponential(mean) => mean,
        Law::Gamma(mean, _) | Law::LogNormal(mean, _) | Law::HyperExponential(mean, _) => mean,
        Law::Mixture(p, first, second) => p * first + (1.0 - p) * second,
        Law::Pareto(..) => panic!("the tables have it on one connection alone, where its second moment is asked for"),
    }
}

fn cores(given: &Given) -> Cores {
    given.cores.map_or(Cores::Enough, Cores::Fixed)
}

/// The pool of a row without overflow, and who comes, for a system of Poisson arrivals.
fn waiting(given: &Given) -> Option<Waiting> {
    let station = Station::new(u64::from(given.c?), mean(given.service), cores(given));
    Waiting::new(given.rate?, &station, given.timeout)
}

fn waits(given: &Given) -> Option<Said> {
    let found = waiting(given).filter(|_| given.station.is_none())?;
    let refused = found.prob_refused();
    Some(BTreeMap::from([
        ("prob_wait", found.prob_wait()),
        ("mean_wait", found.mean_wait()),
        ("prob_refused", refused),
        ("prob_wait_or_refused", found.prob_wait() * (1.0 - refused) + refused),
        ("mean_waiting", found.mean_waiting()),
    ]))
}

fn wait_quantile(given: &Given, p: f64) -> Option<f64> {
    Some(waiting(given)?.wait_quantile(p))
}

#[test]
fn waiting_without_end_is_erlangs_c() {
    agrees("mmc", 1e-12, waits, wait_quantile);
}

#[test]
fn waiting_without_patience_is_erlangs_b() {
    agrees("loss", 1e-12, waits, nothing);
}

#[test]
fn waiting_with_a_timeout_is_baccelli_and_hebuterne() {
    agrees("pat_det", 1e-9, waits, wait_quantile);
    agrees("rare", 1e-11, waits, nothing);
}

#[test]
fn waiting_for_holders_who_queue_for_cores_is_their_birth_death_chain() {
    agrees("pool_db", 1e-11, waits, wait_quantile);
}

#[test]
fn users_who_think_are_machine_repair() {
    let closed = |given: &Given| {
        let station = Station::new(u64::from(given.c?), mean(given.service), Cores::Enough);
        Closed::new(given.users?, given.think?, station)
    };
    let say = |given: &Given| {
        let found = closed(given)?;
        Some(BTreeMap::from([("throughput", found.throughput()), ("mean_wait", found.mean_wait()), ("prob_wait", found.prob_wait())]))
    };
    agrees("closed", 1e-9, say, |given, p| Some(closed(given)?.wait_quantile(p)));
}

#[test]
fn shared_cores_have_as_many_statements_as_erlang_says() {
    let say = |given: &Given| {
        let sharing = Cores::Shared { cores: given.cores?, sigma: 0.0, kappa: 0.0 };
        let active = mean_active(given.rate? * mean(given.service), sharing)?;
        Some(BTreeMap::from([("mean_active", active), ("mean_sojourn", active / given.rate?)]))
    };
    agrees("ps", 1e-12, say, nothing);
}

#[test]
fn constant_holds_wait_as_the_roots_of_crommelin_say() {
    let say = |given: &Given| {
        let found = ConstantService::new(given.rate?, 1, u64::from(given.c?), mean(given.service))?;
        Some(BTreeMap::from([("prob_wait", found.prob_wait), ("mean_wait", found.mean_wait)]))
    };
    agrees("mdc", 1e-9, say, nothing);
}

#[test]
fn any_holds_of_one_connection_wait_as_pollaczek_and_khinchine_say() {
    let say = |given: &Given| {
        let (mean, cv) = match given.service {
            Law::Gamma(mean, cv) | Law::LogNormal(mean, cv) => (mean, cv),
            Law::Mixture(p, first, second) => {
                let mean = p * first + (1.0 - p) * second;
                let square = 2.0 * (p * first * first + (1.0 - p) * second * second);
                (mean, (square / (mean * mean) - 1.0).sqrt())
            }
            Law::Pareto(low, shape, high) => {
                let moment = |k: f64| {
                    let cut = 1.0 - (low / high).powf(shape);
                    shape * low.powf(shape) / cut * (high.powf(k - shape) - low.powf(k - shape)) / (k - shape)
                };
                (moment(1.0), (moment(2.0) / moment(1.0).powi(2) - 1.0).sqrt())
            }
            _ => return None,
        };
        Some(BTreeMap::from([("mean_wait", general_service::mean_wait(given.rate?, 1, mean, cv)?)]))
    };
    agrees("mg1", 1e-9, say, nothing);
}

#[test]
fn batches_and_bursts_wait_as_their_chains_say() {
    let station = |given: &Given| Some(Station::new(u64::from(given.c?), mean(given.service), Cores::Enough));
    let say = |source: Source, given: &Given| {
        let found = Phased::new(&source, &station(given)?)?;
        Some(BTreeMap::from([("prob_wait", found.prob_wait), ("mean_wait", found.mean_wait)]))
    };
    agrees("batch", 1e-9, |given| say(Source::batches(given.batch_rate?, given.sizes.as_ref()?), given), nothing);
    agrees("mmpp", 1e-9, |given| say(Source::two_rates(given.rates?, given.lengths?), given), nothing);
}

#[test]
fn overflow_costs_what_the_chain_of_its_states_says() {
    let say = |given: &Given| {
        let (pool_size, max_overflow) = (given.c?, given.overflow);
        let of = Overflow { pool_size, max_overflow, arrivals: given.rate?, hold: mean(given.service), connect: given.connect? };
        let found = of.steady_state()?;
        Some(BTreeMap::from([("prob_wait", found.prob_wait), ("mean_wait", found.mean_wait), ("connects_per_request", found.connects)]))
    };
    agrees("overflow", 1e-9, say, nothing);
}

fn row(family: &str, id: &str) -> &'static Row {
    exact::rows(family).iter().find(|row| row.id == id).expect("the row is in the tables")
}

/// GI/M/c: with σ the root of σ = A(c μ (1 - σ)) the wait of those who wait is exponential with the rate c μ (1 - σ),
/// A being the Laplace transform of the time between arrivals (L. Takács, "Introduction to the Theory of Queues", 1962).
/// On one connection σ is also the probability of a wait.
#[test]
fn a_pool_that_gets_every_kth_request_waits_as_gi_m_1_says() {
    for (pools, load) in [(1, 0.8), (2, 0.8), (4, 0.9), (7, 0.5)] {
        let arrivals = load * f64::from(pools);
        let transform = |s: f64| (arrivals / (arrivals + s)).powi(pools);
        let sigma = (0..10_000).fold(0.5, |sigma, _| transform(1.0 - sigma));
        let found = Phased::new(&Source::every(pools as u32, arrivals), &Station::new(1, 1.0, Cores::Enough)).expect("it is small");
        assert!((found.prob_wait - sigma).abs() < 1e-9, "{pools} pools: {found:?}, {sigma}");
        assert!((found.mean_wait - sigma / (1.0 - sigma)).abs() < 1e-7, "{pools} pools: {found:?}");
    }
}

#[test]
fn formulas_that_overlap_agree() {
    let given = &row("mmc", "mmc-c20-S8-rho0.9").given;
    let (rate, station) = (given.rate.expect("given"), Station::new(20, 8.0, Cores::Enough));
    let erlang = Waiting::new(rate, &station, None).expect("it is stable").mean_wait();
    let close = |what: &str, found: f64| assert!((found / erlang - 1.0).abs() < 1e-8, "{what}: {found} for {erlang}");
    close("a timeout that nobody reaches", Waiting::new(rate, &station, Some(1e4)).expect("it is stable").mean_wait());
    close("one phase", Phased::new(&Source::every(1, rate), &station).expect("it is small").mean_wait);
    close("a spread of 1", general_service::mean_wait(rate, 20, 8.0, 1.0).expect("it is stable"));
    let shared = Cores::Shared { cores: 20, sigma: 0.0, kappa: 0.0 };
    close("shared cores", mean_active(rate * 8.0, shared).expect("it is stable") / rate - 8.0);
    // Ten thousand users who hardly ever come are a Poisson stream.
    close_to(Closed::new(1_000_000, 1e6 / rate, station).expect("there are users").mean_wait(), erlang, 1e-3);
}

fn close_to(found: f64, exact: f64, within: f64) {
    assert!((found / exact - 1.0).abs() < within, "{found} for {exact}");
}

#[test]
fn where_there_is_no_steady_state_nothing_is_said() {
    let station = Station::new(10, 5.0, Cores::Enough);
    assert_eq!(Waiting::new(2.0, &station, None), None);
    assert_eq!(Phased::new(&Source::every(2, 4.0), &station), None);
    assert_eq!(ConstantService::new(2.0, 1, 10, 5.0), None);
    assert_eq!(mean_active(8.0, Cores::Shared { cores: 8, sigma: 0.0, kappa: 0.0 }), None);
    assert_eq!(Overflow { pool_size: 5, max_overflow: 5, arrivals: 2.0, hold: 5.0, connect: 1.0 }.steady_state(), None);
}

/// Far beyond its capacity a queue holds everybody for its whole timeout, and refuses what it cannot serve.
#[test]
fn an_overload_with_a_long_timeout_loses_no_digits() {
    let found = Waiting::new(12.0, &Station::new(10, 1.0, Cores::Enough), Some(3600.0)).expect("a timeout makes it stable");
    close_to(found.prob_refused(), 1.0 - 10.0 / 12.0, 1e-12);
    close_to(found.mean_wait(), 3600.0 - 0.5, 1e-9);
    close_to(found.wait_quantile(0.5), 3600.0 - std::f64::consts::LN_2 / 2.0, 1e-9);
}
