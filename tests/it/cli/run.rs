//! `gearbench run`: jobs by the thousand, every one of them in the books, and files that others
//! can read.

use super::{BOUND, exits, on, read, rows_of_ours, run_into};
use crate::support::{Gearmand, Serve, Server, TempDir, require_or_skip, run_with_deadline};
use base64::Engine as _;
use gearbench::report::SCHEMA_VERSION;
use serde_json::Value;

/// A kind of load, its flags, and how many jobs it comes to.
struct Load {
    flags: &'static str,
    jobs: u64,
    /// The phase that the figures come from.
    phase: &'static str,
    /// Whether somebody waits for the answers.
    answered: bool,
}

const LOADS: [Load; 5] = [
    Load {
        flags: "--jobs 3k --duration 60s --clients 4 --workers 4 --outstanding 8 --drain 60s",
        jobs: 3000,
        phase: "measure",
        answered: true,
    },
    Load {
        flags: "--jobs 2k --duration 60s --rate 4k --arrival poisson --threads 2 --drain 60s",
        jobs: 2000,
        phase: "measure",
        answered: true,
    },
    Load {
        flags: "--jobs 2k --duration 60s --background 100 --workers 2 --functions 3 --drain 60s",
        jobs: 2000,
        phase: "measure",
        answered: false,
    },
    Load {
        flags: "--jobs 2k --duration 60s --background 50 --payload 24..5k --result 24..9k --unique each \
                --priority high=1,normal=2,low=1 --prefetch 3 --grab all --drain 60s",
        jobs: 2000,
        phase: "measure",
        answered: true,
    },
    Load {
        flags: "--clients 0 --backlog 3k --workers 3 --drain 60s",
        jobs: 3000,
        phase: "backlog",
        answered: false,
    },
];

#[track_caller]
fn number(value: &Value, name: &str) -> u64 {
    let number = value[name].as_u64();
    number.unwrap_or_else(|| panic!("{name} is no number in {value}"))
}

/// The books add up, and nothing is missing in them.
fn books_are_good(books: &Value, jobs: u64) {
    let sum = |names: &[&str]| -> u64 { names.iter().map(|name| number(books, name)).sum() };
    assert_eq!(sum(&["scheduled"]), sum(&["sent", "shed"]), "{books}");
    let ends = ["ok", "failed", "error", "timeout", "in_flight"];
    assert_eq!(sum(&["sent"]), sum(&ends), "{books}");
    assert_eq!(sum(&["scheduled"]), jobs, "{books}");
    assert_eq!(sum(&["ok", "shed"]), jobs, "{books}");
    for name in [
        "lost",
        "phantom",
        "duplicated",
        "wrong_body",
        "still_queued",
    ] {
        assert_eq!(number(books, name), 0, "{name}: {books}");
    }
}

/// Every answer is in the interval in which it came.
fn intervals_hold_all(report: &Value, answered: u64) {
    let intervals = report["intervals"].as_array().expect("intervals");
    let latencies = intervals.iter().map(|interval| &interval["response"]);
    let samples: u64 = latencies.map(|latency| decodes(latency).len()).sum();
    assert_eq!(samples, answered);
    let at: Vec<f64> = intervals
        .iter()
        .filter_map(|interval| interval["at_seconds"].as_f64())
        .collect();
    assert!(at.is_sorted() && at.len() == intervals.len(), "{at:?}");
}

/// A histogram is what its figures say, and HDR of version 2 for everybody else.
fn decodes(latency: &Value) -> hdrhistogram::Histogram<u64> {
    assert_eq!(latency["unit"], "ns");
    let text = latency["hdr_v2_base64"].as_str().expect("text");
    let standard = base64::engine::general_purpose::STANDARD;
    let bytes = standard.decode(text).expect("base64");
    let histogram: hdrhistogram::Histogram<u64> = hdrhistogram::serialization::Deserializer::new()
        .deserialize(&mut bytes.as_slice())
        .expect("a histogram");
    assert_eq!(histogram.len(), number(latency, "count"));
    assert_eq!(histogram.max(), number(latency, "max"));
    for (percentile, value) in latency["percentiles"].as_object().expect("percentiles") {
        let percentile = percentile.parse().expect("a percentile");
        assert_eq!(
            Some(histogram.value_at_percentile(percentile)),
            value.as_u64()
        );
    }
    histogram
}

/// The exit code is 0; or that of a machine too busy to keep a schedule, and nothing else.
fn passed(report: &Value, code: Option<i32>) {
    let verdict = &report["verdict"];
    assert_eq!(verdict["exit_code"].as_i64(), code.map(Into::into));
    if report["load"] == "closed" {
        assert_eq!(code, Some(0), "{verdict}");
    }
    for finding in verdict["findings"].as_array().expect("findings") {
        let text = finding["text"].as_str().unwrap_or_default();
        assert!(
            text.starts_with("the generator was late") || text.contains("jobs were not sent"),
            "{verdict}"
        );
    }
}

