//! All cases: those that come with gearbench, and those that a user adds; and which of them are
//! asked for.

use super::case::{Case, Level, parse};
use super::profile::glob;
use super::requirements::Catalogue;
use crate::diagnose::FileError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

macro_rules! files {
    ($( $area:literal )*) => {
        /// Area and text of every file in `conformance/`.
        const FILES: &[(&str, &str)] = &[
            $( ($area, include_str!(concat!("../../conformance/", $area, ".toml"))) ),*
        ];
    };
}

files! {
    "framing"
    "options"
    "submit"
    "epoch"
    "reduce"
    "worker"
    "work"
    "status"
    "order"
    "wakeup"
    "coalesce"
    "disconnect"
    "limits"
    "admin"
    "clients"
    "persist"
    "http"
    "tls"
    "signals"
}

/// Why there are no cases to play.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// A file is wrong.
    #[error(transparent)]
    Case(#[from] Box<FileError>),
    /// A file cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file or directory without cases.
    #[error("{path} holds no cases: they stand in .toml files, as [[case]]", path = path.display())]
    Empty {
        /// The file or directory.
        path: PathBuf,
    },
    /// Two cases have one id.
    #[error("{file}: the id {id} is taken by a case in {other}")]
    Twice {
        /// The id.
        id: String,
        /// The file of the second.
        file: String,
        /// The file of the first.
        other: String,
    },
    /// A case names one that does not exist.
    #[error("{file}: {id} is to be played after {missing}, which does not exist")]
    Missing {
        /// The case.
        id: String,
        /// Its file.
        file: String,
        /// What it names.
        missing: String,
    },
    /// A case shows a requirement that the catalogue does not have.
    #[error(
        "{file}: {id} shows {requirement}, which the catalogue does not have; the nearest is {nearest}"
    )]
    Unknown {
        /// The case.
        id: String,
        /// Its file.
        file: String,
        /// What it names.
        requirement: String,
        /// A requirement that exists.
        nearest: String,
    },
    /// The catalogue of requirements is broken.
    #[error("{0}")]
    Catalogue(String),
}

/// A set of cases, each with an id of its own.
#[derive(Clone, Debug, Default)]
pub struct Suite {
    cases: Vec<Case>,
}

impl Suite {
    /// The cases that come with gearbench.
    pub fn builtin() -> Result<Self, SuiteError> {
        let mut suite = Suite::default();
        for (area, text) in FILES {
            suite.add(&format!("conformance/{area}.toml"), area, text)?;
        }
        suite.check()?;
        Ok(suite)
    }

    /// Adds the cases of a file, or of all `.toml` files in a directory.
    pub fn add_path(&mut self, path: &Path) -> Result<(), SuiteError> {
        let unreadable = |source| SuiteError::File {
            path: path.to_owned(),
            source,
        };
        let mut files = vec![path.to_owned()];
        if path.is_dir() {
            let entries = path.read_dir().map_err(unreadable)?;
            let paths = entries.map(|entry| entry.map(|entry| entry.path()));
            files = paths.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
            files.retain(|file| file.extension().is_some_and(|end| end == "toml"));
            files.sort();
        }
        let before = self.cases.len();
        for file in files {
            let text = std::fs::read_to_string(&file).map_err(|source| SuiteError::File {
                path: file.clone(),
                source,
            })?;
            let area = file.file_stem().unwrap_or_default().to_string_lossy();
            self.add(&file.to_string_lossy(), &area, &text)?;
        }
        if self.cases.len() == before {
            return Err(SuiteError::Empty {
                path: path.to_owned(),
            });
        }
        self.check()
    }

    fn add(&mut self, file: &str, area: &str, text: &str) -> Result<(), SuiteError> {
        for case in parse(file, area, text).map_err(Box::new)? {
            if let Some(other) = self.get(&case.id) {
                return Err(SuiteError::Twice {
                    other: other.file.clone(),
                    id: case.id,
                    file: case.file,
                });
            }
            self.cases.push(case);
        }
        Ok(())
    }

    /// Whether everything that cases name exists.
    fn check(&self) -> Result<(), SuiteError> {
        let catalogue =
            Catalogue::builtin().map_err(|error| SuiteError::Catalogue(error.to_string()))?;
        for case in &self.cases {
            if let Some(missing) = case.after.iter().find(|id| self.get(id).is_none()) {
                return Err(SuiteError::Missing {
                    id: case.id.clone(),
                    file: case.file.clone(),
                    missing: missing.clone(),
                });
            }
            if let Some(unknown) = case.shows.iter().find(|id| catalogue.get(id).is_none()) {
                return Err(SuiteError::Unknown {
                    id: case.id.clone(),
                    file: case.file.clone(),
                    requirement: unknown.clone(),
                    nearest: catalogue.nearest(unknown).unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(())
    }

    /// The case with this id.
    pub fn get(&self, id: &str) -> Option<&Case> {
        self.cases.iter().find(|case| case.id == id)
    }

    /// All cases, in the order of their files.
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The cases that `selection` asks for, and those they depend on.
    pub fn select(&self, selection: &Selection) -> Vec<&Case> {
        let wanted = self.cases.iter().filter(|case| selection.takes(case));
        let mut ids: BTreeSet<&str> = wanted.map(|case| case.id.as_str()).collect();
        loop {
            let needed = self
                .cases
                .iter()
                .filter(|case| ids.contains(case.id.as_str()));
            let more: Vec<&str> = needed
                .flat_map(|case| &case.after)
                .map(String::as_str)
                .collect();
            let before = ids.len();
            ids.extend(more);
            if ids.len() == before {
                break;
            }
        }
        let taken = |case: &&Case| ids.contains(case.id.as_str());
        self.cases.iter().filter(taken).collect()
    }
}

/// Which cases are asked for.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Patterns of which one must match; none is all.
    pub patterns: Vec<String>,
    /// Patterns of which none may match.
    pub skip: Vec<String>,
    /// The least binding level.
    pub level: Level,
}

impl Selection {
    /// Whether the case is asked for.
    pub fn takes(&self, case: &Case) -> bool {
        let matches = |pattern: &String| matches(pattern, case);
        (self.patterns.is_empty() || self.patterns.iter().any(matches))
            && !self.skip.iter().any(matches)
            && case.level <= self.level
    }
}

/// Whether a pattern means this case: its id, its area, a requirement it shows, or any of these
/// with `*` for anything.
fn matches(pattern: &str, case: &Case) -> bool {
    let area = pattern.strip_suffix('/').unwrap_or(pattern);
    glob(pattern, &case.id)
        || glob(area, &case.area)
        || case.shows.iter().any(|id| glob(pattern, id))
}
