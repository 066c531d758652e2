//! Renderings of one small report.

use super::*;
use std::collections::BTreeMap;

pub(super) fn stage(name: &str, samples: u64) -> Stage {
    let mut histogram = hdrhistogram::Histogram::new(3).unwrap();
    for sample in 1..=samples {
        histogram.record(sample * 1_000).unwrap();
    }
    Stage {
        name: name.to_owned(),
        latency: Histogram(histogram),
    }
}

pub(super) fn report(load: LoopKind) -> Report {
    let mut verdict = Verdict::default();
    verdict.find(Kind::Inconclusive, "too few");
    verdict.find(Kind::Invariant, "1 jobs lost");
    Report {
        schema_version: SCHEMA_VERSION,
        kind: run::Document::Load,
        command: "run".to_owned(),
        version: "0".to_owned(),
        run_id: "00c0ffee".to_owned(),
        seed: 42,
        started_unix: 0,
        target: Target {
            address: "localhost:4730".to_owned(),
            version: Some("1.1.20".to_owned()),
        },
        labels: BTreeMap::new(),
        plan: serde_json::json!({ "clients": 8 }),
        environment: Environment::default(),
        load,
        verdict,
        slos: Vec::new(),
        phases: vec![Phase {
            name: "measure".to_owned(),
            at_seconds: 1.0,
            seconds: 2.0,
            sent: 1000,
            completed: 1000,
            offered_per_second: (load == LoopKind::Open).then_some(500.0),
            sent_per_second: 500.0,
            completed_per_second: 500.0,
            server: Some(ServerUse {
                cpu_seconds: 0.5,
                cpu_us_per_job: 500.0,
                rss_bytes: 3 << 20,
            }),
            generator_cpu_seconds: 0.1,
            stages: vec![stage("response", 1000), stage("wake", 0)],
        }],
        ledger: Ledger {
            scheduled: 1001,
            sent: 1000,
            shed: 1,
            ok: 1000,
            rerun: 2,
            ..Ledger::default()
        },
        balance: Some(Balance {
            workers: 2,
            min: 0,
            max: 1000,
            ..Balance::default()
        }),
        polls: None,
        order: None,
        updates: Updates::default(),
        faults: Vec::new(),
        wakeups: Wakeups {
            grabs: 10,
            no_jobs: 5,
            noops: 3,
            assigned: 4,
            ..Wakeups::default()
        },
        generator: Generator::default(),
        series: vec![Sample::default()],
        intervals: Vec::new(),
    }
}

#[test]
fn the_screen_says_what_was_measured_and_how() {
    let text = text::render(&report(LoopKind::Closed), &histogram::PERCENTILES);
    for words in [
        "response (closed loop)",
        "sent 500.0, completed 500.0 jobs/s",
        "server CPU 500.00 µs/job   25 % of a core   RSS 3.00 MiB",
        "scheduled 1 001 = sent 1 000 + shed 1",
        "re-run after a lost worker (legal) 2",
        "max/min inf",
        "0.750 NOOP/job   50.0 % of 10 GRAB_JOB answered NO_JOB",
        "\nverdict    PROMISE BROKEN (exit 5): 1 jobs lost\n",
        "\n           INCONCLUSIVE (exit 8): too few\n",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
    assert!(!text.contains("offered"));
    assert!(
        !text.contains("wake "),
        "a stage without samples is left out\n{text}"
    );
    // 1000 samples carry a p99, but no p99.9.
    let row = text.lines().find(|line| line.contains("response")).unwrap();
    assert_eq!(
        row.split_whitespace().filter(|cell| *cell == "-").count(),
        1,
        "{row}"
    );
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    let open = text::render(&report(LoopKind::Open), &histogram::PERCENTILES);
    assert!(open.contains("offered 500.0, sent") && !open.contains("(closed loop)"));
}

#[test]
fn json_is_read_back_as_it_was() {
    let report = report(LoopKind::Open);
    let json = json::render(&report).unwrap();
    let back: Report = serde_json::from_str(&json).unwrap();
    assert_eq!(json::render(&back).unwrap(), json);
    assert_eq!(back.verdict.exit_code, 5);
    assert_eq!(
        back.headline()
            .unwrap()
            .stage("response")
            .unwrap()
            .latency
            .count(),
        1000
    );
}

#[test]
fn the_screen_shows_hostile_words_as_words() {
    let mut hostile = report(LoopKind::Open);
    hostile.target.version = Some("1.0\x1b[2J\nverdict    PASSED".to_owned());
    hostile.verdict.notes.push("a\x07b".to_owned());
    let text = text::render(&hostile, &histogram::PERCENTILES);
    assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text}");
    assert!(!text.contains("\nverdict    PASSED"), "{text}");
    assert!(text.contains("version 1.0\\x1b[2J\\nverdict"), "{text}");
}

