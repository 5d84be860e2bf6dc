//! A file of Rust as the tidy tests see it: its floor, what it imports, its code without comments and tests, its functions.

use std::path::{Path, PathBuf};

use super::FLOORS;

/// A file of Rust.
pub(super) struct Source {
    /// From the repository's top, with slashes.
    pub(super) name: String,
    pub(super) text: String,
    /// The text without comments and what stands in quotes.
    pub(super) code: String,
}

impl Source {
    /// Where in [`FLOORS`]; nothing for `main.rs` and `lib.rs`.
    pub(super) fn floor(&self) -> Option<usize> {
        let room = self.module().first().cloned()?;
        FLOORS.iter().position(|floor| *floor == room)
    }

    /// `src/parts/pool/null.rs` → parts, pool, null.
    pub(super) fn module(&self) -> Vec<String> {
        let path = self.name.trim_start_matches("src/").trim_end_matches(".rs");
        path.split('/').map(str::to_owned).collect()
    }

    /// What it names in this crate: each path from the root on, as far as it is written without braces.
    pub(super) fn imports(&self) -> Vec<Vec<String>> {
        let mut imports = Vec::new();
        for start in ["crate::", "super::"] {
            for (at, _) in self.code.match_indices(start) {
                let before = self.code[..at].chars().next_back();
                if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
                    continue;
                }
                imports.extend(self.resolve(&self.code[at..]));
            }
        }
        imports
    }

    fn resolve(&self, path: &str) -> Vec<Vec<String>> {
        let mut resolved = self.module();
        let mut rest = path;
        while let Some(after) = rest.strip_prefix("super::") {
            resolved.pop();
            rest = after;
        }
        if let Some(after) = rest.strip_prefix("crate::") {
            resolved.clear();
            rest = after;
        }
        // The names that follow, and with braces each first name in them.
        let firsts = |list: &str| list.split(',').map(|item| first_word(item.trim())).filter(|word| !word.is_empty()).collect::<Vec<_>>();
        loop {
            if let Some(list) = rest.strip_prefix('{') {
                let list = list.split('}').next().unwrap_or_default();
                return firsts(list).into_iter().map(|word| [resolved.clone(), vec![word]].concat()).collect();
            }
            let word = first_word(rest);
            if word.is_empty() {
                break;
            }
            rest = &rest[word.len()..];
            resolved.push(word);
            match rest.strip_prefix("::") {
                Some(after) => rest = after,
                None => break,
            }
        }
        if resolved.is_empty() { Vec::new() } else { vec![resolved] }
    }

    /// The modules that it declares for tests alone, as their paths without `.rs`.
    pub(super) fn test_files(&self) -> Vec<PathBuf> {
        let folder = PathBuf::from(self.name.trim_end_matches(".rs"));
        let declared = self.code.split("#[cfg(test)]").skip(1).filter_map(|after| {
            let after = after.trim_start().trim_start_matches("pub(super) ").strip_prefix("mod ")?;
            let name = first_word(after);
            after[name.len()..].starts_with(';').then_some(name)
        });
        declared.flat_map(|name| [folder.join(&name), folder.join(name + ".rs")]).collect()
    }
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub(super) fn all_sources() -> Vec<Source> {
    [sources("src"), sources("tests")].into_iter().flatten().collect()
}

pub(super) fn sources(folder: &str) -> Vec<Source> {
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let name = path.strip_prefix(root()).expect("it is inside").to_string_lossy().replace('\\', "/");
        Source { name, code: code(&text), text }
    };
    files(&root().join(folder), "rs").into_iter().map(read).collect()
}

/// All files with this ending under a folder, in order.
pub(super) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it can be listed") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// `word` stands in `line`, not as the end of a longer name.
pub(super) fn has(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let begins_name = word.starts_with(is_name);
    line.match_indices(word).any(|(at, _)| !(begins_name && word.starts_with(char::is_lowercase) && line[..at].ends_with(is_name)))
}

fn first_word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The text with comments, strings and characters blanked out; every line keeps its number.
fn code(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let starts = |at: usize, what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let until = |from: usize, what: &str| (from..chars.len()).find(|at| starts(*at, what)).map_or(chars.len(), |at| at + what.len());
    let mut code = String::new();
    let mut at = 0;
    while at < chars.len() {
        let end = if starts(at, "//") {
            until(at, "\n") - 1
        } else if starts(at, "/*") {
            until(at, "*/")
        } else if starts(at, "r#\"") {
            until(at + 3, "\"#")
        } else if starts(at, "r\"") && !code.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            until(at + 2, "\"")
        } else if chars[at] == '"' {
            let mut end = at + 1;
            while chars.get(end).is_some_and(|c| *c != '"') {
                end += if chars[end] == '\\' { 2 } else { 1 };
            }
            end + 1
        } else if chars[at] == '\'' && chars.get(at + 1) == Some(&'\\') {
            until(at + 3, "'")
        } else if chars[at] == '\'' && chars.get(at + 2) == Some(&'\'') {
            at + 3
        } else {
            code.push(chars[at]);
            at += 1;
            continue;
        };
        let end = end.min(chars.len());
        code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// The code without its inline test modules.
pub(super) fn without_tests(code: &str) -> String {
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        let (before, tests) = rest.split_at(at);
        kept.push_str(before);
        let body = tests.find(['{', ';']).expect("something is for tests alone");
        let end = if tests.as_bytes()[body] == b'{' { closing(tests, body) } else { body } + 1;
        kept.extend(tests[..end].chars().filter(|c| *c == '\n'));
        rest = &tests[end..];
    }
    kept + rest
}

/// Where the brace that opens at `open` closes.
fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[open..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + at;
        }
    }
    code.len()
}

/// Every function with a body: its name, its first line, how many lines it has.
pub(super) fn functions(code: &str) -> Vec<(String, usize, usize)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let name = first_word(&code[at + 3..]);
        let Some(body) = code[at..].find(['{', ';']).map(|offset| at + offset) else { continue };
        if !name.is_empty() && code.as_bytes()[body] == b'{' {
            let end = closing(code, body);
            found.push((name, code[..at].lines().count().max(1), code[at..end].matches('\n').count() + 1));
        }
    }
    found
}

#[test]
fn what_reads_the_house_reads_it_right() {
    let text = "fn a(x: [u8; 2]) -> char {\n    '{' // fn b() {\n}\nconst S: &str = \"fn c() { \\\" println!\";\n#[cfg(test)]\nmod tests {\n    x.ln();\n}\nfn d<'a>() {}\n";
    let code = code(text);
    assert_eq!(code.lines().count(), text.lines().count());
    assert!(!code.contains("println"));
    assert!(!without_tests(&code).contains(".ln()") && without_tests(&code).contains("fn d"));
    assert_eq!(without_tests(&code).lines().count(), text.lines().count());
    assert_eq!(functions("fn e() {\n  1\n}\n"), [("e".to_owned(), 1, 3)]);
    let source = Source {
        name: "src/parts/pool/null.rs".into(),
        text: String::new(),
        code: "use crate::{kernel, parts::pool}; super::super::x::y".into(),
    };
    assert_eq!(source.imports(), [vec!["kernel"], vec!["parts"], vec!["parts", "x", "y"]]);
}
