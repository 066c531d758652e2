//! Conformance cases as text: one TOML file for each area, checked before anything is sent.
//!
//! What is wrong in a file is told with its line and column, also inside a script.

mod file;

pub use crate::report::conform::Level;
pub use file::parse;

use super::features::{Need, Settings};
use super::script::Script;

/// A case: what it shows, what it needs, and how it goes.
#[derive(Clone, Debug)]
pub struct Case {
    /// `area/name`; the name says the rule and never changes.
    pub id: String,
    /// The area: the name of the file without its ending.
    pub area: String,
    /// The rule in one sentence.
    pub rule: String,
    /// Requirements that it shows, by their ids.
    pub shows: Vec<String>,
    /// How binding the rule is.
    pub level: Level,
    /// Where the rule comes from.
    pub source: String,
    /// What the server must be able to do, or must have chosen, for the case to make sense.
    pub needs: Vec<Need>,
    /// How the server must have been started.
    pub settings: Settings,
    /// Cases without which this one says nothing, by their ids.
    pub after: Vec<String>,
    /// Whether it can kill or wedge a faulty server.
    pub hazardous: bool,
    /// Whether it needs a fresh server for itself.
    pub alone: bool,
    /// Whether `gearbench check` plays it: quick, and harmless on a server that others use.
    pub check: bool,
    /// What happens.
    pub script: Script,
    /// The file it stands in.
    pub file: String,
    /// Line of that file on which line 1 of the script stands.
    pub script_line: usize,
}

impl Case {
    /// The line of the file that is meant by a line of the script; where the script does not
    /// know, the line on which it begins.
    pub fn line(&self, of_script: usize) -> usize {
        self.script_line + of_script.saturating_sub(1)
    }
}
