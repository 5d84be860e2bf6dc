//! `poolcast models`: what can be named in an experiment file.

use clap::Args;

use super::{Failure, Outcome, answer};
use crate::answers::report::lines::{Look, WIDTH, paint, wrapped};
use crate::experiment::diagnose::instead;
use crate::experiment::{Problem, library};
use crate::kernel::latency::LatencySpec;
use crate::kernel::registry::Listed;
use crate::parts::pool::PoolSpec;
use crate::parts::proxy::ProxySpec;
use crate::parts::workload::ArrivalsSpec;

#[derive(Debug, Args)]
pub(super) struct Models {
    /// A model: prints its text, which says where its numbers come from
    name: Option<String>,
}

impl Models {
    pub(super) fn run(self) -> Outcome {
        let text = match &self.name {
            None => everything(),
            Some(name) => library::model(name).map(str::to_owned).ok_or_else(|| unknown(name))?,
        };
        answer(&text)?;
        Ok(true)
    }
}

fn unknown(name: &str) -> Failure {
    Failure::Input(Problem::nowhere(format!("there is no model `{name}`")).help(instead(name, &library::names())))
}

fn everything() -> String {
    let mut out = format!("{}\n", heading("Models", "from: [\"…\"]"));
    for (name, text) in library::MODELS {
        let about = text.lines().next().and_then(|line| line.strip_prefix("//")).map_or("", str::trim);
        out += &format!("  {}\n", paint(Look::Key, name));
        for line in wrapped(about, WIDTH - 6) {
            out += &format!("      {line}\n");
        }
    }
    let families = [
        ("Arrivals", "workload: [Stream(arrivals: …)]", ArrivalsSpec::KINDS),
        ("Times", "Query(…), connect: …, every other duration that varies", LatencySpec::KINDS),
        ("Pools", "apps: [App(pool: …)]", PoolSpec::KINDS),
        ("Proxies", "system: (proxy: …)", ProxySpec::KINDS),
    ];
    for (family, place, kinds) in families {
        out += &format!("\n{}\n", heading(family, place));
        out += &listed(kinds);
    }
    out + &format!(
        "\n{}\n",
        paint(
            Look::Faint,
            "`poolcast explain NAME` says what a kind or a field means; `poolcast models NAME` prints a model and where its numbers come from."
        )
    )
}

fn heading(title: &str, place: &str) -> String {
    format!("{}  {}", paint(Look::Strong, title), paint(Look::Faint, place))
}

fn listed(kinds: &[Listed]) -> String {
    let width = kinds.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
    let line = |kind: &Listed| format!("  {}{}  {}\n", paint(Look::Key, kind.name), " ".repeat(width - kind.name.len()), kind.example);
    kinds.iter().map(line).collect()
}
