//! A sweep as tidy data: one row for each point and replication, as CSV and as lines of JSON, units in the names.

use serde_json::{Map, Value};

use crate::answers::grid::Grid;

/// The values of `vary` under their paths, then what happened in the replication. What did not happen is empty.
pub fn csv(grid: &Grid) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (index, row) in rows(grid).enumerate() {
        if index == 0 {
            writer.write_record(row.keys()).expect("memory can be written to");
        }
        writer.write_record(row.values().map(plain)).expect("all rows have the same columns");
    }
    String::from_utf8(writer.into_inner().expect("memory can be written to")).expect("it was text")
}

/// The same rows, an object on each line.
pub fn ndjson(grid: &Grid) -> String {
    rows(grid).map(|row| format!("{}\n", Value::Object(row))).collect()
}

/// The rows, a map from column to value each; all have the same columns.
pub(super) fn rows(grid: &Grid) -> impl Iterator<Item = Map<String, Value>> {
    grid.pieces.iter().flat_map(|piece| {
        piece.replications.iter().map(|replication| {
            let mut row = Map::new();
            row.insert("point".to_owned(), piece.index.into());
            row.insert("scenario".to_owned(), piece.point.scenario.clone().into());
            row.extend(piece.point.vary.clone());
            let verdict = ("verdict".to_owned(), piece.point.verdict.clone().into());
            let Ok(Value::Object(figures)) = serde_json::to_value(replication) else { unreachable!("a replication is an object") };
            row.extend([verdict].into_iter().chain(figures));
            row
        })
    })
}

pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
