//! `gearbench report`: results in other forms, and files that hold none.

mod odd;
mod page;

use super::{BOUND, exits, gearbench, read, refuses, run_into};
use crate::support::{Finished, Serve, Server, TempDir, run_with_deadline};
use base64::Engine as _;
use gearbench::report::Report;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use std::collections::BTreeMap;
use std::path::Path;

/// A run against a server of its own; its files.
fn a_run(flags: &str) -> TempDir {
    let server = Serve::start(&[]);
    let files = TempDir::new();
    let flags = format!("{flags} --drain 60s --format quiet");
    let finished = run_with_deadline(&mut run_into(server.address(), files.path(), &flags), BOUND);
    // A busy machine may keep no schedule.
    let code = finished.status.code();
    assert!(matches!(code, Some(0 | 8)), "{code:?}: {}", finished.err());
    files
}

/// `gearbench report FILES FLAGS`
fn report(files: &[&Path], flags: &str) -> Finished {
    let mut command = gearbench();
    command.arg("report").args(files);
    command.args(flags.split_whitespace());
    run_with_deadline(&mut command, BOUND)
}

#[track_caller]
fn rendered(files: &[&Path], flags: &str) -> String {
    let finished = report(files, flags);
    exits(&finished, 0);
    finished.out()
}

#[test]
fn a_run_has_every_form() {
    let files = a_run("--jobs 2k --rate 3k --label a=b");
    let result = files.file("result.json");
    let run = Report::read(&result).expect("a result");
    let form = |format: &str| rendered(&[&result], &format!("--format {format}"));

    for (format, file) in [
        ("json", "result.json"),
        ("hgrm", "response.hgrm"),
        ("hlog", "latency.hlog"),
        ("html", "report.html"),
    ] {
        assert!(
            form(format) == read(&files, file),
            "{format} is not what the run wrote"
        );
    }
    assert!(form("text").starts_with("gearbench run  target "));
    let markdown = form("md");
    assert!(
        markdown.starts_with(&format!("# {}", run.verdict.word())),
        "{markdown}"
    );
    assert!(
        markdown.contains("| <code>response</code> | 2 000 |"),
        "{markdown}"
    );
    let csv = form("csv");
    let mut rows = csv.lines().map(|row| row.split(',').count());
    let columns = rows.next().expect("a head");
    assert!(rows.all(|cells| cells == columns), "{csv}");
    assert_eq!(form("series").lines().count(), run.series.len() + 1);
    let junit = form("junit");
    assert!(junit.contains("<testsuite ") && junit.contains("every promise was kept"));
}

/// What HdrHistogram's own format holds is what was measured.
#[test]
fn the_interval_log_can_be_read_by_others() {
    let files = a_run("--jobs 1k --rate 2k");
    let run = Report::read(&files.file("result.json")).expect("a result");
    let log = read(&files, "latency.hlog");
    let head: Vec<&str> = log
        .lines()
        .take_while(|line| line.starts_with('#'))
        .collect();
    assert_eq!(head[0], "#[Histogram log format version 1.3]");
    let start = format!(
        "#[StartTime: {}.000 (seconds since epoch)]",
        run.started_unix
    );
    assert!(head.contains(&start.as_str()), "{head:?}");

    let (mut samples, mut last) = (BTreeMap::new(), 0.0);
    for entry in IntervalLogIterator::new(log.as_bytes()) {
        let LogEntry::Interval(entry) = entry.expect("an entry") else {
            continue;
        };
        let bytes = base64::engine::general_purpose::STANDARD
            .decode(entry.encoded_histogram())
            .expect("base64");
        let histogram: hdrhistogram::Histogram<u64> =
            hdrhistogram::serialization::Deserializer::new()
                .deserialize(&mut bytes.as_slice())
                .expect("a histogram");
        let longest = histogram.max() as f64 / 1e6;
        assert!(
            (entry.max() - longest).abs() < 0.001,
            "{} {longest}",
            entry.max()
        );
        assert!(entry.start_timestamp().as_secs_f64() >= last);
        last = entry.start_timestamp().as_secs_f64();
        let tag = entry.tag().expect("a stage").as_str().to_owned();
        *samples.entry(tag).or_insert(0) += histogram.len();
    }
    let phase = run.headline().expect("a phase");
    let stages = phase.stages.iter();
    let expected: BTreeMap<String, u64> = stages
        .map(|stage| (stage.name.clone(), stage.latency.count()))
        .collect();
    assert_eq!(samples, expected);
}

