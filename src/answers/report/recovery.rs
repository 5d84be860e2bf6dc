//! What became of the system after each fault, in a few lines.

use super::lines::{Look, Sheet};
use crate::answers::document::{Point, Recovery};
use crate::answers::words::{clock, count, mean, percent, plural, seconds, seconds_within};

/// More faults than these would hide the answer.
const MOST: usize = 4;

/// One paragraph for each fault.
pub fn lines(sheet: Sheet, point: &Point) -> String {
    let mut out = String::new();
    for (recovery, text) in point.recovery.iter().zip(paragraphs(point)) {
        let look = if matches!(recovery.verdict.as_str(), "unhurt" | "recovers") { Look::Key } else { Look::Bad };
        out += &sheet.labelled(if out.is_empty() { "recovery" } else { "" }, look, &text);
    }
    if point.recovery.len() > MOST {
        out += &sheet.labelled("", Look::Faint, &format!("{} more: --format json has all", point.recovery.len() - MOST));
    }
    out
}

/// What is said of each of the first faults.
pub fn paragraphs(point: &Point) -> Vec<String> {
    point.recovery.iter().take(MOST).map(|recovery| paragraph(point, recovery)).collect()
}

fn paragraph(point: &Point, recovery: &Recovery) -> String {
    let mut parts = vec![verdict(point, recovery)];
    match recovery.lost {
        Some(lost) if lost >= 0.05 => parts.push(format!("{} requests lost in each run", mean(lost))),
        _ => {}
    }
    if recovery.connects_per_second_peak >= 2.0 {
        let before = mean(recovery.connects_per_second);
        parts.push(format!(
            "connects {before}/s before, {}/s at worst, {} at once",
            mean(recovery.connects_per_second_peak),
            count(recovery.logins_peak)
        ));
    }
    if recovery.proxy_waiting_peak > 0 {
        parts.push(format!("{} at the proxy", plural(recovery.proxy_waiting_peak, "waiting client")));
    }
    parts.push(connections(recovery));
    if recovery.client_connections_peak > 0 {
        parts.push(format!("clients of the proxy up to {}", count(recovery.client_connections_peak)));
    }
    format!("at {} {}", clock(recovery.at), parts.join("; "))
}

fn verdict(point: &Point, recovery: &Recovery) -> String {
    let runs = point.replications;
    let within =
        |value: f64, interval: Option<[f64; 2]>| interval.map_or_else(|| seconds(value), |interval| seconds_within(value, interval));
    match (recovery.verdict.as_str(), recovery.after) {
        ("unhurt", _) => "unhurt: latency and errors stay where they were".to_owned(),
        ("recovers", Some(after)) => format!("recovers: as before after {}", within(after, recovery.after_ci95)),
        ("metastable", _) => format!(
            "metastable: load is what it was and the system is not, in {} of {runs} runs (failures up to {})",
            runs - recovery.back_in,
            recovery.error_rate.worst.map_or("–".to_owned(), percent)
        ),
        ("undecided", _) => "undecided: too little is known of the time before, or after".to_owned(),
        (verdict, _) => format!("{verdict}: as before in {} of {runs} runs", recovery.back_in),
    }
}

/// The census: connections at the database before, and the most since.
fn connections(recovery: &Recovery) -> String {
    let most = count(recovery.connections_peak);
    match recovery.connections.before {
        Some([low, high]) => format!("connections {}–{} before, up to {most}", low.round(), high.round()),
        None => format!("connections up to {most}"),
    }
}
