//! `postgresql.conf` as PostgreSQL reads it: `name = value`, quotes, comments, `include`, `include_if_exists`, `include_dir`.

use super::found::{Found, masked};
use super::includes::{DEEPEST, Files, beside};

/// The settings of a text in order (the last of a name counts), those of included files in their place; and what cannot be read.
pub fn read(name: &str, text: &str, files: &Files) -> (Vec<Found>, Vec<String>) {
    let mut reader = Reader { files, found: Vec::new(), missing: Vec::new() };
    reader.file(name, text, 0);
    (reader.found, reader.missing)
}

struct Reader<'a> {
    files: &'a Files<'a>,
    found: Vec<Found>,
    missing: Vec<String>,
}

impl Reader<'_> {
    fn file(&mut self, name: &str, text: &str, depth: u32) {
        let source = masked(name, text);
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if let Some((key, value, start)) = setting(line) {
                match key.as_str() {
                    "include" => self.include(name, &value, depth, true),
                    "include_if_exists" => self.include(name, &value, depth, false),
                    "include_dir" => {
                        let directory = beside(name, &value);
                        for file in
                            (self.files.list)(&directory).into_iter().filter(|file| file.ends_with(".conf") && !file.starts_with('.'))
                        {
                            self.include(name, &format!("{value}/{file}"), depth, true);
                        }
                    }
                    _ => self.found.push(Found::new(&source, at + start..at + line.trim_end().len().max(start), key, value)),
                }
            }
            at += line.len();
        }
    }

    fn include(&mut self, from: &str, file: &str, depth: u32, needed: bool) {
        let path = beside(from, file);
        match (self.files.read)(&path).filter(|_| depth < DEEPEST) {
            Some(text) => self.file(&path, &text, depth + 1),
            None if needed => self.missing.push(format!("{from} includes {file}, which cannot be read")),
            None => {}
        }
    }
}

/// Name in lower case, value without quotes, and where the value begins. The equals sign may be left out.
fn setting(line: &str) -> Option<(String, String, usize)> {
    let body = line.trim_start();
    let length = body.find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c))).unwrap_or(body.len());
    let (key, rest) = body.split_at(length);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').map_or(rest, str::trim_start);
    if key.is_empty() || rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let start = line.len() - rest.len();
    let value = match rest.strip_prefix('\'') {
        Some(quoted) => unquoted(quoted),
        None => rest.split(|c: char| c == '#' || c.is_whitespace()).next().unwrap_or_default().to_owned(),
    };
    Some((key.to_ascii_lowercase(), value, start))
}

/// Up to the closing quote; two quotes and a quote after a backslash are one.
fn unquoted(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\'' if characters.peek() == Some(&'\'') => out.extend(characters.next()),
            '\'' => break,
            '\\' => out.extend(characters.next()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_comments_and_includes_are_postgresqls() {
        let read_file = |name: &str| match name {
            "pg/conf.d/a.conf" => Some("max_connections 300".to_owned()),
            "pg/more.conf" => Some("statement_timeout = '30 s' # half a minute".to_owned()),
            _ => None,
        };
        let list = |directory: &str| if directory == "pg/conf.d" { vec!["a.conf".to_owned(), "b.txt".to_owned()] } else { Vec::new() };
        let text = "Max_Connections = 100 # (change requires restart)\n#work_mem = 4MB\nsearch_path = '\"$user\", pub''lic'\ninclude 'more.conf'\ninclude_if_exists = 'gone.conf'\ninclude_dir 'conf.d'\ninclude 'lost.conf'\n";
        let (found, missing) = read("pg/postgresql.conf", text, &Files { read: &read_file, list: &list });
        let said: Vec<(&str, &str)> = found.iter().map(|found| (&*found.key, &*found.value)).collect();
        assert_eq!(
            said,
            [("max_connections", "100"), ("search_path", "\"$user\", pub'lic"), ("statement_timeout", "30 s"), ("max_connections", "300")]
        );
        assert_eq!(missing, ["pg/postgresql.conf includes lost.conf, which cannot be read"]);
        assert_eq!(found[3].at(), "pg/conf.d/a.conf:1");
    }
}
