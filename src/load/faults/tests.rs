//! When faults happen, to whom, and what is reported of them.

use super::*;
use crate::load::plan::RunId;

fn plan(faults: &[&str], threads: usize) -> Plan {
    let mut plan = Plan::new("t", RunId(1), 5);
    plan.faults = faults
        .iter()
        .map(|text| text.parse().expect("a fault"))
        .collect();
    plan.threads = threads;
    plan
}

fn everybody(count: u32) -> Vec<Actor> {
    (0..count).map(Actor::Worker).collect()
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn times_are_those_of_the_plan() {
    let plan = plan(
        &[
            "kill-worker:at=1s",
            "kill-client:every=2s",
            "churn:at=1s,every=3s",
        ],
        1,
    );
    let mut faults = Faults::new(&plan, 0);
    let mut seen = Vec::new();
    for second in 0..=7 {
        for (which, turn) in faults.take_due(second * SECOND) {
            seen.push((second, which, turn));
        }
    }
    let times = |which| -> Vec<u64> {
        let of = seen.iter().filter(|(_, w, _)| *w == which);
        of.map(|(second, ..)| *second).collect()
    };
    assert_eq!(times(0), [1]);
    assert_eq!(times(1), [2, 4, 6]);
    assert_eq!(times(2), [1, 4, 7]);
    assert_eq!(faults.next(), Some(8 * SECOND));
}

#[test]
fn the_seed_decides_to_whom() {
    let plan = plan(&["kill-worker:at=1s,count=3"], 1);
    let draw = |seed| {
        let mut plan = plan.clone();
        plan.seed = seed;
        let mut faults = Faults::new(&plan, 0);
        faults.victims(&plan.faults[0], 0, everybody(1000))
    };
    assert_eq!(draw(1).len(), 3);
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
}

#[test]
fn a_number_is_that_of_all_threads_and_a_share_that_of_each() {
    let plan = plan(
        &[
            "kill-worker:at=1s,count=5",
            "stall-worker:at=1s,for=1s,share=10%",
        ],
        3,
    );
    for turn in 0..4 {
        let count = |which: usize| -> Vec<usize> {
            let on = |shard| {
                let mut faults = Faults::new(&plan, shard);
                faults
                    .victims(&plan.faults[which], turn, everybody(15))
                    .len()
            };
            (0..3).map(on).collect()
        };
        assert_eq!(count(0).iter().sum::<usize>(), 5, "turn {turn}");
        assert_eq!(count(1), [2, 2, 2]);
    }
    let mut faults = Faults::new(&plan, 0);
    assert!(faults.victims(&plan.faults[0], 0, Vec::new()).is_empty());
}

#[test]
fn what_happened_on_all_threads_is_one_and_over_when_it_is_over_on_all() {
    let one = |turn, at, recovered_after| Happened {
        which: (0, turn),
        fault: "kill-worker".to_owned(),
        at: at * SECOND,
        connections: 2,
        jobs: 3,
        recovered_after,
    };
    let shards = [
        vec![one(0, 1, Some(SECOND)), one(1, 5, Some(SECOND))],
        vec![one(0, 1, Some(2 * SECOND)), one(1, 4, None)],
    ];
    let report = report(shards.into_iter());
    let rows: Vec<_> = report
        .iter()
        .map(|f| {
            (
                f.at_seconds,
                f.connections,
                f.jobs,
                f.recovered_after_seconds,
            )
        })
        .collect();
    assert_eq!(rows, [(1.0, 4, 6, Some(2.0)), (4.0, 4, 6, None)]);
}
