//! Findings as a compiler prints what it found, and as a document.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::lines::{WIDTH, wrapped};
use crate::answers::check::{Finding, Label, Severity, Worst};
use crate::answers::words::{count, plural};
use crate::experiment::{Place, Problem};

/// How the names of texts end that are experiments, or parts of one.
const EXPERIMENTS: [&str; 5] = [".ron", ".json", "(built in)", "standard input", "--set"];
/// Columns before the text of a note, at the least.
const INDENT: usize = 12;

/// The document of a check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Document {
    /// What was found, the worst first.
    pub findings: Vec<Entry>,
}

/// One finding of a document.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The rule that found it.
    pub rule: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The path of the value that it is about.
    pub path: String,
    /// The file in which that stands, if it stands anywhere.
    pub file: Option<String>,
    /// Its line there, from 1.
    pub line: Option<usize>,
    /// Its column, from 1, in characters.
    pub column: Option<usize>,
    /// What is wrong, with the arithmetic.
    pub message: String,
    /// What would be right.
    pub help: String,
    /// The systems that it was found in, if there is more than one.
    pub scenarios: Vec<String>,
}

/// The document of these findings.
pub fn document(findings: &[Finding]) -> Document {
    Document { findings: findings.iter().map(entry).collect() }
}

/// The finding as a reason not to run at all.
pub fn problem(finding: &Finding) -> Problem {
    let main = finding.labels.first().and_then(|label| Some((label, label.place.as_ref()?)));
    let Some((label, place)) = main else { return remedies(Problem::nowhere(&*finding.message), finding) };
    let problem = place.source.problem(place.span.clone(), &*finding.message, &*label.text);
    let others = finding.labels[1..].iter().filter_map(|label| Some((label.place.as_ref()?, label.text.clone())));
    let others = others.filter(|(other, _)| other.source == place.source);
    remedies(others.fold(problem, |problem, (other, text)| problem.also(other.span.clone(), text)), finding)
}

fn remedies(problem: Problem, finding: &Finding) -> Problem {
    finding.why.iter().chain(&finding.help).fold(problem, |problem, text| problem.help(text.clone()))
}

fn entry(finding: &Finding) -> Entry {
    let main = finding.labels.first();
    let place = main.and_then(|label| label.place.as_ref());
    let position = place.map(|place| place.source.position(place.span.start));
    let reasons: Vec<&str> = std::iter::once(&finding.message).chain(&finding.why).map(String::as_str).collect();
    Entry {
        rule: finding.rule,
        severity: finding.severity,
        path: main.map(|label| label.path.clone()).unwrap_or_default(),
        file: place.map(|place| place.source.name.to_string()),
        line: position.map(|(line, _)| line),
        column: position.map(|(_, column)| column),
        message: reasons.join(". "),
        help: finding.help.join(". "),
        scenarios: finding.systems.clone(),
    }
}

/// One finding, several lines; `systems` is how many were checked.
pub fn render(finding: &Finding, systems: usize) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(finding.message.as_str()).id(finding.rule));
    // The main place stands in the first text; each other text follows once, with what is in it.
    let texts: Vec<String> = sources(finding).iter().map(|place| shown(place, &finding.labels)).collect();
    for (place, text) in sources(finding).into_iter().zip(&texts) {
        let mut snippet = Snippet::source(text.as_str()).path(&*place.source.name);
        for (index, label) in finding.labels.iter().enumerate() {
            let Some(there) = label.place.as_ref().filter(|there| there.source == place.source) else { continue };
            let kind = if index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(there.span.clone());
            snippet = snippet.annotation(if label.text.is_empty() { annotation } else { annotation.label(label.text.as_str()) });
        }
        group = group.element(snippet);
    }
    for why in &finding.why {
        group = group.element(Level::NOTE.message(folded(why)));
    }
    if systems > 1 && !finding.systems.is_empty() {
        group = group.element(Level::NOTE.message(folded(&whereabouts(&finding.systems, systems))));
    }
    for help in &finding.help {
        group = group.element(Level::HELP.message(folded(help)));
    }
    Renderer::styled().render(&[group])
}

