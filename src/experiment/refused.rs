//! What `ron` says against a text, in words that say what would be right; its habits of pointing are put right here.

use std::ops::Range;

use ron::error::{Error, SpannedError};

use super::diagnose::{Problem, Source, did_you_mean, instead};
use super::read::plain;
use super::spec::EXPERIMENT_FIELDS;
use super::system::{AppPart, DatabasePart, NetworkPart, StreamPart, SystemPart};
use super::tokens::{Kind, Token, open_at, tokens};

/// The problem that `ron` found in `source`.
pub fn problem(source: &Source, error: &SpannedError) -> Problem {
    Reading::of(source).problem(error)
}

/// A text that `ron` refused, and what is needed to find out why.
struct Reading<'a> {
    source: &'a Source,
    text: &'a str,
    tokens: Vec<Token>,
}

impl<'a> Reading<'a> {
    fn of(source: &'a Source) -> Reading<'a> {
        Reading { source, text: &source.text, tokens: tokens(&source.text) }
    }

    fn problem(&self, error: &SpannedError) -> Problem {
        let start = self.source.offset(error.span.start.line, error.span.start.col);
        let end = self.source.offset(error.span.end.line, error.span.end.col);
        let span = self.tight(start..end);
        match &error.code {
            Error::NoSuchStructField { expected, found, outer } => self.no_field(span, expected, found, outer.as_deref()),
            Error::NoSuchEnumVariant { expected, found, .. } => {
                let span = self.word(&span, found);
                self.source.problem(span, format!("there is no kind `{found}` here"), "").help(instead(found, expected))
            }
            Error::MissingStructField { field, outer } => self.missing(span, field, outer.as_deref()),
            Error::DuplicateStructField { field, .. } => {
                self.source.problem(self.word(&span, field), format!("`{field}` is given twice"), "given again here")
            }
            Error::ExpectedDifferentStructName { expected, found } => self
                .source
                .problem(self.word(&span, found), format!("expected `{expected}`, found `{found}`"), "")
                .help(format!("write {expected}(…)")),
            Error::InvalidValueForType { expected, found } => {
                self.source.problem(self.value(&span), format!("expected {}, found {found}", plain(expected)), "")
            }
            Error::ExpectedDifferentLength { expected, found } => {
                self.source.problem(span, format!("expected {expected}, found {found} elements"), "")
            }
            Error::Message(why) => self.refused(&span, why),
            Error::ExpectedComma | Error::ExpectedStructLikeEnd | Error::ExpectedArrayEnd | Error::ExpectedMapEnd
                if self.cut_number(&span).is_some() =>
            {
                self.odd_number(self.cut_number(&span).expect("it was just seen"))
            }
            Error::ExpectedComma => self.no_comma(&span),
            Error::Eof | Error::ExpectedStructLikeEnd | Error::ExpectedArrayEnd | Error::ExpectedMapEnd | Error::ExpectedOptionEnd => {
                self.unclosed(span, &error.code)
            }
            Error::ExpectedStringEnd | Error::UnclosedBlockComment => self.unfinished(span),
            Error::TrailingCharacters => self
                .source
                .problem(self.next(span.start), "there is more after the end of the experiment", "the experiment has ended before this")
                .help("is a `)` too many before?"),
            code => self.wrong_form(&span, code),
        }
    }

    fn no_field(&self, span: Range<usize>, expected: &[&str], found: &str, outer: Option<&str>) -> Problem {
        let at = self.word(&span, found);
        let open = open_at(self.text, &self.tokens, at.start);
        let owner = outer.map_or(String::new(), |outer| format!(" in `{outer}`"));
        let problem = self.source.problem(at, format!("there is no field `{found}`{owner}"), "");
        let (inner, around) = open.split_last().map_or((None, &open[..]), |(inner, around)| (Some(inner), around));
        let belongs = around.iter().rev().find_map(|(_, word)| fields_of((*word)?).contains(&found).then_some(*word)).flatten();
        match (belongs, inner) {
            (Some(parent), Some((paren, _))) if did_you_mean(found, expected.iter().copied()).is_none_or(|meant| meant != found) => problem
                .also(*paren..paren + 1, "this is still open")
                .help(format!("`{found}` belongs to `{parent}`: is a `)` missing before it?")),
            _ => problem.help(instead(found, expected)),
        }
    }

    fn missing(&self, span: Range<usize>, field: &str, outer: Option<&str>) -> Problem {
        let open = open_at(self.text, &self.tokens, span.start);
        let owner = outer.map_or("this".to_owned(), |outer| format!("`{outer}`"));
        let title = format!("{owner} needs a `{field}`");
        let Some((paren, word)) = open.last() else { return self.source.problem(span, title, "") };
        let name = word.and_then(|word| self.tokens.iter().rev().find(|t| t.span.end <= *paren && self.text[t.span.clone()] == *word));
        let head = name.map_or(*paren..paren + 1, |token| token.span.clone());
        self.source.problem(head, title, "it begins here").also(span, format!("`{field}` is still missing here"))
    }

    /// A value that its own type refuses.
    fn refused(&self, span: &Range<usize>, why: &str) -> Problem {
        let at = self.value(span);
        if self.text[at.clone()].contains('\n') {
            return self.source.problem(at.start..at.start + 1, "a text in quotes does not end on its line", "it begins here");
        }
        self.source.problem(at, why, "")
    }

    /// The number that the reader stopped in, or at, where one belongs: it is of another form than its field's.
    fn cut_number(&self, span: &Range<usize>) -> Option<Range<usize>> {
        let cut = |token: &Token, at: usize| token.span.start < at && at < token.span.end;
        let belongs = |index: usize| index > 0 && matches!(self.tokens[index - 1].kind, Kind::Mark(':' | '(' | '[' | ','));
        let mut numbers = self.tokens.iter().enumerate().filter(|(_, token)| token.kind == Kind::Number);
        let here = |(index, token): &(usize, &Token)| {
            cut(token, span.start) || cut(token, span.end) || (token.span.start == span.start && belongs(*index))
        };
        numbers.find(here).map(|(_, token)| token.span.clone())
    }

    fn odd_number(&self, token: Range<usize>) -> Problem {
        let owner = self.owner(token.start).map_or(String::new(), |field| format!("`{field}`: "));
        let written = &self.text[token.clone()];
        let expected = if written.contains('.') { "a whole number" } else { "a plain decimal number" };
        self.source.problem(token, format!("{owner}expected {expected}, found `{written}`"), "")
    }

    fn no_comma(&self, span: &Range<usize>) -> Problem {
        let next = self.next(span.start);
        let end = self.tokens.iter().rev().find(|token| token.span.end <= next.start).map_or(next.start, |token| token.span.end);
        self.source.problem(end.saturating_sub(1)..end, "a comma is missing", "after this").also(next, "before this")
    }

    fn unclosed(&self, span: Range<usize>, code: &Error) -> Problem {
        let at = self.next(span.start);
        let what = match code {
            Error::ExpectedArrayEnd => "expected `]`",
            Error::ExpectedMapEnd => "expected `}`",
            Error::Eof => "the file ends too early",
            _ => "expected `)`",
        };
        let problem = self.source.problem(at.clone(), what, "");
        match open_at(self.text, &self.tokens, at.start).last() {
            Some((bracket, _)) => problem.also(*bracket..bracket + 1, "this is still open"),
            None => problem,
        }
    }

    fn unfinished(&self, span: Range<usize>) -> Problem {
        let begun = self.tokens.iter().find(|token| token.kind == Kind::Unfinished).map_or(span, |token| token.span.clone());
        let title = if self.text[begun.clone()].starts_with('/') { "a comment does not end" } else { "a text in quotes does not end" };
        self.source.problem(begun.start..begun.start + 1, title, "it begins here")
    }

    /// A value of the wrong form, said with the name of its field.
    fn wrong_form(&self, span: &Range<usize>, code: &Error) -> Problem {
        let at = self.next(span.start);
        let found = self.tokens.iter().find(|token| token.span == at);
        let written = &self.text[at.clone()];
        let (expected, help) = match code {
            Error::ExpectedInteger | Error::IntegerOutOfBounds if written.starts_with('-') => ("a whole number, 0 or more", String::new()),
            Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => ("a whole number", String::new()),
            Error::IntegerOutOfBounds => ("a whole number that is not that large", String::new()),
            Error::ExpectedFloat | Error::FloatUnderscore => ("a number", String::new()),
            Error::ExpectedBoolean => ("true or false", String::new()),
            Error::ExpectedString if found.is_some_and(|token| token.kind == Kind::Number) => {
                ("a text in quotes", "a duration has a unit and stands in quotes: \"30s\", \"5ms\"".to_owned())
            }
            Error::ExpectedString => ("a text in quotes", String::new()),
            Error::ExpectedArray => ("a list in brackets", "write [ … ]".to_owned()),
            Error::ExpectedMap => ("names and values in braces", "write { \"name\": … }".to_owned()),
            Error::ExpectedIdentifier if found.is_some_and(|token| token.kind == Kind::Text) => {
                ("a kind", "the name of a kind stands without quotes".to_owned())
            }
            Error::ExpectedIdentifier => ("a kind", String::new()),
            Error::ExpectedNamedStructLike(name) if !name.is_empty() => ("parentheses", format!("write {name}(…)")),
            Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => ("parentheses", "write ( … )".to_owned()),
            other => {
                let why = other.to_string();
                return self.source.problem(at, why, "");
            }
        };
        let owner = self.owner(at.start).map_or(String::new(), |field| format!("`{field}`: "));
        let found = if written.is_empty() { "the end".to_owned() } else { format!("`{written}`") };
        self.source.problem(at, format!("{owner}expected {expected}, found {found}"), "").help(help)
    }

    /// The field whose value begins at byte `at`.
    fn owner(&self, at: usize) -> Option<&'a str> {
        let index = self.tokens.iter().position(|token| token.span.start == at)?;
        let colon = self.tokens.get(index.checked_sub(1)?)?;
        let word = self.tokens.get(index.checked_sub(2)?)?;
        (colon.kind == Kind::Mark(':') && word.kind == Kind::Word).then(|| &self.text[word.span.clone()])
    }

