//! A YAML text as trees whose every node knows its place: anchors, aliases and merge keys resolved.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::found::{Found, masked};
use crate::experiment::Problem;
use crate::experiment::diagnose::Source;

/// A piece of a YAML text.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands, in bytes.
    span: std::ops::Range<usize>,
    form: Form,
}

#[derive(Clone, Debug, PartialEq)]
enum Form {
    /// A scalar as written; nothing for an empty plain one.
    Scalar(Option<String>),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

/// The documents of a text.
#[derive(Clone, Debug)]
pub struct Documents {
    /// The text without its secrets.
    pub source: Source,
    /// One tree for each.
    pub trees: Vec<Node>,
}

/// How deep a text may be nested, and how large it may become by its aliases.
const DEEPEST: usize = 64;
const LARGEST: usize = 200_000;

/// Reads a text.
pub fn read(name: &str, text: &str) -> Result<Documents, Problem> {
    let source = masked(name, text);
    let mut builder = Builder { offsets: offsets(text), open: Vec::new(), anchors: Vec::new(), trees: Vec::new(), size: 0 };
    for event in Parser::new_from_str(text) {
        match event {
            Ok((event, span)) => builder.event(event, span).map_err(|why| Problem::nowhere(format!("{name}: {why}")))?,
            Err(error) => {
                let at = source.offset(error.marker().line(), error.marker().col() + 1);
                return Err(source.problem(at..at + 1, "this is no YAML", error.info().to_owned()));
            }
        }
    }
    Ok(Documents { source, trees: builder.trees })
}

impl Node {
    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(known, _)| known == key).map(|(_, node)| node)
    }

    /// The node at the end of these keys.
    pub fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }

    /// Keys and values of a map.
    pub fn entries(&self) -> &[(String, Node)] {
        if let Form::Map(entries) = &self.form { entries } else { &[] }
    }

    /// The elements of a list.
    pub fn items(&self) -> &[Node] {
        if let Form::List(items) = &self.form { items } else { &[] }
    }

    /// A scalar as written.
    pub fn text(&self) -> Option<&str> {
        if let Form::Scalar(text) = &self.form { text.as_deref() } else { None }
    }

    /// A list or a single scalar as words of a command.
    pub fn words(&self) -> Vec<&str> {
        match &self.form {
            Form::List(items) => items.iter().filter_map(Node::text).collect(),
            _ => self.text().into_iter().collect(),
        }
    }

    /// The node as something found under a name.
    pub fn found(&self, source: &Source, key: &str, value: impl Into<String>) -> Found {
        Found::new(source, self.span.clone(), key, value)
    }
}

struct Builder {
    /// The byte at which each character begins, and the end.
    offsets: Vec<usize>,
    open: Vec<Open>,
    anchors: Vec<(usize, Node)>,
    trees: Vec<Node>,
    size: usize,
}

struct Open {
    node: Node,
    anchor: usize,
    key: Option<Node>,
}

fn offsets(text: &str) -> Vec<usize> {
    text.char_indices().map(|(at, _)| at).chain([text.len()]).collect()
}

impl Builder {
    fn event(&mut self, event: Event, span: Span) -> Result<(), &'static str> {
        let place = |index: usize| *self.offsets.get(index).or(self.offsets.last()).unwrap_or(&0);
        let span = place(span.start.index())..place(span.end.index()).max(place(span.start.index()));
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let empty = style == ScalarStyle::Plain && matches!(&*text, "" | "~" | "null");
                let node = Node { span, form: Form::Scalar((!empty).then(|| text.into_owned())) };
                self.remember(anchor, &node);
                self.add(node)
            }
            Event::SequenceStart(anchor, _) => self.begin(Form::List(Vec::new()), anchor, span),
            Event::MappingStart(anchor, _) => self.begin(Form::Map(Vec::new()), anchor, span),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(mut open) = self.open.pop() else { return Ok(()) };
                merge(&mut open.node);
                self.remember(open.anchor, &open.node);
                self.add(open.node)
            }
            Event::Alias(anchor) => {
                let known = self.anchors.iter().rev().find(|(known, _)| *known == anchor).map(|(_, node)| node.clone());
                self.add(known.unwrap_or(Node { span, form: Form::Scalar(None) }))
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, form: Form, anchor: usize, span: std::ops::Range<usize>) -> Result<(), &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("this is nested too deeply");
        }
        self.open.push(Open { node: Node { span, form }, anchor, key: None });
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node) {
        if anchor > 0 {
            self.anchors.push((anchor, node.clone()));
        }
    }

    fn add(&mut self, node: Node) -> Result<(), &'static str> {
        self.size += size(&node);
        if self.size > LARGEST {
            return Err("this becomes too large by its aliases");
        }
        let Some(open) = self.open.last_mut() else {
            self.trees.push(node);
            return Ok(());
        };
        match (&mut open.node.form, open.key.take()) {
            (Form::Map(entries), Some(key)) => entries.push((key.text().unwrap_or_default().to_owned(), node)),
            (Form::Map(_), None) => open.key = Some(node),
            (Form::List(items), _) => items.push(node),
            (Form::Scalar(_), _) => {}
        }
        Ok(())
    }
}

/// Puts the entries of `<<` behind the map's own, which go first.
fn merge(node: &mut Node) {
    let Form::Map(entries) = &mut node.form else { return };
    let Some(at) = entries.iter().position(|(key, _)| key == "<<") else { return };
    let (_, merged) = entries.remove(at);
    let several = merged.items().to_vec();
    for map in if several.is_empty() { vec![merged] } else { several } {
        for (key, value) in map.entries() {
            if entries.iter().all(|(known, _)| known != key) {
                entries.push((key.clone(), value.clone()));
            }
        }
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.form {
        Form::Scalar(_) => 0,
        Form::List(items) => items.iter().map(size).sum(),
        Form::Map(entries) => entries.iter().map(|(_, node)| size(node)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_aliases_and_merges_are_resolved_and_places_kept() {
        let text = "x: &x\n  a: 1\n  é: two\ny:\n  <<: *x\n  a: 3\nz: [1, \"2\", ~]\n---\nother: 1\n";
        let documents = read("x.yml", text).expect("it is YAML");
        assert_eq!(documents.trees.len(), 2);
        let tree = &documents.trees[0];
        assert_eq!((tree.at(&["y", "a"]).and_then(Node::text), tree.at(&["y", "é"]).and_then(Node::text)), (Some("3"), Some("two")));
        assert_eq!(tree.get("z").map(Node::words), Some(vec!["1", "2"]));
        let found = tree.at(&["y", "é"]).expect("it is merged").found(&documents.source, "é", "two");
        assert_eq!((found.at(), &text[found.place.span.clone()]), ("x.yml:3".to_owned(), "two"));
    }

    #[test]
    fn what_is_no_yaml_is_shown_at_its_place() {
        let problem = read("x.yml", "a: [1\nb: }").expect_err("it is none").to_string();
        assert!(problem.contains("this is no YAML") && problem.contains("x.yml:"), "{problem}");
        let bomb = format!(
            "a: &a [1,1,1,1,1,1,1,1]\n{}",
            (0..9)
                .map(|i| format!(
                    "k{i}: &k{i} [*{0},*{0},*{0},*{0},*{0},*{0},*{0},*{0}]\n",
                    if i == 0 { "a".into() } else { format!("k{}", i - 1) }
                ))
                .collect::<String>()
        );
        assert!(read("x.yml", &bomb).expect_err("it is too large").to_string().contains("too large"));
        assert!(read("x.yml", &"[".repeat(5000)).is_err());
    }
}
