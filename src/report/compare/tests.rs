//! Runs made up from known distributions, whose differences are known.

use super::*;
use crate::report::tests::report;
use crate::report::{Histogram, Interval as Second, LoopKind, Sample, Stage};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};

const SECONDS: usize = 60;
const JOBS: usize = 2000;

fn empty() -> Histogram {
    Histogram(hdrhistogram::Histogram::new_with_bounds(1, 3_600_000_000_000, 3).unwrap())
}

/// A minute in which each second is slow or fast like the one before it: the level of the latency
/// and the jobs completed follow an autoregressive process. The slowest two percent of the jobs
/// take `tail` times as long.
fn run(seed: u64, tail: f64) -> Report {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let noise = Normal::new(0.0, 1.0).unwrap();
    let latency = LogNormal::new(14.0, 0.4).unwrap();
    let mut report = report(LoopKind::Open);
    report.verdict = Verdict::default();
    report.run_id = format!("{seed:08x}");
    report.series = vec![Sample::default()];
    let (mut level, mut completed, mut whole) = (0.0_f64, 0_u64, empty());
    for second in 0..SECONDS {
        level = 0.7 * level + noise.sample(&mut random) * 0.7;
        let mut response = empty();
        for _ in 0..JOBS {
            let mut ns: f64 = latency.sample(&mut random) * (0.03 * level).exp();
            if random.random_bool(0.02) {
                ns = ns * 4.0 * tail;
            }
            response.0.record(ns as u64).unwrap();
        }
        whole.merge(&response);
        completed += (JOBS as f64 * (1.0 - 0.02 * level)) as u64;
        report.intervals.push(Second {
            at_seconds: second as f64,
            seconds: 1.0,
            response,
        });
        report.series.push(Sample {
            at_seconds: second as f64 + 1.0,
            completed,
            ..Sample::default()
        });
    }
    let phase = &mut report.phases[0];
    (phase.at_seconds, phase.seconds) = (0.0, SECONDS as f64);
    phase.completed_per_second = completed as f64 / SECONDS as f64;
    phase.stages = vec![Stage {
        name: "response".to_owned(),
        latency: whole,
    }];
    report
}

fn side(name: &str, runs: impl IntoIterator<Item = Report>) -> Side {
    Side {
        name: name.to_owned(),
        runs: runs.into_iter().collect(),
    }
}

fn options(gates: &[&str]) -> Options {
    Options {
        confidence: 99.0,
        least_effect: 5.0,
        gates: gates.iter().map(|gate| gate.parse().unwrap()).collect(),
        anyway: false,
    }
}

fn judgement(comparison: &Comparison, metric: &str) -> Judgement {
    let differences = &comparison.others[0].differences;
    let found = differences.iter().find(|d| d.metric.to_string() == metric);
    found.unwrap().judgement
}

#[test]
fn ten_pairs_of_the_same_are_quiet() {
    for pair in 0..10 {
        let sides = [
            side("a", [run(2 * pair, 1.0)]),
            side("b", [run(2 * pair + 1, 1.0)]),
        ];
        let gates = ["response.p99:+5%", "response.p50:+5%", "throughput:-5%"];
        let comparison = compare(&sides, &options(&gates)).unwrap();
        let text = text(&comparison);
        assert_eq!(comparison.verdict.exit_code, 0, "{text}");
        assert!(text.contains("no difference that counts"), "{text}");
    }
}

#[test]
fn a_tenth_more_at_p99_is_found_in_each_of_ten_pairs() {
    for pair in 0..10 {
        let sides = [
            side("a", [run(2 * pair, 1.0)]),
            side("b", [run(2 * pair + 1, 1.12)]),
        ];
        let gates = ["response.p99:+5%", "response.p50:+5%", "throughput:-5%"];
        let comparison = compare(&sides, &options(&gates)).unwrap();
        let text = text(&comparison);
        assert_eq!(comparison.verdict.exit_code, 7, "{text}");
        assert_eq!(
            judgement(&comparison, "response.p99"),
            Judgement::Worse,
            "{text}"
        );
        assert_eq!(
            judgement(&comparison, "response.p50"),
            Judgement::Same,
            "{text}"
        );
        assert_eq!(comparison.verdict.findings.len(), 1, "{text}");
    }
}

#[test]
fn several_runs_a_side_are_judged_by_what_differs_between_them() {
    let runs = |first: u64, tail| (first..first + 4).map(move |seed| run(seed, tail));
    let worse = [side("a", runs(0, 1.0)), side("b", runs(4, 1.15))];
    let comparison = compare(&worse, &options(&["response.p99:+5%"])).unwrap();
    assert_eq!(comparison.verdict.exit_code, 7, "{}", text(&comparison));
    let same = [side("a", runs(0, 1.0)), side("b", runs(4, 1.0))];
    let comparison = compare(&same, &options(&["response.p99:+5%"])).unwrap();
    assert_eq!(comparison.verdict.exit_code, 0, "{}", text(&comparison));
    // A side whose own runs differ that much says nothing about a tenth.
    let wild = [0.5, 2.0, 0.7, 1.6].into_iter().zip(8..);
    let wild = wild.map(|(tail, seed)| run(seed, tail));
    let noisy = [side("a", wild), side("b", runs(4, 1.4))];
    let comparison = compare(&noisy, &options(&["response.p99:+0%"])).unwrap();
    assert_eq!(judgement(&comparison, "response.p99"), Judgement::Same);
    assert_eq!(comparison.verdict.exit_code, 8, "{}", text(&comparison));
    assert!(
        text(&comparison).contains("may be noise"),
        "{}",
        text(&comparison)
    );
}