fn loads_are_accounted_for(server: &impl Server) {
    for load in LOADS {
        let files = TempDir::new();
        let flags = format!("{} --format json --label a=b", load.flags);
        let finished =
            run_with_deadline(&mut run_into(server.address(), files.path(), &flags), BOUND);
        let report: Value = serde_json::from_slice(&finished.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", finished.out(), finished.err()));
        passed(&report, finished.status.code());
        assert_eq!(report["schema_version"], SCHEMA_VERSION);
        assert_eq!(report["target"]["address"], server.address().to_string());
        assert_eq!(report["labels"]["a"], "b");
        books_are_good(&report["ledger"], load.jobs);

        let phases = report["phases"].as_array().expect("phases");
        let phase = phases.iter().find(|phase| phase["name"] == load.phase);
        let phase = phase.unwrap_or_else(|| panic!("no {} in {phases:?}", load.phase));
        let stages = phase["stages"].as_array().expect("stages");
        for stage in stages {
            decodes(&stage["latency"]);
        }
        if load.answered {
            let response = stages.iter().find(|stage| stage["name"] == "response");
            let response = decodes(&response.expect("a response")["latency"]);
            assert!(!response.is_empty());
            intervals_hold_all(&report, response.len());
            let table = read(&files, "response.hgrm");
            assert!(table.trim_start().starts_with("Value "), "{table}");
            let total = format!("Total count    = {:12}]", response.len());
            assert!(table.contains(&total), "{table}");
        }
        assert_eq!(read(&files, "result.json"), finished.out());
    }
    assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
}

#[test]
fn loads_on_gearmand_are_accounted_for() {
    if require_or_skip("gearmand") {
        loads_are_accounted_for(&Gearmand::start(&[]));
    }
}

#[test]
fn loads_on_our_server_are_accounted_for() {
    loads_are_accounted_for(&Serve::start(&[]));
}

#[test]
fn the_text_is_the_report_and_progress_is_not() {
    let server = Serve::start(&[]);
    let files = TempDir::new();
    let mut run = run_into(server.address(), files.path(), "--jobs 500 --seed 9");
    let finished = run_with_deadline(&mut run, BOUND);
    exits(&finished, 0);
    let text = finished.out();
    assert!(text.starts_with("gearbench run  target "), "{text}");
    assert!(text.contains("  seed 9  "), "{text}");
    let verdict = "\nverdict    PASSED: 500 jobs, none lost, made up, run twice or damaged\n";
    assert!(text.ends_with(verdict), "{text}");
    let written = format!("written to {}", files.path().display());
    assert!(finished.err().contains(&written), "{}", finished.err());

    let mut quiet = on(
        server.address(),
        "run",
        "--jobs 500 --out none --format quiet",
    );
    let finished = run_with_deadline(&mut quiet, BOUND);
    exits(&finished, 0);
    assert_eq!(finished.out(), "");
}

#[test]
fn a_seed_is_a_plan() {
    let server = Serve::start(&[]);
    let flags = "--seed 5 --jobs 400 --payload 24..999 --background 30 --priority high=1,low=1";
    let ran = |flags: &str| {
        let flags = format!("{flags} --out none --format json");
        let finished = run_with_deadline(&mut on(server.address(), "run", &flags), BOUND);
        exits(&finished, 0);
        let report: Value = serde_json::from_slice(&finished.stdout).expect("a report");
        assert_eq!(report["seed"], report["plan"]["seed"]);
        report["plan"].clone()
    };
    let planned = |flags: &str| {
        let flags = format!("{flags} --dry-run");
        let finished = run_with_deadline(&mut on(server.address(), "run", &flags), BOUND);
        exits(&finished, 0);
        let text = finished.out();
        let scenario: toml::Table = toml::from_str(&text).expect("a scenario");
        assert!(text.contains("# open files: "), "{text}");
        serde_json::to_value(scenario).expect("JSON")
    };
    let first = ran(flags);
    assert_eq!(first["seed"], 5);
    assert_eq!(first, ran(flags));
    // TOML writes nothing where JSON writes null.
    let mut written = first;
    let keys = written.as_object_mut().expect("a plan");
    keys.retain(|_, value| !value.is_null());
    assert_eq!(written, planned(flags));
    let unseeded = flags.replace("--seed 5", "");
    assert_ne!(planned(&unseeded), planned(&unseeded));
}
