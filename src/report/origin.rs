//! Where results of several runs come from.

use super::{Environment, Report, Target, quantity};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What all results of several runs have in common with those of one.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The subcommand.
    pub command: String,
    /// Version of gearbench.
    pub version: String,
    /// Tells these results from others.
    pub id: String,
    /// When the first run began, in seconds since 1970.
    pub started_unix: u64,
    /// Who was driven.
    pub target: Target,
    /// The machine the generator ran on.
    pub environment: Environment,
    /// The same seed sends the same jobs.
    pub seed: u64,
    /// The plan that all runs have in common; what differs between them is that of the first.
    pub plan: serde_json::Value,
}

impl Origin {
    /// That of runs to come; `plan` is what they have in common.
    pub fn new(command: &str, target: &str, seed: u64, plan: serde_json::Value) -> Self {
        Origin {
            command: command.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            target: Target {
                address: target.to_owned(),
                version: None,
            },
            seed,
            plan,
            ..Origin::default()
        }
    }

    /// Takes over what only a run knows, from the first one.
    pub fn learn(&mut self, report: &Report) {
        if self.id.is_empty() {
            self.id = report.run_id.clone();
            self.started_unix = report.started_unix;
            self.target.version = report.target.version.clone();
            self.environment = report.environment.clone();
        }
    }

    /// The name of a directory for these results, which sorts by time: `<UTC time>-<command>-<id>`.
    pub fn directory(&self) -> String {
        directory(&self.command, &self.id, self.started_unix)
    }
}

/// `<UTC time>-<command>-<id>`
pub fn directory(command: &str, id: &str, started_unix: u64) -> String {
    format!("{}-{command}-{id}", stamp(started_unix))
}

/// `20261123T185631Z`.
fn stamp(unix: u64) -> String {
    let [year, month, day, hour, minute, second] = quantity::civil(unix);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_sort_by_time() {
        assert_eq!(directory("run", "a", 0), "19700101T000000Z-run-a");
        assert_eq!(stamp(951_782_400), "20000229T000000Z");
        assert_eq!(stamp(1_795_460_191), "20261123T185631Z");
    }
}
