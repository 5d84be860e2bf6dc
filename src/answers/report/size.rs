//! A size as a person reads it: the answer, what was tried, how far it holds, the sums, and what to paste.

use super::lines::{Look, WIDTH, labelled, left, paint, width, wrapped};
use crate::answers::evidence::{Shown, Verdict};
use crate::answers::size::{Cliff, Size, Tried};
use crate::answers::words::{count, percent, plural, seconds};

/// The whole answer with colours.
pub fn render(document: &Size) -> String {
    let mut out: String = wrapped(&document.question, WIDTH).iter().map(|line| format!("{}\n", paint(Look::Strong, line))).collect();
    let runs: u64 = document.tried.iter().map(|tried| tried.replications).sum();
    let about = format!("{} tried in {} · seed {}", plural(document.tried.len() as u64, "setting"), plural(runs, "run"), document.seed);
    out += &format!("{}\n\n", paint(Look::Faint, &about));
    let look = if document.feasible { Look::Good } else { Look::Bad };
    for line in wrapped(&verdict(document), WIDTH) {
        out += &format!("{}\n", paint(look, &line));
    }
    out += &table(&document.tried);
    out += &labelled("binds", Look::Key, &document.binding);
    if let Some(cliff) = &document.cliff {
        out += &labelled("cliff", Look::Key, &in_words(cliff));
    }
    for (index, limit) in document.limits.iter().enumerate() {
        out += &labelled(if index == 0 { "limits" } else { "" }, Look::Key, limit);
    }
    for note in &document.notes {
        out += &labelled("note", Look::Faint, note);
    }
    if document.feasible {
        out += &paste(document);
    }
    out
}

/// The settings that were tried as CSV, one row for each objective of each.
pub fn csv(document: &Size) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let paths: Vec<&String> = document.tried.first().map_or(Vec::new(), |tried| tried.values.keys().collect());
    let header = paths.iter().map(|path| path.as_str()).chain(["verdict", "replications", "objective", "measured", "objective_verdict"]);
    writer.write_record(header).expect("memory can be written to");
    for tried in &document.tried {
        for shown in &tried.objectives {
            let measured = shown.measured.map_or(String::new(), |value| value.to_string());
            let rest = [tried.verdict.words().to_owned(), tried.replications.to_string(), shown.objective.clone(), measured];
            let row = tried.values.values().map(ToString::to_string).chain(rest).chain([shown.verdict.words().to_owned()]);
            writer.write_record(row).expect("all rows have the same columns");
        }
    }
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

/// One line for a setting, for people who wait: "pool_size 12 meets".
pub fn line(tried: &Tried) -> String {
    format!("{} {} ({})", values(tried), tried.verdict.words(), plural(tried.replications, "replication"))
}

fn verdict(document: &Size) -> String {
    match &document.answer {
        Some(answer) => {
            let values = answer.iter().map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(", ");
            format!("{values} is the smallest setting that meets every objective (shown with 95 % confidence)")
        }
        None => "no setting in the range was shown to meet every objective".to_owned(),
    }
}

fn table(tried: &[Tried]) -> String {
    let Some(first) = tried.first() else { return String::new() };
    let names: Vec<&str> = first.values.keys().map(|path| path.rsplit('.').next().unwrap_or(path)).collect();
    let name = if names.iter().any(|name| names.iter().filter(|other| other == &name).count() > 1) {
        "values".to_owned()
    } else {
        names.join(" ")
    };
    let label = tried.iter().map(|tried| width(&numbers(tried))).max().unwrap_or(0).max(width(&name));
    let head = format!("  {:>label$}  {}  {:>5}  measured", name, left("verdict", 9), "runs");
    let mut out = format!("{}\n", paint(Look::Faint, &head));
    for tried in tried {
        let sign = match tried.verdict {
            Verdict::Meets => paint(Look::Good, &left("✓ meets", 9)),
            Verdict::Misses => paint(Look::Bad, &left("✗ misses", 9)),
            Verdict::Undecided => left("– open", 9),
        };
        let measured = tried.objectives.iter().map(measured).collect::<Vec<_>>().join(" · ");
        out += &format!("  {:>label$}  {sign}  {:>5}  {measured}\n", numbers(tried), count(tried.replications));
    }
    let names = first.objectives.iter().map(|shown| shown.objective.as_str()).collect::<Vec<_>>().join(" · ");
    out + &labelled("measured", Look::Faint, &names)
}

fn measured(shown: &Shown) -> String {
    match shown.measured {
        None => "–".to_owned(),
        Some(value) if shown.objective.starts_with("errors") => percent(value),
        Some(value) if shown.objective.starts_with("connections") => count(value as u64),
        Some(value) => seconds(value),
    }
}

fn numbers(tried: &Tried) -> String {
    tried.values.values().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn values(tried: &Tried) -> String {
    tried.values.iter().map(|(path, value)| format!("{path} = {value}")).collect::<Vec<_>>().join(", ")
}

fn in_words(cliff: &Cliff) -> String {
    let load = |factor: f64| format!("{:.0} %", 100.0 * factor);
    let missed = cliff.objectives.join(", ");
    match cliff.fails_at {
        Some(fails) if cliff.holds_at <= 1.0 => format!("right here: at {} of today's load it no longer holds ({missed})", load(fails)),
        Some(fails) => format!("it holds up to {} of today's load; at {} no longer ({missed})", load(cliff.holds_at), load(fails)),
        None => format!("none in sight: it still holds at {} of today's load", load(cliff.holds_at)),
    }
}

fn paste(document: &Size) -> String {
    let mut out = String::new();
    for (name, text) in document.configuration.iter() {
        out += &format!("\n{}\n", paint(Look::Strong, &format!("# {name}")));
        out += text;
    }
    out
}
