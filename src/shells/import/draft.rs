//! The text of an experiment as it is put together: each value with where it comes from beside it.

use std::fmt::Display;

use super::found::Found;
use crate::experiment::Place;

/// An experiment in the making.
#[derive(Debug, Default)]
pub struct Draft {
    lines: String,
    depth: usize,
    path: Vec<String>,
    /// Where the values of paths were found.
    pub origins: Vec<(String, Place)>,
    /// What no file says.
    pub guesses: Vec<String>,
}

/// Where a value comes from.
pub enum Origin<'a> {
    /// A file says it.
    Found(&'a Found),
    /// Files say it together: in words, and the place of the main part.
    Worked(String, &'a Found),
    /// Nobody says it: why this.
    Guess(String),
    /// It needs no reason.
    Plain,
}

/// A field of a kind with parameters, ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Its name in the experiment.
    pub name: &'static str,
    /// Its value as the experiment writes it.
    pub value: String,
    /// Where it was found.
    pub found: Found,
}

impl Draft {
    /// One step further in, with nothing opened.
    pub fn indent(&mut self) {
        self.depth += 1;
    }

    /// Opens `head`, such as "pool: SqlAlchemy("; what follows lies at `step` of the path.
    pub fn open(&mut self, step: &str, head: &str) {
        self.line(head);
        self.depth += 1;
        self.path.push(step.to_owned());
    }

    /// Closes what was opened last.
    pub fn close(&mut self, tail: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.path.pop();
        self.line(tail);
    }

    /// Writes a field.
    pub fn field(&mut self, name: &str, value: impl Display, origin: Origin) {
        let comment = match origin {
            Origin::Found(found) => {
                self.origin(name, found);
                format!(" // {}", found.origin())
            }
            Origin::Worked(words, found) => {
                self.origin(name, found);
                format!(" // {words}")
            }
            Origin::Guess(why) => {
                let path = self.at(name);
                self.guesses.push(format!("{path}: {why}"));
                " // a guess, see above".to_owned()
            }
            Origin::Plain => String::new(),
        };
        self.line(&format!("{name}: {value},{}", one_line(&comment)));
    }

    /// Writes the fields that were found.
    pub fn fields(&mut self, fields: &[Field]) {
        for field in fields {
            self.field(field.name, &field.value, Origin::Found(&field.found));
        }
    }

    /// Remembers where the value of a field was found, or (with an empty name) what it belongs to.
    pub fn origin(&mut self, name: &str, found: &Found) {
        let path = self.at(name);
        self.origins.push((path, found.place.clone()));
    }

    /// Writes a line as it is.
    pub fn line(&mut self, text: &str) {
        self.lines += &format!("{}{text}\n", "    ".repeat(self.depth));
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.lines
    }

    fn at(&self, name: &str) -> String {
        let steps = self.path.iter().map(String::as_str).chain([name]).filter(|step| !step.is_empty());
        steps.collect::<Vec<_>>().join(".")
    }
}

/// Text for a comment: nothing in it ends the line.
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
