//! What theory says of a system, in one quiet line beside what was simulated.

use super::lines::{Look, Sheet};
use crate::answers::document::{Compared, Point, Theory};
use crate::answers::words::{mean, percent, plural, seconds, seconds_within};

/// More figures than these are in the JSON alone.
const MOST: usize = 2;

/// Of one point, a line for each result.
pub fn lines(sheet: Sheet, point: &Point) -> String {
    let lines = point.theory.iter().enumerate();
    lines.map(|(index, theory)| sheet.labelled(if index == 0 { "theory" } else { "" }, Look::Faint, &sentence(theory))).collect()
}

/// Of many points: how many figures agree where theory is exact.
pub fn line(sheet: Sheet, points: &[&Point]) -> String {
    let solved = points.iter().filter(|point| point.theory.iter().any(|theory| theory.exact)).count();
    let exact = points.iter().flat_map(|point| &point.theory).filter(|theory| theory.exact);
    let judged: Vec<bool> = exact.flat_map(|theory| &theory.figures).filter_map(|figure| figure.inside_interval).collect();
    if judged.is_empty() {
        return String::new();
    }
    let inside = judged.iter().filter(|inside| **inside).count();
    let of = plural(points.len() as u64, "point");
    let text = format!("solves {solved} of {of} exactly: {inside} of {} figures lie in their 95 % intervals", judged.len());
    sheet.labelled("theory", Look::Faint, &text)
}

fn sentence(theory: &Theory) -> String {
    let figures: Vec<String> = theory.figures.iter().filter_map(figure).take(MOST).collect();
    let nearly = if theory.exact { "" } else { "nearly " };
    format!("{nearly}{}: {}", theory.model, figures.join("; "))
}

fn figure(compared: &Compared) -> Option<String> {
    let Compared { value, simulated, .. } = *compared;
    let outside = if compared.inside_interval == Some(false) { " (outside its interval)" } else { "" };
    let within = |value: f64| compared.simulated_ci95.map_or_else(|| seconds(value), |interval| seconds_within(value, interval));
    let text = match compared.metric.as_str() {
        "pool_wait.mean" => format!("mean wait {}, here {}", seconds(value), within(simulated)),
        "requests.error_rate" => format!("errors {}, here {}", percent(value), percent(simulated)),
        "requests.throughput" => format!("{} requests/s, here {}", mean(value), mean(simulated)),
        "database.active_mean" => format!("{value:.2} statements at once, here {simulated:.2}"),
        _ => return None,
    };
    Some(text + outside)
}
