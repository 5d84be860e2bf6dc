//! Connects that come in waves, and pools that stand still, in a few lines.

use super::lines::{LABEL, Look, Sheet, left, paint, sparkline};
use crate::answers::document::{Point, Wave};
use crate::answers::words::mean;
use crate::answers::{deadlocks, waves};

/// Columns of the curve, on a usual sheet.
const CURVE: usize = 40;

/// A curve and a paragraph for each place with waves, and a paragraph about deadlocks.
pub fn lines(sheet: Sheet, point: &Point) -> String {
    let mut out: String =
        point.waves.iter().map(|wave| curve(sheet, wave) + &sheet.labelled("", Look::Faint, &waves::sentence(wave))).collect();
    if let Some(found) = &point.deadlocks {
        let look = if found.seen > 0 { Look::Bad } else { Look::Key };
        out += &sheet.labelled("deadlock", look, &deadlocks::sentence(found, point.replications));
    }
    out
}

/// Fullest seconds: a mean would flatten what lasts a second.
fn curve(sheet: Sheet, wave: &Wave) -> String {
    let columns = (CURVE + sheet.more()).min(wave.curve.len());
    let fullest = |column: usize| {
        let part = &wave.curve[column * wave.curve.len() / columns..(column + 1) * wave.curve.len() / columns];
        part.iter().copied().fold(0.0, f64::max)
    };
    let curve: Vec<f64> = (0..columns).map(fullest).collect();
    format!("  {}{}  {} connects/s\n", left("waves", LABEL - 2), paint(Look::Key, &sparkline(&curve, columns)), mean(wave.peak))
}
