//! What the conformance cases found out about one server: plain data, rendered as text, JUnit,
//! JSON, Markdown and as a matrix of several servers.
//!
//! A report holds everything that its renderings show, so that one written by another version of
//! the tool, or on another machine, can be read and compared. Much of it comes from the server
//! under test; no renderer trusts a byte of it.

mod baseline;

#[cfg(test)]
pub(super) mod examples;
mod exit;
mod group;
mod json;
mod junit;
mod markdown;
mod matrix;
#[cfg(test)]
mod tests;
pub mod text;

pub use baseline::{Baseline, Case, compare_baseline};
pub use json::{from_json, json, read, schema};
pub use junit::junit;
pub use markdown::markdown;
#[cfg(feature = "load")]
pub(super) use matrix::Matrix;
pub use matrix::{matrix_html, matrix_markdown};
pub use text::text;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Version of the JSON form; it grows when a field changes its meaning or goes.
pub const SCHEMA_VERSION: u32 = 1;

/// What the cases found out about one server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conformance {
    /// Version of the JSON form.
    pub schema_version: u32,
    /// Tells this document from the other ones of gearbench.
    pub kind: Document,
    /// Version of gearbench.
    pub gearbench: String,
    /// Who was tested.
    pub server: ServerInfo,
    /// What the server was held against.
    pub profile: ProfileInfo,
    /// The ways in which the bytes were handed over: `none`, `byte`, `header`, `pipeline`.
    pub splits: Vec<String>,
    /// The least binding level of the cases asked for: `must`, `should` or `all`.
    pub level: String,
    /// Whether cases were played that can kill or wedge a faulty server.
    pub hazardous: bool,
    /// When the run began, in seconds since 1970.
    pub started: u64,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// What the names that the cases used on the server begin with.
    pub namespace: String,
    /// How long an answer was waited for, in milliseconds.
    pub timeout_ms: u64,
    /// Cases by verdict.
    pub counts: Counts,
    /// What a reader should know about the run as a whole.
    pub notes: Vec<String>,
    /// Whether a user or a supervisor ended the run.
    pub interrupted: bool,
    /// The code that the program exits with.
    pub exit_code: u8,
    /// All codes that apply; `exit_code` is the one that takes precedence.
    pub exit_codes: Vec<u8>,
    /// One result for each case and split, in the order of the cases.
    pub cases: Vec<CaseResult>,
}

/// The kind of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Document {
    /// Results of conformance cases.
    #[default]
    Conformance,
}

/// The server under test.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerInfo {
    /// Its name, as far as it could be found out.
    pub name: String,
    /// Its version, as far as it tells.
    pub version: Option<String>,
    /// Its address, or the command that started it.
    pub target: String,
}

/// The description of a server that the results were held against.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileInfo {
    /// Its name.
    pub name: String,
    /// Why this one.
    pub evidence: Vec<String>,
}

/// Cases by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// [`Verdict::Pass`].
    pub pass: usize,
    /// [`Verdict::Fail`].
    pub fail: usize,
    /// [`Verdict::Known`].
    pub known: usize,
    /// [`Verdict::Fixed`].
    pub fixed: usize,
    /// [`Verdict::Skip`].
    pub skip: usize,
    /// [`Verdict::Blocked`].
    pub blocked: usize,
    /// [`Verdict::Error`].
    pub error: usize,
    /// [`Verdict::Note`].
    pub note: usize,
}

/// What one case found out with one split.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseResult {
    /// `area/name`, the same in every version.
    pub id: String,
    /// The part of the protocol; the cases of an area are in one file.
    pub area: String,
    /// How the bytes were handed over.
    pub split: String,
    /// How binding the rule is.
    pub level: Level,
    /// Ids of the requirements that the case shows.
    pub requirements: Vec<String>,
    /// What the server has to do, in a sentence.
    pub rule: String,
    /// Where that is written.
    pub source: String,
    /// What came out.
    pub verdict: Verdict,
    /// Why it was skipped, blocked or is known to fail, or what went wrong in the test itself.
    pub reason: Option<String>,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
    /// What happened instead of what the rule asks for.
    pub failure: Option<FailureDetail>,
    /// The command that plays the case again.
    pub repeat: Option<String>,
}

