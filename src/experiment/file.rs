//! An experiment as its file says it, with everything the file names laid ready.

use serde::Deserialize;
use serde_json::Value;

use super::diagnose::{Problem, Source, instead};
use super::library;
use super::objective::Objective;
use super::plan::Replications;
use super::read::{in_words, read};
use super::spec::ExperimentSpec;
use super::sweep::{Axis, Setting, axes, settings};
use super::system::SystemPart;
use super::tree::Node;
use crate::kernel::time::Span;
use crate::simulation::blueprint::Blueprint;

/// An experiment, read: what was written, not yet what will be done (that is a [`Plan`](super::plan::Plan)).
#[derive(Clone, Debug)]
pub struct Experiment {
    /// What it asks.
    pub question: String,
    /// The seed of all chance.
    pub seed: u64,
    /// Virtual time that is not counted; a tenth of the duration if nothing is said.
    pub warmup: Option<Span>,
    /// Virtual time that is counted.
    pub duration: Span,
    /// Independent runs.
    pub replications: Replications,
    /// What must hold.
    pub objectives: Vec<Objective>,
    /// The models of `from` and the system of the file, in the order in which they are laid.
    pub layers: Vec<Layer>,
    /// Variants in the order written.
    pub scenarios: Vec<Scenario>,
    /// The grid in the order written.
    pub vary: Vec<Axis>,
    /// The file.
    pub source: Source,
}

/// A partial system, and where it is written.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What it says.
    pub part: SystemPart,
    /// The text it stands in.
    pub source: Source,
    /// Its place there, unless it says nothing.
    pub tree: Option<Node>,
}

/// A variant of the system.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name.
    pub name: String,
    /// Laid over the system.
    pub layer: Layer,
    /// Single values set after that.
    pub settings: Vec<Setting>,
}

impl Experiment {
    /// An experiment built in code: a minute counted after six seconds, 32 replications, seed 1; the fields say otherwise.
    pub fn new(question: &str, system: Blueprint) -> Experiment {
        let source = Source::new("built in code", "");
        Experiment {
            question: question.to_owned(),
            seed: 1,
            warmup: None,
            duration: Span::from_secs(60),
            replications: Replications::default(),
            objectives: Vec::new(),
            layers: vec![Layer { part: system.into(), source: source.clone(), tree: None }],
            scenarios: Vec::new(),
            vary: Vec::new(),
            source,
        }
    }

    /// Reads an experiment. `file` is its name as the user gave it (JSON if it ends in `.json`); `neighbour` gives the
    /// text of a file by its name relative to the experiment's directory: a model beside the file (`models/….ron`)
    /// goes before the built-in one of the same name.
    pub fn parse(text: &str, file: &str, neighbour: &dyn Fn(&str) -> Option<String>) -> Result<Experiment, Problem> {
        let source = Source::new(file, text);
        let (spec, tree): (ExperimentSpec, Node) = read(&source)?;
        let mut layers = models(&source, &spec.from, &tree, neighbour)?;
        layers.push(Layer { part: spec.system, source: source.clone(), tree: tree.field("system").cloned() });
        let entries = spec.scenarios.0.into_iter();
        let scenarios = entries.map(|(name, scenario)| {
            let node = tree.field("scenarios").and_then(|scenarios| scenarios.field(&name));
            let settings = node.and_then(|node| node.field("set")).map_or(Ok(Vec::new()), |set| settings(&source, set))?;
            let tree = node.and_then(|node| node.field("system")).cloned();
            Ok(Scenario { name, layer: Layer { part: scenario.system, source: source.clone(), tree }, settings })
        });
        let scenarios = scenarios.collect::<Result<_, Problem>>()?;
        check_objectives(&source, &spec.objectives, &tree)?;
        if spec.duration.is_zero() {
            let at = tree.field("duration").map_or(0..0, Node::head);
            return Err(source.problem(at, "nothing can be counted in 0s", "").help("give a duration such as \"5min\""));
        }
        Ok(Experiment {
            question: spec.question,
            seed: spec.seed,
            warmup: tree.field("warmup").map_or(Ok(None), |node| warmup(&source, node))?,
            duration: spec.duration,
            replications: tree.field("replications").map_or(Ok(Replications::default()), |node| replications(&source, node))?,
            objectives: spec.objectives,
            layers,
            scenarios,
            vary: tree.field("vary").map_or(Ok(Vec::new()), |vary| axes(&source, vary))?,
            source,
        })
    }
}

