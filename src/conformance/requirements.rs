//! The catalogue of numbered requirements: what a Gearman job server does.
//!
//! Cases name the requirements that they show, so a failure can be explained in the words of the
//! catalogue, and [`Catalogue::coverage`] can tell which rows no case shows. The catalogue is
//! `conformance/requirements.toml`; the head of that file explains its fields.

mod coverage;

use crate::diagnose::nearest;
use serde::Deserialize;
use std::fmt::{self, Display, Formatter};
use std::sync::LazyLock;

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its number, such as `P-SUB-12`.
    pub id: String,
    /// How much it binds a server.
    pub level: Level,
    /// What it is about, in a word or two; the rows of an area stand together.
    pub area: String,
    /// What is sent or happens, in Markdown.
    pub stimulus: String,
    /// What is then observed, in Markdown.
    pub expected: String,
    /// What C gearmand 1.1.20 does where it differs, or a remark that begins with "same".
    pub gearmand: Option<String>,
    /// How that is known.
    pub verified: Verified,
    /// The stimulus can kill or wedge a faulty server.
    #[serde(default)]
    pub hazard: bool,
    /// Why no case can show it.
    pub uncovered: Option<String>,
    /// Tests that show it on our own server all the same: paths of functions,
    /// `it::` for those under `tests/it`.
    #[serde(default)]
    pub tests: Vec<String>,
}

/// How much a requirement binds a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// PROTOCOL says it, or the clients in use break without it.
    Must,
    /// Common to the servers; one that differs needs a reason.
    Should,
    /// What C gearmand does and other servers do not promise.
    Quirk,
}

impl Level {
    /// All levels, the strictest first.
    pub const ALL: [Level; 3] = [Level::Must, Level::Should, Level::Quirk];
}

impl Display for Level {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "must",
            Level::Should => "should",
            Level::Quirk => "quirk",
        })
    }
}

/// How it is known what C gearmand does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
pub enum Verified {
    /// Read in its source.
    #[serde(rename = "S")]
    Source,
    /// Probed on a running one.
    #[serde(rename = "P")]
    Probe,
    /// Read and probed.
    #[serde(rename = "B")]
    Both,
    /// From texts about it only.
    #[serde(rename = "D")]
    Text,
}

/// All requirements, in the order of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    #[serde(rename = "requirement")]
    rows: Vec<Requirement>,
}

/// Why the catalogue cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("conformance/requirements.toml: {0}")]
pub struct CatalogueError(#[from] toml::de::Error);

static BUILTIN: LazyLock<Result<Catalogue, CatalogueError>> =
    LazyLock::new(|| Catalogue::parse(include_str!("../../conformance/requirements.toml")));

impl Catalogue {
    /// The catalogue that is part of the program, read when it is first asked for.
    pub fn builtin() -> Result<&'static Catalogue, &'static CatalogueError> {
        BUILTIN.as_ref()
    }

    fn parse(text: &str) -> Result<Self, CatalogueError> {
        Ok(toml::from_str(text)?)
    }

    /// The requirement of this id.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.iter().find(|row| row.id == id)
    }

    /// All requirements, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.rows.iter()
    }

    /// The id that was probably meant; nothing in an empty catalogue.
    pub fn nearest(&self, id: &str) -> Option<&str> {
        nearest(id, self.iter().map(|row| row.id.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn builtin() -> &'static Catalogue {
        Catalogue::builtin().expect("the built-in catalogue")
    }

    /// 304 rows about the protocol, 33 failures that happened, 10 needs of clients.
    #[test]
    fn nothing_got_lost() {
        let count = |level| builtin().iter().filter(|row| row.level == level).count();
        assert_eq!(Level::ALL.map(count), [180, 104, 63]);
        let begin = |with: &str| builtin().iter().filter(|r| r.id.starts_with(with)).count();
        assert_eq!(["P-", "H", "N", "C-"].map(begin), [304, 25, 8, 10]);
    }

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<_> = builtin().iter().map(|row| &row.id).collect();
        assert_eq!(ids.len(), builtin().iter().count());
    }

    #[test]
    fn areas_are_in_one_piece() {
        let mut areas: Vec<_> = builtin().iter().map(|row| &row.area).collect();
        areas.dedup();
        assert_eq!(areas.iter().collect::<BTreeSet<_>>().len(), areas.len());
    }

    #[test]
    fn no_text_is_empty() {
        for row in builtin().iter() {
            let texts = [Some(&row.stimulus), Some(&row.expected)];
            let more = [row.gearmand.as_ref(), row.uncovered.as_ref()];
            for text in texts.into_iter().chain(more).flatten() {
                assert!(!text.trim().is_empty(), "{}", row.id);
                assert!(!text.contains('\n'), "{}", row.id);
            }
        }
    }

    #[test]
    fn a_row_is_found_by_its_id() {
        let row = builtin().get("P-SUB-12").expect("P-SUB-12");
        assert_eq!(row.level, Level::Should);
        assert_eq!(row.area, "Submission");
        assert_eq!(row.verified, Verified::Both);
        assert!(row.gearmand.is_some() && row.uncovered.is_none());
        assert_eq!(builtin().get("P-SUB-99"), None);
    }

    #[test]
    fn a_wrong_id_has_a_nearest_one() {
        assert_eq!(builtin().nearest("P-SUBB-12"), Some("P-SUB-12"));
        assert_eq!(builtin().nearest("p-http-25"), Some("P-HTTP-25"));
    }

    #[test]
    fn a_misspelt_field_is_an_error() {
        let error = Catalogue::parse("[[requirement]]\nidd = \"X-1\"\n").expect_err("idd");
        assert!(error.to_string().contains("idd"), "{error}");
    }
}
