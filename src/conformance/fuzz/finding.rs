//! What a campaign finds, as a conformance case.

use crate::conformance::Script;
use crate::conformance::generate::Op;
use std::fmt::Write;

/// How a session failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// The requirement that is not met; or `death`, `silence`, `unreachable`.
    pub rule: String,
    /// What was done last.
    pub act: String,
    /// What was expected and what came, in words.
    pub text: String,
    /// Whether the server has died of it.
    pub died: bool,
}

impl Failing {
    pub(super) fn new(rule: &str, act: String, text: String) -> Self {
        Failing {
            rule: rule.to_owned(),
            act,
            text,
            died: false,
        }
    }

    /// Whether it is the same failure, as far as can be told: the same rule, broken by the same
    /// kind of act.
    pub(super) fn is(&self, other: &Failing) -> bool {
        self.rule == other.rule && (self.act == other.act || self.died)
    }
}

/// A way to fail, and the shortest session that was found for it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How it fails.
    pub failing: Failing,
    /// The seed of the session that it was found in.
    pub seed: u64,
    /// Why it is known, if it is.
    pub known: Option<String>,
    /// Sessions that failed so.
    pub times: u64,
    /// The steps that are left of the session.
    pub ops: Vec<Op>,
    /// What was said, and what should have been.
    pub script: Script,
    /// How often the shrunk session failed, and how often it was played for that.
    pub confirmed: (u32, u32),
}

impl Finding {
    /// A name for the case, and for its file.
    pub fn name(&self) -> String {
        let Failing { rule, act, .. } = &self.failing;
        format!("{rule}-{act}-{}", self.seed).to_lowercase()
    }

    /// A file with one case, which `gearbench replay` and `gearbench conform --cases` play.
    pub fn case(&self) -> String {
        let requirement = match self.failing.rule.strip_prefix("P-") {
            Some(_) => quoted(&self.failing.rule),
            None => String::new(),
        };
        let first = self.failing.text.lines().next().unwrap_or_default();
        let mut out = String::new();
        // A string takes every write.
        let _ = write!(
            out,
            "source = \"a generated session, seed {}\"\n\n[[case]]\n\
             id = {}\nrule = {}\nshows = [{requirement}]\nlevel = \"must\"\n\
             hazardous = {}\nscript = '''\n{}'''\n",
            self.seed,
            quoted(&self.name()),
            quoted(first),
            self.failing.died,
            self.script
        );
        out
    }
}

/// A string of a TOML file.
pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