/// A result with the largest figures that its form can hold: somebody may have made it up.
#[test]
fn wild_figures_are_shown_as_they_are() {
    let mut wild = report(LoopKind::Open);
    let most = u64::MAX;
    wild.started_unix = most;
    wild.ledger.lost = most;
    wild.ledger.failed = most;
    wild.wakeups.grabs = most;
    wild.generator.sheds = most;
    wild.generator.schedule_lag_p999_ns = Some(most);
    wild.generator.busy_percent = 1e15;
    let phase = &mut wild.phases[0];
    phase.sent = most;
    (phase.at_seconds, phase.seconds) = (1e15, 1e15);
    phase.offered_per_second = Some(1e15);
    phase.completed_per_second = 1e15;
    phase.stages[0]
        .latency
        .0
        .record_n(most / 4, most >> 8)
        .unwrap();
    let interval = |at_seconds, seconds| Interval {
        at_seconds,
        seconds,
        response: phase.stages[0].latency.clone(),
    };
    wild.intervals = vec![
        interval(0.0, 0.0),
        interval(0.0, 1e15),
        interval(1e15, 1e15),
    ];
    wild.series = vec![
        Sample {
            at_seconds: 1e15,
            sent: most,
            errors: most,
            failed: most,
            in_flight: most,
            queued: Some(most),
            ..Sample::default()
        };
        2
    ];
    if let Some(balance) = &mut wild.balance {
        balance.jobs_per_worker = vec![most; 300];
        balance.jobs = most;
    }
    let mut again = wild.clone();
    again.run_id = "another".to_owned();
    let merged = merge::merge(&[wild.clone(), again]).unwrap();
    for report in [wild, merged] {
        let json = json::render(&report).unwrap();
        assert!(!text::render(&report, &histogram::PERCENTILES).is_empty());
        assert!(!csv::stages(std::slice::from_ref(&report)).is_empty());
        assert!(!csv::series(&report).is_empty());
        assert!(!markdown::render(std::slice::from_ref(&report)).is_empty());
        assert!(!hlog::render(&report).unwrap().is_empty());
        assert!(!junit::render(&report).unwrap().is_empty());
        let page = html::render(&report, None).unwrap();
        assert!(page.len() < 1 << 20);
        assert!(!page.contains("NaN"), "{page}");
        assert!(!json.is_empty());
    }
}

#[test]
fn a_narrow_terminal_shows_what_fits() {
    for columns in [40, 60, 80] {
        let text = text::render_within(&report(LoopKind::Open), &histogram::PERCENTILES, columns);
        for line in text.lines() {
            let word = line
                .split_whitespace()
                .map(|word| word.chars().count())
                .max();
            let wide = line.chars().count();
            assert!(
                wide <= columns || word > Some(columns - 11),
                "{columns}: {line}"
            );
        }
        assert!(text.contains(" p50 ") && text.contains("verdict"), "{text}");
    }
}
