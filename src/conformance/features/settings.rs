//! What a server can be started with, as far as cases ask for it.

use crate::diagnose::nearest;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use toml::{Table, Value};

/// The longest handle, and so the longest prefix that a server may take.
const LONGEST_PREFIX: usize = 63;

/// One thing that a server is started with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Setting {
    /// `job-retries = 3`: how often a job is handed out; -1 is no limit.
    JobRetries(i16),
    /// `worker-wakeup = 1`: how many sleeping workers a new job wakes; 0 is all.
    WorkerWakeup(u32),
    /// `round-robin = true`: a worker gets jobs of its functions in turn.
    RoundRobin,
    /// `exceptions = true`: connections begin with the option `exceptions` on.
    Exceptions,
    /// `handle-prefix = "P"`: what handles begin with.
    HandlePrefix(String),
    /// `store = true`: background jobs are kept in a file.
    Store,
    /// `http = true`: jobs are also taken by HTTP.
    Http,
    /// `ssl = true`: connections are encrypted.
    Ssl,
}

impl Setting {
    /// The names of all settings.
    pub const NAMES: [&str; 8] = [
        "job-retries",
        "worker-wakeup",
        "round-robin",
        "exceptions",
        "handle-prefix",
        "store",
        "http",
        "ssl",
    ];

    /// Reads one row of a `settings` table.
    pub fn new(name: &str, value: &Value) -> Result<Self, SettingError> {
        let wrong = |expected| SettingError::Value {
            name: name.to_owned(),
            expected,
            found: value.to_string(),
        };
        let on = |setting| match value.as_bool() {
            Some(true) => Ok(setting),
            _ => Err(wrong("true (or no such row)")),
        };
        match name {
            "job-retries" => number(value, -1..=1000)
                .map(Setting::JobRetries)
                .ok_or_else(|| wrong("a number from -1 to 1000")),
            "worker-wakeup" => number(value, 0..=1000)
                .map(Setting::WorkerWakeup)
                .ok_or_else(|| wrong("a number from 0 to 1000")),
            "round-robin" => on(Setting::RoundRobin),
            "exceptions" => on(Setting::Exceptions),
            "handle-prefix" => prefix(value)
                .map(Setting::HandlePrefix)
                .ok_or_else(|| wrong("1 to 63 visible ASCII characters without braces")),
            "store" => on(Setting::Store),
            "http" => on(Setting::Http),
            "ssl" => on(Setting::Ssl),
            _ => Err(SettingError::Unknown {
                found: name.to_owned(),
                nearest: nearest(name, Self::NAMES).unwrap_or_default(),
            }),
        }
    }

    /// Its name in cases and profiles.
    pub fn name(&self) -> &'static str {
        match self {
            Setting::JobRetries(_) => "job-retries",
            Setting::WorkerWakeup(_) => "worker-wakeup",
            Setting::RoundRobin => "round-robin",
            Setting::Exceptions => "exceptions",
            Setting::HandlePrefix(_) => "handle-prefix",
            Setting::Store => "store",
            Setting::Http => "http",
            Setting::Ssl => "ssl",
        }
    }

    /// What `{}` stands for in an argument of the server; nothing for what is only on.
    pub fn value(&self) -> Option<String> {
        match self {
            Setting::JobRetries(times) => Some(times.to_string()),
            Setting::WorkerWakeup(workers) => Some(workers.to_string()),
            Setting::HandlePrefix(prefix) => Some(prefix.clone()),
            _ => None,
        }
    }
}

fn number<N: TryFrom<i64>>(value: &Value, range: std::ops::RangeInclusive<i64>) -> Option<N> {
    let number = value.as_integer().filter(|number| range.contains(number))?;
    N::try_from(number).ok()
}

/// Braces are for the placeholders of an argument.
fn prefix(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = (1..=LONGEST_PREFIX).contains(&text.len());
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'{' && byte != b'}';
    (fits && text.bytes().all(plain)).then(|| text.to_owned())
}

impl Display for Setting {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.value() {
            Some(value) => write!(f, "{}={value}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

/// Why a row of a `settings` table means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such setting.
    #[error(
        "{found:?} is no setting; the nearest is {nearest}, of {}",
        Setting::NAMES.join(", ")
    )]
    Unknown {
        /// What was written.
        found: String,
        /// What was probably meant.
        nearest: &'static str,
    },
    /// It takes something else.
    #[error("{name} takes {expected}, not {found}")]
    Value {
        /// The setting.
        name: String,
        /// What it takes.
        expected: &'static str,
        /// What was written.
        found: String,
    },
}

/// What a server is started with: cases with equal settings share one.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Settings(BTreeSet<Setting>);

impl Settings {
    /// Reads a `settings` table.
    pub fn from_table(table: &Table) -> Result<Self, SettingError> {
        let rows = table.iter().map(|(name, value)| Setting::new(name, value));
        rows.collect::<Result<_, _>>().map(Settings)
    }

    /// The settings, always in the same order.
    pub fn iter(&self) -> impl Iterator<Item = &Setting> {
        self.0.iter()
    }

    /// Whether the server is started as it comes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Setting> for Settings {
    fn from_iter<I: IntoIterator<Item = Setting>>(all: I) -> Self {
        Settings(all.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Settings::from_table(&Table::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl Display for Settings {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, setting) in self.0.iter().enumerate() {
            let before = if place == 0 { "" } else { ", " };
            write!(f, "{before}{setting}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Case {
        settings: Settings,
    }

    fn settings(table: &str) -> Result<Settings, String> {
        let case: Result<Case, _> = toml::from_str(&format!("settings = {{ {table} }}"));
        case.map(|case| case.settings)
            .map_err(|error| error.message().to_owned())
    }

    #[test]
    fn the_order_of_rows_makes_no_other_settings() {
        let one = settings(r#"job-retries = 3, http = true, handle-prefix = "P""#).unwrap();
        let other = settings(r#"handle-prefix = "P", http = true, job-retries = 3"#).unwrap();
        assert_eq!(one, other);
        assert_eq!(one.to_string(), "job-retries=3, handle-prefix=P, http");
        assert!(settings("").unwrap().is_empty());
    }

    #[test]
    fn every_name_is_a_setting() {
        for name in Setting::NAMES {
            let values = [Value::from(1), Value::from(true), Value::from("P")];
            let taken = values
                .iter()
                .find_map(|value| Setting::new(name, value).ok());
            assert_eq!(taken.unwrap().name(), name);
        }
    }

    #[test]
    fn a_mistake_is_named_with_what_could_be_written() {
        assert_eq!(
            settings("job-retry = 3").unwrap_err(),
            "\"job-retry\" is no setting; the nearest is job-retries, of job-retries, \
             worker-wakeup, round-robin, exceptions, handle-prefix, store, http, ssl"
        );
        for (row, expected) in [
            (
                "job-retries = 1001",
                "job-retries takes a number from -1 to 1000, not 1001",
            ),
            (
                "job-retries = true",
                "job-retries takes a number from -1 to 1000, not true",
            ),
            (
                "worker-wakeup = -1",
                "worker-wakeup takes a number from 0 to 1000, not -1",
            ),
            (
                "http = false",
                "http takes true (or no such row), not false",
            ),
            (
                r#"handle-prefix = "{dir}""#,
                "handle-prefix takes 1 to 63 visible ASCII characters without braces, not \"{dir}\"",
            ),
        ] {
            assert_eq!(settings(row).unwrap_err(), expected);
        }
    }
}
