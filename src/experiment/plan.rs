//! What will be done: every point of the experiment as a complete, checked system.

use serde::Serialize;
use serde_json::Value;

use super::check::check;
use super::data;
use super::diagnose::Problem;
use super::file::{Experiment, Scenario, replications, span, warmup};
use super::objective::Objective;
use super::path;
use super::read::in_words;
use super::sweep::{Axis, MOST_POINTS, Setting, grid};
use super::system::SystemPart;
use super::tree::{Form, Node};
use crate::kernel::invalid::Invalid;
use crate::kernel::time::Span;
use crate::simulation::blueprint::Blueprint;

/// An experiment, ready to be run once its [data files](Plan::data_files) are [loaded](Plan::load).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Plan {
    /// What the experiment asks.
    pub question: String,
    /// The seed of all chance.
    pub seed: u64,
    /// Virtual time that is not counted, of points that are about a steady state ([`Plan::warmup_of`] knows the others).
    pub warmup: Span,
    /// Whether the warm-up was left to the program: a tenth of the duration, if that is long enough.
    pub warmup_is_auto: bool,
    /// Virtual time that is counted.
    pub duration: Span,
    /// Independent runs of each point.
    pub replications: Replications,
    /// What must hold.
    pub objectives: Vec<Objective>,
    /// The systems, scenario by scenario, in the order written.
    pub points: Vec<Point>,
}

/// One system of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Point {
    /// The scenario's name, if the experiment has scenarios.
    pub scenario: Option<String>,
    /// The paths that are varied, and their values here.
    pub vary: Vec<(String, Value)>,
    /// The system.
    pub blueprint: Blueprint,
}

/// How many independent runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Replications {
    /// So many.
    Fixed(u32),
    /// Until the 95 % intervals of mean latency, p99 and error rate are that narrow.
    Precise {
        /// Half width over value.
        relative: f64,
        /// But no more than these.
        at_most: u32,
    },
}

impl Default for Replications {
    fn default() -> Replications {
        Replications::Fixed(32)
    }
}

const MOST_REPLICATIONS: u32 = 1_000_000;

impl Replications {
    /// Says what is wrong with the numbers.
    pub fn check(&self) -> Result<(), Invalid> {
        let (Replications::Fixed(number) | Replications::Precise { at_most: number, .. }) = *self;
        if !(1..=MOST_REPLICATIONS).contains(&number) {
            return Err(Invalid::here(format!("there cannot be {number} replications: 1 to {MOST_REPLICATIONS}")));
        }
        match *self {
            Replications::Precise { relative, .. } if !(relative > 0.0 && relative < 1.0) => {
                Err(Invalid::here(format!("relative is a fraction between 0 and 1, such as 0.02, found {relative}")))
            }
            Replications::Precise { at_most: 1, .. } => Err(Invalid::here("one replication has no interval: at_most is 2 or more")),
            _ => Ok(()),
        }
    }
}

impl Plan {
    /// Virtual time that is not counted of this system. What happens in a fixed span of time is looked at from its first
    /// instant, unless the file says otherwise.
    pub fn warmup_of(&self, blueprint: &Blueprint) -> Span {
        if self.warmup_is_auto && blueprint.is_finite() { Span::ZERO } else { self.warmup }
    }