/// "worst case": what the pools may open, what reaches the database, what it takes, one line for each system.
pub fn worst_cases(cases: &[(String, Worst)]) -> String {
    let number = |value: Option<u64>| value.map_or("∞".to_owned(), count);
    let head = ["worst case", "pools may open", "deploy", "proxy", "database", "slots"].map(str::to_owned);
    let line = |(name, worst): &(String, Worst)| {
        let (sum, pools) = &worst.pools;
        let proxy = worst.proxy.map_or("–".to_owned(), count);
        [name.clone(), format!("{sum} = {}", number(*pools)), number(worst.deploy), proxy, number(worst.database[0]), count(worst.slots)]
    };
    let lines: Vec<[String; 6]> = std::iter::once(head).chain(cases.iter().map(line)).collect();
    let widths: Vec<usize> = (0..6).map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0)).collect();
    let cell = |column: usize, text: &str| match column {
        0 => format!("  {text:<width$}", width = widths[0]),
        _ => format!("  {text:>width$}", width = widths[column]),
    };
    let joined = |line: &[String; 6]| line.iter().enumerate().map(|(column, text)| cell(column, text)).collect::<String>();
    lines.iter().map(|line| joined(line).trim_end().to_owned() + "\n").collect()
}

/// "1 error, 2 warnings, 3 notes".
pub fn tally(findings: &[Finding]) -> String {
    let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
    let counts = kinds.map(|(severity, name)| (findings.iter().filter(|finding| finding.severity == severity).count() as u64, name));
    let parts: Vec<String> = counts.into_iter().filter(|(number, _)| *number > 0).map(|(number, name)| plural(number, name)).collect();
    if parts.is_empty() { "nothing found".to_owned() } else { parts.join(", ") }
}

/// A place in each text that a finding points into, the main one first.
fn sources(finding: &Finding) -> Vec<&Place> {
    let mut places: Vec<&Place> = Vec::new();
    for place in finding.labels.iter().filter_map(|label| label.place.as_ref()) {
        if places.iter().all(|known| known.source != place.source) {
            places.push(place);
        }
    }
    places
}

/// The text as it is shown. Of a configuration file every line is blank that no label is on: what stands beside a
/// setting, such as a password, is nobody's business.
fn shown(place: &Place, labels: &[Label]) -> String {
    let text = &place.source.text;
    if EXPERIMENTS.iter().any(|ending| place.source.name.ends_with(ending)) {
        return text.to_string();
    }
    let places = labels.iter().filter_map(|label| label.place.as_ref()).filter(|there| there.source == place.source);
    let starts: Vec<usize> = places.map(|there| there.span.start).collect();
    let mut at = 0;
    let mut shown = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches(['\n', '\r']);
        let labelled = starts.iter().any(|start| (at..=at + body.len()).contains(start));
        shown.push_str(&if labelled { body.to_owned() } else { " ".repeat(body.len()) });
        shown.push_str(&line[body.len()..]);
        at += line.len();
    }
    shown
}

fn whereabouts(found: &[String], systems: usize) -> String {
    match found {
        all if all.len() == systems => format!("in all {systems} systems"),
        some => format!("in {}", some.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")),
    }
}

fn folded(text: &str) -> String {
    wrapped(text, WIDTH - INDENT).join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::diagnose::Source;

    fn finding() -> Finding {
        let source = Source::new(".env", "POOL_SIZE=20\nPASSWORD=hunter2\nMAX_OVERFLOW=10\n");
        let label = |span: std::ops::Range<usize>, text: &str| Label {
            path: "apps.api.pool.pool_size".into(),
            text: text.into(),
            place: Some(Place { source: source.clone(), span, given: true }),
        };
        Finding {
            rule: "a-rule",
            severity: Severity::Warning,
            message: "too many".into(),
            labels: vec![label(10..12, "twenty"), label(43..45, "ten")],
            why: vec!["because ".repeat(20)],
            help: vec!["fewer".into()],
            systems: vec!["a".into(), "b".into()],
        }
    }

    #[test]
    fn a_finding_looks_like_a_compilers_and_fits_a_terminal() {
        let plain = anstream::adapter::strip_str(&render(&finding(), 3)).to_string();
        for part in
            ["warning[a-rule]: too many", "--> .env:1:11", "POOL_SIZE=20", "^^ twenty", "-- ten", "in \"a\", \"b\"", "= help: fewer"]
        {
            assert!(plain.contains(part), "{part:?} is not in\n{plain}");
        }
        assert!(plain.lines().all(|line| line.chars().count() <= WIDTH), "{plain}");
        assert!(anstream::adapter::strip_str(&render(&finding(), 2)).to_string().contains("in all 2 systems"));
    }

    #[test]
    fn a_line_that_no_label_is_on_is_not_shown() {
        assert!(!render(&finding(), 1).contains("hunter2"));
    }

    #[test]
    fn the_document_has_the_place_and_the_counts_are_told() {
        let entry = entry(&finding());
        assert_eq!((entry.line, entry.column, entry.file.as_deref()), (Some(1), Some(11), Some(".env")));
        assert_eq!(tally(&[finding(), finding()]), "2 warnings");
        assert_eq!(tally(&[]), "nothing found");
    }
}
