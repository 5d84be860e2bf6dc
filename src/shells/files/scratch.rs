//! Directories that poolcast makes for itself: one that is thrown away, and one that is kept between runs.

use std::env;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use crate::shells::cli::Failure;

/// A directory that nobody else can read, gone when this is dropped.
pub struct Scratch {
    path: PathBuf,
    /// Whose it is, if it is not ours.
    owner: Option<(u32, u32)>,
}

impl Scratch {
    /// A new one for `owner` (user and group), for ourselves if left out.
    pub fn new(owner: Option<(u32, u32)>) -> Result<Scratch, Failure> {
        let path = env::temp_dir().join(format!("poolcast-{}", random_name()));
        let scratch = Scratch { path, owner };
        scratch.make(&scratch.path).map_err(|error| cannot("make", &scratch.path, &error))?;
        Ok(scratch)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A directory in it.
    pub fn directory(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        self.make(&path).map_err(|error| cannot("make", &path, &error))?;
        Ok(path)
    }

    /// A file in it that only its owner can read.
    pub fn file(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let path = self.path.join(name);
        self.write(&path, text).map_err(|error| cannot("write", &path, &error))?;
        Ok(path)
    }

    fn make(&self, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(path)?;
        self.hand_over(path)
    }

    fn write(&self, path: &Path, text: &str) -> io::Result<()> {
        let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        self.hand_over(path)
    }

    fn hand_over(&self, path: &Path) -> io::Result<()> {
        match self.owner {
            Some((user, group)) => chown(path, Some(user), Some(group)),
            None => Ok(()),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A file to which a child's output is appended.
pub fn append(path: &Path) -> Result<fs::File, Failure> {
    fs::OpenOptions::new().create(true).append(true).open(path).map_err(|error| cannot("write", path, &error))
}

/// A name that nobody can guess: hashers are keyed at random.
pub fn random_name() -> String {
    format!("{:016x}{:016x}", RandomState::new().hash_one(0), RandomState::new().hash_one(1))
}

/// The user and group that own a file.
pub fn owner(path: &str) -> Option<(u32, u32)> {
    fs::metadata(path).ok().map(|meta| (meta.uid(), meta.gid()))
}

/// Whether there is such a file.
pub fn is_file(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file())
}

/// The directory in which poolcast keeps what takes long to make.
pub fn cache() -> PathBuf {
    let given = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = given("XDG_CACHE_HOME").or_else(|| given("HOME").map(|home| home.join(".cache")));
    base.unwrap_or_else(env::temp_dir).join("poolcast")
}

/// Makes `directory` by `fill`, all of it or nothing, unless it is there already.
pub fn made_once(directory: &Path, fill: impl FnOnce(&Path) -> Result<(), Failure>) -> Result<(), Failure> {
    if directory.is_dir() {
        return Ok(());
    }
    let draft = directory.with_extension(random_name());
    let made = fs::create_dir_all(&draft).map_err(|error| cannot("make", &draft, &error)).and_then(|()| fill(&draft));
    // Somebody else may have made it meanwhile, which is as well.
    let moved = made.and_then(|()| match fs::rename(&draft, directory) {
        Err(error) if !directory.is_dir() => Err(cannot("make", directory, &error)),
        _ => Ok(()),
    });
    let _ = fs::remove_dir_all(&draft);
    moved
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    Failure::Outside(format!("cannot {verb} {}: {error}", path.display()))
}
