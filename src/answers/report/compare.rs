//! A comparison as a person reads it: a sentence for each scenario, and its figures beside the baseline's.

use super::lines::{Look, WIDTH, labelled, left, paint, wrapped};
use crate::answers::compare::{Claim, Comparison, Comparisons, METRICS};
use crate::answers::words::{count, mean, percent, plural, seconds, span};

/// Columns of a metric's name and of each figure.
const NAME: usize = 15;
const FIGURE: usize = 12;

/// The whole answer with colours; `duration` is the counted span in seconds.
pub fn render(document: &Comparisons, duration: f64) -> String {
    let mut out = String::new();
    for line in wrapped(&document.question, WIDTH) {
        out += &format!("{}\n", paint(Look::Strong, &line));
    }
    let against = document.comparisons.chunks(METRICS.len());
    let about = format!(
        "{} × {} · {} against {} · seed {}",
        span(duration),
        plural(document.replications, "replication"),
        plural(against.len() as u64, "system"),
        document.baseline,
        document.seed,
    );
    out += &format!("{}\n", paint(Look::Faint, &about));
    for one in against {
        out += &format!("\n{}", block(one, document));
    }
    for note in &document.notes {
        out += &labelled("note", Look::Faint, note);
    }
    out + &footer(document)
}

/// The comparisons as CSV, one row each. What cannot be said is an empty cell.
pub fn csv(document: &Comparisons) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header =
        ["scenario", "vary", "metric", "baseline", "value", "difference", "difference_low", "difference_high", "relative", "verdict"];
    writer.write_record(header).expect("memory can be written to");
    for one in &document.comparisons {
        let figure = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let vary: Vec<String> = place(one);
        let [low, high] = [0, 1].map(|end| figure(one.difference_ci95.map(|interval| interval[end])));
        let verdict = one.verdict.words().to_owned();
        let row = [one.scenario.clone(), vary.join(", "), one.metric.to_owned(), figure(one.baseline), figure(one.value)];
        writer
            .write_record(row.into_iter().chain([figure(one.difference), low, high, figure(one.relative), verdict]))
            .expect("memory can be written to");
    }
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

/// What may be claimed, in one sentence: "cuts p99 latency by 96.6 % ± 0.4".
pub fn sentence(one: &Comparison) -> String {
    let what = one.words();
    match one.verdict {
        Claim::Lower => format!("cuts {what} by {}", by(one)),
        Claim::Higher => format!("raises {what} by {}", by(one)),
        Claim::NotSeen => format!("no difference in {what} can be seen{}", within(one)),
        Claim::Unsaid => format!("nothing can be said of {what}: {}", why(one)),
    }
}

/// What may be claimed of each scenario, in a sentence without its full stop.
pub fn sentences(document: &Comparisons) -> Vec<String> {
    document.comparisons.chunks(METRICS.len()).map(|of| headline(of, document).1).collect()
}

/// The scenario's name, and the sentence that begins with it.
fn headline(of: &[Comparison], document: &Comparisons) -> (String, String) {
    let first = &of[0];
    let name = std::iter::once(first.scenario.clone()).chain(place(first)).collect::<Vec<_>>().join(", ");
    let told = of.iter().find(|one| one.metric == "latency.p99" && one.verdict != Claim::Unsaid).unwrap_or(first);
    let pairs = format!("paired, {}", plural(document.replications, "replication"));
    let text = match told.verdict {
        Claim::Lower | Claim::Higher => format!(" {} ({pairs})", sentence(told)),
        Claim::NotSeen => format!(": {}", sentence(told).replace(')', &format!("; {pairs})"))),
        Claim::Unsaid if of.iter().all(|one| one.verdict == Claim::Unsaid) => format!(": nothing can be compared. {}", why(told)),
        Claim::Unsaid => format!(": {}", sentence(told)),
    };
    let sentence = name.clone() + &text;
    (name, sentence)
}

