//! What servers may lack, where they may differ, and how they can be set up.
//!
//! Three closed lists that cases and profiles share. A *feature* is something that a server has or
//! lacks: a case that needs it is skipped where it is lacking. A *choice* is a point where servers
//! legally differ: a case may need one option of it. A *setting* ([`Setting`]) is something that a
//! server can be started with.

mod settings;

pub use settings::{Setting, SettingError, Settings};

use crate::diagnose::nearest;
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// Something that a server has or lacks.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Feature {
    /// Its name in cases and profiles.
    pub name: &'static str,
    /// What a server that has it does.
    pub meaning: &'static str,
}

/// A point where servers legally differ.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice {
    /// Its name in cases and profiles.
    pub name: &'static str,
    /// What it is about.
    pub meaning: &'static str,
    /// The options; the first is the one of a server that says nothing about it.
    pub options: &'static [&'static str],
}

impl Feature {
    /// The feature of this name.
    pub fn find(name: &str) -> Result<&'static Feature, UnknownName> {
        let known = FEATURES.iter().find(|feature| feature.name == name);
        known.ok_or_else(|| {
            UnknownName::new("feature", name, FEATURES.iter().map(|feature| feature.name))
        })
    }
}

impl Choice {
    /// The choice of this name.
    pub fn find(name: &str) -> Result<&'static Choice, UnknownName> {
        let known = CHOICES.iter().find(|choice| choice.name == name);
        known.ok_or_else(|| {
            UnknownName::new("choice", name, CHOICES.iter().map(|choice| choice.name))
        })
    }

    /// The option of this name.
    pub fn option(&self, name: &str) -> Result<&'static str, UnknownName> {
        let known = self.options.iter().find(|option| **option == name);
        known.copied().ok_or_else(|| UnknownName {
            what: "option",
            found: name.to_owned(),
            of: format!(" of {}", self.name),
            hint: format!("it has {}", self.options.join(", ")),
        })
    }

    /// The option of a server that says nothing about it.
    pub fn default_option(&self) -> &'static str {
        self.options.first().copied().unwrap_or_default()
    }
}

/// A name that is not in its list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{found:?} is no {what}{of}; {hint}")]
pub struct UnknownName {
    /// What it should have named.
    what: &'static str,
    /// What was written.
    found: String,
    /// Of what it is no part, with a blank before it.
    of: String,
    /// What could have been written.
    hint: String,
}

impl UnknownName {
    fn new(what: &'static str, found: &str, names: impl IntoIterator<Item = &'static str>) -> Self {
        UnknownName {
            what,
            found: found.to_owned(),
            of: String::new(),
            hint: format!(
                "the nearest is {}",
                nearest(found, names).unwrap_or_default()
            ),
        }
    }
}

/// Reads a name of one of the lists; a mistake has the place of that very name.
struct Name<T>(fn(&str) -> Result<T, UnknownName>);

impl<T> Visitor<'_> for Name<T> {
    type Value = T;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<T, E> {
        (self.0)(name).map_err(E::custom)
    }
}

impl<'de> Deserialize<'de> for &'static Feature {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name(Feature::find))
    }
}

impl<'de> Deserialize<'de> for &'static Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name(Choice::find))
    }
}

impl<'de> Deserialize<'de> for Need {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Name(str::parse))
    }
}

/// What a case needs of a server: `reduce`, or `timeout=requeue`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// That it has this.
    Feature(&'static Feature),
    /// That it does this.
    Choice {
        /// The point.
        choice: &'static Choice,
        /// What it has to do there.
        option: &'static str,
    },
}

impl FromStr for Need {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        if let Some((choice, option)) = text.split_once('=') {
            let choice = Choice::find(choice.trim())?;
            let option = choice.option(option.trim())?;
            return Ok(Need::Choice { choice, option });
        }
        if let Ok(choice) = Choice::find(text) {
            return Err(UnknownName {
                what: "need",
                found: text.to_owned(),
                of: String::new(),
                hint: format!(
                    "as a choice it has an option: {}={}",
                    text,
                    choice.options.join("|")
                ),
            });
        }
        Feature::find(text).map(Need::Feature)
    }
}

impl Display for Need {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Need::Feature(feature) => f.write_str(feature.name),
            Need::Choice { choice, option } => write!(f, "{}={option}", choice.name),
        }
    }
}

/// The rows of a list, each a name and what it means.
macro_rules! features {
    ($($name:literal $meaning:literal)+) => {
        &[$(Feature { name: $name, meaning: $meaning }),+]
    };
}

