//! `poolcast run --metrics`: what production's exporters would have told of a run, for its dashboards.

use std::path::PathBuf;

use clap::Args;

use super::Failure;
use crate::answers::metrics::scrapes;
use crate::answers::report::openmetrics::{self, Scraped};
use crate::answers::runner;
use crate::experiment::{Experiment, Plan, Point, Problem};
use crate::kernel::time::Span;
use crate::shells::files::{self, Home};

/// Whether and how metrics are written.
#[derive(Debug, Args)]
pub(super) struct Metrics {
    /// Writes what OpenTelemetry, pgbouncer_exporter and postgres_exporter would tell of the first replication of each
    /// scenario, as OpenMetrics text with timestamps
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    /// The interval of virtual time between two scrapes
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, default_value = "5s", requires = "metrics")]
    metrics_every: Span,
    /// When the run begins for the metrics, in seconds since 1970, such as $(date -d -10min +%s) [default: 1 January 2026, UTC]
    #[arg(long, value_name = "SECONDS", default_value_t = NEW_YEAR, hide_default_value = true, requires = "metrics")]
    metrics_start: u64,
}

/// 2026-01-01T00:00:00Z. Not the time of day: the same experiment gives the same bytes.
const NEW_YEAR: u64 = 1_767_225_600;

impl Metrics {
    /// Says what is wrong with the options.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.metrics_every < Span::from_millis(1) {
            let problem = Problem::nowhere(format!("--metrics-every {} is too short: times have milliseconds", self.metrics_every));
            return Err(Failure::Input(problem.help("give an interval of at least 1ms, such as 5s")));
        }
        Ok(())
    }

    /// Writes the metrics of all points of these plans, if they are asked for.
    pub(super) fn write(&self, plans: &[(Home, Experiment, Plan)]) -> Result<(), Failure> {
        let Some(path) = &self.metrics else { return Ok(()) };
        let several = plans.len() > 1;
        let systems: Vec<Scraped> = plans
            .iter()
            .flat_map(|(home, _, plan)| plan.points.iter().map(move |point| (home, plan, point)))
            .map(|(home, plan, point)| Scraped {
                name: name(several.then(|| home.stem()), point),
                blueprint: &point.blueprint,
                scrapes: scrapes(&point.blueprint, runner::course(plan, point), 0, self.metrics_every),
            })
            .collect();
        files::write_pieces(path, |print| openmetrics::write(&systems, self.metrics_start, print))
    }
}

/// "movehub: direct, apps.api.workers = 4".
fn name(file: Option<String>, point: &Point) -> String {
    let vary = point.vary.iter().map(|(path, value)| format!("{path} = {value}"));
    let here: Vec<String> = point.scenario.iter().cloned().chain(vary).collect();
    let parts: Vec<String> = file.into_iter().chain([here.join(", ")]).filter(|part| !part.is_empty()).collect();
    parts.join(": ")
}
