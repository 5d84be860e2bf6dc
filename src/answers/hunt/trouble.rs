//! What a bad day is made of: troubles of the kinds of one list, each at some time, of some length and strength.

use crate::experiment::Plan;
use crate::kernel::time::Span;
use crate::parts::fault::{At, FaultSpec};
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::{ArrivalsSpec, Schedule};
use crate::simulation::blueprint::{AppSpec, Blueprint};

/// The most that a bad day may bring.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// The longest that anything lasts.
    pub lasting: Span,
    /// The most times as slow as usual, and as many requests as usual.
    pub factor: f64,
    /// The most troubles in one day.
    pub troubles: usize,
}

/// One trouble, in steps of its bounds: the smaller the milder, and the earlier in the list the simpler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Its row in [`KINDS`].
    pub kind: usize,
    /// Whose workers come and go, if that is the trouble: a place among the apps.
    pub app: usize,
    /// When: 0 to [`MOMENTS`].
    pub moment: u32,
    /// For how long: 1 to [`STEPS`].
    pub lasting: u32,
    /// How strong, where that can be chosen: 1 to [`STEPS`].
    pub strength: u32,
}

/// Steps of length and strength: fine enough that what is a fiftieth of its bound is found to within a twentieth of itself.
pub const STEPS: u32 = 1000;
/// Troubles begin between a fifth and two fifths of the counted time, so that there is a before and an after.
pub const MOMENTS: u32 = 10;

/// A trouble with its amounts.
struct Amounts<'a> {
    app: &'a AppSpec,
    lasting: Span,
    /// Up to the largest factor.
    factor: f64,
    /// Up to 1.
    share: f64,
}

/// What a trouble does.
enum Deed {
    Fault(fn(&Amounts) -> FaultSpec),
    /// So many times as many requests.
    Surge,
}

/// A kind of trouble.
pub struct Kind {
    fits: fn(&Blueprint) -> bool,
    deed: Deed,
}

const fn fault(make: fn(&Amounts) -> FaultSpec) -> Kind {
    Kind { fits: |_| true, deed: Deed::Fault(make) }
}

/// All kinds, the simplest first: what can be told with one of them is not told with a later one.
pub const KINDS: &[Kind] = &[
    fault(|by| FaultSpec::LockTable { lasting: by.lasting }),
    fault(|by| FaultSpec::Partition { lasting: by.lasting }),
    fault(|by| FaultSpec::SlowDatabase { factor: by.factor, lasting: by.lasting }),
    Kind { fits: has_poisson, deed: Deed::Surge },
    fault(|by| FaultSpec::restart(by.lasting)),
    fault(|by| FaultSpec::CrashDatabase { recovery: by.lasting }),
    fault(|by| FaultSpec::Failover { down: by.lasting }),
    fault(|by| FaultSpec::KillConnections { fraction: by.share }),
    fault(|by| FaultSpec::SlowConnects { factor: by.factor, lasting: by.lasting }),
    Kind { fits: has_bouncer, deed: Deed::Fault(|by| FaultSpec::RestartProxy { down: by.lasting }) },
    fault(|by| FaultSpec::Deploy { app: by.app.name.clone(), each: by.lasting.scaled(1.0 - by.share), overlap: by.lasting }),
    fault(|by| FaultSpec::Scale { app: by.app.name.clone(), workers: times(by.app.workers, by.factor) }),
    Kind {
        fits: has_spare,
        deed: Deed::Fault(|by| FaultSpec::Scale { app: by.app.name.clone(), workers: times(by.app.workers, 1.0 - by.share) }),
    },
];

/// So many times as many workers, and one at least.
fn times(workers: u32, factor: f64) -> u32 {
    (f64::from(workers) * factor).round().max(1.0) as u32
}

fn has_poisson(blueprint: &Blueprint) -> bool {
    blueprint.workload.iter().any(|stream| matches!(stream.arrivals, ArrivalsSpec::Poisson(_)))
}

fn has_bouncer(blueprint: &Blueprint) -> bool {
    matches!(blueprint.proxy, ProxySpec::PgBouncer(_))
}

fn has_spare(blueprint: &Blueprint) -> bool {
    blueprint.apps.iter().any(|app| app.workers > 1)
}

/// The kinds that this system can meet.
pub fn kinds(blueprint: &Blueprint) -> Vec<usize> {
    (0..KINDS.len()).filter(|kind| (KINDS[*kind].fits)(blueprint)).collect()
}

/// The system of a plan on that day.
pub fn befall(plan: &Plan, bounds: &Bounds, day: &[Trouble]) -> Blueprint {
    let mut blueprint = plan.points[0].blueprint.clone();
    let mut surges = Vec::new();
    for trouble in day {
        let app = &plan.points[0].blueprint.apps[trouble.app];
        let (at, by) = (at(plan, trouble), amounts(app, bounds, trouble));
        match KINDS[trouble.kind].deed {
            Deed::Fault(make) => blueprint.faults.push(At(at, make(&by))),
            Deed::Surge => surges.push((at, by)),
        }
    }
    blueprint.faults.sort_by_key(|At(at, _)| *at);
    for stream in &mut blueprint.workload {
        if let ArrivalsSpec::Poisson(poisson) = &stream.arrivals
            && !surges.is_empty()
        {
            stream.arrivals = surged(poisson.rate, &surges).into();
        }
    }
    blueprint
}

/// A rate with surges: the largest of those that overlap.
fn surged(rate: f64, surges: &[(Span, Amounts)]) -> Schedule {
    let mut edges: Vec<Span> = surges.iter().flat_map(|(at, by)| [*at, *at + by.lasting]).chain([Span::ZERO]).collect();
    edges.sort_unstable();
    edges.dedup();
    let factor = |edge: Span| {
        let now = surges.iter().filter(|(at, by)| *at <= edge && edge < *at + by.lasting);
        now.map(|(_, by)| by.factor).fold(1.0, f64::max)
    };
    Schedule(edges.into_iter().map(|edge| (edge, rate * factor(edge))).collect())
}

fn at(plan: &Plan, trouble: &Trouble) -> Span {
    let share = 0.2 + 0.2 * f64::from(trouble.moment) / f64::from(MOMENTS);
    let warmup = plan.warmup_of(&plan.points[0].blueprint);
    whole(if plan.warmup_is_auto { Span::ZERO } else { warmup } + plan.duration.scaled(share))
}

fn amounts<'a>(app: &'a AppSpec, bounds: &Bounds, trouble: &Trouble) -> Amounts<'a> {
    let part = |steps: u32| f64::from(steps) / f64::from(STEPS);
    let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
    Amounts {
        app,
        lasting: whole(bounds.lasting.scaled(part(trouble.lasting))),
        factor: rounded(1.0 + (bounds.factor - 1.0) * part(trouble.strength)),
        share: rounded(part(trouble.strength)),
    }
}

/// To the millisecond, as a person would write it.
fn whole(span: Span) -> Span {
    Span::from_millis((span.nanos() / 1_000_000).max(1))
}
