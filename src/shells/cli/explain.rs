//! `poolcast explain`: what a field means in the real system and here.

use clap::Args;

use super::{Failure, Outcome, answer};
use crate::answers::fields::{Family, Field, all, find, names};
use crate::answers::report::lines::{Look, WIDTH, labelled, left, paint, wrapped};
use crate::experiment::Problem;
use crate::experiment::diagnose::did_you_mean;

#[derive(Debug, Args)]
#[command(after_help = "Examples: poolcast explain pool_recycle · poolcast explain apps.api.pool.pool_size · poolcast explain Bursts")]
pub(super) struct Explain {
    /// A field, a path as --set takes it, or a kind; everything in one line each if left out
    path: Option<String>,
}

impl Explain {
    pub(super) fn run(self) -> Outcome {
        let text = match &self.path {
            None => index(),
            Some(path) => one(path)?,
        };
        answer(&text)?;
        Ok(true)
    }
}

fn one(path: &str) -> Result<String, Failure> {
    let found = find(path);
    if found.is_empty() {
        let name = path.rsplit('.').next().unwrap_or(path);
        let help = match did_you_mean(name, names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "`poolcast explain` lists everything that can be explained".to_owned(),
        };
        return Err(Failure::Input(Problem::nowhere(format!("an experiment has no `{path}`")).help(help)));
    }
    Ok(found.iter().map(|(family, field)| explained(family, field)).collect::<Vec<_>>().join("\n"))
}

fn explained(family: &Family, field: &Field) -> String {
    let mut out = format!("{}   {}\n", paint(Look::Strong, field.name), paint(Look::Faint, &place(family, field)));
    for line in wrapped(field.real, WIDTH - 2) {
        out += &format!("  {line}\n");
    }
    if !field.here.is_empty() {
        out += &labelled("here", Look::Key, field.here);
    }
    if !field.default.is_empty() {
        out += &labelled("default", Look::Key, field.default);
    }
    out
}

/// `apps.NAME.pool.pool_size of SqlAlchemy`.
fn place(family: &Family, field: &Field) -> String {
    let is_kind = field.name.starts_with(|c: char| c.is_ascii_uppercase());
    let path = family.place.replace('*', "NAME");
    match (is_kind, path.is_empty()) {
        (true, true) => format!("one of the {}", family.owner),
        (true, false) => format!("one of the {} ({path})", family.owner),
        (false, true) => family.owner.to_owned(),
        (false, false) => format!("{path}.{} ({})", field.name, family.owner),
    }
}

fn index() -> String {
    let mut out = String::new();
    let mut owner = "";
    for (family, field) in all() {
        if family.owner != owner {
            out += &format!("{}{}\n", if owner.is_empty() { "" } else { "\n" }, paint(Look::Strong, family.owner));
            owner = family.owner;
        }
        let text = left(field.real, WIDTH - 40);
        out += &format!("  {} {}\n", paint(Look::Key, &left(field.name, 36)), text.trim_end());
    }
    out
}
