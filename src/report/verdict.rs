//! What a run comes to: findings, each with the exit code it stands for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What kind of thing was found. The order is that of precedence: the first that applies gives
/// the exit code.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A user or a supervisor ended the run; what was measured until then stands.
    Interrupted,
    /// gearbench contradicts itself.
    Internal,
    /// The request made no sense.
    Usage,
    /// The target is gone, or no Gearman server.
    Target,
    /// Lost, phantom, duplicated, wrong body, order.
    Invariant,
    /// An unexpected conformance result.
    Conformance,
    /// A service level was missed.
    Slo,
    /// Worse than a baseline.
    Regression,
    /// The target did not do enough of what was asked for the figures to say something.
    Inconclusive,
    /// The generator was the limit: the figures say nothing about the target.
    Generator,
}

impl Kind {
    /// The exit code; the table is in `gearbench explain exit`.
    pub const fn code(self) -> u8 {
        match self {
            Kind::Interrupted => 130,
            Kind::Internal => 1,
            Kind::Usage => 2,
            Kind::Target => 3,
            Kind::Conformance => 4,
            Kind::Invariant => 5,
            Kind::Slo => 6,
            Kind::Regression => 7,
            Kind::Inconclusive | Kind::Generator => 8,
        }
    }
}

/// One thing that keeps a run from having passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Its kind.
    pub kind: Kind,
    /// Its exit code.
    pub code: u8,
    /// A sentence with the figures.
    pub text: String,
}

/// All findings, and the exit code they come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// 0, or the code of the finding that takes precedence.
    pub exit_code: u8,
    /// What was found, the most severe first.
    pub findings: Vec<Finding>,
    /// What a reader should know, though nothing failed.
    pub notes: Vec<String>,
}

impl Kind {
    /// What a finding of this kind says about the whole, in capitals.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Interrupted => "INTERRUPTED",
            Kind::Internal => "INTERNAL ERROR",
            Kind::Usage => "NOTHING MEASURED",
            Kind::Target => "TARGET FAILED",
            Kind::Invariant => "PROMISE BROKEN",
            Kind::Conformance => "NOT CONFORMANT",
            Kind::Slo => "SLO MISSED",
            Kind::Regression => "REGRESSION",
            Kind::Inconclusive | Kind::Generator => "INCONCLUSIVE",
        }
    }

    /// Whether it says something against the target, and not only about what was measured.
    pub const fn is_failure(self) -> bool {
        !matches!(
            self,
            Kind::Interrupted | Kind::Usage | Kind::Inconclusive | Kind::Generator
        )
    }
}

impl Verdict {
    /// What it comes to, in capitals.
    pub fn word(&self) -> &'static str {
        self.findings
            .first()
            .map_or("PASSED", |first| first.kind.word())
    }

    /// Adds a finding.
    pub fn find(&mut self, kind: Kind, text: impl Into<String>) {
        self.findings.push(Finding {
            kind,
            code: kind.code(),
            text: text.into(),
        });
        self.findings.sort_by_key(|finding| finding.kind);
        self.exit_code = self.findings.first().map_or(0, |finding| finding.code);
    }

    /// Whether everything asked for passed.
    pub fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_severe_finding_gives_the_code() {
        let mut verdict = Verdict::default();
        assert!(verdict.passed());
        for (kind, code) in [
            (Kind::Inconclusive, 8),
            (Kind::Slo, 6),
            (Kind::Conformance, 4),
            (Kind::Invariant, 5),
            (Kind::Target, 3),
            (Kind::Usage, 2),
            (Kind::Internal, 1),
        ] {
            verdict.find(kind, "x");
            assert_eq!(verdict.exit_code, code);
        }
        assert_eq!(verdict.findings.len(), 7);
    }
}
