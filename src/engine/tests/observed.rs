//! The cases of level `observed`, which other servers need not keep: what the engine keeps of
//! gearmand's ways, and what it does not.

use crate::conformance::case::{Case, Level};
use crate::conformance::player::Delivery;
use crate::conformance::profile::Profile;
use crate::conformance::runner::{Control, Options, Place, run};
use crate::conformance::suite::Suite;
use crate::report::conform::{CaseResult, Verdict};
use std::collections::BTreeSet;
use std::time::Duration;

/// Where the engine differs from gearmand, by decision.
const DIFFERENT: &[&str] = &[
    "admin/cancelled-job-is-remembered",
    "admin/drop-function-without-case",
    "admin/unknown-command-by-name",
    "admin/workers-lists-functions-last-first",
    "disconnect/retries-are-shown",
    "framing/missing-argument-takes-the-next-packet",
    "framing/unknown-type-ends-the-connection",
    "order/last-function-first",
    "order/round-robin-turns",
    "order/three-lost-jobs",
    "reduce/three-arguments",
    "wakeup/one-job-wakes-all-sleepers",
    "work/failure-with-more-behind-the-handle",
    "work/progress-of-32-bits",
    "worker/client-id-with-spaces",
    "worker/sleep-cancels-the-limit",
];

/// What a test wants of a run: everything.
struct All;

impl Control for All {
    fn stopped(&self) -> Option<&'static str> {
        None
    }

    fn played(&self, _: &CaseResult, _: usize) {}
}

#[test]
fn differs_from_gearmand_only_by_decision() {
    let suite = Suite::builtin().unwrap();
    let observed = |case: &&Case| case.level == Level::Observed;
    let cases: Vec<&Case> = suite.cases().iter().filter(observed).collect();
    let options = Options {
        profile: Profile::builtin("gearbench").unwrap(),
        splits: vec![Delivery::Whole],
        hazardous: true,
        timeout: Duration::from_secs(30),
        parallel: 1,
        namespace: "observed-".to_owned(),
        repeat: String::new(),
        keep_traces: false,
    };
    let results = run(&cases, &Place::Memory, &options, &All).results;
    let with = |verdict| {
        let those = results
            .iter()
            .filter(move |result| result.verdict == verdict);
        those
            .map(|result| result.id.as_str())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(with(Verdict::Note), DIFFERENT.iter().copied().collect());
    let passed = with(Verdict::Pass).len();
    assert!(passed > 40, "only {passed} cases pass");
    let skipped = with(Verdict::Skip).len();
    assert_eq!(DIFFERENT.len() + passed + skipped, cases.len());
}
