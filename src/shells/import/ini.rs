//! `pgbouncer.ini` as PgBouncer reads it: sections, `key = value`, comment lines, `%include`.

use super::found::{Found, masked};
use super::includes::{DEEPEST, Files, beside};

/// A line of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The section that it stands in, in lower case.
    pub section: String,
    /// What it says.
    pub found: Found,
}

/// The settings of a text in order, with those of the files that it includes in their place; and what cannot be read.
pub fn read(name: &str, text: &str, files: &Files) -> (Vec<Line>, Vec<String>) {
    let mut reader = Reader { files, section: String::new(), lines: Vec::new(), missing: Vec::new() };
    reader.file(name, text, 0);
    (reader.lines, reader.missing)
}

/// The words `key=value` of a connection string, whose values may stand in single quotes.
pub fn words(text: &str) -> Vec<(String, String)> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let (value, left) = match after.strip_prefix('\'') {
            Some(quoted) => quoted.split_once('\'').unwrap_or((quoted, "")),
            None => after.split_once(char::is_whitespace).unwrap_or((after, "")),
        };
        words.push((key.trim().to_owned(), value.to_owned()));
        rest = left.trim_start();
    }
    words
}

struct Reader<'a> {
    files: &'a Files<'a>,
    section: String,
    lines: Vec<Line>,
    missing: Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, text: &str, depth: u32) {
        let source = masked(name, text);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            let body = line.trim();
            let start = at + line.find(body).unwrap_or(0);
            if let Some(file) = body.strip_prefix("%include") {
                self.include(name, file.trim().trim_matches(['"', '\'']), depth);
            } else if let Some(section) = body.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                self.section = section.trim().to_ascii_lowercase();
                self.lines.push(Line { section: self.section.clone(), found: Found::new(&source, start..start + body.len(), "", "") });
            } else if let Some((key, value)) = body.split_once('=').filter(|_| !body.starts_with([';', '#'])) {
                let value_at = start + body.len() - value.trim_start().len();
                let found = Found::new(&source, value_at..start + body.len(), key.trim(), value.trim());
                self.lines.push(Line { section: self.section.clone(), found });
            }
            at += line.len();
        }
    }

    fn include(&mut self, from: &str, file: &str, depth: u32) {
        let path = beside(from, file);
        match (self.files.read)(&path).filter(|_| depth < DEEPEST) {
            Some(text) => self.file(&path, &text, depth + 1),
            None => self.missing.push(format!("{from} includes {file}, which cannot be read")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_comments_and_includes_are_read_in_order() {
        let read_file = |name: &str| (name == "etc/more.ini").then(|| "default_pool_size = 7\n%include more.ini\n".to_owned());
        let files = Files { read: &read_file, list: &|_| Vec::new() };
        let text = "; a comment\n[databases]\n* = host=db pool_size=5\n[PgBouncer]\n# no\npool_mode = transaction\n%include more.ini\n%include gone.ini\n";
        let (lines, missing) = read("etc/pgbouncer.ini", text, &files);
        let said: Vec<(&str, &str, &str)> = lines
            .iter()
            .filter(|line| !line.found.key.is_empty())
            .map(|line| (&*line.section, &*line.found.key, &*line.found.value))
            .collect();
        assert_eq!(said[..2], [("databases", "*", "host=db pool_size=5"), ("pgbouncer", "pool_mode", "transaction")]);
        assert_eq!(said[2], ("pgbouncer", "default_pool_size", "7"));
        assert_eq!(said.len(), 12, "a file that includes itself ends at the depth that is allowed");
        assert!(missing.iter().any(|text| text.contains("gone.ini")), "{missing:?}");
    }

    #[test]
    fn connection_strings_have_quotes() {
        assert_eq!(
            words("host=db password='a b' pool_size = 5"),
            [("host".into(), "db".into()), ("password".into(), "a b".into()), ("pool_size".into(), "5".into())]
        );
        assert_eq!(words("nonsense"), []);
        assert_eq!(words("a='b"), [("a".into(), "b".into())]);
    }
}
