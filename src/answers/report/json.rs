//! The result document as JSON.

use serde::Serialize;

/// Indented, with a line end.
pub fn render(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document).expect("a document is plain data");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::document::{Document, Point};

    #[test]
    fn what_cannot_be_said_is_null_and_never_a_huge_number() {
        let mut point = Point::default();
        point.latency.mean = Some(f64::INFINITY);
        let document = Document { poolcast: "0".into(), question: "?".into(), seed: 1, points: vec![point] };
        let value: serde_json::Value = serde_json::from_str(&render(&document)).expect("it is JSON");
        assert!(value["points"][0]["latency"]["mean"].is_null() && value["points"][0]["latency"]["p99"].is_null());
        assert!(render(&document).ends_with("}\n"));
    }
}
