//! The page: its order, what it does without, and what it makes of hostile words.

use super::*;
use crate::report::tests::{report, stage};
use crate::report::{Fault, Histogram, Interval, Kind, Ledger, LoopKind, Sample, Verdict};

/// What the page must show, in the order in which a reader decides.
const ORDER: [&str; 12] = [
    "class=\"band ",
    "class=\"tiles\"",
    "<h2>Throughput over time</h2>",
    "<h2>Latency over time</h2>",
    "<h2>Latency by percentile</h2>",
    "<h2>Where the time goes</h2>",
    "<h2>Jobs per worker</h2>",
    "<h2>Order</h2>",
    "<h2>Wake-ups</h2>",
    "<h2>Where every job went</h2>",
    "<h2>Environment and method</h2>",
    "Made by gearbench",
];

/// A run with a course: seconds, intervals, enough samples for every picture.
fn long(seconds: u32) -> Report {
    let mut long = report(LoopKind::Open);
    long.phases[0].at_seconds = 0.0;
    long.phases[0].seconds = f64::from(seconds);
    long.phases[0].stages.push(stage("round_trip", 1000));
    let mut histogram = hdrhistogram::Histogram::new_with_bounds(1, 3_600_000_000_000, 2).unwrap();
    for n in 1..4000_u64 {
        histogram.record(n * n * 900).unwrap();
    }
    for second in 0..seconds {
        long.intervals.push(Interval {
            at_seconds: second.into(),
            seconds: 1.0,
            response: Histogram(histogram.clone()),
        });
        long.series.push(Sample {
            at_seconds: f64::from(second) + 1.05,
            sent: u64::from(second) * 1000,
            completed: u64::from(second) * 990,
            in_flight: u64::from(second) * 10,
            queued: (second % 7 > 0).then_some(5),
            ..Sample::default()
        });
    }
    if let Some(balance) = &mut long.balance {
        balance.jobs_per_worker = (0..10_000).collect();
    }
    long
}

#[track_caller]
fn in_order(page: &str) {
    let places = ORDER.map(|part| {
        page.find(part)
            .unwrap_or_else(|| panic!("no {part} in {page}"))
    });
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn the_page_is_in_the_order_of_decisions() {
    for page in [report(LoopKind::Closed), report(LoopKind::Open), long(40)] {
        in_order(&render(&page, None).unwrap());
    }
    let page = render(&long(40), None).unwrap();
    let pictures = page.matches("<svg ").count();
    // Six pictures, each for a desk and for a phone.
    assert_eq!(pictures, 12);
    assert_eq!(page.matches("role=\"img\" aria-label=\"").count(), pictures);
    assert_eq!(page.matches("</svg>").count(), pictures);
    for words in [
        "jobs&#x2f;s",
        "seconds since the first connection",
        "99 %",
        "p99",
        " ms<",
    ] {
        assert!(page.contains(words), "{words}");
    }
    assert!(!page.contains("NaN") && !page.contains("inf\""));
}

#[test]
fn one_file_without_scripts_and_network() {
    for page in [report(LoopKind::Open), long(3)] {
        let page = render(&page, None).unwrap().to_lowercase();
        for part in [
            "<script", "http:", "https:", "src=", "url(", "@import", "<link", "onload",
        ] {
            assert!(!page.contains(part), "{part}");
        }
    }
}

#[test]
fn a_long_run_makes_no_large_page() {
    let page = render(&long(600), None).unwrap();
    assert!(page.len() < 1 << 20, "{} bytes", page.len());
}

#[test]
fn a_run_that_measured_nothing_reads_well() {
    let mut empty = report(LoopKind::Open);
    empty.phases.clear();
    empty.series.clear();
    empty.intervals.clear();
    empty.balance = None;
    empty.wakeups = Default::default();
    empty.ledger = Ledger::default();
    empty.verdict = Verdict::default();
    empty
        .verdict
        .find(Kind::Inconclusive, "not a single job ended well");
    let page = render(&empty, None).unwrap();
    assert!(!page.contains("<svg "));
    for words in [
        "INCONCLUSIVE",
        "not a single job ended well",
        "No phase was measured.",
        "No job was answered.",
        "Nothing was measured.",
        "There were no workers.",
        "No worker asked for a job.",
    ] {
        assert!(page.contains(words), "{words}");
    }
}

#[test]
fn hostile_words_stay_words() {
    const HOSTILE: &str =
        "</style><script>alert(1)</script>\"'&<img src=x onerror=y>\u{1b}[2J\u{202e}";
    let mut hostile = long(3);
    hostile.target.address = HOSTILE.to_owned();
    hostile.target.version = Some(HOSTILE.to_owned());
    hostile
        .labels
        .insert(HOSTILE.to_owned(), HOSTILE.to_owned());
    hostile.plan = serde_json::json!({ HOSTILE: HOSTILE, "b": { HOSTILE: [HOSTILE] } });
    hostile.verdict.find(Kind::Target, HOSTILE);
    hostile.verdict.notes.push(HOSTILE.to_owned());
    hostile.environment.cpu = HOSTILE.to_owned();
    hostile.run_id = HOSTILE.to_owned();
    hostile.version = HOSTILE.to_owned();
    hostile.command = HOSTILE.to_owned();
    hostile.phases[0].name = HOSTILE.to_owned();
    hostile.phases[0].seconds = 1e6;
    hostile.phases[0].stages[0].name = HOSTILE.to_owned();
    let page = render(&hostile, None).unwrap();
    for part in ["<script", "<img", "\u{1b}", "\u{202e}"] {
        assert!(!page.contains(part), "{part:?}");
    }
    // Quotation marks would end an attribute.
    assert!(!page.contains("alert(1)</script>\""));
    assert!(page.matches("&lt;script&gt;alert(1)").count() > 12);
    assert_eq!(page.matches("</style>").count(), 1);
}

#[test]
fn conformance_has_its_place() {
    let conformance = crate::report::conform::examples::report();
    let page = render(&report(LoopKind::Open), Some(&conformance)).unwrap();
    in_order(&page);
    let place = |part| page.find(part).unwrap();
    assert!(place("<h2>Where every job went") < place("<h2>Conformance</h2>"));
    assert!(place("<h2>Conformance</h2>") < place("<h2>Environment and method"));
}

#[test]
fn faults_are_marked_and_listed() {
    let mut faulty = long(20);
    let fault = |at_seconds: f64, after: Option<f64>| Fault {
        fault: "kill-worker:every=5s,how=rst".to_owned(),
        at_seconds,
        connections: 2,
        jobs: 3,
        recovered_after_seconds: after,
        note: None,
    };
    faulty.faults = vec![fault(5.0, Some(0.25)), fault(10.0, None)];
    let page = render(&faulty, None).unwrap();
    // On three pictures over time, each for a desk and for a phone.
    assert_eq!(page.matches("class=\"fault\"").count(), 2 * 6);
    assert_eq!(page.matches("class=\"recovery\"").count(), 6);
    for words in [
        "What went wrong on purpose",
        "5.00 s",
        "250 ms",
        "not seen",
        "how=rst",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let text = crate::report::text::render(&faulty, &[50.0]);
    let line = "faults     5.0 s kill-worker:every=5s,how=rst   2 connections   3 jobs";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("over after 250 ms") && text.contains("not over"),
        "{text}"
    );
}
