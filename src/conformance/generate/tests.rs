//! Generated sessions on the engine in memory, as properties: what fails is shrunk.

use super::{Kind, Op, Shrink, Weights, draw, play};
use crate::conformance::memory::MemoryArm;
use crate::conformance::player::Options;
use crate::conformance::{Player, Script};
use crate::engine::Policy;
use crate::model::Rules;
use crate::protocol::Priority;
use proptest::prelude::*;
use proptest::strategy::{NewTree, ValueTree};
use proptest::test_runner::TestRunner;
use std::num::NonZeroU32;

const STEPS: usize = 120;

/// Sessions of [`STEPS`] steps.
#[derive(Debug)]
struct Sessions;

#[derive(Debug)]
struct Tree(Shrink<Op>);

impl Strategy for Sessions {
    type Tree = Tree;
    type Value = Vec<Op>;

    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Self> {
        let seed = runner.rng().next_u64();
        Ok(Tree(Shrink::new(draw(seed, STEPS, Weights::ALL))))
    }
}

impl ValueTree for Tree {
    type Value = Vec<Op>;

    fn current(&self) -> Vec<Op> {
        self.0.candidate()
    }

    fn simplify(&mut self) -> bool {
        self.0.fails()
    }

    fn complicate(&mut self) -> bool {
        self.0.passes()
    }
}

fn policies() -> impl Strategy<Value = (Option<u8>, Option<NonZeroU32>, bool)> {
    let retries = prop_oneof![Just(None), (0..4_u8).prop_map(Some)];
    let wakeup = prop_oneof![Just(None), (1..3_u32).prop_map(NonZeroU32::new)];
    (retries, wakeup, any::<bool>())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]
    #[test]
    fn the_engine_does_what_the_model_allows(
        ops in Sessions,
        (job_retries, worker_wakeup, exceptions) in policies(),
    ) {
        let policy = Policy { job_retries, worker_wakeup, exceptions, ..Policy::default() };
        let rules = Rules { job_retries, exceptions, ..Rules::default() };
        let played = play(&mut MemoryArm::new(policy), rules, "", &ops);
        if let Err(failure) = &played.result {
            prop_assert!(false, "{failure}\n{}", played.script(""));
        }
    }
}

/// Sessions go where something happens: jobs are run, and some are left.
#[test]
fn sessions_get_somewhere() {
    let (mut jobs, mut assigned) = (0, 0);
    for seed in 0..100 {
        let ops = draw(seed, STEPS, Weights::ALL);
        assert_eq!(ops, draw(seed, STEPS, Weights::ALL));
        let mut arm = MemoryArm::new(Policy::default());
        let played = play(&mut arm, Rules::default(), "", &ops);
        played.result.unwrap();
        jobs += played.jobs_left;
        assigned += played.assigned;
    }
    assert!(jobs > 500, "{jobs} jobs were left");
    assert!(assigned > 500, "{assigned} jobs were handed out");
}

/// What was said in a session is a script, which reads back and plays again.
#[test]
fn sessions_are_scripts() {
    for seed in 0..100 {
        let ops = draw(seed, STEPS, Weights::ALL);
        let mut arm = MemoryArm::new(Policy::default());
        let script = play(&mut arm, Rules::default(), "", &ops).script("");
        let text = script.to_string();
        let read: Script = match text.parse() {
            Ok(read) => read,
            Err(error) => panic!("seed {seed}: {error}\n{text}"),
        };
        assert_eq!(read.to_string(), text);
        let mut arm = MemoryArm::new(Policy::default());
        if let Err(failure) = Player::new(&mut arm, Options::default()).play(&read) {
            panic!("seed {seed}: {failure}\n{text}");
        }
    }
}

/// Under any names: a unique of 64 bytes is one of 64 bytes, and stands in scripts as what is not
/// named anew when they are played again.
#[test]
fn a_long_unique_keeps_its_length() {
    let submission = Op::Act {
        peer: 0,
        kind: Kind::Submit {
            function: 0,
            unique: 2,
            body: 1,
            priority: Priority::Normal,
            background: true,
            epoch: None,
            reduce: false,
        },
    };
    for prefix in ["", "a-", "a-much-longer-prefix-of-all-names-"] {
        let mut arm = MemoryArm::new(Policy::default());
        let played = play(
            &mut arm,
            Rules::default(),
            prefix,
            std::slice::from_ref(&submission),
        );
        played.result.as_ref().unwrap();
        let script = played.script(prefix).to_string();
        let (_, word) = script.split_once("SUBMIT_JOB_BG a \"").unwrap();
        assert_eq!(&word[8..11], "\"*8", "{script}");
    }
}

/// What is left out of sessions is in none of them.
#[test]
fn sessions_leave_out_what_they_are_told_to() {
    let weights = Weights {
        without: super::subject::all().collect(),
        ..Weights::ALL
    };
    for seed in 0..20 {
        for op in draw(seed, STEPS, weights) {
            if let Op::Act { kind, .. } = op {
                assert!(kind.subjects().is_empty(), "{kind:?}");
            }
        }
    }
}
