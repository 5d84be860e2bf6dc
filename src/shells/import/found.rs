//! A value in a configuration file and its place; what is secret in a file is never kept.

use std::ops::Range;

use crate::experiment::Place;
use crate::experiment::diagnose::Source;
use crate::kernel::time::Span;

/// A value that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// What it is called where it stands.
    pub key: String,
    /// What it says.
    pub value: String,
    /// Its place.
    pub place: Place,
}

impl Found {
    /// A value at a place of a text. The text is kept without its secrets.
    pub fn new(source: &Source, span: Range<usize>, key: impl Into<String>, value: impl Into<String>) -> Found {
        let span = source.first_line(span);
        Found { key: key.into(), value: value.into(), place: Place { source: source.clone(), span, given: true } }
    }

    /// "docker-compose.yml:12".
    pub fn at(&self) -> String {
        format!("{}:{}", self.place.source.name, self.place.source.position(self.place.span.start).0)
    }

    /// "docker-compose.yml:12 WEB_CONCURRENCY".
    pub fn origin(&self) -> String {
        format!("{} {}", self.at(), self.key)
    }

    /// The same, pointing only at this part of the text there, if it stands so.
    pub fn part(&self, words: &str) -> Found {
        let mut found = self.clone();
        if let Some(at) = self.place.source.text[self.place.span.clone()].find(words) {
            let start = self.place.span.start + at;
            found.place.span = start..start + words.len();
        }
        found
    }

    /// A whole number, 0 or more.
    pub fn whole(&self) -> Option<u32> {
        self.value.trim().replace('_', "").parse().ok()
    }

    /// Yes or no, in the spellings that environments, PgBouncer and PostgreSQL have for it.
    pub fn yes(&self) -> Option<bool> {
        match self.value.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" | "y" | "t" => Some(true),
            "0" | "false" | "no" | "off" | "n" | "f" | "none" => Some(false),
            _ => None,
        }
    }

    /// A time with a unit, or a number of `unit`.
    pub fn span(&self, unit: Span) -> Option<Span> {
        let text = self.value.trim();
        match text.parse::<f64>() {
            Ok(number) => (number >= 0.0 && number.is_finite()).then(|| unit.scaled(number)),
            Err(_) => Span::parse(text).ok(),
        }
    }
}

/// A text as it may be kept and shown: whatever looks like a secret is asterisks of the same length, so that places stay.
pub fn masked(name: &str, text: &str) -> Source {
    let mut lines = String::with_capacity(text.len());
    // In a Kubernetes file the name of a variable stands on one line and its value on the next.
    let mut secret_next = false;
    for line in text.split_inclusive('\n') {
        let name_here = line.trim_start().trim_start_matches("- ").strip_prefix("name:").is_some_and(is_secret);
        let value_of_secret = secret_next && line.trim_start().starts_with("value:");
        lines +=
            &if value_of_secret { hidden(line, line.find(':').map_or(0, |colon| colon + 1), line.len()) } else { without_secrets(line) };
        secret_next = name_here;
    }
    Source::new(name, &lines)
}

fn is_secret(word: &str) -> bool {
    let word = word.to_ascii_uppercase();
    ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "PASSPHRASE", "PRIVATE", "CREDENTIAL", "API_KEY", "APIKEY", "PGPASS"]
        .iter()
        .any(|secret| word.contains(secret))
        || word.ends_with("_PWD")
        || word.ends_with("_PASS")
        || word.trim() == "PWD"
}

/// The line without what follows a secret's name, and without the password of an address.
fn without_secrets(line: &str) -> String {
    let mut line = line.to_owned();
    let mut from = 0;
    while let Some(mark) = line[from..].find(['=', ':']).map(|at| at + from) {
        let start = line[..mark]
            .rfind(|c: char| !(c.is_alphanumeric() || "_-.".contains(c)))
            .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
        if is_secret(line[start..mark].trim_matches(['"', '\''])) {
            line = hidden(&line, mark + 1, line.len());
            break;
        }
        if line[mark..].starts_with("://") {
            let end = line[mark..].find([' ', '"', '\'', '\n']).map_or(line.len(), |at| at + mark);
            if let Some(at) = line[mark..end].rfind('@').map(|at| at + mark) {
                let user = line[mark + 3..at].find(':').map(|colon| colon + mark + 4);
                line = user.map_or(line.clone(), |from| hidden(&line, from, at));
            }
        }
        from = mark + 1;
    }
    line
}

fn hidden(line: &str, from: usize, to: usize) -> String {
    let kept = line.len() - line.trim_end().len();
    let to = to.min(line.len() - kept).max(from.min(line.len()));
    format!("{}{}{}", &line[..from.min(to)], "*".repeat(to - from.min(to)), &line[to..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_and_places_stay() {
        let text = "DB_PASSWORD=hunter2\nURL=postgresql+asyncpg://me:hunter2@db:5432/app?x=1\n- name: API_TOKEN\n  value: hunter2\nPOOL_SIZE: 20\nmain = host=db password=hunter2\né_secret: hunter2é\n";
        let source = masked("x", text);
        assert!(!source.text.contains("hunter2"), "{}", source.text);
        assert_eq!(source.text.len(), text.len());
        assert!(
            source.text.contains("POOL_SIZE: 20\n")
                && source.text.contains("@db:5432/app?x=1\n")
                && source.text.contains("main = host=db password=")
        );
    }

    #[test]
    fn numbers_switches_and_times_are_read_as_people_write_them() {
        let found = |value: &str| Found::new(&Source::new("x", value), 0..0, "k", value);
        assert_eq!((found(" 20 ").whole(), found("x").whole(), found("-1").whole()), (Some(20), None, None));
        assert_eq!((found("True").yes(), found("off").yes(), found("perhaps").yes()), (Some(true), Some(false), None));
        let second = Span::from_secs(1);
        assert_eq!((found("30").span(second), found("1.5").span(second)), (Some(Span::from_secs(30)), Some(Span::from_millis(1500))));
        assert_eq!(
            (found("5min").span(second), found("-1").span(second), found("NaN").span(second)),
            (Some(Span::from_secs(300)), None, None)
        );
    }
}
