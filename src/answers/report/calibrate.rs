//! A calibration as a person reads it: what each operation takes, how the server's throughput grows, and what fits it.

use super::lines::{Look, WIDTH, labelled, left, paint, wrapped};
use crate::answers::calibrate::{Calibration, Operation, Throughput};
use crate::answers::words::{count, percent, plural, seconds};

/// Columns of an operation's name and of each figure.
const NAME: usize = 37;
const FIGURE: usize = 10;

/// The whole answer with colours.
pub fn render(document: &Calibration) -> String {
    let mut out = String::new();
    for line in wrapped(&document.server, WIDTH) {
        out += &format!("{}\n", paint(Look::Strong, &line));
    }
    let about = format!("{} · {} · connections set up: {}", document.date, plural(document.repetitions, "round"), document.set_up);
    out += &format!("{}\n\n", paint(Look::Faint, &about));
    let head = format!("  {}{:>FIGURE$}  {:<22}{:>6}", left("", NAME), "mean", "means of the rounds", "times");
    out += &format!("{}\n", paint(Look::Faint, &head));
    for Operation { all, spread: [low, high] } in &document.operations {
        let rounds = format!("{} to {}", seconds(*low), seconds(*high));
        out += &format!("  {}{:>FIGURE$}  {rounds:<22}{:>6}\n", left(&all.what, NAME), seconds(all.mean), count(all.count));
    }
    if !document.throughput.is_empty() {
        let head = format!("  {}{:>FIGURE$}  {:<22}{:>6}", left("statements under way", NAME), "per s", "rounds", "fitted");
        out += &format!("\n{}\n", paint(Look::Faint, &head));
    }
    for Throughput { active, per_second, spread: [low, high] } in &document.throughput {
        let fitted = document.service.map_or("–".to_owned(), |fit| format!("{:.0}", fit.throughput(*active)));
        let rounds = format!("{low:.0} to {high:.0}");
        out += &format!("  {}{per_second:>FIGURE$.0}  {rounds:<22}{fitted:>6}\n", left(&active.to_string(), NAME));
    }
    out += "\n";
    if let Some(fit) = &document.service {
        let text = format!(
            "Sharing(cores: {}, sigma: {:.4}, kappa: {:.6}), {} off on average",
            fit.cores,
            fit.sigma,
            fit.kappa,
            percent(fit.error)
        );
        out += &labelled("service", Look::Key, &text);
    }
    for note in &document.notes {
        out += &labelled("note", Look::Faint, note);
    }
    out
}
