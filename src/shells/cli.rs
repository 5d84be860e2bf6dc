//! The command line: what can be asked, where answers and errors go, exit codes.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::answers::report::lines::Sheet;
use crate::experiment::Problem;
use crate::shells::files;

#[cfg(feature = "live")]
mod calibrate;
mod check;
mod cliff;
mod common;
mod compare;
mod completions;
mod explain;
#[cfg(feature = "hunt")]
mod hunt;
mod import;
#[cfg(feature = "live")]
mod live;
mod merge;
mod metrics;
mod models;
mod page;
mod progress;
mod rare;
mod run;
#[cfg(feature = "serve")]
mod serve;
mod size;
mod sweep;
mod trace;
#[cfg(feature = "live")]
mod validate;

use common::Format;

/// Forecasts how database connection pools behave before production does.
///
/// Replays seeded workloads over virtual time through application workers with their pools, a proxy (PgBouncer, RDS
/// Proxy) and PostgreSQL. The same experiment gives the same bytes on every machine and with any number of threads.
#[derive(Debug, Parser)]
#[command(name = "poolcast", version, max_term_width = 100, after_long_help = EXITS)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What happens in an experiment: every layer, what binds, what to try
    Run(run::Run),
    /// Which scenario is better and by how much, with paired intervals
    Compare(compare::Compare),
    /// The smallest setting that meets the objectives, and the cliff beside it
    Size(size::Size),
    /// The mildest bad day that breaks an objective, as an experiment that brings it about
    #[cfg(feature = "hunt")]
    Hunt(hunt::Hunt),
    /// How rare a checkout timeout is that plain runs never see
    Rare(rare::Rare),
    /// Where it stops coming back: the load below which it recovers, and the one it carries while nothing happens
    Cliff(cliff::Cliff),
    /// The grid of `vary`: as a table, kept on disk, in parts on several machines
    Sweep(sweep::Sweep),
    /// The parts of a sweep, put together
    Merge(merge::Merge),
    /// Arithmetic and rules, no run: worst-case connections against every limit, and what is known to bite
    Check(check::Check),
    /// One run looked at closely: a request's way, every step of the pools, a timeline
    Trace(trace::Trace),
    /// The same experiment on real pools and a real PostgreSQL
    #[cfg(feature = "live")]
    Live(live::Live),
    /// A model file measured on a live server
    #[cfg(feature = "live")]
    Calibrate(calibrate::Calibrate),
    /// Live and simulated side by side, with a verdict
    #[cfg(feature = "live")]
    Validate(validate::Validate),
    /// An experiment from real configuration files and measured load
    Import(import::Import),
    /// A local page with sliders, whose charts follow them
    #[cfg(feature = "serve")]
    Serve(serve::Serve),
    /// What can be named in a file: models that come with poolcast, and all kinds
    Models(models::Models),
    /// What a field means in the real system and here
    Explain(explain::Explain),
    /// A completion script for a shell
    #[command(after_help = "Example: poolcast completions bash > ~/.local/share/bash-completion/completions/poolcast")]
    Completions(completions::Completions),
}

const EXITS: &str = "Exit codes:
  0  done, and every objective was met
  1  done, and an objective was missed, or a validation found a difference
  2  bad input: a file or a flag, with the place and the remedy
  3  something outside failed: the file system, a database

Answers go to standard output, everything else to standard error.";

/// Why there is no answer.
#[derive(Debug)]
pub enum Failure {
    /// Bad input.
    Input(Problem),
    /// Something outside failed.
    Outside(String),
}

/// How it went: whether all objectives were met.
type Outcome = Result<bool, Failure>;

/// The whole program.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        eprintln!(
            "poolcast: internal error: {panic}\nThis is a fault in poolcast, not in your file. Please report it with the file and the command."
        );
    }));
    let outcome = match Cli::parse().command {
        Command::Run(run) => run.run(),
        Command::Compare(compare) => compare.run(),
        Command::Size(size) => size.run(),
        #[cfg(feature = "hunt")]
        Command::Hunt(hunt) => hunt.run(),
        Command::Rare(rare) => rare.run(),
        Command::Cliff(cliff) => cliff.run(),
        Command::Sweep(sweep) => sweep.run(),
        Command::Merge(merge) => merge.run(),
        Command::Check(check) => check.run(),
        Command::Trace(trace) => trace.run(),
        #[cfg(feature = "live")]
        Command::Live(live) => live.run(),
        #[cfg(feature = "live")]
        Command::Calibrate(calibrate) => calibrate.run(),
        #[cfg(feature = "live")]
        Command::Validate(validate) => validate.run(),
        Command::Import(import) => import.run(),
        #[cfg(feature = "serve")]
        Command::Serve(serve) => serve.run(),
        Command::Models(models) => models.run(),
        Command::Explain(explain) => explain.run(),
        Command::Completions(completions) => completions.run(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Failure::Input(problem)) => {
            complain(&problem.render(true));
            ExitCode::from(2)
        }
        Err(Failure::Outside(text)) => {
            complain(&format!("error: {text}"));
            ExitCode::from(3)
        }
    }
}

/// Prints an answer. A reader who has seen enough is no error.
fn answer(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Outside(format!("cannot write the answer: {error}"))),
        _ => Ok(()),
    }
}

/// Writes an answer into a directory as NAME.txt, NAME.json and NAME.csv: what `text` gives in each format, without colours.
fn keep(directory: &Path, name: &str, text: impl Fn(Format) -> String) -> Result<(), Failure> {
    for (format, ending) in [(Format::Table, "txt"), (Format::Json, "json"), (Format::Csv, "csv")] {
        let plain = anstream::adapter::strip_str(&text(format)).to_string();
        files::write(directory, &format!("{name}.{ending}"), &plain)?;
    }
    Ok(())
}

/// Prints a long answer piece by piece, as `speak` says them; it hears false once nobody reads on.
fn answer_long(speak: impl FnOnce(&mut dyn FnMut(&str) -> bool)) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let mut wrong = None;
    speak(&mut |piece| {
        wrong = out.write_all(piece.as_bytes()).err();
        wrong.is_none()
    });
    match wrong.or_else(|| out.flush().err()) {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Outside(format!("cannot write the answer: {error}"))),
        _ => Ok(()),
    }
}

/// Prints a line to standard error; whether that works is nobody's concern.
fn complain(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

/// How many columns the terminal has to which answers go, if it is one.
fn columns() -> Option<usize> {
    console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// What tables are written on: as wide as the terminal, within reason.
fn sheet() -> Sheet {
    columns().map_or(Sheet::USUAL, Sheet::of)
}

fn is_watched() -> bool {
    io::stderr().is_terminal()
}
