//! What is wrong with a definition, and where.

use std::fmt;

/// The first thing that is wrong with an `exchange.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionError {
    /// The line, from 1; 0 if it is about the file as a whole.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl DefinitionError {
    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> DefinitionError {
        DefinitionError::at(text, error.span().map(|span| span.start), error.message().to_owned())
    }

    pub(super) fn at(text: &str, start: Option<usize>, reason: String) -> DefinitionError {
        let before = start.and_then(|start| text.get(..start));
        let line = before.map_or(0, |before| before.matches('\n').count() + 1);
        DefinitionError { line, reason }
    }
}

impl fmt::Display for DefinitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.reason),
            line => write!(f, "line {line}: {}", self.reason),
        }
    }
}

impl std::error::Error for DefinitionError {}
