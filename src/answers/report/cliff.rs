//! The cliff as a person reads it: two edges, what lies between them, and what was tried.

use super::lines::{Look, WIDTH, labelled, paint, wrapped};
use crate::answers::cliff::{Cliff, Edge, Shown, Tried};
use crate::answers::evidence::Verdict;
use crate::answers::words::{count, percent, plural};

/// The whole answer with colours.
pub fn render(document: &Cliff) -> String {
    let mut out: String = wrapped(&document.question, WIDTH).iter().map(|line| format!("{}\n", paint(Look::Strong, line))).collect();
    let runs: u64 = document.tried.iter().map(|tried| tried.up.replications + tried.down.replications).sum();
    let [low, high] = document.range;
    let about = format!(
        "{} {low}..{high} · {} in {} · seed {}",
        document.path,
        plural(document.tried.len() as u64, "value"),
        plural(runs, "run"),
        document.seed
    );
    out += &format!("{}\n\n", paint(Look::Faint, &about));
    out += &labelled("up", Look::Key, &format!("from rest it {}", edge(document.up, "carries", "no longer")));
    out += &labelled(
        "down",
        Look::Key,
        &format!("after {} it {}", document.push, edge(document.down, "comes back within the run up to", "stays down")),
    );
    out += &between(document);
    out += &table(&document.tried);
    for note in &document.notes {
        out += &labelled("note", Look::Faint, note);
    }
    out
}

/// What was tried, one row for each value.
pub fn csv(document: &Cliff) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = |side: &str| ["worked", "replications", "low", "high", "verdict"].map(|column| format!("{side}_{column}"));
    let header: Vec<String> = [document.path.clone()].into_iter().chain(columns("up")).chain(columns("down")).collect();
    writer.write_record(header).expect("memory can be written to");
    for tried in &document.tried {
        let cells = |shown: &Shown| {
            let [low, high] = shown.share_ci95;
            [shown.worked.to_string(), shown.replications.to_string(), low.to_string(), high.to_string(), word(shown.verdict).to_owned()]
        };
        let row: Vec<String> = [tried.value.to_string()].into_iter().chain(cells(&tried.up)).chain(cells(&tried.down)).collect();
        writer.write_record(row).expect("all rows have the same columns");
    }
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

/// One line for a value, for people who wait.
pub fn line(tried: &Tried) -> String {
    let of = |shown: &Shown| format!("{} of {}", shown.worked, shown.replications);
    format!("{}: {} work from rest, {} after the push", tried.value, of(&tried.up), of(&tried.down))
}

fn edge(edge: Edge, works: &str, fails: &str) -> String {
    match (edge.works_at, edge.fails_at) {
        (Some(at), Some(from)) => format!("{works} {at}, and {fails} from {from} on"),
        (Some(at), None) => format!("{works} {at}; nothing higher was shown to be too much"),
        (None, Some(from)) => format!("fails at {from} already, the least that was tried"),
        (None, None) => "was not shown to do either at the least that was tried".to_owned(),
    }
}

fn between(document: &Cliff) -> String {
    match document.hysteresis {
        Some([from, until]) => labelled(
            "between",
            Look::Bad,
            &format!(
                "from {from} to {until} it works until something happens, and then does not come back by itself: metastable. \
                 Whoever is down has to go below {} to get out",
                document.down.works_at.map_or_else(|| from.to_string(), |works| works.to_string())
            ),
        ),
        None => labelled("between", Look::Good, "nothing shows that it matters where it comes from"),
    }
}

fn table(tried: &[Tried]) -> String {
    let mut out =
        format!("{}\n", paint(Look::Faint, format!("  {:>10}   {:<28}{:<28}", "value", "from rest", "after the push").trim_end()));
    for tried in tried {
        let cell = |shown: &Shown, columns: usize| {
            let [low, high] = shown.share_ci95;
            let text = format!("{} of {} ({}–{})", count(shown.worked), count(shown.replications), percent(low), percent(high));
            let text = format!("{text:<columns$}");
            match shown.verdict {
                Verdict::Meets => text,
                Verdict::Misses => paint(Look::Bad, &text),
                Verdict::Undecided => paint(Look::Faint, &text),
            }
        };
        out += &format!("  {:>10}   {}  {}\n", tried.value, cell(&tried.up, 26), cell(&tried.down, 0));
    }
    out
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Meets => "works",
        Verdict::Misses => "fails",
        Verdict::Undecided => "undecided",
    }
}
