//! Where a value of a point was written: in a setting, in the file, in a model, or nowhere.

use std::ops::Range;

use super::diagnose::{Problem, Source};
use super::file::{Experiment, Layer, Scenario};
use super::locate::{follow, replaced_whole};
use super::plan::Point;
use super::sweep::Setting;
use super::tree::Node;
use crate::kernel::invalid::Invalid;

/// A place in a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The text.
    pub source: Source,
    /// Where in it, on one line.
    pub span: Range<usize>,
    /// Whether the value itself stands there; else it was left out, and this is what it was left out of.
    pub given: bool,
}

impl Place {
    fn new(source: &Source, span: Range<usize>, given: bool) -> Place {
        Place { source: source.clone(), span: source.first_line(span), given }
    }
}

impl Experiment {
    /// Where `path` was last set for `point`, `sets` being those of the command line; nothing if not even a part of the
    /// path stands anywhere.
    pub fn place(&self, point: &Point, sets: &[(String, String)], path: &str) -> Option<Place> {
        let scenario = self.scenarios.iter().find(|scenario| point.scenario.as_ref() == Some(&scenario.name));
        let sets: Vec<Setting> = sets.iter().map(|(path, value)| Setting::of_command_line(path, value)).collect();
        let varied = point.vary.iter().filter_map(|(path, value)| {
            let axis = self.vary.iter().find(|axis| axis.path == *path)?;
            axis.settings.iter().find(|setting| setting.value == *value)
        });
        let settings: Vec<&Setting> = scenario.iter().flat_map(|s| &s.settings).chain(varied).chain(&sets).collect();
        self.find(path, &self.layers_of(scenario), &settings)
    }

    /// The partial systems of a scenario, in the order in which they are laid.
    pub(super) fn layers_of<'a>(&'a self, scenario: Option<&'a Scenario>) -> Vec<&'a Layer> {
        self.layers.iter().chain(scenario.map(|s| &s.layer)).collect()
    }

    /// Shows an error where its path was last set, or else at the experiment's head.
    pub(super) fn blame(&self, invalid: &Invalid, layers: &[&Layer], settings: &[&Setting]) -> Problem {
        let head = || self.layers.last().and_then(|layer| layer.tree.as_ref()).map_or(0..0, Node::head);
        let place = self.find(&invalid.path, layers, settings).unwrap_or_else(|| Place::new(&self.source, head(), false));
        place.source.problem(place.span, &*invalid.why, &*invalid.path)
    }

    fn find(&self, path: &str, layers: &[&Layer], settings: &[&Setting]) -> Option<Place> {
        let inside = |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let steps: Vec<&str> = path.split('.').collect();
        let deep = steps.len() >= replaced_whole(&steps);
        let set = settings.iter().rev().find(|set| inside(path, &set.path) || (deep && inside(&set.path, path)));
        if let Some(set) = set {
            return Some(Place::new(&set.source, set.value_span.clone(), true));
        }
        let mut best: Option<(usize, Place)> = None;
        for layer in layers.iter().rev() {
            let Some(tree) = &layer.tree else { continue };
            let found = follow(tree, &steps);
            if best.as_ref().is_none_or(|(depth, _)| found.depth > *depth) {
                best = Some((found.depth, Place::new(&layer.source, found.span, found.depth == steps.len())));
            }
            if found.depth >= replaced_whole(&steps).min(steps.len()) {
                break;
            }
        }
        best.filter(|(depth, _)| *depth > 0).map(|(_, place)| place)
    }
}
