//! `compare`, on results of real runs.

use super::{BOUND, exits, gearbench, refuses, run_into};
use crate::support::{Serve, Server, TempDir, run_with_deadline};
use gearbench::cli::exit;
use std::path::Path;

fn run(server: &Serve, into: &Path, flags: &str) {
    exits(
        &run_with_deadline(&mut run_into(server.address(), into, flags), BOUND),
        exit::OK,
    );
}

#[test]
fn results_are_compared_and_unlike_ones_refused() {
    let server = Serve::start(&[]);
    let files = TempDir::new();
    for name in ["a", "b"] {
        let flags = "--jobs 2k --clients 2 --workers 2 --seed 7";
        run(&server, &files.file(name), flags);
    }
    run(
        &server,
        &files.file("c"),
        "--jobs 2k --clients 3 --workers 2",
    );
    let compare = |arguments: &[&str]| {
        let mut command = gearbench();
        command.arg("compare").current_dir(files.path());
        run_with_deadline(command.args(arguments), BOUND)
    };
    let text = compare(&["a", "b/result.json", "--min-effect", "100%"]);
    exits(&text, exit::OK);
    for words in ["baseline", "throughput", "response.p99", "one run a side"] {
        assert!(text.out().contains(words), "{words}: {}", text.out());
    }
    let md = compare(&["a", "b", "--format", "md"]);
    exits(&md, exit::OK);
    assert!(md.out().contains("| response.p50 |"), "{}", md.out());
    let json = compare(&["a,b", "b,a", "--format", "json"]);
    exits(&json, exit::OK);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["kind"], "comparison");
    assert_eq!(json["baseline"]["runs"].as_array().map(Vec::len), Some(2));
    // All results of a directory of directories.
    exits(&compare(&[".", "c", "--anyway"]), exit::OK);

    refuses(
        &compare(&["a", "c"]),
        exit::USAGE,
        &["plan.clients", "--anyway"],
    );
    refuses(&compare(&["a", "nowhere"]), exit::USAGE, &["nowhere"]);
    refuses(
        &compare(&["a", "b", "--gate", "p99:+1%"]),
        exit::USAGE,
        &["response.p99"],
    );
    let gate = compare(&["a", "b", "--gate", "cpu_us_per_job:+10%"]);
    exits(&gate, exit::INCONCLUSIVE);
    assert!(gate.out().contains("INCONCLUSIVE"), "{}", gate.out());
}