    /// The files that are to be read before a run, relative to the experiment file's directory.
    pub fn data_files(&self) -> Vec<String> {
        let mut files = Vec::new();
        for point in &self.points {
            for file in data::missing(&mut point.blueprint.clone()) {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }

    /// Fills the data files in; `read` gives the text of each.
    pub fn load(&mut self, read: &dyn Fn(&str) -> Option<String>) -> Result<(), Problem> {
        for file in self.data_files() {
            let text = read(&file).ok_or_else(|| {
                Problem::nowhere(format!("the data file {file} cannot be read")).help("its name is relative to the experiment's directory")
            })?;
            for point in &mut self.points {
                data::load(&mut point.blueprint, &file, &text).map_err(|invalid| Problem::nowhere(invalid.why))?;
            }
        }
        Ok(())
    }
}

/// What the command line changes of the experiment itself.
struct Frame {
    seed: u64,
    warmup: Option<Span>,
    duration: Span,
    replications: Replications,
}

impl Experiment {
    /// Completes and checks every point. `sets` are the `--set path=value` of the command line, on top of everything in
    /// the file; a path that the file varies is varied no more. `seed`, `warmup`, `duration` and `replications` are paths too.
    pub fn plan(&self, sets: &[(String, String)], seed: Option<u64>, replications: Option<u32>) -> Result<Plan, Problem> {
        let sets: Vec<Setting> = sets.iter().map(|(path, value)| Setting::of_command_line(path, value)).collect();
        let (frame, sets) = self.frame(sets, seed, replications)?;
        let warmup = frame.warmup.unwrap_or(Span::from_nanos(frame.duration.nanos() / 10));
        let longest = warmup.nanos().checked_add(frame.duration.nanos()).filter(|sum| *sum <= Span::MAX.nanos());
        let longest = longest.map(Span::from_nanos).ok_or_else(|| Problem::nowhere("warm-up and duration are longer than 292 years"))?;
        let horizon = |blueprint: &Blueprint| if frame.warmup.is_none() && blueprint.is_finite() { frame.duration } else { longest };
        let axes: Vec<&Axis> = self.vary.iter().filter(|axis| sets.iter().all(|set| set.path != axis.path)).collect();
        let cells = grid(self.scenarios.len(), &axes).ok_or_else(|| {
            let title = format!("scenarios and vary make more than {MOST_POINTS} points");
            Problem::nowhere(title).help("give fewer values")
        })?;
        let point = |cell: super::sweep::Cell| {
            let scenario = cell.scenario.map(|index| &self.scenarios[index]);
            let settings = scenario.iter().flat_map(|s| &s.settings).chain(cell.vary.iter().copied()).chain(&sets);
            let settings: Vec<&Setting> = settings.collect();
            let everywhere = || self.blueprint(None, &sets.iter().collect::<Vec<_>>(), &horizon).err();
            let blueprint = self.blueprint(scenario, &settings, &horizon).map_err(|problem| match everywhere() {
                Some(same) if same == problem => problem,
                _ => context(problem, scenario, &cell.vary),
            })?;
            let vary = cell.vary.iter().map(|setting| (setting.path.clone(), setting.value.clone())).collect();
            Ok(Point { scenario: scenario.map(|s| s.name.clone()), vary, blueprint })
        };
        Ok(Plan {
            question: self.question.clone(),
            seed: frame.seed,
            warmup,
            warmup_is_auto: frame.warmup.is_none(),
            duration: frame.duration,
            replications: frame.replications,
            objectives: self.objectives.clone(),
            points: cells.into_iter().map(point).collect::<Result<_, Problem>>()?,
        })
    }

    /// Takes what concerns the experiment itself out of `sets`.
    fn frame(&self, sets: Vec<Setting>, seed: Option<u64>, number: Option<u32>) -> Result<(Frame, Vec<Setting>), Problem> {
        let mut frame = Frame { seed: self.seed, warmup: self.warmup, duration: self.duration, replications: self.replications };
        let mut rest = Vec::new();
        for set in sets {
            let node = node_of(&set);
            match set.path.as_str() {
                "seed" => {
                    let wrong = || set.source.problem(set.value_span.clone(), "a seed is a whole number, 0 or more", "");
                    frame.seed = set.value.as_u64().ok_or_else(wrong)?;
                }
                "warmup" => frame.warmup = warmup(&set.source, &node)?,
                "duration" => {
                    frame.duration = span(&set.source, &node)?;
                    if frame.duration.is_zero() {
                        return Err(set.source.problem(set.value_span.clone(), "nothing can be counted in 0s", ""));
                    }
                }
                "replications" => frame.replications = replications(&set.source, &node)?,
                _ => rest.push(set),
            }
        }
        frame.seed = seed.unwrap_or(frame.seed);
        if let Some(number) = number {
            frame.replications = Replications::Fixed(number);
            frame.replications.check().map_err(|invalid| Problem::nowhere(invalid.why))?;
        }
        Ok((frame, rest))
    }

    fn blueprint(
        &self,
        scenario: Option<&Scenario>,
        settings: &[&Setting],
        horizon: &dyn Fn(&Blueprint) -> Span,
    ) -> Result<Blueprint, Problem> {
        let layers = self.layers_of(scenario);
        let mut system = SystemPart::default();
        for layer in &layers {
            system.lay(layer.part.clone());
        }
        system.fill();
        if !settings.is_empty() {
            if !settings.iter().any(|set| matches!(&*set.path, "apps" | "workload")) {
                system.check_lists().map_err(|invalid| self.blame(&invalid, &layers, settings))?;
            }
            let mut value = serde_json::to_value(&system).expect("every system can be written");
            for setting in settings {
                system = apply(&mut value, setting)?;
            }
        }
        let complete = system.blueprint().and_then(|blueprint| check(&blueprint, horizon(&blueprint)).map(|()| blueprint));
        complete.map_err(|invalid| self.blame(&invalid, &layers, settings))
    }
}

/// Sets one value and reads the system again, so that a wrong value is found at its own place.
fn apply(value: &mut Value, setting: &Setting) -> Result<SystemPart, Problem> {
    let written = &setting.source.text[setting.path_span.clone()];
    let step_span = |step: usize| {
        let before: usize = setting.path.split('.').take(step).map(|s| s.len() + 1).sum();
        let length = setting.path.split('.').nth(step).map_or(0, str::len);
        match written.find(&setting.path) {
            Some(start) => setting.path_span.start + start + before..setting.path_span.start + start + before + length,
            None => setting.path_span.clone(),
        }
    };
    let before = value.clone();
    path::set(value, &setting.path, setting.value.clone())
        .map_err(|lost| setting.source.problem(step_span(lost.step), lost.why, "").help(lost.help))?;
    let mut read = serde_json::from_value(value.clone());
    if let (Err(_), Value::Number(number)) = (&read, &setting.value) {
        // A version such as 1.21 is a text that looks like a number.
        let mut as_text = before;
        path::set(&mut as_text, &setting.path, Value::String(number.to_string())).expect("the path was just found");
        if let Ok(system) = serde_json::from_value(as_text.clone()) {
            (*value, read) = (as_text, Ok(system));
        }
    }
    read.map_err(|error| {
        let (title, help) = in_words(&error.to_string());
        if title.starts_with("there is no field") {
            let last = setting.path.split('.').count() - 1;
            return setting.source.problem(step_span(last), title, "").help(help);
        }
        setting.source.problem(setting.value_span.clone(), format!("`{}`: {title}", setting.path), "").help(help)
    })
}

fn node_of(set: &Setting) -> Node {
    let text = &set.source.text[set.value_span.clone()];
    let whole = Node { span: 0..0, form: Form::Text(text.to_owned()) };
    let node = super::tree::parse(text).ok().filter(|node| node.value().is_ok()).unwrap_or(whole);
    Node { span: set.value_span.clone(), form: node.form }
}

fn context(problem: Problem, scenario: Option<&Scenario>, vary: &[&Setting]) -> Problem {
    let scenario = scenario.map(|s| format!("scenario \"{}\"", s.name));
    let vary = vary.iter().map(|set| format!("{} = {}", set.path, set.value));
    let all: Vec<String> = scenario.into_iter().chain(vary).collect();
    if all.is_empty() { problem } else { problem.help(format!("this is in {}", all.join(", "))) }
}
