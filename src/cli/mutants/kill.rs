//! Rules that fail because of a defect.

use crate::report::conform::{CaseResult, Verdict};
use serde::Serialize;
use std::collections::BTreeSet;

/// A rule that failed with a defect and holds without.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Kill {
    /// Where it was played.
    pub(super) arm: &'static str,
    /// The case, the session or the check.
    pub(super) by: String,
    /// The requirements that it shows broken.
    pub(super) rules: Vec<String>,
}

/// The cases that pass without a defect, by id and split.
#[derive(Debug, Default)]
pub(super) struct Passed(BTreeSet<(String, String)>);

impl Passed {
    /// Takes in results without a defect; those that are a failure of their own.
    pub(super) fn learn(&mut self, results: &[CaseResult]) -> Vec<String> {
        let key = |result: &CaseResult| (result.id.clone(), result.split.clone());
        let passed = results.iter().filter(|r| r.verdict == Verdict::Pass);
        self.0.extend(passed.map(key));
        let bad = results.iter().filter(|result| result.verdict.is_bad());
        bad.map(|r| format!("{} ({}): {:?}", r.id, r.split, r.verdict))
            .collect()
    }

    /// Those that do not pass any more: also where a rule binds nobody but was kept.
    pub(super) fn kills(&self, arm: &'static str, results: &[CaseResult]) -> Vec<Kill> {
        let fails = |result: &&CaseResult| {
            let key = (result.id.clone(), result.split.clone());
            matches!(result.verdict, Verdict::Fail | Verdict::Note) && self.0.contains(&key)
        };
        let kill = |result: &CaseResult| Kill {
            arm,
            by: result.id.clone(),
            rules: result.requirements.clone(),
        };
        results.iter().filter(fails).map(kill).collect()
    }
}
