//! Files that configuration files name, relative to them.

/// What is beside a configuration file: its text by name, and the names in a directory.
pub struct Files<'a> {
    /// The text of the file of this name.
    pub read: &'a dyn Fn(&str) -> Option<String>,
    /// The files in the directory of this name, in order.
    pub list: &'a dyn Fn(&str) -> Vec<String>,
}

/// How deep files may include others; PostgreSQL's own limit.
pub const DEEPEST: u32 = 10;

/// `file`, named in the file `from`: as it is if it is absolute, else beside it.
pub fn beside(from: &str, file: &str) -> String {
    match from.rsplit_once('/') {
        Some((directory, _)) if !file.starts_with('/') => format!("{directory}/{file}"),
        _ => file.to_owned(),
    }
}
