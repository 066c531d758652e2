//! Results in files: which kind they are, and why a file holds none.

use super::escape;
use super::strict::{self, Problem};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes above which a file is no result: a day's run comes to a few million.
const LARGEST: u64 = 256 << 20;

/// The kinds of results that gearbench writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// Of a load run: [`super::Report`].
    Load,
    /// Of conformance cases: [`super::conform::Conformance`].
    Conformance,
    /// Of a search for the highest rate: [`super::saturation::Saturation`].
    Saturation,
    /// Of a load over values of its parameters: [`super::sweep::Sweep`].
    Sweep,
}

impl Document {
    const fn written_by(self) -> &'static str {
        match self {
            Document::Load => "`gearbench run`",
            Document::Conformance => "`gearbench conform --json FILE`",
            Document::Saturation => "`gearbench saturate`",
            Document::Sweep => "`gearbench sweep`",
        }
    }
}

/// Why a text holds no results.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is too large to be a result.
    #[error("more than {LARGEST} bytes: too large for a result of gearbench")]
    TooLarge,
    /// It is no text.
    #[error("no JSON: byte {offset} is not UTF-8; expected a `result.json`")]
    Binary {
        /// Where the first bad byte is.
        offset: usize,
    },
    /// JSON of something else.
    #[error(
        "{}; expected what {} writes",
        match .found {
            Some(kind) => format!("kind: results of kind \"{}\"", escape::line(kind)),
            None => "JSON of something else, with neither a \"kind\" nor a \"run_id\"".to_owned(),
        },
        match .expected {
            Some(kind) => kind.written_by().to_owned(),
            None => format!(
                "{}, {}, {} or {}",
                Document::Load.written_by(),
                Document::Saturation.written_by(),
                Document::Sweep.written_by(),
                Document::Conformance.written_by()
            ),
        }
    )]
    Kind {
        /// What it says it is.
        found: Option<String>,
        /// What was wanted; any results if `None`.
        expected: Option<Document>,
    },
    /// Results of a gearbench that means something else by them.
    #[error(
        "schema_version: {found}, but this gearbench reads version {expected}: use the gearbench \
         that wrote it, or measure again"
    )]
    Version {
        /// The version it says it has.
        found: String,
        /// The version that can be read.
        expected: u32,
    },
    /// Something is missing, unknown, twice, of another type, or contradicts the rest.
    #[error("{}{}", .0, cure(.0))]
    Form(#[from] Problem),
}

/// Why a file holds no results.
#[derive(Debug, thiserror::Error)]
#[error("{}: {error}", path.display())]
pub struct FileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub error: ReadError,
}

/// What to do about a problem, where that can be told from it.
fn cure(problem: &Problem) -> &'static str {
    if problem.what.starts_with("EOF") {
        " (the file is cut short: was it copied while it was written?)"
    } else if problem.what.starts_with("unknown field") {
        " (written by a newer gearbench, or edited?)"
    } else {
        ""
    }
}

impl ReadError {
    /// The same, of a file.
    pub fn of(self, path: &Path) -> FileError {
        FileError {
            path: path.to_owned(),
            error: self,
        }
    }
}

/// The text of a file that may hold results.
pub fn text(path: &Path) -> Result<String, FileError> {
    read(path).map_err(|error| error.of(path))
}

fn read(path: &Path) -> Result<String, ReadError> {
    let file = std::fs::File::open(path)?;
    let mut bytes = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if read as u64 > LARGEST {
        return Err(ReadError::TooLarge);
    }
    String::from_utf8(bytes).map_err(|error| ReadError::Binary {
        offset: error.utf8_error().valid_up_to(),
    })
}

/// As much of a document as tells what it is.
#[derive(Deserialize)]
struct Form {
    kind: Option<Value>,
    schema_version: Option<Value>,
    run_id: Option<IgnoredAny>,
}

/// What a document says that it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    kind: Option<Document>,
    word: Option<String>,
    version: Option<Value>,
}

impl Head {
    /// Reads it from a text, which is held to be JSON in which nothing stands twice.
    pub fn of(text: &str) -> Result<Self, ReadError> {
        let form: Form = strict::parse(text)?;
        let word = form.kind.map(|kind| match kind {
            Value::String(word) => word,
            other => other.to_string(),
        });
        let kind = match (word.as_deref(), form.run_id) {
            (Some("conformance"), _) => Some(Document::Conformance),
            (Some("saturation"), _) => Some(Document::Saturation),
            (Some("sweep"), _) => Some(Document::Sweep),
            // The first results had no word for it.
            (Some("load"), _) | (None, Some(_)) => Some(Document::Load),
            _ => None,
        };
        Ok(Head {
            kind,
            word,
            version: form.schema_version,
        })
    }

    /// The kind, if it is one of gearbench's.
    pub fn kind(&self) -> Result<Document, ReadError> {
        self.kind.ok_or_else(|| ReadError::Kind {
            found: self.word.clone(),
            expected: None,
        })
    }

    /// Whether it is of this kind and this schema version.
    pub(super) fn is(&self, kind: Document, version: u32) -> Result<(), ReadError> {
        if self.kind != Some(kind) {
            return Err(ReadError::Kind {
                found: self.word.clone(),
                expected: Some(kind),
            });
        }
        match &self.version {
            Some(Value::Number(found)) if found.as_u64() != Some(version.into()) => {
                Err(ReadError::Version {
                    found: found.to_string(),
                    expected: version,
                })
            }
            // Whatever else it is, reading the whole tells.
            _ => Ok(()),
        }
    }
}

/// Reads a document of one kind.
pub(super) fn parse<T: serde::de::DeserializeOwned>(
    text: &str,
    kind: Document,
    version: u32,
) -> Result<T, ReadError> {
    Head::of(text)?.is(kind, version)?;
    Ok(strict::read(text)?)
}

/// A value as JSON, indented, with a final line feed.
pub(super) fn indented(value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of a type, under a title.
pub(super) fn schema<T: schemars::JsonSchema>(title: &str) -> Result<String, serde_json::Error> {
    let mut schema = schemars::schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    indented(&schema)
}

/// More than any run has of anything that is no count: seconds, or jobs a second.
const MOST: f64 = 1e15;

/// Refuses a figure that no run has.
pub(super) fn check_positive(field: &str, value: f64) -> Result<(), Problem> {
    if value < 0.0 {
        return Err(Problem::of(field, format!("{value} is less than nothing")));
    }
    match value <= MOST {
        true => Ok(()),
        false => Err(Problem::of(
            field,
            format!("{value:e} is more than any run has"),
        )),
    }
}

/// Holds a schema against the file that publishes it, or writes that anew.
#[cfg(test)]
pub(super) fn is_published(file: &str, schema: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, schema).expect("a file that can be written");
    }
    let published = std::fs::read_to_string(&path).expect("the published schema");
    let why = format!("{file} is out of date: run this test with UPDATE=1");
    assert!(published == schema, "{why}");
}
