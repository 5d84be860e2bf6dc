//! Scrapes as OpenMetrics text with timestamps, under the names that production uses, so that its dashboards know them.
//!
//! Samples of one metric stand together in the order of their times, as the format demands. Each bears the labels that a
//! scrape in production would give it: `job` (the app, `pgbouncer`, `postgres`) and `instance` (the worker).

use std::fmt::Write;

use self::metric::{Metric, Value, of_pgbouncer, of_pool, of_postgres};
use crate::kernel::time::SimTime;
use crate::measure::scrapes::{BOUNDS, PoolScrape, Scrape};
use crate::parts::proxy::ProxySpec;
use crate::simulation::blueprint::Blueprint;

mod metric;

/// One system and what was scraped of it.
pub struct Scraped<'a> {
    /// What it is called among others, for the label `scenario`; without one if empty.
    pub name: String,
    /// It.
    pub blueprint: &'a Blueprint,
    /// One after the other.
    pub scrapes: Vec<Scrape>,
}

/// Prints the document piece by piece; what `print` says of a piece that went wrong ends it. The run begins `start` seconds
/// after the epoch.
pub fn write<E>(systems: &[Scraped], start: u64, mut print: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
    for of_system in [pools, pgbouncer, postgres] {
        let targets: Vec<Target> = systems.iter().flat_map(of_system).collect();
        // What a target tells is the same list at every scrape, so each place in it is one metric.
        let places = targets.iter().filter_map(|target| target.told.first()).map(|(_, told)| told.len()).max().unwrap_or(0);
        let mut family = "";
        for place in 0..places {
            for target in &targets {
                for (at, metric) in target.told.iter().filter_map(|(at, told)| Some((*at, told.get(place)?))) {
                    if metric.name != std::mem::replace(&mut family, metric.name) {
                        print(&head(metric))?;
                    }
                    print(&samples(metric, &target.labels, &stamp(start, at)))?;
                }
            }
        }
    }
    print("# EOF\n")
}

/// Something that is scraped, and what it tells each time.
struct Target<'a> {
    labels: String,
    told: Vec<(SimTime, Vec<Metric<'a>>)>,
}

impl<'a> Target<'a> {
    fn new(system: &Scraped, job: &str, instance: &str, told: impl Iterator<Item = (SimTime, Vec<Metric<'a>>)>) -> Target<'a> {
        let mut labels = format!("job=\"{}\",instance=\"{}\"", escaped(job), escaped(instance));
        if !system.name.is_empty() {
            write!(labels, ",scenario=\"{}\"", escaped(&system.name)).expect(WRITES);
        }
        Target { labels, told: told.collect() }
    }
}

/// The pools, one of each worker.
fn pools<'a>(system: &'a Scraped) -> Vec<Target<'a>> {
    let workers = system.scrapes.last().map_or(&[][..], |scrape| &scrape.workers);
    let mut before = vec![0; system.blueprint.apps.len()];
    let target = |(index, pool): (usize, &PoolScrape)| {
        let app = &system.blueprint.apps[pool.app.index()];
        before[pool.app.index()] += 1;
        let told = system.scrapes.iter().filter_map(move |scrape| Some((scrape.at, of_pool(scrape.workers.get(index)?))));
        let mut target = Target::new(system, &app.name, &format!("{}-{}", app.name, before[pool.app.index()]), told);
        write!(target.labels, ",db_client_connection_pool_name=\"{}\"", escaped(&app.name)).expect(WRITES);
        target
    };
    workers.iter().enumerate().map(target).collect()
}

fn pgbouncer<'a>(system: &'a Scraped) -> Vec<Target<'a>> {
    let ProxySpec::PgBouncer(settings) = &system.blueprint.proxy else { return Vec::new() };
    let told = system.scrapes.iter().filter_map(|scrape| Some((scrape.at, of_pgbouncer(scrape.pgbouncer.as_ref()?, settings))));
    vec![Target::new(system, "pgbouncer", "pgbouncer", told)]
}

fn postgres<'a>(system: &'a Scraped) -> Vec<Target<'a>> {
    let most = system.blueprint.database.max_connections;
    let told = system.scrapes.iter().map(|scrape| (scrape.at, of_postgres(scrape, most)));
    vec![Target::new(system, "postgres", "postgres", told)]
}

/// What stands before the first sample of a metric's name.
fn head(metric: &Metric) -> String {
    let Metric { name, help, .. } = metric;
    let kind = match metric.value {
        Value::Gauge(_) => "gauge",
        Value::Count(_) | Value::Seconds(_) => "counter",
        Value::Times(_) => "histogram",
    };
    let unit = if name.ends_with("_seconds") { format!("# UNIT {name} seconds\n") } else { String::new() };
    format!("# TYPE {name} {kind}\n{unit}# HELP {name} {help}\n")
}

/// What is told of one metric at one instant.
fn samples(metric: &Metric, labels: &str, stamp: &str) -> String {
    let name = metric.name;
    let labels = if metric.labels.is_empty() { labels.to_owned() } else { format!("{labels},{}", metric.labels) };
    let times = match metric.value {
        Value::Gauge(value) => return format!("{name}{{{labels}}} {value} {stamp}\n"),
        Value::Count(value) => return format!("{name}_total{{{labels}}} {value} {stamp}\n"),
        Value::Seconds(value) => return format!("{name}_total{{{labels}}} {} {stamp}\n", seconds(value)),
        Value::Times(times) => times,
    };
    let (mut text, mut count) = (String::new(), 0);
    let bounds = BOUNDS.iter().map(|bound| format!("{:?}", bound.seconds())).chain(["+Inf".to_owned()]);
    for (bound, within) in bounds.zip(times.counts) {
        count += within;
        writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {count} {stamp}").expect(WRITES);
    }
    text + &format!("{name}_count{{{labels}}} {count} {stamp}\n{name}_sum{{{labels}}} {} {stamp}\n", seconds(times.sum))
}

/// Seconds since the epoch, with the milliseconds that Prometheus keeps.
fn stamp(start: u64, at: SimTime) -> String {
    let millis = at.nanos() / 1_000_000;
    format!("{}.{:03}", start + millis / 1000, millis % 1000)
}

fn seconds(nanos: u128) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

const WRITES: &str = "a string takes all that is written to it";
