//! `poolcast sweep`: the grid of `vary`, kept on disk point by point, whole or in parts.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::common::Common;
use super::{Failure, Outcome, answer, complain, merge, page};
use crate::answers::grid::{Grid, Head, Piece};
use crate::answers::report::grid::USUAL;
use crate::answers::report::html::points::Asked;
use crate::answers::report::launch::Launch;
use crate::answers::runner::{self, RunOptions};
use crate::answers::shards::Shard;
use crate::answers::words::plural;
use crate::experiment::{Experiment, Plan, Problem, Replications};
use crate::shells::files::Home;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast sweep experiments/pool-size.ron --out results
  poolcast sweep fleet.ron --out results --shard 3/64      # part 3 of 64, here or anywhere
  poolcast sweep fleet.ron --out results --plan slurm --shards 64 > fleet.sbatch

In a Kubernetes Job (JOB_COMPLETION_INDEX), a Slurm or AWS Batch array and a GitLab matrix (CI_NODE_INDEX) the part is taken
from the environment; --shards N says how many there are where the environment does not. Stopped and started again, a sweep
goes on where it stopped. `poolcast merge DIR…` puts parts together: the same bytes as from one machine.")]
pub(super) struct Sweep {
    /// Experiment file
    file: PathBuf,
    /// Keeps every point and replication in this directory, as NAME.csv, NAME.ndjson, NAME.json and NAME.txt (and
    /// NAME.parquet, if built with the feature) when all are there
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Runs only this part, such as 3/64
    #[arg(long, value_name = "I/N", value_parser = Shard::parse)]
    shard: Option<Shard>,
    /// How many parts there are, for a part that is told by its cluster, and for --plan
    #[arg(long, value_name = "N", conflicts_with = "shard")]
    shards: Option<NonZeroUsize>,
    /// Runs nothing; prints what starts the sweep on a cluster
    #[arg(long, value_enum, value_name = "CLUSTER", requires = "shards", requires = "out")]
    plan: Option<Cluster>,
    /// The container image that has poolcast in it, for --plan k8s
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// The volume claim for the results, for --plan k8s
    #[arg(long, value_name = "NAME", default_value = "poolcast-results")]
    claim: String,
    /// The figure in a table, as a path into the JSON document
    #[arg(long, value_name = "PATH", default_value = USUAL)]
    figure: String,
    /// Writes the whole sweep as one HTML page
    #[arg(long, value_name = "FILE", conflicts_with_all = ["shard", "shards", "plan"])]
    report: Option<PathBuf>,
    #[command(flatten)]
    common: Common,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Cluster {
    /// A Kubernetes Job with one pod for each part
    K8s,
    /// A Slurm array
    Slurm,
    /// GNU parallel
    Parallel,
}

impl Sweep {
    pub(super) fn run(self) -> Outcome {
        merge::check_figure(&self.figure)?;
        let home = Home::of(&self.file);
        let experiment = home.experiment()?;
        let mut plan = self.common.planned(&experiment)?;
        let data = home.data(&plan);
        home.load(&mut plan)?;
        if let Some(cluster) = self.plan {
            let launch = self.launch(cluster, &home, &experiment, &plan, data)?;
            answer(&launch)?;
            return Ok(true);
        }
        let head = Head::of(&plan, &data, &home.stem());
        match (self.part()?, &self.out) {
            (None, None) => self.whole(&head, &plan, None, &home, &experiment),
            (None, Some(out)) => self.whole(&head, &plan, Some(out), &home, &experiment),
            (Some(shard), Some(out)) => self.part_of(shard, &head, &plan, out),
            (Some(shard), None) => {
                let title = format!("part {shard} has nowhere to go");
                Err(Failure::Input(Problem::nowhere(title).help("add --out DIR: `poolcast merge` puts the parts together from there")))
            }
        }
    }

    fn part(&self) -> Result<Option<Shard>, Failure> {
        if let Some(shard) = self.shard {
            return Ok(Some(shard));
        }
        let told = Shard::of_environment(&|name| std::env::var(name).ok(), self.shards.map(NonZeroUsize::get));
        let told = told.map_err(|why| Failure::Input(Problem::nowhere(why).help("say it: --shard 3/64, or --shards 64")))?;
        if told.is_none() && self.shards.is_some() {
            let problem = Problem::nowhere("--shards says how many parts there are, but nothing says which of them this is");
            return Err(Failure::Input(
                problem.help("give --shard 3/64 instead; --shards is for jobs that a cluster numbers, and for --plan"),
            ));
        }
        if let (Some((shard, variable)), false) = (&told, self.common.quiet) {
            complain(&format!("part {shard} ({variable})"));
        }
        Ok(told.map(|(shard, _)| shard))
    }

    fn whole(&self, head: &Head, plan: &Plan, out: Option<&Path>, home: &Home, experiment: &Experiment) -> Outcome {
        let pieces = self.pieces(head, plan, out, &|_| true)?;
        let grid = Grid::of(head.clone(), pieces).map_err(Failure::Input)?;
        if let Some(path) = &self.report {
            let figure = (self.figure != USUAL).then(|| ["--figure".to_owned(), self.figure.clone()]);
            let words: Vec<String> = [home.name.clone()].into_iter().chain(figure.into_iter().flatten()).collect();
            let reproduce = self.common.line("sweep", &words);
            let asked = Asked { command: "sweep", reproduce, source: &experiment.source, file: &home.name };
            self.common.paged(path, || page::of_sweep(&asked, &grid.document(), &self.figure, path))?;
        }
        merge::conclude(&grid, out, self.common.format, &self.figure)
    }

