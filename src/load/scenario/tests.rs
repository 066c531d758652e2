//! A plan written down is the same plan when read again.

use super::*;
use crate::load::plan::{Bound, Cut, FaultKind, LoadPhase, Metric, Rate};
use crate::load::recorder;
use crate::protocol::GrabKind;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use std::fmt::{Debug, Display};
use std::str::FromStr;

fn time() -> impl Strategy<Value = Duration> {
    (
        1..3_000_000_u64,
        prop_oneof![Just(1), Just(1000), Just(1_000_000_u64)],
    )
        .prop_map(|(count, unit)| Duration::from_nanos(count * unit))
}

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![(1..100_000_u32).prop_map(f64::from), 0.02..1e6_f64]
}

fn percent() -> impl Strategy<Value = f64> {
    prop_oneof![(0..=50_u32).prop_map(f64::from), 0.0..50.0_f64]
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![
        (24..5000_u32, 0..5000_u32).prop_map(|(min, more)| Size::Range {
            min,
            max: min + more
        }),
        (24..5000_u32, 0.0..1.5_f64).prop_map(|(median, sigma)| Size::LogNormal { median, sigma }),
    ]
}

fn service() -> impl Strategy<Value = ServiceTime> {
    prop_oneof![
        Just(ServiceTime::None),
        time().prop_map(ServiceTime::Fixed),
        time().prop_map(ServiceTime::Exponential),
        (time(), 0.0..1.5_f64).prop_map(|(median, sigma)| ServiceTime::LogNormal { median, sigma }),
    ]
}

fn arrival() -> impl Strategy<Value = Arrival> {
    prop_oneof![
        Just(Arrival::Constant),
        Just(Arrival::Poisson),
        (1..u32::MAX).prop_map(Arrival::Burst),
    ]
}

fn unique() -> impl Strategy<Value = Unique> {
    let pool = (1..1_000_000_u64).prop_map(Unique::Pool);
    prop_oneof![Just(Unique::None), Just(Unique::Each), pool]
}

fn phases() -> impl Strategy<Value = Phases> {
    let kind = prop_oneof![
        rate().prop_map(Rate::Steady),
        (rate(), rate()).prop_map(|(from, to)| Rate::Ramp { from, to }),
    ];
    let phase = ("[a-z][a-z0-9 -]{0,20}[a-z]", kind, time());
    let phase = phase.prop_map(|(name, rate, duration)| LoadPhase {
        name,
        rate,
        duration,
    });
    vec(phase, 1..4).prop_map(Phases)
}

fn fault() -> impl Strategy<Value = Fault> {
    let cut = prop_oneof![Just(Cut::Fin), Just(Cut::Rst)];
    let kill = (
        option::of(time()),
        time(),
        option::of(1..9_u64),
        option::of(cut),
    )
        .prop_map(|(at, every, count, how)| Fault {
            kind: FaultKind::KillWorker,
            at,
            every: Some(every),
            count,
            share: None,
            length: None,
            how,
        });
    let slow = (time(), time(), option::of(percent())).prop_map(|(at, length, share)| Fault {
        kind: FaultKind::SlowReader,
        at: Some(at),
        every: None,
        count: None,
        share,
        length: Some(length),
        how: None,
    });
    prop_oneof![kill, slow]
}

fn slo() -> impl Strategy<Value = Slo> {
    let stage = (0..recorder::NAMES.len()).prop_map(|index| recorder::NAMES[index]);
    let latency = (stage, 0.0..=100.0_f64, time()).prop_map(|(stage, percentile, limit)| Slo {
        metric: Metric::Latency { stage, percentile },
        bound: Bound::Below,
        limit: limit.as_nanos() as f64,
    });
    let throughput = rate().prop_map(|limit| Slo {
        metric: Metric::Throughput,
        bound: Bound::AtLeast,
        limit,
    });
    let errors = percent().prop_map(|limit| Slo {
        metric: Metric::Errors,
        bound: Bound::AtMost,
        limit,
    });
    prop_oneof![latency, throughput, errors]
}

