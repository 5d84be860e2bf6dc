//! Where in a file a path of the system was set.

use std::ops::Range;

use super::tree::{Form, Node};

/// How far a path can be followed into a piece of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Steps of the path that were found.
    pub depth: usize,
    /// The place of the last of them.
    pub span: Range<usize>,
}

/// Follows `steps` from `node` as far as they go. Kinds are transparent (`pool.pool_size` goes through `SqlAlchemy`),
/// and so is what a tuple has before its last element (the weight of a branch).
pub fn follow(node: &Node, steps: &[&str]) -> Found {
    let mut at = node;
    for (depth, step) in steps.iter().enumerate() {
        match descend(at, step) {
            Some(inner) => at = inner,
            None => return Found { depth, span: at.head() },
        }
    }
    Found { depth: steps.len(), span: at.head() }
}

/// What stands at the end of `steps`, followed as [`follow`] does.
pub fn node<'a>(node: &'a Node, steps: &[&str]) -> Option<&'a Node> {
    steps.iter().try_fold(node, |at, step| descend(at, step))
}

/// How many steps of a path name something that a later file replaces as a whole: what lies deeper than that in an
/// earlier file no longer counts.
pub fn replaced_whole(steps: &[&str]) -> usize {
    match steps.first() {
        Some(&("workload" | "apps")) => 3,
        Some(&("database" | "network")) => 2,
        _ => 1,
    }
}

fn descend<'a>(node: &'a Node, step: &str) -> Option<&'a Node> {
    match &node.form {
        Form::List(items) => {
            let named = items.iter().find(|item| inside(item).field("name").and_then(Node::text) == Some(step));
            named.or_else(|| items.get(step.parse::<usize>().ok()?))
        }
        Form::Map(entries) => node.field(step).or_else(|| match entries.as_slice() {
            [(key, kind)] if key.text().is_some_and(is_kind) => {
                if key.text() == Some(step) {
                    Some(kind)
                } else {
                    descend(kind, step)
                }
            }
            _ => None,
        }),
        Form::Call(call) => node.field(step).or_else(|| {
            if call.name.as_ref().is_some_and(|(name, _)| name == step) { Some(node) } else { descend(call.items.last()?, step) }
        }),
        Form::Text(_) | Form::Number(_) | Form::Word(_) => None,
    }
}

/// What `Some(…)` holds.
fn inside(node: &Node) -> &Node {
    match &node.form {
        Form::Call(call) if call.name.as_ref().is_some_and(|(name, _)| name == "Some") => call.items.first().unwrap_or(node),
        _ => node,
    }
}

fn is_kind(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
}
