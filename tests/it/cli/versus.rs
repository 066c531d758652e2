//! `versus`: two servers in turn, and the ratios of each pair.

use super::{BOUND, exits, gearbench, refuses, rows_of_ours, wait_for_load};
use crate::support::{Running, Serve, Server, TempDir, run_with_deadline};
use gearbench::cli::exit;
use std::net::TcpListener;
use std::process::Command;

const JOBS: &str = "--jobs 300 --duration 60s --drain 60s --clients 2 --workers 2 --seed 7";

fn versus(flags: &str) -> Command {
    let mut command = gearbench();
    command.arg("versus").args(flags.split_whitespace());
    command
}

fn between(a: &Serve, b: &Serve, flags: &str) -> Command {
    let (a, b) = (a.address(), b.address());
    versus(&format!("--target {a} --against {b} {flags}"))
}

#[test]
fn ratios_are_those_of_the_runs_of_each_pair() {
    let (a, b, files) = (Serve::start(&[]), Serve::start(&[]), TempDir::new());
    let mut command = between(&a, &b, &format!("{JOBS} --pairs 2 --format json"));
    let finished = run_with_deadline(command.arg("--out").arg(files.path()), BOUND);
    let json: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    exits(&finished, json["exit_code"].as_u64().expect("a code") as u8);
    let rate = |side: &str, pair: usize| json[side]["runs"][pair]["jobs_per_second"].as_f64();
    let throughput = &json["ratios"][0];
    assert_eq!(throughput["metric"], "throughput");
    for pair in 0..2 {
        let (a, b) = (rate("a", pair), rate("b", pair));
        let ratio = b.expect("a rate") / a.expect("a rate");
        let found = throughput["values"][pair].as_f64().expect("a ratio");
        assert!((found / ratio - 1.0).abs() < 1e-9, "{found} and {ratio}");
    }
    for (side, server) in [("a", &a), ("b", &b)] {
        let target = server.address().to_string();
        assert_eq!(json[side]["runs"][1]["target"], target);
        assert!(files.file(&format!("{side}/002/result.json")).exists());
        assert_eq!(rows_of_ours(&mut server.admin()), Vec::<String>::new());
    }
}

#[test]
fn servers_are_launched_for_it() {
    let program = shlex::try_quote(env!("CARGO_BIN_EXE_gearbench")).expect("a path");
    let server = format!("{program} serve -L 127.0.0.1 -p {{port}}");
    let mut command = versus(&format!("{JOBS} --pairs 1 --out none --format json"));
    command.args(["--launch", &server, "--launch", &server]);
    let finished = run_with_deadline(&mut command, BOUND);
    let json: serde_json::Value = serde_json::from_slice(&finished.stdout).expect("JSON");
    assert_eq!(json["a"]["name"], server);
    let [a, b] = ["a", "b"].map(|side| json[side]["runs"][0]["target"].clone());
    assert!(a.is_string() && b.is_string() && a != b, "{a} {b}");
}

#[test]
fn an_interrupted_pair_is_none() {
    let (a, b) = (Serve::start(&[]), Serve::start(&[]));
    let mut command = between(&a, &b, "--duration 1h --out none");
    let command = Running::start(&mut command, b"");
    wait_for_load(&a);
    command.signal("INT");
    let finished = command.finish(BOUND);
    exits(&finished, exit::INTERRUPTED);
    assert!(finished.out().contains("  pairs 0\n"), "{}", finished.out());
    assert!(finished.err().contains("a/001"), "{}", finished.err());
    assert_eq!(rows_of_ours(&mut b.admin()), Vec::<String>::new());
}

#[test]
fn two_servers_are_needed_and_both_have_to_answer() {
    for (flags, word) in [
        ("", "--against"),
        ("--target localhost", "--against"),
        (
            "--target localhost --against localhost --launch x",
            "two servers",
        ),
        (
            "--target localhost --against localhost --pairs 0",
            "--pairs",
        ),
        (
            "--target localhost --against localhost --repeat 2",
            "--repeat",
        ),
        ("--target localhost --launch serve", "{port}"),
    ] {
        let finished = run_with_deadline(&mut versus(flags), BOUND);
        refuses(&finished, exit::USAGE, &[word]);
    }
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let closed = port.local_addr().expect("an address").to_string();
    drop(port);
    let nobody = format!("--target {closed} --against {closed} --out none");
    let finished = run_with_deadline(&mut versus(&nobody), BOUND);
    refuses(&finished, exit::TARGET, &[&closed]);
    let flags = "--target localhost --launch false{port}";
    refuses(
        &run_with_deadline(&mut versus(flags), BOUND),
        exit::TARGET,
        &["false"],
    );
}
