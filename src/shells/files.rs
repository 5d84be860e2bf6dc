//! The only place that touches the file system: experiments, what they name, and what is written.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::cli::Failure;
use crate::experiment::{Experiment, Plan, Problem};

#[cfg(feature = "live")]
pub mod scratch;

/// An experiment file and the directory that its names are relative to.
pub struct Home {
    /// As the user gave it.
    pub name: String,
    directory: PathBuf,
}

impl Home {
    /// Of this path; `-` is standard input, and names are then relative to where the user stands.
    pub fn of(path: &Path) -> Home {
        Home { name: path.display().to_string(), directory: path.parent().map_or_else(PathBuf::new, Path::to_path_buf) }
    }

    /// Reads the experiment.
    pub fn experiment(&self) -> Result<Experiment, Failure> {
        let text = if self.name == "-" { standard_input() } else { fs::read(&self.name) };
        let bytes = text.map_err(|error| unreadable(&self.name, &error))?;
        let text = String::from_utf8(bytes).map_err(|_| {
            let problem = Problem::nowhere(format!("{} is not a text in UTF-8", self.name));
            Failure::Input(problem.help("an experiment is a text file: see `poolcast run --help`"))
        })?;
        let name = if self.name == "-" { "standard input" } else { &self.name };
        Experiment::parse(&text, name, &|file| self.neighbour(file)).map_err(Failure::Input)
    }

    /// Reads the data files that the plan names.
    pub fn load(&self, plan: &mut Plan) -> Result<(), Failure> {
        plan.load(&|file| self.neighbour(file)).map_err(Failure::Input)
    }

    /// The names and texts of the data files that the plan still names; those that cannot be read are left out.
    pub fn data(&self, plan: &Plan) -> Vec<(String, String)> {
        plan.data_files().into_iter().filter_map(|file| Some((file.clone(), self.neighbour(&file)?))).collect()
    }

    /// The file's name without directory and ending, for what is written about it.
    pub fn stem(&self) -> String {
        let stem = Path::new(&self.name).file_stem().map_or("experiment".into(), |stem| stem.to_string_lossy());
        if stem == "-" { "experiment".to_owned() } else { stem.into_owned() }
    }

    /// The text of a file by its name relative to the experiment's directory.
    pub fn neighbour(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.directory.join(file)).ok()
    }
}

/// Writes `directory/name`, making the directory if need be. A reader sees the old file or the whole new one,
/// and several programs on several machines may write the same file at once.
pub fn write(directory: &Path, name: &str, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    write_to(&directory.join(name), |file| file.write_all(content.as_ref()))
}

/// Writes a text to a file, making its directory if need be.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    write_pieces(path, |print| print(text))
}

/// The text of `directory/name`, if there is such a file.
pub fn read(directory: &Path, name: &str) -> Result<Option<String>, Failure> {
    let path = directory.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::Outside(format!("cannot read {}: {error}", path.display()))),
    }
}

/// The names of the files in a directory that end in `ending`, in order; none if there is no such directory.
pub fn names(directory: &Path, ending: &str) -> Result<Vec<String>, Failure> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::Outside(format!("cannot read {}: {error}", directory.display()))),
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(ending) && !name.starts_with('.')).collect();
    names.sort();
    Ok(names)
}

/// Writes a long text to a file, piece by piece, making its directory if need be. A reader sees the old file or the whole
/// new one.
pub fn write_pieces(path: &Path, pieces: impl FnOnce(&mut dyn FnMut(&str) -> io::Result<()>) -> io::Result<()>) -> Result<(), Failure> {
    write_to(path, |file| pieces(&mut |piece| file.write_all(piece.as_bytes())))
}

fn write_to(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    // Hashers are keyed at random: no two drafts have the same name, whoever writes them.
    let draft = path.with_file_name(format!(".{name}.{:016x}.part", RandomState::new().hash_one(&name)));
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| {
        let mut file = BufWriter::new(fs::File::create(&draft)?);
        fill(&mut file)?;
        file.flush()?;
        fs::rename(&draft, path)
    });
    written.map_err(|error| {
        let _ = fs::remove_file(&draft);
        Failure::Outside(format!("cannot write {}: {error}", path.display()))
    })
}

/// The text of a configuration file; what is no UTF-8 in it is replaced, as it can only stand in comments and names.
pub fn configuration(name: &str) -> Result<String, Failure> {
    match fs::read(name) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::Input(Problem::nowhere(format!("there is no file {name}")))),
        Err(error) => Err(Failure::Outside(format!("cannot read {name}: {error}"))),
    }
}

/// The text of a file that a configuration file names, if it can be read.
pub fn text(name: &str) -> Option<String> {
    fs::read(name).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// The names of the files in a directory, in order.
pub fn names_in(directory: &str) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn standard_input() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    match error.kind() {
        ErrorKind::NotFound => {
            Failure::Input(Problem::nowhere(format!("there is no file {name}")).help("give the path of an experiment file"))
        }
        ErrorKind::IsADirectory => {
            Failure::Input(Problem::nowhere(format!("{name} is a directory")).help("give the path of an experiment file in it"))
        }
        _ => Failure::Outside(format!("cannot read {name}: {error}")),
    }
}
