//! `saturate`: a search that ends, with a curve and a word for what it found.

use super::{BOUND, exits, gearbench, on, read, refuses, rows_of_ours, wait_for_load};
use crate::support::{Running, Serve, Server, TempDir, run_with_deadline};
use gearbench::cli::exit;

#[test]
fn a_search_prints_its_curve_and_leaves_nothing_behind() {
    let (server, files) = (Serve::start(&[]), TempDir::new());
    // Two jobs of 100 ms at a time: this server holds less than 20 jobs/s, however fast it is.
    // A scenario says the same as flags, its rate where to begin.
    let scenario = files.file("two-at-a-time.toml");
    let text = "clients = 4\nworkers = 2\nservice = \"fixed:100ms\"\nrate = 40\nduration = \"1h\"\n\
                slo = \"response.p50 < 150ms\"\n";
    std::fs::write(&scenario, text).expect("a file");
    let flags = "--budget 12s --format json --duration 1s";
    let mut saturate = on(server.address(), "saturate", flags);
    saturate.arg(scenario).arg("--out").arg(files.path());
    let finished = run_with_deadline(&mut saturate, BOUND);
    let json: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    assert_eq!(json["kind"], "saturation");
    let trials = json["trials"].as_array().expect("a list");
    assert_eq!(trials[0]["rate"], 40.0);
    assert_ne!(trials[0]["is"], "holds", "{}", finished.out());
    // Where the machine was too busy for a trial, it is made again.
    if let Some(next) = trials.iter().find(|trial| trial["rate"] != 40.0) {
        assert_eq!(next["rate"], 20.0, "{}", finished.out());
    }
    if let Some(rate) = json["confirmed_rate"].as_f64() {
        assert!(rate <= 20.0, "{}", finished.out());
    }
    assert_eq!(json["exit_code"], finished.status.code().expect("a code"));
    assert_eq!(read(&files, "result.json"), finished.out());
    let page = read(&files, "report.html");
    assert!(page.contains("class=\"cross\"") && page.contains("<svg"));
    for (format, words) in [("text", "verdict"), ("html", "<svg")] {
        let mut report = gearbench();
        report.arg("report").arg(files.file("result.json"));
        let report = run_with_deadline(report.args(["--format", format]), BOUND);
        exits(&report, exit::OK);
        assert!(report.out().contains(words), "{format}: {}", report.out());
    }
    assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
}

#[test]
fn an_interrupted_search_prints_what_it_has() {
    let server = Serve::start(&[]);
    let mut saturate = on(server.address(), "saturate", "--budget 1h --out none");
    let saturate = Running::start(&mut saturate, b"");
    wait_for_load(&server);
    saturate.signal("INT");
    let finished = saturate.finish(BOUND);
    exits(&finished, exit::INTERRUPTED);
    assert!(finished.out().contains("verdict"), "{}", finished.out());
}

#[test]
fn what_the_search_chooses_is_no_flag() {
    let server = Serve::start(&[]);
    for flags in ["--rate 5", "--jobs 5", "--budget soon", "--from 0"] {
        let finished = run_with_deadline(&mut on(server.address(), "saturate", flags), BOUND);
        refuses(
            &finished,
            exit::USAGE,
            &[flags.split(' ').next().unwrap_or_default()],
        );
    }
}