#[test]
fn runs_of_one_plan_merge_and_others_do_not() {
    let server = Serve::start(&[]);
    let files: Vec<TempDir> = ["--jobs 300", "--jobs 300", "--jobs 400 --workers 3"]
        .map(|flags| {
            let files = TempDir::new();
            let flags = format!("{flags} --format quiet");
            let mut run = run_into(server.address(), files.path(), &flags);
            exits(&run_with_deadline(&mut run, BOUND), 0);
            files
        })
        .into();
    let paths: Vec<_> = files
        .iter()
        .map(|files| files.file("result.json"))
        .collect();
    let merged = rendered(&[&paths[0], &paths[1]], "--merge --format json");
    let merged = Report::from_json(&merged).expect("a result");
    assert_eq!(merged.ledger.ok, 600);
    let response = merged.headline().and_then(|phase| phase.stage("response"));
    assert_eq!(response.map(|stage| stage.latency.count()), Some(600));
    // It is a result as others are.
    let beside = rendered(&[&paths[0], &paths[2]], "--format md");
    assert!(
        beside.contains("| jobs ended well | 300 | 400 |"),
        "{beside}"
    );

    let unlike = report(&[&paths[0], &paths[2]], "--merge --format json");
    refuses(
        &unlike,
        2,
        &["unlike", "plan.jobs (300, 400)", "plan.workers (8, 3)"],
    );
    let twice = report(&[&paths[0], &paths[0]], "--merge --format json");
    refuses(&twice, 2, &["twice"]);
    let several = report(&[&paths[0], &paths[1]], "--format html");
    refuses(&several, 2, &["one result", "--merge"]);
}

#[test]
fn schemas_are_printed() {
    for (of, title) in [
        ("run", "Results of gearbench run"),
        ("conform", "Results of gearbench conform"),
    ] {
        let mut command = gearbench();
        let finished = run_with_deadline(command.args(["schema", of]), BOUND);
        exits(&finished, 0);
        let schema: serde_json::Value = serde_json::from_str(&finished.out()).expect("JSON");
        assert_eq!(schema["title"], title);
    }
}

#[test]
fn figures_are_explained() {
    let said = |words: &[&str]| run_with_deadline(gearbench().args(words), BOUND);
    let latency = said(&["explain", "latency"]);
    exits(&latency, 0);
    assert!(latency.out().contains("the intended start"));
    let one = said(&["explain", "metric", "response"]);
    exits(&one, 0);
    assert!(one.out().contains("t0 to t5"));
    let all = said(&["list", "metrics"]);
    exits(&all, 0);
    for line in all.out().lines() {
        let name = line.split_whitespace().next().expect("a name");
        exits(&said(&["explain", name]), 0);
    }
    refuses(
        &said(&["explain", "metric", "speed"]),
        2,
        &["speed", "list metrics"],
    );
    refuses(&said(&["explain", "two", "words"]), 2, &["two words"]);
}

#[test]
fn service_levels_have_their_exit_code() {
    let server = Serve::start(&[]);
    let files = TempDir::new();
    let mut run = run_into(server.address(), files.path(), "--jobs 2k --format quiet");
    for slo in [
        "response.p99 < 1h",
        "response.p50 < 1ns",
        "response.p99.99 < 1h",
    ] {
        run.args(["--slo", slo]);
    }
    let finished = run_with_deadline(&mut run, BOUND);
    exits(&finished, 6);
    let report = Report::read(&files.file("result.json")).expect("a result");
    let met: Vec<_> = report.slos.iter().map(|level| level.met).collect();
    assert_eq!(met, [Some(true), Some(false), None]);
    let result = files.file("result.json");
    let screen = rendered(&[&result], "--format text");
    assert!(
        screen.contains("\nverdict    SLO MISSED (exit 6): asked for response.p50"),
        "{screen}"
    );
    assert!(rendered(&[&result], "--format html").contains(">missed<"));
    assert!(rendered(&[&result], "--format md").contains("**missed**"));
    let junit = rendered(&[&result], "--format junit");
    assert!(
        junit.contains("tests=\"9\"") && junit.contains("<skipped"),
        "{junit}"
    );
}
