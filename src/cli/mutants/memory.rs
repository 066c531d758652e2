//! The engine in memory: all cases, and generated sessions.

use super::super::signals::Interruption;
use super::kill::{Kill, Passed};
use super::{Delivery, Info, Suite};
use crate::conformance::case::Case;
use crate::conformance::generate::{self, Failure, Weights, draw};
use crate::conformance::memory::MemoryArm;
use crate::conformance::profile::Profile;
use crate::conformance::runner::{self, Control, Options, Place};
use crate::engine::Policy;
use crate::model::Rules;
use crate::mutants::Defect;
use crate::report::conform::CaseResult;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// Where it is played.
const CASES: &str = "memory";
const SESSIONS: &str = "sessions";
/// Steps of a session.
const STEPS: usize = 120;
/// How long an answer may take; in memory none does.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is played in memory.
pub(super) struct Memory<'s> {
    cases: Vec<&'s Case>,
    sessions: u32,
    stop: Arc<AtomicBool>,
}

impl<'s> Memory<'s> {
    pub(super) fn new(suite: &'s Suite, sessions: u32, interruption: &Interruption) -> Self {
        Memory {
            cases: suite.cases().iter().collect(),
            sessions,
            stop: interruption.stop(),
        }
    }

    /// What fails without a defect.
    pub(super) fn baseline(&self, run: u64, passed: &mut Passed) -> Vec<String> {
        let results = play(&self.cases, &Delivery::ALL, self);
        let mut alarms = passed.learn(&results);
        let first = run * u64::from(self.sessions);
        let failure = self.first_failure(first);
        alarms.extend(failure.map(|(seed, failure)| format!("session {seed}: {failure}")));
        alarms
    }

    /// Who notices the defect: cases as they stand, else in other deliveries; and sessions.
    pub(super) fn hunt(&self, info: &Info, passed: &Passed) -> Vec<Kill> {
        let defect = Defect(Some(info.mutant));
        defect.around(|| {
            let [whole, others @ ..] = Delivery::ALL;
            let mut kills = passed.kills(CASES, &play(&self.cases, &[whole], self));
            if kills.is_empty() {
                kills = passed.kills(CASES, &play(&self.cases, &others, self));
            }
            let diverged = self.first_failure(0);
            kills.extend(diverged.map(|(seed, failure)| Kill {
                arm: SESSIONS,
                by: format!("session {seed}"),
                rules: vec![rule(&failure).to_owned()],
            }));
            kills
        })
    }

    /// The first session from this seed on that the model does not allow.
    fn first_failure(&self, first: u64) -> Option<(u64, Failure)> {
        let seeds = first..first + u64::from(self.sessions);
        let mut going = seeds.take_while(|_| !self.stop.load(Relaxed));
        going.find_map(|seed| Some((seed, session(seed).err()?)))
    }
}

/// The requirement that a failed session shows broken.
fn rule(failure: &Failure) -> &'static str {
    match failure {
        Failure::Divergence { divergence, .. } => divergence.rule,
        Failure::Silent { .. } | Failure::Arm(_) => "P-FRAME-01",
    }
}

impl Control for Memory<'_> {
    fn stopped(&self) -> Option<&'static str> {
        self.stop.load(Relaxed).then_some("interrupted")
    }

    fn played(&self, _: &CaseResult, _: usize) {}
}

/// Plays cases on engines of their own.
pub(super) fn play(cases: &[&Case], splits: &[Delivery], control: &dyn Control) -> Vec<CaseResult> {
    let options = Options {
        // The file is part of the program: without it the baseline says so.
        profile: Profile::builtin("gearbench").unwrap_or_else(|_| Profile::none()),
        splits: splits.to_vec(),
        hazardous: true,
        timeout: PATIENCE,
        parallel: 2,
        namespace: String::new(),
        repeat: String::new(),
        keep_traces: false,
    };
    runner::run(cases, &Place::Memory, &options, control).results
}

/// Plays a generated session.
pub(super) fn session(seed: u64) -> Result<(), Failure> {
    let job_retries = [None, Some(2)][usize::from(seed % 2 == 1)];
    let policy = Policy {
        job_retries,
        ..Policy::default()
    };
    let rules = Rules {
        job_retries,
        ..Rules::default()
    };
    let ops = draw(seed, STEPS, Weights::ALL);
    generate::play(&mut MemoryArm::new(policy), rules, "", &ops).result
}