/// All features.
#[rustfmt::skip]
pub static FEATURES: &[Feature] = features! {
    "echo"                    "ECHO_REQ is answered"
    "options"                 "OPTION_REQ is answered: OPTION_RES, or ERROR for an unknown option"
    "exceptions"              "WORK_EXCEPTION reaches a client that asked for exceptions"
    "background"              "SUBMIT_JOB_BG"
    "high"                    "SUBMIT_JOB_HIGH"
    "low"                     "SUBMIT_JOB_LOW"
    "low-and-high-background" "SUBMIT_JOB_LOW_BG and SUBMIT_JOB_HIGH_BG"
    "priority"                "the jobs of one function are given out by priority"
    "epoch"                   "SUBMIT_JOB_EPOCH: jobs that wait for their time"
    "reduce"                  "SUBMIT_REDUCE_JOB and SUBMIT_REDUCE_JOB_BACKGROUND, with four arguments"
    "grab"                    "GRAB_JOB"
    "grab-uniq"               "GRAB_JOB_UNIQ"
    "grab-all"                "GRAB_JOB_ALL"
    "can-do-timeout"          "CAN_DO_TIMEOUT: a job that runs for too long is taken away"
    "set-client-id"           "SET_CLIENT_ID names a connection in `workers`"
    "work-data"               "WORK_DATA is passed on"
    "work-warning"            "WORK_WARNING is passed on"
    "work-status"             "WORK_STATUS is passed on and remembered"
    "status-unique"           "GET_STATUS_UNIQUE"
    "coalesce"                "jobs with the same function and unique are one job"
    "coalesce-by-data"        "for the unique `-` the data is the key"
    "status"                  "`status` lists the functions"
    "prioritystatus"          "`prioritystatus` lists the functions' queued jobs by priority"
    "workers"                 "`workers` lists the connections"
    "maxqueue"                "`maxqueue` limits the jobs of a function"
    "version-text"            "`version` says the version"
    "unknown-text"            "an unknown text command is answered"
    "getpid"                  "`getpid` says the process id"
    "verbose"                 "`verbose` says the log level"
    "show-jobs"               "`show jobs` lists the jobs"
    "show-unique-jobs"        "`show unique jobs` lists the jobs' uniques"
    "cancel-job"              "`cancel job` removes a queued job"
    "create-function"         "`create function` lists a function without workers"
    "drop-function"           "`drop function` forgets a function"
    "http"                    "jobs are taken by HTTP on a port of its own"
    "store"                   "background jobs survive a restart"
    "tls"                     "connections can be encrypted"
};

/// The rows of a list, each a name, what it is about and the options.
macro_rules! choices {
    ($($name:literal [$($option:literal)+] $meaning:literal)+) => {
        &[$(Choice { name: $name, meaning: $meaning, options: &[$($option),+] }),+]
    };
}

/// All choices, the default of each first.
#[rustfmt::skip]
pub static CHOICES: &[Choice] = choices! {
    "worker-lost-foreground"      ["requeue" "fail"]
        "what becomes of a job that a client waits for when its worker is lost"
    "worker-lost-background"      ["requeue" "drop"]
        "what becomes of a background job when its worker is lost"
    "timeout"                     ["fail" "requeue" "none"]
        "what becomes of a job whose CAN_DO_TIMEOUT is over; `none`: it goes on"
    "abandoned"                   ["drop" "run"]
        "what becomes of a queued foreground job when its last client leaves"
    "wake"                        ["one" "some" "all"]
        "how many of the sleeping workers are woken for one job"
    "round-robin"                 ["yes" "no"]
        "whether a worker gets jobs of its functions in turn"
    "job-retries-zero"            ["once" "unlimited"]
        "what the setting job-retries = 0 means"
    "grab-all-without-reducer"    ["assign-uniq" "assign-all"]
        "how GRAB_JOB_ALL is answered for a job without a reducer"
    "joined-twice"                ["copies" "once"]
        "whether a client that submitted a job n times gets its packets once or n times"
};

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        text.parse::<Need>().unwrap_err().to_string()
    }

    #[test]
    fn every_name_is_a_need_and_none_is_two() {
        let features = FEATURES.iter().map(|feature| feature.name.to_owned());
        let choices = CHOICES.iter().flat_map(|choice| {
            let options = choice.options.iter();
            options.map(|option| format!("{}={option}", choice.name))
        });
        let names: Vec<String> = features.chain(choices).collect();
        for name in &names {
            assert_eq!(name.parse::<Need>().unwrap().to_string(), *name);
        }
        let mut once = names.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names.len());
    }

    #[test]
    fn a_mistake_is_named_with_what_was_meant() {
        assert_eq!(
            refused("grab-unique"),
            r#""grab-unique" is no feature; the nearest is grab-uniq"#
        );
        assert_eq!(
            refused("timeouts=fail"),
            r#""timeouts" is no choice; the nearest is timeout"#
        );
        assert_eq!(
            refused("timeout=failed"),
            r#""failed" is no option of timeout; it has fail, requeue, none"#
        );
        assert_eq!(
            refused("wake"),
            r#""wake" is no need; as a choice it has an option: wake=one|some|all"#
        );
    }
}
