//! Which server is it? By what it says of itself and by what it cannot help saying.

use super::known::matches;
use super::{BUILTIN, Evidence, Profile};
use serde::Deserialize;

/// By what a server is recognised: all that is written has to hold. Of a list of patterns any one
/// has to; `*` stands for anything, `#` for a digit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rules {
    /// What it says to `version`.
    #[serde(default)]
    pub version: Vec<String>,
    /// What it says to the text command `gearbench`, which no server knows.
    #[serde(default)]
    pub refusal: Vec<String>,
    /// The error code with which it refuses the option `gearbench`.
    #[serde(default)]
    pub option: Vec<String>,
    /// What it says about the job `gearbench`: known, running, numerator and denominator.
    #[serde(default)]
    pub status: Vec<String>,
    /// Whether it answers ECHO_REQ.
    #[serde(default)]
    pub echo: Option<bool>,
}

impl Rules {
    /// Whether a server that left this evidence is meant. Rules that ask for nothing mean nobody.
    pub fn hold(&self, evidence: &Evidence) -> bool {
        let asked = *self != Rules::default();
        asked
            && holds(&self.version, evidence.version.as_deref())
            && holds(&self.refusal, evidence.refusal.as_deref())
            && holds(&self.option, evidence.option.as_deref())
            && holds(&self.status, evidence.status.as_deref())
            && (self.echo.is_none() || self.echo == evidence.echo)
    }
}

fn holds(patterns: &[String], found: Option<&str>) -> bool {
    let one = |found| patterns.iter().any(|pattern| matches(pattern, found));
    patterns.is_empty() || found.is_some_and(one)
}

/// The profile of the server that left this evidence, [`Profile::none`] if it is a stranger, and
/// the evidence in words.
pub fn detect(evidence: &Evidence) -> (Profile, Vec<String>) {
    let profiles = BUILTIN.iter().filter_map(|(name, text)| {
        // A test parses all of them.
        Profile::parse(name, text).ok()
    });
    let meant = |profile: &Profile| {
        let rules = profile.detect.as_ref();
        rules.is_some_and(|rules| rules.hold(evidence))
    };
    let profile = profiles.into_iter().find(meant);
    (profile.unwrap_or_else(Profile::none), evidence.sentences())
}
