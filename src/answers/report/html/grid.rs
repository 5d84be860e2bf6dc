//! The points of a sweep as a table of one figure, and which of them is recommended.

use super::data::{Cell, Grid};
use crate::answers::document::Point;
use crate::answers::report::grid;

/// The table of this figure (a path into the result document); nothing where nothing varies.
pub fn table(points: &[&Point], figure: &str) -> Option<Grid> {
    let axes: Vec<grid::Axis> = grid::axes(points).into_iter().filter(|axis| axis.values.len() > 1).collect();
    if axes.is_empty() {
        return None;
    }
    let cells = points.iter().map(|point| {
        let cell = grid::cell(point, &axes, figure);
        let text =
            cell.value.map_or_else(|| if point.verdict == "unstable" { "✕" } else { "–" }.to_owned(), |value| grid::amount(figure, value));
        let met = (!point.objectives.is_empty()).then(|| point.objectives.iter().all(|met| met.met));
        Cell { at: cell.at, value: cell.value, text, met, verdict: point.verdict.clone() }
    });
    Some(Grid {
        figure: figure.to_owned(),
        cells: cells.collect(),
        recommended: recommended(points),
        axes: axes.into_iter().map(|axis| (axis.name, axis.values)).collect(),
    })
}

/// The point to take, where objectives say what must hold: of those that meet all of them the one under the heaviest load
/// that any of them carries, and then with the fewest connections at the database.
fn recommended(points: &[&Point]) -> Option<(usize, String)> {
    let good: Vec<usize> =
        (0..points.len()).filter(|at| !points[*at].objectives.is_empty() && points[*at].objectives.iter().all(|met| met.met)).collect();
    let load = |at: usize| -> Vec<f64> {
        let varied = points[at].vary.iter().filter(|(path, _)| path.starts_with("workload."));
        varied.filter_map(|(_, value)| value.as_f64()).collect()
    };
    let connections = |at: usize| points[at].database.connections_max;
    let best = good.into_iter().reduce(|best, next| {
        let heavier = load(next).partial_cmp(&load(best)).unwrap_or(std::cmp::Ordering::Equal);
        if heavier.is_gt() || (heavier.is_eq() && connections(next) < connections(best)) { next } else { best }
    })?;
    let rule = if load(best).is_empty() { "" } else { ", under the heaviest load that one of them carries" };
    Some((best, format!("of the points that meet every objective the one with the fewest connections at the database{rule}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::document::Met;

    fn point(rate: u32, size: u32, met: bool, connections: u64) -> Point {
        let mut point = Point { verdict: "stable".into(), ..Point::default() };
        point.vary.insert("apps.api.pool.pool_size".into(), size.into());
        point.vary.insert("workload.web.arrivals.rate".into(), rate.into());
        point.objectives = vec![Met { objective: "errors below 1 %".into(), measured: Some(0.0), met }];
        point.database.connections_max = connections;
        point.latency.p99 = Some(f64::from(rate) / f64::from(size));
        point
    }

    #[test]
    fn recommended_is_the_fewest_connections_under_the_heaviest_load_that_is_carried() {
        let points =
            [point(100, 5, true, 5), point(200, 5, false, 5), point(100, 10, true, 9), point(200, 10, true, 10), point(200, 20, true, 12)];
        let points: Vec<&Point> = points.iter().collect();
        let grid = table(&points, "latency.p99").expect("something varies");
        assert_eq!(grid.recommended.as_ref().map(|(at, _)| *at), Some(3));
        assert_eq!(grid.cells.iter().map(|cell| cell.at.clone()).collect::<Vec<_>>(), [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]]);
        assert_eq!((grid.cells[0].text.as_str(), grid.cells[1].met), ("20 s", Some(false)));
    }

    #[test]
    fn nothing_is_recommended_where_nothing_is_met_or_nothing_must_hold() {
        let mut free = point(100, 5, true, 5);
        free.objectives.clear();
        let (missed, other) = (point(100, 5, false, 5), point(100, 10, false, 5));
        assert_eq!(table(&[&missed, &other], "latency.p99").and_then(|grid| grid.recommended), None);
        assert_eq!(recommended(&[&free]), None);
        assert!(table(&[&free], "latency.p99").is_none(), "nothing varies");
    }
}
