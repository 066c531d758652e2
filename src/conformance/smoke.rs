//! The cases of `gearbench check`: a job's whole life in small pieces, harmless on a server that
//! others use.
//!
//! Names are kept in a namespace, every background job is run, abilities end with their
//! connection, and no command of the text protocol changes anything. A server that passes may do
//! so in any legal way; what only some servers promise is not asked here.

mod cases;

pub use cases::CASES;

use super::player::Failure;
use super::script::ScriptError;
use std::time::Duration;

/// A case: what it shows, and how.
#[derive(Debug)]
pub struct SmokeCase {
    /// Its name, which says the rule.
    pub id: &'static str,
    /// The requirements that it shows.
    pub requirements: &'static [&'static str],
    /// The transcript.
    pub script: &'static str,
}

/// What came of one case.
#[derive(Debug)]
pub struct SmokeResult {
    /// The case.
    pub case: &'static SmokeCase,
    /// Its outcome.
    pub verdict: SmokeVerdict,
    /// How long it took.
    pub took: Duration,
}

/// The outcome of a case.
#[derive(Debug)]
pub enum SmokeVerdict {
    /// Everything was as the script says.
    Passed,
    /// Something was not.
    Failed(Box<Failure>),
    /// It was not played.
    NotRun(NotRun),
}

/// Why a case was not played.
#[derive(Debug, thiserror::Error)]
pub enum NotRun {
    /// The caller wanted an end.
    #[error("interrupted")]
    Interrupted,
    /// The time for all cases was over.
    #[error("the time was over")]
    Deadline,
    /// No connection to the target could be opened any more.
    #[error("the target is unreachable")]
    Unreachable,
    /// The case itself is wrong.
    #[error(transparent)]
    Script(#[from] ScriptError),
}

#[cfg(feature = "net")]
mod run;
#[cfg(feature = "net")]
pub use run::smoke;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::memory::MemoryArm;
    use crate::conformance::player::{Delivery, Options, Player};
    use crate::conformance::{Namespace, Script};
    use crate::engine::Policy;
    use std::collections::BTreeSet;

    #[test]
    fn every_case_passes_on_the_engine_in_any_delivery() {
        for delivery in Delivery::ALL {
            let mut arm = MemoryArm::new(Policy::default());
            for case in CASES {
                let script: Script = case.script.parse().unwrap();
                let options = Options {
                    namespace: Namespace::new("smoke-"),
                    delivery,
                    ..Options::default()
                };
                if let Err(failure) = Player::new(&mut arm, options).play(&script) {
                    panic!("{}: {failure}", case.id);
                }
            }
            let left = "a > text \"show jobs\"\na < list {\n}".parse().unwrap();
            let outcome = Player::new(&mut arm, Options::default()).play(&left);
            assert!(outcome.is_ok(), "a case left a job behind: {outcome:?}");
        }
    }

    #[test]
    fn cases_have_different_names() {
        let ids: BTreeSet<&str> = CASES.iter().map(|case| case.id).collect();
        assert_eq!(ids.len(), CASES.len());
        assert!(CASES.iter().all(|case| !case.requirements.is_empty()));
    }
}