/// What a file or the command line says of the warm-up: a duration, or nothing for `Auto`.
pub fn warmup(source: &Source, node: &Node) -> Result<Option<Span>, Problem> {
    match value(source, node)? {
        Value::String(word) if word == "Auto" => Ok(None),
        _ => span(source, node).map(Some).map_err(|problem| problem.help("or Auto: a tenth of the duration")),
    }
}

/// What a file or the command line says of a time.
pub fn span(source: &Source, node: &Node) -> Result<Span, Problem> {
    match value(source, node)? {
        Value::String(text) => Span::parse(&text).map_err(|why| source.problem(node.head(), why, "")),
        _ => {
            let found = &source.text[node.span.clone()];
            let why = format!("expected a duration with a unit such as \"5ms\", \"30s\" or \"1h\", found {found}");
            Err(source.problem(node.head(), why, ""))
        }
    }
}

/// What a file or the command line says of the replications: a number, or `Precise(…)`.
pub fn replications(source: &Source, node: &Node) -> Result<Replications, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    enum Kind {
        Precise { relative: f64, at_most: u32 },
    }
    const REMEDY: &str = "write a number such as 32, or Precise(relative: 0.02, at_most: 200)";
    let wrong = |why: String| source.problem(node.head(), why, "").help(REMEDY);
    let found = match value(source, node)? {
        Value::Number(number) => match number.as_u64().map(u32::try_from) {
            Some(Ok(number)) => Replications::Fixed(number),
            _ => return Err(wrong(format!("there cannot be {number} replications"))),
        },
        other => match serde_json::from_value(other) {
            Ok(Kind::Precise { relative, at_most }) => Replications::Precise { relative, at_most },
            Err(error) => return Err(wrong(in_words(&error.to_string()).0)),
        },
    };
    found.check().map_err(|invalid| wrong(invalid.to_string()))?;
    Ok(found)
}

fn value(source: &Source, node: &Node) -> Result<Value, Problem> {
    node.value().map_err(|broken| source.problem(broken.span, broken.why, ""))
}

fn models(source: &Source, from: &[String], tree: &Node, neighbour: &dyn Fn(&str) -> Option<String>) -> Result<Vec<Layer>, Problem> {
    let places = tree.field("from").map_or(&[][..], Node::items);
    let model = |(index, name): (usize, &String)| {
        let beside = format!("models/{name}.ron");
        let (file, text) = match neighbour(&beside) {
            Some(text) => (beside, text),
            None => match library::model(name) {
                Some(text) => (format!("{beside} (built in)"), text.to_owned()),
                None => {
                    let at = places.get(index).map_or(0..0, Node::head);
                    return Err(source.problem(at, format!("there is no model `{name}`"), "").help(instead(name, &library::names())));
                }
            },
        };
        let source = Source::new(&file, &text);
        let (part, tree) = read(&source)?;
        Ok(Layer { part, source, tree: Some(tree) })
    };
    from.iter().enumerate().map(model).collect()
}

fn check_objectives(source: &Source, objectives: &[Objective], tree: &Node) -> Result<(), Problem> {
    let places = tree.field("objectives").map_or(&[][..], Node::items);
    for (index, objective) in objectives.iter().enumerate() {
        objective.check().map_err(|invalid| {
            let place = places.get(index);
            let at = place.and_then(|node| super::locate::follow(node, &[&invalid.path]).span.into());
            source.problem(at.unwrap_or(0..0), invalid.why, "")
        })?;
    }
    Ok(())
}
