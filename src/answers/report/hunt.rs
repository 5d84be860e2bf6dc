//! What a hunt found, as a person reads it.

use super::lines::{Look, WIDTH, labelled, paint, wrapped};
use crate::answers::hunt::Hunt;
use crate::answers::words::{count, percent, plural};

/// The whole answer with colours; `file` is where the experiment was written to.
pub fn render(hunt: &Hunt, file: &str) -> String {
    let mut out: String = wrapped(&hunt.question, WIDTH).iter().map(|line| format!("{}\n", paint(Look::Strong, line))).collect();
    let about = format!("{} tried · {} broke an objective · seed {}", plural(u64::from(hunt.tried), "bad day"), hunt.broke, hunt.seed);
    out += &format!("{}\n\n", paint(Look::Faint, &about));
    if !hunt.found {
        out += &format!("{}\n", paint(Look::Good, "no bad day within the bounds breaks an objective"));
        return out + &labelled("nearest", Look::Key, &format!("{} of a limit", percent(hunt.nearest)));
    }
    out += &format!("{}\n", paint(Look::Bad, "the simplest bad day that breaks an objective"));
    for (index, trouble) in hunt.troubles.iter().enumerate() {
        out += &labelled(if index == 0 { "by" } else { "" }, Look::Key, trouble);
    }
    for met in &hunt.objectives {
        let measured = met.measured.map_or("never".to_owned(), |measured| measured_in_words(&met.objective, measured));
        let sign = if met.met { paint(Look::Good, "✓") } else { paint(Look::Bad, "✗") };
        out += &format!("  {sign} {}   {measured}\n", met.objective);
    }
    if hunt.objectives.iter().all(|met| met.met) {
        out += &labelled("note", Look::Faint, "with all replications it is met after all: this day is just on the edge");
    }
    out += &labelled("nearest", Look::Key, &format!("days that broke nothing came to {} of a limit", percent(hunt.nearest)));
    out + &labelled("next", Look::Key, &format!("poolcast run {file}"))
}

/// One row.
pub fn csv(hunt: &Hunt) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let broken: Vec<&str> = hunt.objectives.iter().filter(|met| !met.met).map(|met| met.objective.as_str()).collect();
    writer.write_record(["found", "troubles", "broken", "tried", "broke", "nearest"]).expect("memory can be written to");
    let row = [hunt.found.to_string(), hunt.troubles.join("; "), broken.join("; "), hunt.tried.to_string(), hunt.broke.to_string()];
    writer.write_record(row.into_iter().chain([hunt.nearest.to_string()])).expect("memory can be written to");
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

fn measured_in_words(objective: &str, measured: f64) -> String {
    match objective {
        o if o.starts_with("errors") => percent(measured),
        o if o.starts_with("connections") => count(measured as u64),
        _ => crate::answers::words::seconds(measured),
    }
}