/// What happened instead of what the rule asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FailureDetail {
    /// The file of the case.
    pub file: String,
    /// The line of the file where the script stopped.
    pub line: usize,
    /// What stands in that line.
    pub step: String,
    /// What went wrong, in a sentence.
    pub cause: String,
    /// The legal outcomes of the step.
    pub expected: Option<String>,
    /// What came instead.
    pub found: Option<String>,
    /// Everything that happened on all connections.
    pub trace: String,
    /// How the server ended, where it did, and the last it said.
    pub server: Option<String>,
    /// The requirements in words: id, level, stimulus and what is expected.
    pub requirement_text: Vec<String>,
}

/// How binding a rule is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A server that does otherwise does not speak the protocol.
    Must,
    /// Clients rely on it, though the protocol leaves it open.
    Should,
    /// What the C server does and others need not.
    Observed,
}

/// What came out of a case.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The server does what the rule asks for.
    Pass,
    /// It does not.
    Fail,
    /// It does not, as its profile says.
    Known,
    /// It does, though its profile says that it does not: the profile is out of date.
    Fixed,
    /// Not played: not asked for, or the server does not have what the case needs.
    Skip,
    /// Not played: a case that it builds on failed, or the server is gone.
    Blocked,
    /// The test itself failed; nothing is known about the server.
    Error,
    /// The server differs from the C server where it may.
    Note,
}

impl Verdict {
    /// All of them, in the order of tables.
    pub const ALL: [Verdict; 8] = [
        Verdict::Pass,
        Verdict::Fail,
        Verdict::Known,
        Verdict::Fixed,
        Verdict::Skip,
        Verdict::Blocked,
        Verdict::Error,
        Verdict::Note,
    ];

    /// The word that all renderings use.
    pub const fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "PASS",
            Verdict::Fail => "FAIL",
            Verdict::Known => "KNOWN",
            Verdict::Fixed => "FIXED",
            Verdict::Skip => "SKIP",
            Verdict::Blocked => "BLOCKED",
            Verdict::Error => "ERROR",
            Verdict::Note => "NOTE",
        }
    }

    /// Whether somebody has to do something about it.
    pub const fn is_bad(self) -> bool {
        matches!(
            self,
            Verdict::Fail | Verdict::Fixed | Verdict::Error | Verdict::Blocked
        )
    }
}

impl Level {
    /// The word of the case files.
    pub const fn word(self) -> &'static str {
        match self {
            Level::Must => "must",
            Level::Should => "should",
            Level::Observed => "observed",
        }
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

impl Counts {
    /// The results, counted.
    pub fn of<'a>(cases: impl IntoIterator<Item = &'a CaseResult>) -> Self {
        let mut counts = Counts::default();
        for case in cases {
            *counts.cell(case.verdict) += 1;
        }
        counts
    }

    /// How many have this verdict.
    pub fn get(mut self, verdict: Verdict) -> usize {
        *self.cell(verdict)
    }

    /// All results.
    pub fn total(self) -> usize {
        Verdict::ALL.iter().map(|verdict| self.get(*verdict)).sum()
    }

    fn cell(&mut self, verdict: Verdict) -> &mut usize {
        match verdict {
            Verdict::Pass => &mut self.pass,
            Verdict::Fail => &mut self.fail,
            Verdict::Known => &mut self.known,
            Verdict::Fixed => &mut self.fixed,
            Verdict::Skip => &mut self.skip,
            Verdict::Blocked => &mut self.blocked,
            Verdict::Error => &mut self.error,
            Verdict::Note => &mut self.note,
        }
    }
}