/// Plans that say something of everything.
fn plan() -> impl Strategy<Value = Plan> {
    let pace = prop_oneof![
        (1..100_usize).prop_map(|outstanding| Pace::Closed { outstanding }),
        (rate(), arrival()).prop_map(|(rate, arrival)| Pace::Open { rate, arrival }),
    ];
    let load = (
        any::<u64>(),
        pace,
        option::of(phases()),
        option::of(time()),
        time(),
    );
    let jobs = (size(), size(), percent(), unique(), option::of(time()));
    let workers = (service(), 0..9_u32, percent(), 0..64_u8);
    let checks = (vec(fault(), 0..3), vec(slo(), 0..3), option::of(time()));
    (load, jobs, workers, checks).prop_map(|(load, jobs, workers, checks)| {
        let mut plan = Plan::new("localhost:4730", RunId(1), load.0);
        plan.question = Some("Does \"it\" = hold?\n# yes".to_owned());
        plan.pace = load.1;
        plan.phases = load.2.unwrap_or_default();
        (plan.duration, plan.timeout) = (load.3, load.4);
        plan.grab = Grab(GrabKind::All);
        (plan.payload, plan.result) = (jobs.0, jobs.1);
        (plan.background_percent, plan.unique, plan.epoch) = (jobs.2, jobs.3, jobs.4);
        plan.priority = Mix([1, 8, 3]);
        plan.reduce = Some("sum".to_owned());
        (plan.service, plan.chunks, plan.fail_percent) = (workers.0, workers.1, workers.2);
        plan.exception_percent = workers.2;
        let names = [
            "lost",
            "phantom",
            "duplicated",
            "wrong-body",
            "failed",
            "order",
        ];
        let chosen = names.iter().enumerate();
        let chosen = chosen.filter(|(bit, _)| workers.3 >> bit & 1 == 1);
        let chosen: Vec<&str> = chosen.map(|(_, name)| *name).collect();
        if !chosen.is_empty() {
            plan.invariants = chosen.join(",").parse().expect("a list");
        }
        (plan.faults, plan.slos, plan.abort_after) = checks;
        plan.labels
            .insert("host".to_owned(), "a = \"b\"".to_owned());
        plan
    })
}

fn reads_as_it_prints<T>(value: &T)
where
    T: FromStr + Display + PartialEq + Debug,
    T::Err: Debug,
{
    let text = value.to_string();
    assert_eq!(text.parse::<T>().expect(&text), *value, "{text}");
}

proptest! {
    #[test]
    fn every_choice_reads_as_it_prints(
        (arrival, unique, size, service) in (arrival(), unique(), size(), service()),
        (phases, fault, slo) in (phases(), fault(), slo()),
    ) {
        reads_as_it_prints(&arrival);
        reads_as_it_prints(&unique);
        reads_as_it_prints(&size);
        reads_as_it_prints(&service);
        reads_as_it_prints(&phases);
        reads_as_it_prints(&fault);
        reads_as_it_prints(&slo);
    }

    #[test]
    fn a_plan_written_down_is_a_scenario_of_the_same_plan(plan in plan()) {
        // What follows from the rest is filled in; what is refused is still a plan.
        let mut plan = plan;
        plan.fill_in();
        let written = toml::to_string(&plan).expect("TOML");
        let read: Scenario = toml::from_str(&written).expect(&written);
        let again = read.unchecked("elsewhere:1", RunId(1), 9).expect("no contradiction");
        prop_assert_eq!(&again, &plan, "{}", written);
        let json = serde_json::to_value(&plan).expect("JSON");
        let read: Scenario = serde_json::from_value(json).expect("a scenario");
        prop_assert_eq!(read.unchecked("elsewhere:1", RunId(1), 9).expect("the same"), plan);
    }
}

#[test]
fn what_is_laid_over_wins() {
    let file: Scenario = toml::from_str("rate = \"5k\"\nclients = 3\nworkers = 4").expect("TOML");
    let flags: Scenario = toml::from_str("phases = \"1k:1s\"\nclients = 9").expect("TOML");
    let both = flags.over(file.clone());
    assert_eq!(
        (both.rate, both.clients, both.workers),
        (None, Some(9), Some(4))
    );
    assert!(both.phases.is_some());
    let closed: Scenario = toml::from_str("outstanding = 5").expect("TOML");
    let plan = closed.over(file).plan("t:1", RunId(1), 1).expect("a plan");
    assert_eq!(plan.pace, Pace::Closed { outstanding: 5 });
}

#[test]
fn a_duration_stretches_the_phases() {
    let text = "duration = \"3s\"\nphases = \"1k:10s,1k..3k:20s\"";
    let scenario: Scenario = toml::from_str(text).expect("TOML");
    let plan = scenario.unchecked("t:1", RunId(1), 1).expect("a plan");
    let times: Vec<u64> = plan
        .phases
        .0
        .iter()
        .map(|phase| phase.duration.as_secs())
        .collect();
    assert_eq!(times, [1, 2]);
    let arrival = Arrival::Constant;
    let rate = 5000.0 / 3.0;
    assert_eq!(plan.pace, Pace::Open { rate, arrival });
}
