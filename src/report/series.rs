//! Several runs of one plan: repeated, or on two servers in turn.

use super::Report;
use super::compare::headline::{self, Headline, Spread};
use super::document;
use schemars::JsonSchema;
use serde::Serialize;

/// The same run several times over.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Repetition {
    kind: RepetitionDocument,
    /// Grows when a field changes its meaning or goes.
    schema_version: u32,
    /// The plan of all runs.
    plan: serde_json::Value,
    /// The runs, in order; one that was interrupted among them.
    runs: Vec<Headline>,
    /// How the figures of the whole runs spread.
    spread: Vec<Spread>,
    /// Of all runs the one that comes first.
    exit_code: u8,
}

/// The kind of this document.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum RepetitionDocument {
    Repetition,
}

/// The same runs on two servers in turn.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Versus {
    kind: VersusDocument,
    /// Grows when a field changes its meaning or goes.
    schema_version: u32,
    /// The plan of all runs.
    plan: serde_json::Value,
    /// One server.
    a: Contender,
    /// The other.
    b: Contender,
    /// The ratios b / a of each pair.
    ratios: Vec<Spread>,
    /// Of all runs the one that comes first.
    exit_code: u8,
}

/// The kind of this document.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum VersusDocument {
    Versus,
}

/// One of two servers.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Contender {
    /// Its address, or the command that started it.
    name: String,
    /// Its runs of whole pairs, in order.
    runs: Vec<Headline>,
}

impl Repetition {
    /// That of runs; `whole` are those that came to their end.
    pub fn new(
        plan: serde_json::Value,
        runs: &[Report],
        spread: Vec<Spread>,
        exit_code: u8,
    ) -> Self {
        Repetition {
            kind: RepetitionDocument::Repetition,
            schema_version: 1,
            plan,
            runs: runs.iter().map(Headline::of).collect(),
            spread,
            exit_code,
        }
    }

    /// All of it.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        document::indented(self)
    }

    /// The JSON Schema of it.
    pub fn schema() -> Result<String, serde_json::Error> {
        document::schema::<Self>("Results of gearbench run --repeat")
    }
}

impl Versus {
    /// That of pairs.
    pub fn new(
        plan: serde_json::Value,
        names: &[String; 2],
        pairs: &[[Report; 2]],
        exit_code: u8,
    ) -> Self {
        let contender = |side: usize| Contender {
            name: names[side].clone(),
            runs: pairs.iter().map(|pair| Headline::of(&pair[side])).collect(),
        };
        Versus {
            kind: VersusDocument::Versus,
            schema_version: 1,
            plan,
            a: contender(0),
            b: contender(1),
            ratios: headline::ratios(pairs),
            exit_code,
        }
    }

    /// All of it.
    pub fn json(&self) -> Result<String, serde_json::Error> {
        document::indented(self)
    }

    /// The JSON Schema of it.
    pub fn schema() -> Result<String, serde_json::Error> {
        document::schema::<Self>("Results of gearbench versus")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_schemas_are_those_of_the_types() {
        let repetition = Repetition::schema().unwrap();
        document::is_published("bench-scenarios/repeat.schema.json", &repetition);
        let versus = Versus::schema().unwrap();
        document::is_published("bench-scenarios/versus.schema.json", &versus);
    }
}
