//! An experiment's text with some values changed: in their places, with all that stands around them.

use std::ops::Range;

use super::diagnose::Problem;
use super::file::{Experiment, Scenario};
use super::locate;
use super::tree::{Form, Node};
use crate::simulation::blueprint::Blueprint;

/// Gives the text of a file by its name.
type Neighbour<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Experiment {
    /// The text of this experiment's file in which `scenario` (the only system if there are none) has these values, as
    /// `--set path=value` would give it. A value that stands in the file is replaced there, one that was left out is put
    /// where it belongs, and what belongs to a model of `from` goes into the scenario's `set`. Comments stay.
    ///
    /// Other scenarios stay what they are, so what all of them share goes into the scenario's `set` too; but what is varied
    /// is varied for all.
    pub fn edited(&self, scenario: Option<&str>, values: &[(String, String)], neighbour: Neighbour) -> Result<String, Problem> {
        let mut now = self.clone();
        for (index, value) in values.iter().enumerate() {
            let wanted = self.system_with(scenario, &values[..=index])?;
            let read = |text: &String| Experiment::parse(text, &self.source.name, neighbour).ok();
            // Where there were no scenarios, the first value that has no place of its own makes one.
            let is_wanted = |read: &Experiment| read.system_with(read.named(scenario), &[]).is_ok_and(|system| system == wanted);
            let own = now.named(scenario).and_then(|name| now.scenarios.iter().find(|scenario| scenario.name == name));
            let texts = [now.in_place(own, value), now.in_parent(own, value), now.in_set(own, value)];
            let right: Vec<(String, bool)> = texts
                .into_iter()
                .flatten()
                .filter_map(|text| {
                    let read = read(&text).filter(is_wanted)?;
                    Some((text, now.keeps(&read, own)))
                })
                .collect();
            let text = right.iter().find(|(_, keeps)| *keeps).or(right.first()).map(|(text, _)| text.clone()).ok_or_else(|| {
                let title = format!("{} = {} has no place in {}", value.0, value.1, self.source.name);
                Problem::nowhere(title).help(format!("run it with --set {}={}", value.0, value.1))
            })?;
            now = Experiment::parse(&text, &self.source.name, neighbour)?;
        }
        Ok(now.source.text.to_string())
    }

    /// Whether all scenarios but this one are the same systems in `other`.
    fn keeps(&self, other: &Experiment, changed: Option<&Scenario>) -> bool {
        let names = self.scenarios.iter().map(|scenario| scenario.name.as_str());
        let mut names = names.filter(|name| changed.is_none_or(|changed| changed.name != *name));
        names.all(|name| self.system_with(Some(name), &[]).ok() == other.system_with(Some(name), &[]).ok())
    }

    /// The scenario that is meant: where nobody names one, the first.
    fn named<'a>(&'a self, scenario: Option<&'a str>) -> Option<&'a str> {
        scenario.or_else(|| self.scenarios.first().map(|scenario| scenario.name.as_str()))
    }

    /// The system of a scenario with these values; what the file varies takes its first value.
    fn system_with(&self, scenario: Option<&str>, values: &[(String, String)]) -> Result<Blueprint, Problem> {
        let plan = self.alone(scenario).plan(values, None, None)?;
        Ok(plan.points.into_iter().next().expect("a plan has a point").blueprint)
    }

    /// The experiment about one of its systems: one scenario, and the first value of what is varied.
    pub fn alone(&self, scenario: Option<&str>) -> Experiment {
        let mut alone = self.clone();
        alone.scenarios.retain(|other| scenario.is_none_or(|name| other.name == name));
        alone.scenarios.truncate(1);
        alone.vary.iter_mut().for_each(|axis| axis.settings.truncate(1));
        alone
    }

    /// The value replaced where it was given last.
    fn in_place(&self, scenario: Option<&Scenario>, (path, value): &(String, String)) -> Option<String> {
        let mut settings =
            scenario.into_iter().flat_map(|scenario| &scenario.settings).chain(self.vary.iter().flat_map(|axis| axis.settings.first()));
        if let Some(setting) = settings.rfind(|setting| setting.path == *path) {
            return Some(self.with(setting.value_span.clone(), value));
        }
        let steps: Vec<&str> = path.split('.').collect();
        let node = self.trees(scenario).find_map(|tree| locate::node(tree, &steps))?;
        Some(self.with(held(node, steps.last()?).span.clone(), value))
    }

    /// The value added to what it is left out of.
    fn in_parent(&self, scenario: Option<&Scenario>, (path, value): &(String, String)) -> Option<String> {
        let (parent, field) = path.rsplit_once('.')?;
        let steps: Vec<&str> = parent.split('.').collect();
        let node = self.trees(scenario).find_map(|tree| locate::node(tree, &steps))?;
        let Form::Call(call) = &innermost(node).form else { return None };
        let end = innermost(node).span.end - 1;
        match call.fields.last() {
            Some((_, _, last)) => Some(self.with(last.span.end..last.span.end, &format!(", {field}: {value}"))),
            None if call.items.is_empty() => Some(self.with(end..end, &format!("{field}: {value}"))),
            None => None,
        }
    }

    /// The value in the scenario's `set`, which is made if need be.
    fn in_set(&self, scenario: Option<&Scenario>, (path, value): &(String, String)) -> Option<String> {
        let tree = super::tree::parse(&self.source.text).ok()?;
        let setting = format!("(\"{path}\", {value})");
        let Some(scenario) = scenario else {
            let Form::Call(call) = &tree.form else { return None };
            let last = call.fields.last()?.2.span.end;
            return Some(self.with(last..last, &format!(",\n    scenarios: {{\"changed\": Scenario(set: [{setting}])}}")));
        };
        let node = tree.field("scenarios")?.field(&scenario.name)?;
        let Form::Call(call) = &node.form else { return None };
        if let Some(set) = node.field("set") {
            let at = set.items().last().map_or(set.span.end - 1, |last| last.span.end);
            let comma = if set.items().is_empty() { "" } else { ", " };
            return Some(self.with(at..at, &format!("{comma}{setting}")));
        }
        let (at, comma) = call.fields.last().map_or((node.span.end - 1, ""), |(_, _, last)| (last.span.end, ", "));
        Some(self.with(at..at, &format!("{comma}set: [{setting}]")))
    }

    /// What of the scenario and of the system stands in this file, the last word first.
    fn trees<'a>(&'a self, scenario: Option<&'a Scenario>) -> impl Iterator<Item = &'a Node> {
        let layers = self.layers_of(scenario).into_iter().rev();
        layers.filter(|layer| layer.source == self.source).filter_map(|layer| layer.tree.as_ref())
    }

    fn with(&self, span: Range<usize>, value: &str) -> String {
        let text = &self.source.text;
        format!("{}{value}{}", &text[..span.start], &text[span.end..])
    }
}

/// What `Constant("5ms")` holds, if the path ended with that word; else the node.
fn held<'a>(node: &'a Node, last: &str) -> &'a Node {
    match &node.form {
        Form::Call(call) if call.name.as_ref().is_some_and(|(name, _)| name == last) => call.items.first().unwrap_or(node),
        _ => node,
    }
}

/// The parameters of `Query(LogNormal(mean: …))` are those of the innermost kind.
fn innermost(node: &Node) -> &Node {
    match &node.form {
        Form::Call(call) if call.fields.is_empty() && call.items.len() == 1 => innermost(&call.items[0]),
        _ => node,
    }
}
