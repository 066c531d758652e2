//! `submit` and `work`: a client and a worker on the command line.

use super::{BOUND, exits, gearbench, on, refuses};
use crate::support::{Gearmand, Running, Serve, Server, ask_until};
use crate::support::{require_or_skip, run_with_deadline, run_with_input};
use gearbench::cli::exit;
use std::net::{SocketAddr, TcpListener};
use std::process::Command;

/// `gearbench work`, with a command.
fn worker(address: SocketAddr, flags: &str, command: &[&str]) -> Running {
    let mut work = on(address, "work", flags);
    work.arg("--").args(command);
    Running::start(&mut work, b"")
}

fn submit(address: SocketAddr, flags: &str) -> Command {
    on(address, "submit", flags)
}

fn jobs_pass_between_them(server: &impl Server) {
    let address = server.address();
    let work = worker(address, "-f upper -n 3", &["tr", "a-z", "A-Z"]);
    let binary: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    for payload in [&b"abc"[..], b"", &binary] {
        let done = run_with_input(&mut submit(address, "-f upper"), payload, BOUND);
        exits(&done, exit::OK);
        assert!(
            done.stdout == payload.to_ascii_uppercase(),
            "{}",
            done.stdout.len()
        );
    }
    exits(&work.finish(BOUND), exit::OK);
}

#[test]
fn a_job_goes_through_serve_and_back() {
    jobs_pass_between_them(&Serve::start(&[]));
}

#[test]
fn a_job_goes_through_gearmand_and_back() {
    if require_or_skip(Gearmand::PATH) {
        jobs_pass_between_them(&Gearmand::start(&[]));
    }
}

#[test]
fn a_command_that_fails_fails_its_job_and_not_the_worker() {
    let server = Serve::start(&[]);
    let address = server.address();
    let work = worker(address, "-f f -n 2", &["sh", "-c", "cat; exit 3"]);
    for _ in 0..2 {
        let failed = run_with_deadline(&mut submit(address, "-f f --data x"), BOUND);
        refuses(&failed, exit::INTERNAL, &["the job failed"]);
    }
    let finished = work.finish(BOUND);
    exits(&finished, exit::OK);
    assert!(
        finished.err().contains("exit status: 3"),
        "{}",
        finished.err()
    );
}

#[test]
fn a_command_that_takes_too_long_is_ended() {
    let server = Serve::start(&[]);
    let address = server.address();
    let work = worker(address, "-f f -n 1 --timeout 100ms", &["sleep", "600"]);
    let failed = run_with_deadline(&mut submit(address, "-f f --data x"), BOUND);
    refuses(&failed, exit::INTERNAL, &["the job failed"]);
    exits(&work.finish(BOUND), exit::OK);
}

#[test]
fn background_jobs_print_their_handle_and_are_run_later() {
    let server = Serve::start(&[]);
    let address = server.address();
    let done = run_with_deadline(
        &mut submit(address, "-f f -b -u me -p high --data x"),
        BOUND,
    );
    exits(&done, exit::OK);
    assert!(done.out().starts_with("H:"), "{}", done.out());
    let mut admin = server.admin();
    assert_eq!(admin.counts("f").jobs, 1);
    let command = "test \"$GEARMAN_FUNCTION $GEARMAN_UNIQUE\" = 'f me'";
    let finished = worker(address, "-f f -n 1", &["sh", "-c", command]).finish(BOUND);
    exits(&finished, exit::OK);
    assert_eq!(finished.err(), "");
    ask_until("the end of the job", || {
        (admin.counts("f").jobs == 0).then_some(())
    });
}

#[test]
fn a_job_that_nobody_runs_ends_with_its_timeout() {
    let server = Serve::start(&[]);
    let mut submit = submit(server.address(), "-f f --data x --timeout 50ms");
    refuses(
        &run_with_deadline(&mut submit, BOUND),
        exit::SLO,
        &["within 50ms"],
    );
}

#[test]
fn both_are_interrupted_while_they_wait() {
    let server = Serve::start(&[]);
    let address = server.address();
    let mut admin = server.admin();
    let waiting = Running::start(&mut submit(address, "-f other"), b"x");
    let idle = worker(address, "-f idle", &["true"]);
    ask_until("both to be there", || {
        let there = admin.counts("other").jobs == 1 && admin.counts("idle").workers == 1;
        there.then_some(())
    });
    for running in [waiting, idle] {
        running.signal("INT");
        exits(&running.finish(BOUND), exit::INTERRUPTED);
    }
}

#[test]
fn servers_that_are_gone_silent_or_something_else_are_named() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = silent.local_addr().expect("an address");
    for command in ["submit", "work"] {
        let mut command = match command {
            "submit" => submit(address, "-f f --data x --connect-timeout 100ms"),
            _ => {
                let mut work = on(address, "work", "-f f --connect-timeout 100ms");
                work.args(["--", "true"]);
                work
            }
        };
        let finished = run_with_deadline(&mut command, BOUND);
        refuses(&finished, exit::TARGET, &["no answer within 100ms"]);
    }
    drop(silent);
    let finished = run_with_deadline(&mut submit(address, "-f f --data x"), BOUND);
    refuses(&finished, exit::TARGET, &["cannot connect"]);
}

#[test]
fn a_command_that_does_not_exist_is_said_once() {
    let server = Serve::start(&[]);
    let address = server.address();
    let work = worker(address, "-f f", &["/no/such/program"]);
    let failed = run_with_deadline(&mut submit(address, "-f f --data x"), BOUND);
    refuses(&failed, exit::INTERNAL, &["the job failed"]);
    refuses(&work.finish(BOUND), exit::USAGE, &["/no/such/program"]);
}

#[test]
fn nonsense_is_refused_before_anybody_is_asked() {
    for arguments in [
        &["submit", "-f", ""][..],
        &["submit", "-f", "a\nb"],
        &["submit"],
        &["work", "-f", "f"],
        &["work", "--", "true"],
    ] {
        let finished = run_with_deadline(gearbench().args(arguments), BOUND);
        exits(&finished, exit::USAGE);
    }
}
