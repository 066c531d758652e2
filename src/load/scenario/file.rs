//! Scenarios in files, and those that come with the program.

use super::Scenario;
use crate::diagnose::{FileError, nearest};
use crate::load::plan::{PlanError, RunId};
use std::collections::BTreeMap;
use std::io::Read;
use toml::Spanned;

/// Nobody writes a larger scenario, in bytes.
const LARGEST: u64 = 1 << 20;

/// Why there is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// None of that name comes with the program.
    #[error(
        "there is no scenario @{found}; the nearest is @{nearest}; `gearbench list scenarios` shows all"
    )]
    Unknown {
        /// What was asked for.
        found: String,
        /// One that there is.
        nearest: &'static str,
    },
    /// The file cannot be read.
    #[error("{file}: cannot read the scenario: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no scenario of ours.
    #[error("{file}: more than {LARGEST} bytes, which no scenario has")]
    TooLarge {
        /// The file.
        file: String,
    },
    /// It says nothing.
    #[error(
        "{file}: it says nothing, so it is no scenario; its keys are the long flags of `gearbench \
         run`, such as clients = 50"
    )]
    Empty {
        /// The file.
        file: String,
    },
    /// Something is wrong in it.
    #[error(transparent)]
    Wrong(#[from] Box<FileError>),
}

/// A scenario, and the text it was read from.
#[derive(Clone, Debug)]
pub struct Written {
    /// The file, or `@name`.
    pub origin: String,
    /// What it says.
    pub scenario: Scenario,
    text: String,
}

impl Written {
    /// The scenario of a file, or of a name that begins with `@`.
    pub fn open(origin: &str) -> Result<Self, ScenarioError> {
        let text = match origin.strip_prefix('@') {
            Some(name) => builtin(name)?.to_owned(),
            None => read(origin)?,
        };
        let written = Written::parse(origin, text).map_err(Box::new)?;
        match written.scenario == Scenario::default() {
            true => Err(ScenarioError::Empty {
                file: written.origin,
            }),
            false => Ok(written),
        }
    }

    /// The scenario that `text` describes; `origin` names it in errors.
    pub fn parse(origin: &str, text: String) -> Result<Self, FileError> {
        match toml::from_str(&text) {
            Ok(scenario) => Ok(Written {
                origin: origin.to_owned(),
                scenario,
                text,
            }),
            Err(error) => Err(FileError::toml(origin, &text, &error)),
        }
    }

    /// The place of a plan's error in this file: its own error, not one of what was laid over it.
    pub fn place(&self, error: &PlanError) -> Option<FileError> {
        let alone = self.scenario.clone().plan("localhost:4730", RunId(0), 0);
        if alone.err().as_ref() != Some(error) {
            return None;
        }
        let keys: BTreeMap<Spanned<String>, toml::Value> = toml::from_str(&self.text).ok()?;
        let key = keys
            .into_keys()
            .find(|key| key.get_ref() == error.option())?;
        let problem = error.to_string();
        Some(FileError::new(
            &self.origin,
            &self.text,
            key.span(),
            problem,
        ))
    }
}

fn read(path: &str) -> Result<String, ScenarioError> {
    let file = path.to_owned();
    let mut bytes = Vec::new();
    let read =
        std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes));
    if let Err(source) = read {
        return Err(ScenarioError::Read { file, source });
    }
    if bytes.len() as u64 > LARGEST {
        return Err(ScenarioError::TooLarge { file });
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let text = String::from_utf8_lossy(error.as_bytes());
        let problem = "not UTF-8: a scenario is a text file";
        Box::new(FileError::new(path, &text, at..at + 1, problem)).into()
    })
}

/// The text of the scenario of that name.
fn builtin(name: &str) -> Result<&'static str, ScenarioError> {
    let known = BUILTIN.iter().find(|(known, _)| *known == name);
    known.map(|(_, text)| *text).ok_or_else(|| {
        let names = BUILTIN.iter().map(|(name, _)| *name);
        ScenarioError::Unknown {
            found: name.to_owned(),
            nearest: nearest(name, names).unwrap_or_default(),
        }
    })
}

/// The names of all scenarios that come with the program.
pub fn names() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(name, _)| *name)
}

/// The files that come with the program.
macro_rules! builtin {
    ($($name:literal),+ $(,)?) => {
        const BUILTIN: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../bench-scenarios/", $name, ".toml")))),+
        ];
    };
}

builtin!(
    "fifo-throughput",
    "load-balancing",
    "latency-floor",
    "saturation",
    "spike",
    "backlog-drain",
    "large-payload",
    "tiny-jobs",
    "priority-mix",
    "coalescing-storm",
    "many-functions",
    "idle-workers",
    "idle-workers-10k",
    "thousand-clients",
    "background-only",
    "chunked-results",
    "status-pollers",
    "worker-churn",
    "slow-worker",
    "slow-reader",
    "fault-timeline",
    "soak",
    "image-resize",
    "push-notifications",
    "order-mail-batch",
    "log-aggregation",
    "video-encoding",
    "scheduled-sync",
    "mysql-to-redis",
    "cluster-monitoring",
);
