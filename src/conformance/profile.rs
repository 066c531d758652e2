//! What is known about a server: what it lacks, how it decides where servers differ, how it is
//! started with settings, and where it is known to fail.
//!
//! A profile is a TOML file. It never makes a case easier: it says which cases are asked, and of
//! which failures it is known, with a reason and a source, that and how they happen.

mod detect;
mod divergence;
mod error;
mod evidence;
mod known;
mod settings;

pub use detect::{Rules, detect};
pub use divergence::{KnownDivergence, Treatment};
pub use error::ProfileError;
pub use evidence::Evidence;
pub use known::Known;
pub(in crate::conformance) use known::matches as glob;
pub use settings::Templates;

use super::features::{Choice, Feature, Need, Settings};
use serde::{Deserialize, Deserializer, de};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A row of [`BUILTIN`].
macro_rules! builtin {
    ($name:literal) => {
        (
            $name,
            include_str!(concat!("../../conformance/profiles/", $name, ".toml")),
        )
    };
}

/// The profiles that come with the program, by name; in the order in which they are tried on a
/// server's evidence.
const BUILTIN: &[(&str, &str)] = &[
    builtin!("gearbench"),
    builtin!("gearmand-1.1"),
    builtin!("gearmand-2.0"),
    builtin!("perl-gearman-server"),
    builtin!("python-gear"),
    builtin!("rustygeard"),
];

/// The name of [`Profile::none`].
const NONE: &str = "none";

/// What is known about a server.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    /// Its name, the one of its file.
    pub name: String,
    /// The server and its versions, for people.
    pub title: String,
    /// What the server is called in front of the version that it tells.
    pub make: String,
    /// Where the knowledge comes from, and what to mind.
    pub about: String,
    /// By what such a server is recognised; without rules it has to be named.
    #[serde(default)]
    pub detect: Option<Rules>,
    /// What the server does not have.
    #[serde(default)]
    pub lacks: BTreeSet<&'static Feature>,
    /// What it does where servers legally differ, as far as it is not the default.
    #[serde(default, deserialize_with = "choices")]
    pub choices: BTreeMap<&'static Choice, &'static str>,
    /// The arguments that start it with a setting.
    #[serde(default)]
    pub settings: Templates,
    /// Whether it promises what is special to C gearmand, so that cases of level `observed` count.
    #[serde(default)]
    pub quirks: bool,
    /// Failures that are known.
    #[serde(default)]
    pub known: Vec<Known>,
    /// Where generated sessions are known to part from the model.
    #[serde(default)]
    pub divergence: Vec<KnownDivergence>,
}

impl Profile {
    /// The profile of a server about which nothing is known: it lacks nothing, decides like the
    /// default, and has no excuse.
    pub fn none() -> Self {
        Profile {
            name: NONE.to_owned(),
            title: "any server, by the letter".to_owned(),
            make: "a Gearman server of unknown make".to_owned(),
            about: "Nothing is taken to be lacking, and no failure to be known.".to_owned(),
            detect: None,
            lacks: BTreeSet::new(),
            choices: BTreeMap::new(),
            settings: Templates::default(),
            quirks: false,
            known: Vec::new(),
            divergence: Vec::new(),
        }
    }

    /// The names of the profiles that come with the program, `none` the last of them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILTIN.iter().map(|(name, _)| *name).chain([NONE])
    }

    /// A profile that comes with the program.
    pub fn builtin(name: &str) -> Result<Self, ProfileError> {
        if name == NONE {
            return Ok(Self::none());
        }
        let known = BUILTIN.iter().find(|(known, _)| *known == name);
        let (_, text) = known.ok_or_else(|| ProfileError::Unknown {
            found: name.to_owned(),
            known: Self::names().collect::<Vec<_>>().join(", "),
        })?;
        Self::parse(name, text)
    }

    /// The profile in a file.
    pub fn from_file(path: &Path) -> Result<Self, ProfileError> {
        let text = fs::read_to_string(path).map_err(|source| ProfileError::Read {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Parses a profile; `origin` is named in errors.
    pub fn parse(origin: &str, text: &str) -> Result<Self, ProfileError> {
        toml::from_str(text).map_err(|error| ProfileError::parse(origin, text, &error))
    }

    /// Whether the server has a feature.
    pub fn has(&self, feature: &'static Feature) -> bool {
        !self.lacks.contains(feature)
    }

    /// What the server does where servers legally differ.
    pub fn choice(&self, choice: &'static Choice) -> &'static str {
        let made = self.choices.get(choice).copied();
        made.unwrap_or_else(|| choice.default_option())
    }

    /// Whether the server is what a case needs.
    pub fn meets(&self, need: Need) -> bool {
        match need {
            Need::Feature(feature) => self.has(feature),
            Need::Choice { choice, option } => self.choice(choice) == option,
        }
    }

    /// What is known to fail of this case, delivered in this way.
    pub fn known_for<'a>(
        &'a self,
        case: &'a str,
        split: &'a str,
    ) -> impl Iterator<Item = &'a Known> {
        let known = self.known.iter();
        known.filter(move |known| known.covers(case, split))
    }

    /// The arguments that start the server with these settings, placeholders of the launcher left
    /// in them; or the name of a setting that it does not have.
    pub fn arguments(&self, settings: &Settings) -> Result<Vec<String>, &'static str> {
        self.settings.arguments(settings)
    }
}

/// Reads `timeout = "requeue"`.
fn choices<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<&'static Choice, &'static str>, D::Error> {
    let rows = BTreeMap::<&'static Choice, String>::deserialize(deserializer)?;
    let rows = rows.into_iter().map(|(choice, option)| {
        let option = choice.option(&option).map_err(de::Error::custom)?;
        Ok((choice, option))
    });
    rows.collect()
}

#[cfg(test)]
mod tests;
