//! Why there is no profile.

use std::path::PathBuf;

/// Why there is no profile.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// None of that name comes with the program.
    #[error(
        "there is no profile {found:?}; there are {known}; a file is named by a path, such as ./my.toml"
    )]
    Unknown {
        /// What was asked for.
        found: String,
        /// All that come with the program.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read the profile {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The text is no profile.
    #[error("{origin}:{line}:{column}: {message}")]
    Parse {
        /// The file, or the name of the profile.
        origin: String,
        /// Where, from 1.
        line: usize,
        /// Where, in characters from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
}

impl ProfileError {
    /// Puts a place to an error of the parser.
    pub(super) fn parse(origin: &str, text: &str, error: &toml::de::Error) -> Self {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        ProfileError::Parse {
            origin: origin.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
            message: error.message().trim_end().to_owned(),
        }
    }
}
