//! `saturate`: a search that ends, with a curve and a word for what it found.

use super::{BOUND, exits, on, refuses, rows_of_ours, wait_for_load};
use crate::support::{Running, Serve, Server, run_with_deadline};
use gearbench::cli::exit;

#[test]
fn a_search_prints_its_curve_and_leaves_nothing_behind() {
    let server = Serve::start(&[]);
    // Two jobs of 100 ms at a time: this server holds less than 20 jobs/s, however fast it is.
    let flags = "--clients 4 --workers 2 --service fixed:100ms --from 40 --budget 12s \
                 --format json --duration 1s";
    let mut saturate = on(server.address(), "saturate", flags);
    saturate.args(["--slo", "response.p50 < 150ms"]);
    let finished = run_with_deadline(&mut saturate, BOUND);
    let json: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    assert_eq!(json["kind"], "saturation");
    let trials = json["trials"].as_array().expect("a list");
    assert_eq!(trials[0]["rate"], 40.0);
    assert_ne!(trials[0]["is"], "holds", "{}", finished.out());
    assert_eq!(trials[1]["rate"], 20.0, "{}", finished.out());
    if let Some(rate) = json["confirmed_rate"].as_f64() {
        assert!(rate <= 20.0, "{}", finished.out());
    }
    assert_eq!(json["exit_code"], finished.status.code().expect("a code"));
    assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
}

#[test]
fn an_interrupted_search_prints_what_it_has() {
    let server = Serve::start(&[]);
    let mut saturate = on(server.address(), "saturate", "--budget 1h");
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
