//! `run --repeat`: every run has its files, and the table says how far they are apart.

use super::{BOUND, exits, on, read, refuses, rows_of_ours, run_into, wait_for_load};
use crate::support::{Running, Serve, Server, TempDir, run_with_deadline};
use gearbench::cli::exit;
use gearbench::report::Report;

const FLAGS: &str = "--jobs 300 --duration 60s --drain 60s --clients 2 --workers 2 --seed 7";

fn report(files: &TempDir, number: &str) -> Report {
    let json = read(files, &format!("{number}/result.json"));
    serde_json::from_str(&json).expect("a report")
}

#[test]
fn each_run_has_its_own_files_and_the_spread_is_theirs() {
    let (server, files) = (Serve::start(&[]), TempDir::new());
    let mut run = run_into(server.address(), files.path(), FLAGS);
    run.args(["--repeat", "3", "--format", "json"]);
    let finished = run_with_deadline(&mut run, BOUND);
    let json: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    exits(&finished, json["exit_code"].as_u64().expect("a code") as u8);
    let runs = json["runs"].as_array().expect("a list");
    assert_eq!(runs.len(), 3);
    let reports = ["001", "002", "003"].map(|number| report(&files, number));
    let mut rates = Vec::new();
    for (row, report) in runs.iter().zip(&reports) {
        assert_eq!(row["run_id"], report.run_id);
        assert_eq!(report.ledger.ok, 300);
        assert_eq!(report.plan["repeat"], reports[0].plan["repeat"]);
        rates.push(row["jobs_per_second"].as_f64().expect("a rate"));
    }
    assert_ne!(reports[0].run_id, reports[1].run_id);
    rates.sort_by(f64::total_cmp);
    let spread = &json["spread"][0];
    assert_eq!(spread["metric"], "throughput");
    for (name, rate) in [("min", rates[0]), ("median", rates[1]), ("max", rates[2])] {
        assert_eq!(spread[name].as_f64(), Some(rate), "{spread}");
    }
    assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
}

#[test]
fn an_interrupted_repetition_shows_the_runs_there_were() {
    let (server, files) = (Serve::start(&[]), TempDir::new());
    let mut run = run_into(server.address(), files.path(), "--duration 1h --repeat 5");
    let run = Running::start(&mut run, b"");
    wait_for_load(&server);
    run.signal("INT");
    let finished = run.finish(BOUND);
    exits(&finished, exit::INTERRUPTED);
    let text = finished.out();
    assert!(text.contains("  1 of 5 runs\n"), "{text}");
    assert!(text.contains("INTERRUPTED (exit 130)"), "{text}");
    assert!(report(&files, "001").ledger.ok > 0);
    assert!(!files.file("002").exists());
}

#[test]
fn no_run_at_all_is_refused() {
    let server = Serve::start(&[]);
    for flags in ["--repeat 0", "--repeat often"] {
        let mut run = on(server.address(), "run", flags);
        let finished = run_with_deadline(&mut run, BOUND);
        refuses(&finished, exit::USAGE, &["repeat"]);
    }
}
