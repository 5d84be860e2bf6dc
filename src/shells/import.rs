//! Real configuration files to an experiment that says where each of its values stands. Pure: texts in, a text out.
//!
//! Each kind of file has its reader; all of them give [`found`] values with their places. `system` puts them together
//! and `draft` writes them down. What no file says is guessed, and every guess is listed.

use crate::experiment::{Experiment, Place, Problem};
use crate::kernel::time::Span;

mod command;
mod compose;
mod conf;
mod dotenv;
mod draft;
mod found;
mod includes;
mod ini;
mod kubernetes;
mod load;
mod pgbouncer;
mod postgres;
mod services;
mod settings;
mod system;
mod yaml;

pub use includes::Files;

/// A file's name as the user gave it, and its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The name.
    pub name: String,
    /// All of it.
    pub text: String,
}

/// The files to be read, each kind as often as there are files of it.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// `.env` files; a later one counts more.
    pub env: Vec<Text>,
    /// `pgbouncer.ini`.
    pub pgbouncer: Option<Text>,
    /// `postgresql.conf`.
    pub postgres: Option<Text>,
    /// `docker-compose.yml` and its overrides.
    pub compose: Vec<Text>,
    /// Kubernetes manifests.
    pub kubernetes: Vec<Text>,
    /// `pg_stat_statements` as CSV.
    pub stat_statements: Option<Text>,
    /// In which time those were counted.
    pub over: Option<Span>,
    /// `SHOW STATS` of PgBouncer.
    pub show_stats: Option<Text>,
    /// `SHOW POOLS` of PgBouncer.
    pub show_pools: Option<Text>,
    /// A log of `pgbench -l`.
    pub pgbench: Option<Text>,
    /// An access log as CSV.
    pub access_log: Option<Text>,
}

/// What became of the files.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The experiment, with comments.
    pub text: String,
    /// Where the values of its system's paths were found.
    pub origins: Vec<(String, Place)>,
    /// What no file says, and what had to be decided.
    pub guesses: Vec<String>,
    /// Workers that are there twice while a new version is rolled out, if a file says so.
    pub surge: Option<u64>,
}

/// Translates the files into an experiment, which is then read and checked as any other.
pub fn import(given: &Given, files: &Files) -> Result<Imported, Problem> {
    let imported = system::translate(given, files)?;
    let checked =
        Experiment::parse(&imported.text, "the imported experiment", &|_| None).and_then(|experiment| experiment.plan(&[], None, None));
    match checked {
        Ok(_) => Ok(imported),
        Err(problem) => Err(problem.help("the files say so; the line tells which one")),
    }
}

impl Imported {
    /// Where the value of a path stands in the files, or what it was left out of.
    pub fn place(&self, path: &str) -> Option<Place> {
        let mut asked = path;
        loop {
            if let Some((_, place)) = self.origins.iter().rev().find(|(known, _)| known == asked) {
                return Some(Place { given: asked == path, ..place.clone() });
            }
            asked = asked.rsplit_once('.')?.0;
        }
    }
}