    /// A span without the blanks at its ends; of blanks alone, the next token.
    fn tight(&self, span: Range<usize>) -> Range<usize> {
        let start = span.start.min(span.end);
        let written = &self.text[start..span.end.max(start)];
        if written.trim().is_empty() {
            return self.next(start);
        }
        let blank = written.len() - written.trim_start().len();
        start + blank..start + blank + written.trim().len()
    }

    /// The first token that ends after byte `at`.
    fn next(&self, at: usize) -> Range<usize> {
        let end = self.text.trim_end().len();
        self.tokens.iter().find(|token| token.span.end > at).map_or(end..end, |token| token.span.clone())
    }

    /// The place of `word` in or just before a span that `ron` gave.
    fn word(&self, span: &Range<usize>, word: &str) -> Range<usize> {
        let is = |token: &&Token| self.text[token.span.clone()].trim_matches('"') == word;
        let before = self.tokens.iter().rev().filter(|token| token.span.start < span.end.max(span.start + 1));
        before.take(4).find(is).map_or(span.clone(), |token| token.span.clone())
    }

    /// The value that a span covers or ends with.
    fn value(&self, span: &Range<usize>) -> Range<usize> {
        // The reader's cursor may stand behind the opening quote.
        let quoted = self.tokens.iter().find(|token| token.kind == Kind::Text && token.span.contains(&span.start));
        match quoted {
            Some(token) if token.span.end >= span.end => token.span.clone(),
            _ if span.is_empty() => self.next(span.start),
            _ => span.clone(),
        }
    }
}

/// The fields of what a file calls by this name.
fn fields_of(name: &str) -> &'static [&'static str] {
    match name {
        "Experiment" => EXPERIMENT_FIELDS,
        "System" => SystemPart::FIELDS,
        "Stream" => StreamPart::FIELDS,
        "App" => AppPart::FIELDS,
        "Postgres" => DatabasePart::FIELDS,
        "Network" => NetworkPart::FIELDS,
        "Scenario" => &["system", "set"],
        _ => &[],
    }
}