#[test]
fn dependent_seconds_make_the_interval_wider_than_independent_jobs_do() {
    let width = |even: bool| {
        let mut runs = [run(0, 1.0), run(1, 1.0)];
        if even {
            for run in &mut runs {
                let whole = run.phases[0].stage("response").unwrap().latency.clone();
                run.intervals
                    .iter_mut()
                    .for_each(|second| second.response = whole.clone());
            }
        }
        let [a, b] = runs;
        let comparison = compare(&[side("a", [a]), side("b", [b])], &options(&[])).unwrap();
        let mut all = comparison.others[0].differences.iter();
        let median = all
            .find(|d| d.metric.to_string() == "response.p50")
            .unwrap();
        let interval = median.interval.unwrap();
        interval.high.unwrap() - interval.low.unwrap()
    };
    assert!(
        width(false) > 2.0 * width(true),
        "{} {}",
        width(false),
        width(true)
    );
}

#[test]
fn a_run_of_few_seconds_says_nothing_about_a_percentile() {
    let short = |seed, tail| {
        let mut run = run(seed, tail);
        run.intervals.truncate(5);
        run
    };
    let sides = [side("a", [short(0, 1.0)]), side("b", [short(1, 2.0)])];
    let comparison = compare(&sides, &options(&["response.p99:+10%"])).unwrap();
    assert_eq!(judgement(&comparison, "response.p99"), Judgement::Unknown);
    assert_eq!(comparison.verdict.exit_code, 8, "{}", text(&comparison));
    assert!(text(&comparison).contains("fewer than 8 whole seconds"));
}

#[test]
fn unlike_runs_are_refused_by_the_names_of_what_differs() {
    let mut other = run(1, 1.0);
    other.plan["clients"] = 9.into();
    other.plan["seed"] = 7.into();
    other.plan["target"] = "elsewhere:4730".into();
    other.load = LoopKind::Closed;
    let sides = [side("a", [run(0, 1.0)]), side("b", [other])];
    let refusal = compare(&sides, &options(&[])).unwrap_err().to_string();
    for words in [
        "load (\"open\", \"closed\")",
        "plan.clients (8, 9)",
        "--anyway",
    ] {
        assert!(refusal.contains(words), "{words}: {refusal}");
    }
    assert!(
        !refusal.contains("seed") && !refusal.contains("target"),
        "{refusal}"
    );
    let anyway = Options {
        anyway: true,
        ..options(&[])
    };
    assert!(compare(&sides, &anyway).is_ok());
}

#[test]
fn a_run_that_was_no_measurement_makes_the_comparison_none() {
    let mut other = run(1, 1.0);
    other
        .verdict
        .find(Kind::Generator, "the generator was late");
    let comparison = compare(
        &[side("a", [run(0, 1.0)]), side("b", [other])],
        &options(&[]),
    );
    let comparison = comparison.unwrap();
    assert_eq!(comparison.verdict.exit_code, 8);
    assert!(text(&comparison).contains("the generator was late"));
}

#[test]
fn what_has_no_interval_breaks_no_gate_and_passes_none() {
    let mut other = run(1, 1.0);
    other.phases[0].server.as_mut().unwrap().cpu_us_per_job *= 2.0;
    let sides = [side("a", [run(0, 1.0)]), side("b", [other])];
    let gates = ["cpu_us_per_job:+10%", "wake.p99:+10%"];
    let comparison = compare(&sides, &options(&gates)).unwrap();
    assert_eq!(comparison.verdict.exit_code, 8);
    let text = text(&comparison);
    for words in ["two runs or more tell", "no such figure"] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn gates_are_read_and_printed() {
    for text in [
        "response.p99:+10%",
        "throughput:-5%",
        "errors:+0.1%",
        "queue_wait.p99.9:+25%",
    ] {
        assert_eq!(text.parse::<Gate>().unwrap().to_string(), text);
    }
    for (text, words) in [
        ("response.p99", "response.p99:+10%"),
        ("response.p99:-5%", "for the worse"),
        ("throughput:+5%", "for the worse"),
        ("respnse.p99:+5%", "cpu_us_per_job"),
        ("response.p100:+5%", "cpu_us_per_job"),
        ("response.p99:+NaN%", "response.p99:+10%"),
        (":", "cpu_us_per_job"),
    ] {
        let error = text.parse::<Gate>().unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

#[test]
fn the_published_schema_is_that_of_the_types() {
    document::is_published("bench-scenarios/compare.schema.json", &schema().unwrap());
}
