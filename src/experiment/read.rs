//! From a text to its typed reading and its tree; what the readers say against it, in words that say what would be right.

use std::ops::Range;

use serde::de::DeserializeOwned;

use super::check::check_name;
use super::diagnose::{Problem, Source, instead};
use super::refused;
use super::spec::options;
use super::tokens::tokens;
use super::tree::{self, Form, Node};

/// Reads a text as `T`: JSON if its name ends so, else RON.
pub fn read<T: DeserializeOwned>(source: &Source) -> Result<(T, Node), Problem> {
    let typed = if source.name.ends_with(".json") {
        serde_json::from_str(&source.text).map_err(|error| json_problem(source, &error))?
    } else {
        options().from_str(&source.text).map_err(|error| refused::problem(source, &error))?
    };
    let tree = tree::parse(&source.text).map_err(|broken| source.problem(broken.span, broken.why, ""))?;
    sound(source, &tree)?;
    Ok((typed, tree))
}

/// What the typed readers let pass: numbers that are none, and two things of one name.
fn sound(source: &Source, tree: &Node) -> Result<(), Problem> {
    let mut problem = None;
    tree.walk(&mut |node| {
        let found = match &node.form {
            Form::Map(entries) => twice(entries.iter().filter_map(|(key, _)| Some((key.text()?, key.span.clone())))),
            Form::List(items) => twice(items.iter().filter_map(|item| {
                let name = item.field("name")?;
                Some((name.text()?, name.span.clone()))
            })),
            Form::Word(_) | Form::Number(_) => {
                let broken = node.value().err();
                problem = problem.take().or_else(|| broken.map(|b| source.problem(b.span, b.why, "")));
                None
            }
            _ => None,
        };
        if let Some(name) = node.field("name")
            && let Some(Err(invalid)) = name.text().map(check_name)
        {
            problem = problem.take().or_else(|| Some(source.problem(name.head(), invalid.why, "")));
        }
        if let Some((name, first, second)) = found {
            let title = format!("the name \"{name}\" is given twice");
            problem = problem.take().or_else(|| Some(source.problem(second, title, "given again here").also(first, "first given here")));
        }
    });
    problem.map_or(Ok(()), Err)
}

fn twice<'a>(names: impl Iterator<Item = (&'a str, Range<usize>)>) -> Option<(&'a str, Range<usize>, Range<usize>)> {
    let mut seen: Vec<(&str, Range<usize>)> = names.collect();
    seen.sort_by(|a, b| a.0.cmp(b.0).then(a.1.start.cmp(&b.1.start)));
    seen.windows(2).find(|pair| pair[0].0 == pair[1].0).map(|pair| (pair[1].0, pair[0].1.clone(), pair[1].1.clone()))
}

/// What `serde_json` says: "unknown field `x`, expected one of `a`, `b` at line 1 column 2".
fn json_problem(source: &Source, error: &serde_json::Error) -> Problem {
    let at = source.offset(error.line(), error.column());
    let all = tokens(&source.text);
    let token = all.iter().rev().find(|token| token.span.start < at).map_or(at..at, |token| token.span.clone());
    let text = error.to_string();
    let message = text.rsplit_once(" at line ").map_or(text.as_str(), |(message, _)| message);
    let (title, help) = in_words(message);
    source.problem(token, title, "").help(help)
}

/// A message of serde's, without its list of what was expected if one of that list was probably meant.
pub fn in_words(message: &str) -> (String, String) {
    let Some((what, expected)) = message.split_once(", expected ") else { return (message.to_owned(), String::new()) };
    let quoted = |text: &str| text.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
    if !what.starts_with("unknown") {
        let found = what.trim_start_matches("invalid type: ").trim_start_matches("invalid value: ");
        return (format!("expected {}, found {}", plain(expected), plain(found)), String::new());
    }
    let found = quoted(what).pop().unwrap_or_default();
    let known = quoted(expected);
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    (what.replace("unknown variant", "there is no kind").replace("unknown field", "there is no field"), instead(&found, &known))
}

/// Names of machine types as people say them.
pub fn plain(expected: &str) -> String {
    match expected {
        "u32" => "a whole number from 0 to 4294967295".into(),
        "u64" => "a whole number, 0 or more".into(),
        "i64" => "a whole number".into(),
        "f64" => "a number".into(),
        "newtype variant" | "struct variant" => "parentheses after the name of a kind".into(),
        "unit variant" => "its name alone".into(),
        "a boolean" => "true or false".into(),
        other => other.to_owned(),
    }
}
