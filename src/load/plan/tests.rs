//! Plans, and the words their choices are written in.

use super::*;
use std::str::FromStr;

fn plan() -> Plan {
    Plan::new("localhost:4730", RunId(1), 1)
}

#[test]
fn choices_print_as_they_are_read() {
    fn same<T: FromStr + fmt::Display>(text: &str) {
        let value: T = text.parse().ok().unwrap();
        assert_eq!(value.to_string(), text);
    }
    same::<Arrival>("poisson");
    same::<Unique>("each");
    same::<Grab>("classic");
    same::<Size>("64..4096");
    same::<Size>("64");
    same::<Mix>("high=1,normal=8,low=1");
    same::<ServiceTime>("none");
    same::<ServiceTime>("exp:5ms");
}

#[test]
fn nonsense_is_refused_with_what_was_expected() {
    assert!("4k..64".parse::<Size>().is_err());
    assert!("urgent=1".parse::<Mix>().is_err());
    assert!("high=0".parse::<Mix>().is_err());
    assert!("high=4294967295,low=1".parse::<Mix>().is_err());
    let error = "fixed".parse::<ServiceTime>().unwrap_err();
    assert!(error.to_string().contains("fixed:1ms"));
}

#[test]
fn plans_that_cannot_work_are_refused() {
    let refused = |change: fn(&mut Plan)| {
        let mut plan = plan();
        change(&mut plan);
        plan.resolve().unwrap_err()
    };
    assert_eq!(refused(|p| p.clients = 0), PlanError::NothingToDo);
    assert!(matches!(
        refused(|p| p.workers = 0),
        PlanError::NobodyAnswers { .. }
    ));
    assert!(matches!(
        refused(|p| p.payload = Size::fixed(3)),
        PlanError::BodyTooSmall {
            what: "payload",
            ..
        }
    ));
    assert!(matches!(
        refused(|p| p.result = Size::fixed(3)),
        PlanError::BodyTooSmall { what: "result", .. }
    ));
    assert_eq!(
        refused(|p| p.prefetch = 0),
        PlanError::Zero { what: "prefetch" }
    );
    assert!(matches!(
        refused(|p| p.threads = 9),
        PlanError::TooManyThreads { .. }
    ));
}

#[test]
fn shards_add_up_to_the_plan() {
    let mut plan = plan();
    (plan.clients, plan.workers, plan.threads) = (10, 7, 3);
    (plan.jobs, plan.backlog) = (Some(100), 11);
    let shards: Vec<Plan> = (0..3).map(|shard| plan.shard(shard)).collect();
    assert_eq!(shards.iter().map(|p| p.clients).sum::<usize>(), 10);
    assert_eq!(shards.iter().map(|p| p.workers).sum::<usize>(), 7);
    assert_eq!(shards.iter().filter_map(|p| p.jobs).sum::<u64>(), 100);
    assert_eq!(shards.iter().map(|p| p.backlog).sum::<u64>(), 11);
}

#[test]
fn only_a_plan_without_an_end_is_given_one() {
    assert_eq!(
        plan().resolve().unwrap().duration,
        Some(Duration::from_secs(10))
    );
    let mut jobs = plan();
    jobs.jobs = Some(5);
    assert_eq!(jobs.resolve().unwrap().duration, None);
    let mut backlog = plan();
    backlog.backlog = 5;
    assert!(!backlog.resolve().unwrap().measures());
}
