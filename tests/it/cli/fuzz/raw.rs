//! `gearbench fuzz --raw`.

use super::{BOUND, exits, files, gearbench, refuses};
use crate::support::{Finished, Gearmand, TempDir, require_or_skip, run_with_deadline};
use crate::zoo::server::{Beast, Vice};
use std::path::Path;

fn raw(out: &Path, args: &[&str]) -> Finished {
    let mut command = gearbench();
    command.args(["fuzz", "--raw", "--out"]).arg(out).args(args);
    run_with_deadline(&mut command, BOUND)
}

#[test]
fn damaged_bytes_do_not_harm_our_server() {
    let dir = TempDir::new();
    let out = dir.file("found");
    let args = ["--seed", "1", "--sessions", "30", "--hazardous"];
    let finished = raw(&out, &args);
    exits(&finished, 0);
    let text = finished.out();
    assert!(text.contains("30 damaged, 30 without harm"), "{text}");
    assert!(text.contains("at the most"), "{text}");
    assert!(!out.exists());
}

/// C gearmand dies of packet types from 2^31 up: what is charged is one header, the same for the
/// same seed, and a case that kills it again.
#[test]
fn a_death_is_charged_to_the_shortest_bytes_that_cause_it() {
    if !require_or_skip("gearmand") {
        return;
    }
    let dir = TempDir::new();
    let launch = format!(
        "{} -p {{port}} -L 127.0.0.1 -l stderr -P {{dir}}/pid",
        Gearmand::PATH
    );
    let args = ["--seed", "101", "--sessions", "1", "--hazardous"];
    let args = [&args[..], &["--profile", "none", "--launch", &launch]].concat();
    // It may close the connection before it reads what kills it.
    let mut tries = (0..5).map(|_| raw(dir.path(), &args));
    let finished = tries.find(|finished| finished.status.code() == Some(5));
    let finished = finished.expect("a death");
    let text = finished.out();
    assert!(
        text.contains("12 bytes in 1 moves, did it in 5 of 5"),
        "{text}"
    );
    let found = files(dir.path());
    let [file] = &found[..] else {
        panic!("{found:?}");
    };
    let replay = |args: &[&str]| {
        let mut command = gearbench();
        command.arg("replay").arg(file).arg("--hazardous");
        run_with_deadline(command.args(args), BOUND)
    };
    exits(&replay(&["--profile", "none", "--launch", &launch]), 4);
    exits(&replay(&[]), 0);
}

#[test]
fn a_server_that_stops_serving_others_is_told_and_left_alone() {
    let (beast, dir) = (Beast::unleash(Vice::SwallowsJobs), TempDir::new());
    let target = beast.address().to_string();
    let args = ["--hazardous", "--sessions", "20", "-t", &target];
    let finished = raw(dir.path(), &args);
    exits(&finished, 5);
    let text = finished.out();
    assert!(text.contains("NEW    silence"), "{text}");
    assert!(text.contains("an honest peer got no JOB_CREATED"), "{text}");
    assert!(
        finished.err().contains("the server is harmed"),
        "{}",
        finished.err()
    );
}

#[test]
fn a_server_of_others_is_harmed_only_where_that_is_allowed() {
    let dir = TempDir::new();
    let finished = raw(dir.path(), &["-t", "127.0.0.1:1"]);
    refuses(&finished, 2, &["--hazardous says that it may"]);
}