    /// Missed objectives are no failure of a part: a cluster would start it again.
    fn part_of(&self, shard: Shard, head: &Head, plan: &Plan, out: &Path) -> Outcome {
        let pieces = self.pieces(head, plan, Some(out), &|point| shard.owns(point))?;
        if !self.common.quiet {
            let (done, out) = (plural(pieces.len() as u64, "point"), out.display());
            complain(&format!("part {shard}: {done} of {} in {out}; when all parts are there: poolcast merge {out}", head.points));
        }
        Ok(true)
    }

    /// The pieces that are wanted: from the directory what is finished there, the rest by running it.
    fn pieces(&self, head: &Head, plan: &Plan, out: Option<&Path>, wanted: &dyn Fn(usize) -> bool) -> Result<Vec<Piece>, Failure> {
        let mut pieces = match out {
            Some(out) => merge::begin(out, head, wanted)?,
            None => Vec::new(),
        };
        let there: BTreeSet<usize> = pieces.iter().map(|piece| piece.index).collect();
        let rest: Vec<usize> = (0..plan.points.len()).filter(|point| wanted(*point) && !there.contains(point)).collect();
        if !pieces.is_empty() && !self.common.quiet {
            complain(&format!("{} finished before", plural(pieces.len() as u64, "point")));
        }
        let requests = |pieces: &Result<Vec<Piece>, Failure>| pieces.iter().flatten().map(|piece| piece.point.requests.arrived).sum();
        pieces.extend(self.common.watched(|progress| self.run_points(head, plan, out, &rest, progress), requests)?);
        Ok(pieces)
    }

    /// A few points at a time, as many as keep all threads busy; each is written as soon as it is there.
    fn run_points(
        &self,
        head: &Head,
        plan: &Plan,
        out: Option<&Path>,
        points: &[usize],
        progress: &(dyn Fn(f64) + Sync),
    ) -> Result<Vec<Piece>, Failure> {
        let jobs = self.common.jobs();
        let replications = match plan.replications {
            Replications::Fixed(replications) => replications as usize,
            Replications::Precise { .. } => usize::MAX,
        };
        let at_once = (4 * jobs).div_ceil(replications);
        let mut pieces = Vec::with_capacity(points.len());
        for few in points.chunks(at_once) {
            let these = Plan { points: few.iter().map(|point| plan.points[*point].clone()).collect(), ..plan.clone() };
            let before = pieces.len();
            let share = |done: f64| progress((before as f64 + done * few.len() as f64) / points.len() as f64);
            for ((index, point), outcomes) in few.iter().zip(&these.points).zip(runner::outcomes(&these, jobs, &share)) {
                let options = RunOptions { jobs, status_every: None };
                let (answer, outcomes) = runner::complete(&these, point, outcomes, &options);
                let piece = Piece::of(head, *index, answer, &outcomes);
                if let Some(out) = out {
                    merge::keep(out, &piece)?;
                }
                pieces.push(piece);
            }
        }
        Ok(pieces)
    }

    fn launch(
        &self,
        cluster: Cluster,
        home: &Home,
        experiment: &Experiment,
        plan: &Plan,
        data: Vec<(String, String)>,
    ) -> Result<String, Failure> {
        let refuse = |title: &str, help: &str| Err(Failure::Input(Problem::nowhere(title).help(help)));
        if home.name == "-" {
            return refuse("what comes from standard input cannot be started elsewhere", "give the experiment's file");
        }
        let out = self.out.as_ref().map_or(String::new(), |out| out.display().to_string());
        let beside =
            experiment.layers.iter().filter(|layer| layer.source.name.starts_with("models/") && layer.source.name.ends_with(".ron"));
        let mut texts = vec![(format!("{}.ron", home.stem()), experiment.source.text.to_string())];
        texts.extend(beside.map(|layer| (layer.source.name.to_string(), layer.source.text.to_string())));
        texts.extend(data);
        let launch = Launch {
            name: home.stem(),
            file: home.name.clone(),
            texts,
            options: self.common.words(),
            points: plan.points.len(),
            shards: self.shards.map_or(1, NonZeroUsize::get),
            out,
            image: self.image.clone().unwrap_or_default(),
            claim: self.claim.clone(),
        };
        match cluster {
            Cluster::Parallel => Ok(launch.parallel()),
            Cluster::Slurm => Ok(launch.slurm()),
            Cluster::K8s if self.image.is_none() => {
                refuse("--plan k8s needs an image", "add --image NAME: a container image with poolcast on its path")
            }
            Cluster::K8s if launch.texts.iter().any(|(file, _)| file.starts_with('/') || file.contains("..")) => {
                refuse("a data file lies outside of the experiment's directory", "put it beside the experiment: a pod has no other files")
            }
            Cluster::K8s => Ok(launch.k8s()),
        }
    }
}
