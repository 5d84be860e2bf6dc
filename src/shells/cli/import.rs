//! `poolcast import`: an experiment from real configuration files.

use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Outcome, answer, complain};
use crate::experiment::Problem;
use crate::kernel::time::Span;
use crate::shells::files;
use crate::shells::import::{Files, Given, Imported, Text, import};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  poolcast import --env .env --pgbouncer pgbouncer.ini --postgres postgresql.conf --compose docker-compose.yml | poolcast run -
  poolcast import --kubernetes deploy.yml --stat-statements statements.csv --over 1h --out checkout.ron

\\copy (select query, calls, total_exec_time, mean_exec_time, stddev_exec_time from pg_stat_statements) to 'statements.csv' csv header")]
pub(super) struct Import {
    #[command(flatten)]
    sources: Sources,
    /// Writes the experiment to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Does not list on standard error what had to be guessed (it stands at the top of the experiment)
    #[arg(long, short)]
    quiet: bool,
}

/// Configuration files and measurements.
#[derive(Debug, Args)]
pub(super) struct Sources {
    /// Variables of the applications: DATABASE_POOL_SIZE, WEB_CONCURRENCY … (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    env: Vec<PathBuf>,
    /// pgbouncer.ini, with what it includes
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pgbouncer: Option<PathBuf>,
    /// postgresql.conf, with what it includes
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    postgres: Option<PathBuf>,
    /// docker-compose.yml; a later one is laid over an earlier one (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    compose: Vec<PathBuf>,
    /// Kubernetes manifests (repeatable)
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    kubernetes: Vec<PathBuf>,
    /// pg_stat_statements as CSV
    #[arg(long, value_name = "FILE", help_heading = "Measurements")]
    stat_statements: Option<PathBuf>,
    /// In which time pg_stat_statements was counted
    #[arg(long, value_name = "SPAN", value_parser = Span::parse, requires = "stat_statements", help_heading = "Measurements")]
    over: Option<Span>,
    /// What PgBouncer's SHOW STATS printed
    #[arg(long, value_name = "FILE", help_heading = "Measurements")]
    show_stats: Option<PathBuf>,
    /// What PgBouncer's SHOW POOLS printed
    #[arg(long, value_name = "FILE", help_heading = "Measurements")]
    show_pools: Option<PathBuf>,
    /// A log that pgbench -l wrote
    #[arg(long, value_name = "FILE", help_heading = "Measurements")]
    pgbench: Option<PathBuf>,
    /// An access log as CSV, with a column such as timestamp
    #[arg(long, value_name = "FILE", help_heading = "Measurements")]
    access_log: Option<PathBuf>,
}

impl Import {
    pub(super) fn run(self) -> Outcome {
        let Some(imported) = self.sources.import()? else {
            let problem = Problem::nowhere("there is nothing to import");
            return Err(Failure::Input(
                problem.help("name a file: --env, --pgbouncer, --postgres, --compose, --kubernetes; see `poolcast import --help`"),
            ));
        };
        match &self.out {
            Some(path) => {
                let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
                files::write(directory, &name, &imported.text)?;
            }
            None => answer(&imported.text)?,
        }
        if !self.quiet {
            imported.guesses.iter().for_each(|guess| complain(&format!("guessed: {guess}")));
        }
        Ok(true)
    }
}

impl Sources {
    /// Whether a file was named.
    pub(super) fn are_given(&self) -> bool {
        let single =
            [&self.pgbouncer, &self.postgres, &self.stat_statements, &self.show_stats, &self.show_pools, &self.pgbench, &self.access_log];
        let several = [&self.env, &self.compose, &self.kubernetes];
        single.iter().any(|file| file.is_some()) || several.iter().any(|files| !files.is_empty())
    }

    /// Reads and translates the files; nothing if none was named.
    pub(super) fn import(&self) -> Result<Option<Imported>, Failure> {
        if !self.are_given() {
            return Ok(None);
        }
        let all = |paths: &[PathBuf]| paths.iter().map(|path| read(path)).collect::<Result<Vec<Text>, Failure>>();
        let one = |path: &Option<PathBuf>| path.as_deref().map(read).transpose();
        let given = Given {
            env: all(&self.env)?,
            pgbouncer: one(&self.pgbouncer)?,
            postgres: one(&self.postgres)?,
            compose: all(&self.compose)?,
            kubernetes: all(&self.kubernetes)?,
            stat_statements: one(&self.stat_statements)?,
            over: self.over,
            show_stats: one(&self.show_stats)?,
            show_pools: one(&self.show_pools)?,
            pgbench: one(&self.pgbench)?,
            access_log: one(&self.access_log)?,
        };
        import(&given, &Files { read: &files::text, list: &files::names_in }).map(Some).map_err(Failure::Input)
    }
}

fn read(path: &Path) -> Result<Text, Failure> {
    let name = path.display().to_string();
    Ok(Text { text: files::configuration(&name)?, name })
}
