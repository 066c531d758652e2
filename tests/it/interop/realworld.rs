//! What Gearman is used for, by programs that exist: aggregation of logs by map and reduce, jobs
//! that are scheduled, a pipeline that keeps its order, workers that come as the queue grows. The
//! queue of mails in PHP stands beside the other tests of PHP.

use super::peers::compile;
use super::{BOUND, gearman, read, submit, worker};
use crate::support::{
    Gearmand, Peer, Serve, Server, TempDir, ask_until, require_or_skip, run_with_deadline,
    run_with_input,
};
use std::path::{Path, PathBuf};
use std::process::Command;

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/interop/realworld")
        .join(name)
}

fn logs(program: &Path, server: &impl Server, mode: &str) -> Command {
    let address = server.address();
    let mut command = Command::new(program);
    command.args([mode, &address.ip().to_string(), &address.port().to_string()]);
    command
}

/// One log is split into a hundred lines, which two workers count; the reducing worker adds up.
fn aggregates_a_log(server: &impl Server) {
    let files = TempDir::new();
    let program = compile(&source("logs.c"), &files);
    let _workers =
        ["split", "count", "count"].map(|mode| Peer::start(&mut logs(&program, server, mode)));
    let mut admin = server.admin();
    ask_until("all workers to be registered", || {
        let mut workers = |function| admin.counts(function).workers;
        (workers("split") == 1 && workers("count") == 2).then_some(())
    });
    let level = |number: u32| {
        if number.is_multiple_of(4) {
            "ERROR"
        } else {
            "INFO"
        }
    };
    let log: String = (0..100)
        .map(|n| format!("12:00:{n} {} line {n}\n", level(n)))
        .collect();
    let answer = run_with_input(&mut logs(&program, server, "ask"), log.as_bytes(), BOUND);
    assert_eq!(answer.success().out().trim(), "25");
}

#[test]
fn logs_are_aggregated_by_map_and_reduce() {
    if require_or_skip("libgearman") {
        aggregates_a_log(&Serve::start(&[]));
        if require_or_skip("gearmand") {
            aggregates_a_log(&Gearmand::start(&[]));
        }
    }
}

/// The worker is asleep when the job is due, and nothing else happens to wake it. C gearmand 1.1
/// does not wake it.
#[test]
fn a_scheduled_job_wakes_a_sleeping_worker() {
    if !(require_or_skip("libgearman") && require_or_skip("gearman")) {
        return;
    }
    let server = Serve::start(&[]);
    let files = TempDir::new();
    let (program, log) = (compile(&source("logs.c"), &files), files.file("log"));
    let run = format!("{{ cat; date +%s; }} >> {}", log.display());
    let _worker = worker(&server, "rotate", &run);
    let mut later = logs(&program, &server, "later");
    run_with_deadline(later.arg("2"), BOUND).success();
    let mut admin = server.admin();
    ask_until("the job to be run", || {
        (admin.counts("rotate").jobs == 0).then_some(())
    });
    let said = read(&log);
    let times: Vec<u64> = said
        .split_whitespace()
        .map(|time| time.parse().expect("a time"))
        .collect();
    let [due, run] = times[..] else {
        panic!("expected one run, found {said:?}");
    };
    assert!(run >= due, "due at {due}, run at {run}");
}

/// Changes go through one function, which passes them on to the next, as from one database to
/// another: they arrive in the order in which they were made.
fn keeps_the_order(server: &impl Server) {
    let files = TempDir::new();
    let log = files.file("log");
    let address = server.address();
    let pass_on = format!(
        "gearman -h {} -p {} -b -f apply",
        address.ip(),
        address.port()
    );
    let changes: Vec<String> = (0..40).map(|n| format!("change {n}\n")).collect();
    for change in &changes {
        submit(server, "replicate", None, change);
    }
    let _first = worker(server, "replicate", &pass_on);
    let _second = worker(server, "apply", &format!("cat >> {}", log.display()));
    let mut admin = server.admin();
    ask_until("both queues to be empty", || {
        let mut jobs = |function| admin.counts(function).jobs;
        // In this order: what has left the first is in the second.
        (jobs("replicate") == 0 && jobs("apply") == 0).then_some(())
    });
    assert_eq!(read(&log), changes.concat());
}

#[test]
fn a_pipeline_of_two_functions_keeps_the_order() {
    if require_or_skip("gearman") {
        keeps_the_order(&Serve::start(&[]));
        if require_or_skip("gearmand") {
            keeps_the_order(&Gearmand::start(&[]));
        }
    }
}

/// A supervisor reads `status` and starts a worker for each ten jobs.
fn grows_with_the_queue(server: &impl Server) {
    let files = TempDir::new();
    let log = files.file("log");
    for number in 0..45 {
        submit(server, "resize", None, &format!("image {number}\n"));
    }
    let address = server.address();
    let mut supervisor = Command::new("sh");
    supervisor.arg(source("supervise.sh"));
    supervisor.args([address.ip().to_string(), address.port().to_string()]);
    supervisor.args(["resize", &format!("cat >> {}", log.display())]);
    let started = run_with_deadline(&mut supervisor, BOUND).success().out();
    let started: u32 = started.trim().parse().expect("a number of workers");
    assert!((1..=4).contains(&started), "{started}");
    let done = read(&log);
    let mut done: Vec<&str> = done.lines().collect();
    done.sort_unstable();
    done.dedup();
    assert_eq!(done.len(), 45);
}

#[test]
fn a_supervisor_starts_workers_as_the_queue_grows() {
    if require_or_skip("gearman") && require_or_skip("gearadmin") {
        grows_with_the_queue(&Serve::start(&[]));
        if require_or_skip("gearmand") {
            grows_with_the_queue(&Gearmand::start(&[]));
        }
    }
}

/// A mail whose worker dies before it is sent goes to the next.
#[test]
fn mails_are_sent_once_though_a_worker_dies() {
    if !require_or_skip("gearman") {
        return;
    }
    let server = Serve::start(&[]);
    let files = TempDir::new();
    let log = files.file("log");
    submit(&server, "mail", None, "to ann\n");
    // The first worker takes the mail and dies of it.
    let mut dying = gearman(&server);
    dying.args(["-w", "-f", "mail", "--", "sh", "-c", "kill -KILL $PPID"]);
    let dead = run_with_deadline(&mut dying, BOUND);
    assert!(!dead.status.success());
    let _worker = worker(&server, "mail", &format!("cat >> {}", log.display()));
    let mut admin = server.admin();
    ask_until("the mail to be sent", || {
        (admin.counts("mail").jobs == 0).then_some(())
    });
    assert_eq!(read(&log), "to ann\n");
}
