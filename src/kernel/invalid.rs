//! The one error of bad input: where it is, and what would be right.

use std::fmt;

/// Input that cannot be used: a dotted path into the experiment (`apps.api.pool.pool_size`) and a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Dotted path, lists' elements by their names; empty for the experiment as a whole.
    pub path: String,
    /// What is wrong and what would be right.
    pub why: String,
}

impl Invalid {
    /// An error about the thing being looked at; callers put their own step in front with [`Invalid::within`].
    pub fn here(why: impl Into<String>) -> Invalid {
        Invalid { path: String::new(), why: why.into() }
    }

    /// An error about one field of the thing being looked at.
    pub fn field(name: &str, why: impl Into<String>) -> Invalid {
        Invalid { path: name.to_owned(), why: why.into() }
    }

    /// The same error seen from one step further out.
    pub fn within(mut self, step: &str) -> Invalid {
        self.path = if self.path.is_empty() { step.to_owned() } else { format!("{step}.{}", self.path) };
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.why) } else { write!(f, "{}: {}", self.path, self.why) }
    }
}

impl std::error::Error for Invalid {}
