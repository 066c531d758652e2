//! `sweep`: a run for each value, in turn; a table, curves, and what can be taken up again.

use super::{BOUND, exits, on, read, refuses, rows_of_ours, wait_for_load};
use crate::support::{Running, Serve, Server, TempDir, run_with_deadline};
use gearbench::cli::exit;
use gearbench::report::sweep::Sweep;
use serde_json::Value;
use std::process::Command;

const JOBS: &str = "--jobs 300 --duration 60s --drain 60s --clients 2 --workers 2 --seed 7";

fn sweep(server: &Serve, files: &TempDir, flags: &str) -> Command {
    let mut command = on(server.address(), "sweep", flags);
    command.arg("--out").arg(files.path());
    command
}

/// The values of each point.
fn values(sweep: &Sweep) -> Vec<&[String]> {
    let points = sweep.points.iter();
    points.map(|point| point.values.as_slice()).collect()
}

#[test]
fn every_combination_is_run_in_turn_with_its_own_plan() {
    let (server, files) = (Serve::start(&[]), TempDir::new());
    let flags = format!("{JOBS} --vary payload=64,1k --vary prefetch=1..2x2 --repeat 2");
    let finished = run_with_deadline(&mut sweep(&server, &files, &flags), BOUND);
    let result = read(&files, "result.json");
    let found = Sweep::from_json(&result).expect("a sweep");
    exits(&finished, found.exit_code);
    let pairs = [["64", "1"], ["1k", "1"], ["64", "2"], ["1k", "2"]];
    assert_eq!(values(&found), pairs.map(|pair| pair.map(str::to_owned)));
    for (point, [payload, prefetch]) in found.points.iter().zip(pairs) {
        assert_eq!(point.runs.len(), 2);
        let number = 1 + pairs
            .iter()
            .position(|pair| *pair == [payload, prefetch])
            .expect("one");
        let dir = format!("{number:03}-payload={payload},prefetch={prefetch}");
        let plan: Value = serde_json::from_str(&read(&files, &format!("{dir}/002/result.json")))
            .expect("a result");
        assert_eq!(plan["plan"]["prefetch"].to_string(), prefetch);
        assert_eq!(
            plan["plan"]["payload"],
            if payload == "1k" { "1024" } else { payload }
        );
        assert_eq!(plan["seed"], 7);
    }
    // All take their turn before any is run again.
    let rows: Vec<String> = finished.err().lines().map(str::to_owned).collect();
    let at = |words: &str| rows.iter().position(|row| row.contains(words));
    let last = rows
        .iter()
        .rposition(|row| row.contains("payload=64 prefetch=1 "));
    assert!(at("payload=1k prefetch=2 ") < last, "{rows:?}");
    assert!(finished.out().contains("8 of 8 runs"), "{}", finished.out());
    assert!(read(&files, "report.html").contains("<svg"));
    assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());

    // The same result in the other forms.
    for (format, words) in [
        ("text", "8 of 8 runs"),
        ("html", "prefetch 2"),
        ("json", "\"sweep\""),
    ] {
        let mut report = super::gearbench();
        report.arg("report").arg(files.file("result.json"));
        let report = run_with_deadline(report.args(["--format", format]), BOUND);
        exits(&report, exit::OK);
        assert!(report.out().contains(words), "{format}: {}", report.out());
    }
}

#[test]
fn an_interrupted_sweep_is_taken_up_again() {
    let (server, files) = (Serve::start(&[]), TempDir::new());
    // The first value is done at once, the second takes longer than anybody waits.
    let slow = "--vary jobs=50,1M --duration 1h --drain 60s --clients 2 --workers 2 --seed 7";
    let running = Running::start(&mut sweep(&server, &files, slow), b"");
    crate::support::ask_until("the first run to be over", || {
        files
            .file("001-jobs=50/001/plan.toml")
            .exists()
            .then_some(())
    });
    wait_for_load(&server);
    running.signal("INT");
    let finished = running.finish(BOUND);
    exits(&finished, exit::INTERRUPTED);
    assert!(finished.out().contains("not run"), "{}", finished.out());
    let found = Sweep::from_json(&read(&files, "result.json")).expect("a sweep");
    assert_eq!(found.made(), 1);
    assert_eq!(found.exit_code, exit::INTERRUPTED);
    let first = found.points[0].runs[0].run_id.clone();

    let quick = slow.replace("1M", "60");
    let mut again = sweep(&server, &files, &quick);
    let finished = run_with_deadline(again.arg("--resume"), BOUND);
    let found = Sweep::from_json(&read(&files, "result.json")).expect("a sweep");
    exits(&finished, found.exit_code);
    assert_eq!(found.made(), 2);
    assert_eq!(
        found.points[0].runs[0].run_id, first,
        "it was not run again"
    );

    // What is there is of another plan.
    let other = quick.replace("--clients 2", "--clients 3");
    let mut other = sweep(&server, &files, &other);
    let finished = run_with_deadline(other.arg("--resume"), BOUND);
    refuses(&finished, exit::USAGE, &["001-jobs=50", "plan.clients"]);
}

#[test]
fn what_cannot_be_swept_is_refused_before_any_run() {
    let server = Serve::start(&[]);
    for (flags, words) in [
        ("", "--vary"),
        ("--vary paylod=64", "the nearest is payload"),
        ("--vary payload=3", "24"),
        ("--vary clients=2,0", "clients=0"),
        ("--vary clients=1,2 --clients 3", "leave --clients out"),
        ("--vary clients=1 --vary clients=2", "twice"),
        ("--vary clients=1..90+1 --repeat 50", "more than 1000"),
        ("--vary clients=1,2 --resume", "--out"),
    ] {
        let finished = run_with_deadline(&mut on(server.address(), "sweep", flags), BOUND);
        refuses(&finished, exit::USAGE, &[words]);
    }
    let dry = "--vary clients=1,2 --duration 3s --repeat 4 --dry-run";
    let finished = run_with_deadline(&mut on(server.address(), "sweep", dry), BOUND);
    exits(&finished, exit::OK);
    assert_eq!(
        finished.out(),
        "# 8 runs, 4 of each, which take 24.0 s at least\nclients=1\nclients=2\n"
    );
}
