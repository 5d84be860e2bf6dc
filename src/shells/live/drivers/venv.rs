//! The virtual environment of Python workers: made once from a locked list, then kept.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::experiment::Problem;
use crate::shells::cli::Failure;
use crate::shells::files::scratch::{cache, made_once};

/// Exact versions, and nothing that is not in the list.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The Python in a virtual environment made by `python`; making it takes some seconds and, once, the package index.
pub fn python(python: &str) -> Result<PathBuf, Failure> {
    let version = output(Command::new(python).args(["-c", "import sys; print(sys.version, sys.prefix)"])).map_err(|why| {
        let problem = Problem::nowhere(format!("SQLAlchemy's pools need Python, and `{python}` cannot be run: {why}"));
        Failure::Input(problem.help("install Python 3.10 or newer, or name it: --python /usr/bin/python3.12"))
    })?;
    let name = blake3::hash(format!("{REQUIREMENTS}{version}").as_bytes()).to_hex();
    let directory = cache().join(format!("python-{}", &name[..16]));
    made_once(&directory, |draft| fill(python, draft))?;
    Ok(directory.join("bin/python"))
}

fn fill(python: &str, directory: &Path) -> Result<(), Failure> {
    let failed = |what: &str, why: String| Failure::Outside(format!("{what} failed: {why}"));
    output(Command::new(python).args(["-m", "venv"]).arg(directory))
        .map_err(|why| failed("python -m venv", format!("{why}\nOn Debian the package python3-venv has what is missing.")))?;
    let packages = REQUIREMENTS.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut pip = Command::new(directory.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]);
    output(pip.args(packages)).map_err(|why| failed("pip install", why))?;
    Ok(())
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned();
    Err(if said.is_empty() { output.status.to_string() } else { said })
}