fn block(of: &[Comparison], document: &Comparisons) -> String {
    let (name, sentence) = headline(of, document);
    let mut out = String::new();
    for (index, line) in wrapped(&sentence, WIDTH).iter().enumerate() {
        let line = if index == 0 && line.starts_with(&name) { paint(Look::Strong, &name) + &line[name.len()..] } else { line.clone() };
        out += &format!("{line}\n");
    }
    if of.iter().all(|one| one.verdict == Claim::Unsaid) {
        return out;
    }
    let head = format!("  {}{:>FIGURE$}{:>FIGURE$}  difference", left("", NAME), "baseline", "scenario");
    out += &format!("{}\n", paint(Look::Faint, &head));
    of.iter().fold(out, |out, one| out + &row(one))
}

fn why(one: &Comparison) -> &str {
    one.why.as_deref().unwrap_or("one replication has no interval")
}

fn row(one: &Comparison) -> String {
    let figure = |value: Option<f64>| value.map_or("–".to_owned(), |value| amount(one.metric, value));
    let text = match one.verdict {
        Claim::Lower => paint(Look::Good, &format!("−{}", by(one))),
        Claim::Higher => paint(Look::Bad, &format!("+{}", by(one))),
        Claim::NotSeen => format!("none can be seen{}", within(one)),
        Claim::Unsaid => "cannot be said".to_owned(),
    };
    let mut out = format!("  {}{:>FIGURE$}{:>FIGURE$}  {text}\n", left(one.words(), NAME), figure(one.baseline), figure(one.value));
    if let (Claim::Unsaid, Some(why)) = (one.verdict, &one.why) {
        out += &wrapped(why, WIDTH - 4).iter().map(|line| format!("    {}\n", paint(Look::Faint, line))).collect::<String>();
    }
    out
}

/// How large the difference is, without its sign: "96.6 % ± 0.4", or in the metric's own unit from a baseline of zero.
fn by(one: &Comparison) -> String {
    match (one.relative, one.relative_within, one.difference, one.difference_ci95) {
        (Some(relative), Some(within), _, _) => {
            let digits = digits(within);
            format!("{} % ± {:.digits$}", grouped(100.0 * relative.abs(), digits), 100.0 * within)
        }
        (_, _, Some(difference), Some([low, high])) => {
            format!("{} ± {}", absolute(one.metric, difference.abs()), amount(one.metric, 0.5 * (high - low)))
        }
        _ => String::new(),
    }
}

/// How large a difference would have been seen.
fn within(one: &Comparison) -> String {
    match (one.baseline, one.difference_ci95) {
        (Some(baseline), Some([low, high])) if baseline > 0.0 => {
            let half = 0.5 * (high - low) / baseline;
            format!(" (± {:.*} %)", digits(half), 100.0 * half)
        }
        (_, Some([low, high])) => format!(" (± {})", absolute(one.metric, 0.5 * (high - low))),
        (_, None) => " (none in either)".to_owned(),
    }
}

/// An amount that must not be taken for a share of the baseline.
fn absolute(metric: &str, value: f64) -> String {
    let of = if metric == "requests.error_rate" { " of requests" } else { "" };
    amount(metric, value) + of
}

/// Decimals of a percentage whose interval is that wide.
fn digits(within: f64) -> usize {
    match 100.0 * within {
        half if half >= 9.95 => 0,
        half if half >= 0.095 || half == 0.0 => 1,
        half if half >= 0.0095 => 2,
        _ => 3,
    }
}

fn grouped(value: f64, digits: usize) -> String {
    if value >= 1000.0 { count(value.round() as u64) } else { format!("{value:.digits$}") }
}

fn amount(metric: &str, value: f64) -> String {
    match metric {
        "requests.error_rate" => percent(value),
        "database.connections_mean" => mean(value),
        _ => seconds(value),
    }
}

fn place(one: &Comparison) -> Vec<String> {
    one.vary.iter().map(|(path, value)| format!("{path} = {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect()
}

fn footer(document: &Comparisons) -> String {
    let said = document.comparisons.iter().filter(|one| one.verdict != Claim::Unsaid).count();
    let all = plural(document.comparisons.len() as u64, "comparison");
    let rest = document.comparisons.len() - said;
    let unsaid = if rest > 0 { format!(" ({rest} of them without a figure)") } else { String::new() };
    let text = format!("{all}{unsaid}; all intervals together cover with 95 % (Bonferroni)");
    wrapped(&text, WIDTH).iter().fold("\n".to_owned(), |out, line| format!("{out}{}\n", paint(Look::Faint, line)))
}
