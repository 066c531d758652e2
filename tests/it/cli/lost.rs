//! Servers and workers that are killed.

use super::{BOUND, exits, on, rows_of_ours, run_into, wait_for_load};
use crate::support::{Gearmand, Peer, Running, Serve, Server, TempDir, ask_until, require_or_skip};
use gearbench::cli::exit;
use std::fs::File;
use std::path::Path;
use std::process::Command;

fn run_outlives(mut server: impl Server) {
    let files = TempDir::new();
    let address = server.address();
    let run = Running::start(&mut run_into(address, files.path(), "--duration 1h"), b"");
    wait_for_load(&server);
    server.kill();
    let finished = run.finish(BOUND);
    exits(&finished, exit::TARGET);
    // What was done until then stands, and the reason is its verdict.
    let text = finished.out();
    let (_, verdict) = text.split_once("\nverdict    ").expect("a verdict");
    assert!(verdict.contains(&address.to_string()), "{text}");
    assert!(verdict.contains("(exit 3)"), "{text}");
    assert!(super::read(&files, "result.json").contains("\"exit_code\": 3"));
}

#[test]
fn a_run_says_that_gearmand_was_killed() {
    if require_or_skip("gearmand") {
        run_outlives(Gearmand::start(&[]));
    }
}

#[test]
fn a_run_says_that_our_server_was_killed() {
    run_outlives(Serve::start(&[]));
}

#[test]
fn a_check_says_that_its_server_was_killed_under_load() {
    let mut server = Serve::start(&[]);
    let mut check = on(server.address(), "check", "--no-conform --budget 30s");
    let check = Running::start(&mut check, b"");
    wait_for_load(&server);
    server.kill();
    let finished = check.finish(BOUND);
    exits(&finished, exit::TARGET);
    let screen = finished.out();
    assert!(screen.contains("\nverdict    FAILED"), "{screen}");
    assert!(screen.contains("(exit 3)"), "{screen}");
}

/// Somewhere among the protocol cases, or when they have just ended.
#[test]
fn a_check_says_that_its_server_was_killed_early() {
    for arguments in ["--budget 30s", "--budget 30s --no-load"] {
        let mut server = Serve::start(&[]);
        let mut admin = server.admin();
        let mut check = on(server.address(), "check", arguments);
        let check = Running::start(&mut check, b"");
        ask_until("the first function of the check", || {
            (!rows_of_ours(&mut admin).is_empty()).then_some(())
        });
        server.kill();
        let finished = check.finish(BOUND);
        // Without load the last case may have been over.
        if !(arguments.contains("--no-load") && finished.status.success()) {
            exits(&finished, exit::TARGET);
        }
    }
}

/// A job of a worker of the `gearman` tool: it says whose it is, and goes on when it is told to.
fn holding_worker(server: &impl Server, name: &str, files: &Path) -> Peer {
    let address = server.address();
    let script = r#"cat > /dev/null; echo "$1" >> "$2/log"; read go < "$2/$1"; echo "by $1""#;
    let mut tool = Command::new("gearman");
    tool.args(["-h", &address.ip().to_string()]);
    tool.args(["-p", &address.port().to_string()]);
    tool.args(["-w", "-f", "hold", "--", "sh", "-c", script, "sh", name]);
    Peer::start(tool.arg(files))
}

fn job_of_a_killed_worker_goes_to_another(server: &impl Server) {
    let files = TempDir::new();
    let names = ["one", "two"];
    // A pipe that is open for both reading and writing blocks nobody who opens it.
    let mut go_on: Vec<File> = names
        .iter()
        .map(|name| {
            let pipe = files.file(name);
            let made = Command::new("mkfifo").arg(&pipe).status();
            assert!(made.expect("mkfifo starts").success());
            let mut open = File::options();
            open.read(true).write(true).open(pipe).expect("a pipe")
        })
        .collect();
    let workers = names.map(|name| holding_worker(server, name, files.path()));
    let mut admin = server.admin();
    ask_until("both workers to be there", || {
        (admin.counts("hold").workers == 2).then_some(())
    });

    let address = server.address();
    let mut client = Command::new("gearman");
    client.args(["-h", &address.ip().to_string()]);
    client.args(["-p", &address.port().to_string(), "-f", "hold"]);
    let client = Running::start(&mut client, b"payload");

    let holders = |count| {
        ask_until("a worker to take the job", || {
            let log = std::fs::read_to_string(files.file("log")).unwrap_or_default();
            let holders: Vec<String> = log.lines().map(str::to_owned).collect();
            (holders.len() >= count).then_some(holders)
        })
    };
    let first = &holders(1)[0];
    let first = names.iter().position(|name| name == first).expect("a name");
    workers[first].signal("KILL");
    let second = 1 - first;
    assert_eq!(holders(2), [names[first], names[second]]);
    std::io::Write::write_all(&mut go_on[second], b"go\n").expect("a pipe");

    let answer = client.finish(BOUND).success();
    assert_eq!(answer.out(), format!("by {}\n", names[second]));
    assert_eq!(admin.counts("hold").jobs, 0);
}

#[test]
fn gearmand_hands_the_job_of_a_killed_worker_to_another() {
    if require_or_skip("gearmand") && require_or_skip("gearman") {
        job_of_a_killed_worker_goes_to_another(&Gearmand::start(&[]));
    }
}

#[test]
fn our_server_hands_the_job_of_a_killed_worker_to_another() {
    if require_or_skip("gearman") {
        job_of_a_killed_worker_goes_to_another(&Serve::start(&[]));
    }
}
