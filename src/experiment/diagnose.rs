//! What is wrong with a file: the place, the line, and what would be right, printed as rustc prints it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A text that can be pointed into: a file, or what stood on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// Its name, as the user gave it.
    pub name: Arc<str>,
    /// All of it.
    pub text: Arc<str>,
}

/// Bad input: what is wrong, where, and what would be right.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What is wrong, in one line.
    pub title: String,
    /// The text in which the labels stand, if there is a place to point at.
    pub source: Option<Source>,
    /// Places in it, the first of them the main one, and what to say there.
    pub labels: Vec<(Range<usize>, String)>,
    /// What would be right.
    pub help: Vec<String>,
}

impl Source {
    /// A text under its name.
    pub fn new(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into() }
    }

    /// A problem at this place, with a label there (which may be empty).
    pub fn problem(&self, span: Range<usize>, title: impl Into<String>, label: impl Into<String>) -> Problem {
        let span = self.first_line(span);
        Problem { title: title.into(), source: Some(self.clone()), labels: vec![(span, label.into())], help: Vec::new() }
    }

    /// Line and column of a byte, from 1, columns in characters.
    pub fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..self.sound(at..at).start];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
    }

    /// The byte at a line and column, from 1, columns in characters.
    pub fn offset(&self, line: usize, column: usize) -> usize {
        let start = self.text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum::<usize>();
        let rest = &self.text[start..];
        start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(i, _)| i)
    }

    /// What of a range stands on its first line: a whole system would hide the message.
    pub fn first_line(&self, span: Range<usize>) -> Range<usize> {
        let span = self.sound(span);
        let length = self.text[span.clone()].find(['\n', '\r']).unwrap_or(span.len());
        span.start..span.start + length
    }

    /// The nearest range that is inside the text and does not cut a character.
    fn sound(&self, span: Range<usize>) -> Range<usize> {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let mut end = span.end.clamp(start, self.text.len());
        while !self.text.is_char_boundary(end) {
            end += 1;
        }
        start..end
    }
}

impl Problem {
    /// A problem that has no place in a file.
    pub fn nowhere(title: impl Into<String>) -> Problem {
        Problem { title: title.into(), source: None, labels: Vec::new(), help: Vec::new() }
    }

    /// Adds what would be right, if there is something to say.
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        let help = help.into();
        self.help.extend((!help.is_empty()).then_some(help));
        self
    }

    /// Points at another place of the same text.
    pub fn also(mut self, span: Range<usize>, label: impl Into<String>) -> Problem {
        if let Some(source) = &self.source {
            self.labels.push((source.first_line(span), label.into()));
        }
        self
    }

    /// Line and column of the main place, from 1.
    pub fn position(&self) -> Option<(usize, usize)> {
        Some(self.source.as_ref()?.position(self.labels.first()?.0.start))
    }

    /// The whole message, several lines without a last line end; `colour` for terminals.
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut group = Group::with_title(Level::ERROR.primary_title(self.title.as_str()));
        if let Some(source) = &self.source {
            let mut snippet = Snippet::source(&*source.text).path(&*source.name);
            for (i, (span, label)) in self.labels.iter().enumerate() {
                let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
                let annotation = kind.span(span.clone());
                snippet = snippet.annotation(if label.is_empty() { annotation } else { annotation.label(label.as_str()) });
            }
            group = group.element(snippet);
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problem {}

/// The word among `known` that was probably meant.
pub fn did_you_mean<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['_', '-'], "");
    let close = known.into_iter().map(|word| (strsim::jaro_winkler(&plain(found), &plain(word)), word));
    close.filter(|(likeness, _)| *likeness > 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, word)| word)
}

/// "did you mean `x`?", or what there is.
pub fn instead(found: &str, known: &[&str]) -> String {
    if let Some(meant) = did_you_mean(found, known.iter().copied()) {
        return format!("did you mean `{meant}`?");
    }
    if known.is_empty() {
        return String::new();
    }
    format!("there are {}", known.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "))
}
