//! How rare it is, as a person reads it.

use super::lines::{Look, WIDTH, labelled, paint, wrapped};
use crate::answers::rare::Rare;
use crate::answers::words::{count, percent, seconds};

/// The whole answer with colours.
pub fn render(rare: &Rare) -> String {
    let mut out: String = wrapped(&rare.question, WIDTH).iter().map(|line| format!("{}\n", paint(Look::Strong, line))).collect();
    let scenario = if rare.scenario.is_empty() { String::new() } else { format!("{} · ", rare.scenario) };
    let about = format!("{scenario}{} repetitions · seed {} · {} requests", rare.repetitions, rare.seed, count(rare.requests));
    out += &format!("{}\n\n", paint(Look::Faint, &about));
    out += &format!("{}\n", paint(Look::Strong, &verdict(rare)));
    if let (Some(p), Some([low, high])) = (rare.probability, rare.probability_ci95) {
        let low = if low == 0.0 { "0".to_owned() } else { format!("{low:.1e}") };
        let text = format!("{p:.1e} of each checkout, {low} to {high:.1e} with 95 % confidence: 1 in {}", large(1.0 / p));
        out += &labelled("chance", Look::Key, &text);
    }
    if let Some(together) = rare.together {
        out += &labelled("together", Look::Key, &format!("when there is one, {together:.1} come together on average"));
    }
    if let Some((ground, above)) = rare.levels.split_first() {
        out += &labelled("levels", Look::Key, &levels(*ground, above));
    }
    if let Some(plain) = rare.plain_requests {
        let times = plain / rare.requests.max(1) as f64;
        let text = format!("{} requests without splitting, for as narrow an interval: {} times as many", large(plain), large(times));
        out += &labelled("plain", Look::Key, &text);
    }
    for note in &rare.notes {
        out += &labelled("note", Look::Faint, note);
    }
    out
}

/// One row.
pub fn csv(rare: &Rare) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let end = |ends: Option<[f64; 2]>, which: usize| number(ends.map(|ends| ends[which]));
    let row = [
        ("scenario", rare.scenario.clone()),
        ("event", rare.event.clone()),
        ("probability", number(rare.probability)),
        ("probability_low", end(rare.probability_ci95, 0)),
        ("probability_high", end(rare.probability_ci95, 1)),
        ("seconds_between", number(rare.seconds_between)),
        ("seconds_between_low", end(rare.seconds_between_ci95, 0)),
        ("seconds_between_high", end(rare.seconds_between_ci95, 1)),
        ("together", number(rare.together)),
        ("repetitions", rare.repetitions.to_string()),
        ("requests", rare.requests.to_string()),
        ("plain_requests", number(rare.plain_requests)),
    ];
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(row.iter().map(|(name, _)| name)).expect("memory can be written to");
    writer.write_record(row.iter().map(|(_, value)| value)).expect("memory can be written to");
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

fn verdict(rare: &Rare) -> String {
    let event = if rare.event.starts_with("wait") { "a ".to_owned() + &rare.event } else { "a checkout timeout".to_owned() };
    match (rare.seconds_between, rare.seconds_between_ci95) {
        (Some(between), Some([low, high])) => {
            format!("{event} once in {} at this load ({} to {})", rarely(between), rarely(low), rarely(high))
        }
        (Some(between), None) => format!("{event} about once in {} at this load", rarely(between)),
        (None, _) => format!("{event} was never seen"),
    }
}

fn levels(ground: f64, above: &[f64]) -> String {
    let mean = above.iter().sum::<f64>() / above.len().max(1) as f64;
    let first = format!("the first reached at one checkout in {}", large(1.0 / ground));
    match above.len() {
        0 => first,
        more => format!("{}: {first}, each other one by {} of the climbs from below", more + 1, percent(mean)),
    }
}

/// A time, up to years.
fn rarely(time: f64) -> String {
    let (day, year) = (86_400.0, 31_557_600.0);
    match time {
        t if t < 2.0 * day => seconds(t),
        t if t < 2.0 * year => format!("{} days", few(t / day)),
        t => format!("{} years", large(t / year)),
    }
}

/// A number of which two digits count: "3.4", "470", "12 000", "5.9 thousand million".
fn large(number: f64) -> String {
    match number {
        n if n < 1e6 => few(n),
        n if n < 1e9 => format!("{} million", few(n / 1e6)),
        n if n < 1e15 => format!("{} thousand million", few(n / 1e9)),
        n => format!("{n:.1e}"),
    }
}

fn few(number: f64) -> String {
    if number < 9.95 {
        return format!("{number:.1}");
    }
    let unit = if number < 99.5 { 1.0 } else { [10.0, 100.0, 1e3, 1e4].into_iter().find(|unit| number < 99.5 * unit).unwrap_or(1e4) };
    count(((number / unit).round() * unit) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rare_reads_at_a_glance() {
        let times = [(40.0, "40 s"), (10_000.0, "2.8 h"), (4.4e6, "51 days"), (1.0e8, "3.2 years"), (4.2e13, "1.3 million years")];
        for (time, text) in times {
            assert_eq!(rarely(time), text);
        }
        let numbers =
            [(3.44, "3.4"), (47.2, "47"), (472.0, "470"), (12_345.0, "12 000"), (5.93e9, "5.9 thousand million"), (2.5e17, "2.5e17")];
        for (number, text) in numbers {
            assert_eq!(large(number), text);
        }
    }
}
