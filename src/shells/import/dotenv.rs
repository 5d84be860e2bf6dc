//! `.env` files: `KEY=value` lines as shells, docker and python-dotenv read them.

use super::found::{Found, masked};

/// The variables of a text in order; a later one of the same name wins, so they are looked up from the end.
pub fn read(name: &str, text: &str) -> Vec<Found> {
    let source = masked(name, text);
    let mut found: Vec<Found> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if let Some(variable) = variable(line) {
            let value = if variable.fills_in { expanded(variable.value, &|name| last(&found, name)) } else { variable.value.to_owned() };
            let start = at + variable.start;
            found.push(Found::new(&source, start..start + variable.value.len(), variable.key, value));
        }
        at += line.len();
    }
    found
}

/// The value of the variable of this name.
pub fn last(variables: &[Found], name: &str) -> Option<String> {
    variables.iter().rev().find(|found| found.key == name).map(|found| found.value.clone())
}

/// A variable as a line has it.
struct Variable<'a> {
    key: &'a str,
    value: &'a str,
    /// Whether other variables in the value count.
    fills_in: bool,
    /// Where the value begins in its line.
    start: usize,
}

fn variable(line: &str) -> Option<Variable<'_>> {
    let body = line.trim_start_matches('\u{feff}').trim_start();
    let body = body.strip_prefix("export ").unwrap_or(body);
    let (key, rest) = body.split_once('=')?;
    let key = key.trim();
    if key.is_empty() || key.starts_with('#') || !key.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c)) {
        return None;
    }
    let written = rest.trim();
    let start = line.len() - rest.trim_start().len();
    Some(match written.chars().next() {
        Some(quote @ ('"' | '\'')) => {
            let value = written[1..].split(quote).next().unwrap_or_default();
            Variable { key, value, fills_in: quote == '"', start: start + 1 }
        }
        // A comment begins at a blank and a hash.
        _ => Variable { key, value: written.split(" #").next().unwrap_or_default().trim_end(), fills_in: true, start },
    })
}

/// `$NAME`, `${NAME}`, `${NAME:-else}`, `${NAME-else}`, `${NAME:?…}`; `$$` is a dollar.
pub fn expanded(text: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out += &rest[..at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((inside, after)) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            out += &substituted(inside, value_of);
            rest = after;
        } else {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            match length {
                0 => out.push('$'),
                length => out += &value_of(&rest[..length]).unwrap_or_default(),
            }
            rest = &rest[length..];
        }
    }
    out + rest
}

fn substituted(inside: &str, value_of: &dyn Fn(&str) -> Option<String>) -> String {
    let length = inside.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inside.len());
    let (name, operator) = inside.split_at(length);
    let value = value_of(name);
    let given = |value: &String| !operator.starts_with(':') || !value.is_empty();
    match (value.filter(given), operator.trim_start_matches(':').chars().next()) {
        (Some(_), Some('+')) | (None, Some('-')) => operator.trim_start_matches(':').chars().skip(1).collect(),
        (Some(value), _) => value,
        (None, _) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_exports_and_variables_are_understood() {
        let text = "# pool\nexport POOL_SIZE=20\nA='x # y' # z\nB=\"${POOL_SIZE}0\"\nC=$POOL_SIZE # five\nD=${NO:-7}\nE=${NO:+8}\nF=a$$b\nnot a line\n";
        let found = read(".env", text);
        let value = |key: &str| last(&found, key).unwrap_or_else(|| panic!("{key} is found"));
        assert_eq!((value("POOL_SIZE"), value("A"), value("B"), value("C")), ("20".into(), "x # y".into(), "200".into(), "20".into()));
        assert_eq!((value("D"), value("E"), value("F")), ("7".into(), "".into(), "a$b".into()));
        assert_eq!(found[0].origin(), ".env:2 POOL_SIZE");
        assert_eq!(&found[0].place.source.text[found[0].place.span.clone()], "20");
        assert_eq!(found.len(), 7);
    }
}
