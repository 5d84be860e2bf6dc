//! Answers as text, pure: the same answers give the same bytes.

use crate::answers::document::{Answer, Document};
use crate::experiment::Plan;

pub mod calibrate;
pub mod cliff;
pub mod compare;
pub mod csv;
pub mod findings;
pub mod grid;
pub mod html;
#[cfg(feature = "hunt")]
pub mod hunt;
pub mod json;
pub mod launch;
pub mod layers;
pub mod lines;
pub mod openmetrics;
#[cfg(feature = "parquet")]
pub mod parquet;
pub mod rare;
pub mod recovery;
pub mod rows;
pub mod size;
pub mod sweep;
pub mod table;
pub mod theory;
pub mod timeline;
pub mod validate;
pub mod waterfall;
pub mod waves;

/// The result document of a plan's answers.
pub fn document(plan: &Plan, answers: &[Answer]) -> Document {
    Document {
        poolcast: env!("CARGO_PKG_VERSION").to_owned(),
        question: plan.question.clone(),
        seed: plan.seed,
        points: answers.iter().map(|answer| answer.point.clone()).collect(),
    }
}
