//! Job servers with one vice each, and what `gearbench run` makes of them: every vice has a
//! documented exit code and is named; a server without one passes, real ones among them.

mod commands;
pub(crate) mod server;

use crate::support::{Gearmand, Serve, Server, require_or_skip};
use gearbench::cli::exit;
use gearbench::cli::run::exit_code;
use gearbench::load::{
    self, Arrival, Control, LoadError, Pace, Plan, RunId, ServiceTime, Size, Unique,
};
use gearbench::report::{Kind, Report};
use server::{Beast, Vice};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Jobs of a plan; the vices show on the one in the middle.
const JOBS: u64 = 200;

fn plan(address: SocketAddr) -> Plan {
    let mut plan = Plan::new(address.to_string(), RunId::fresh(), 7);
    plan.jobs = Some(JOBS);
    (plan.clients, plan.workers) = (4, 4);
    plan
}

fn run(plan: Plan) -> Report {
    load::run(plan, Control::default())
        .expect("a report")
        .report
}

fn against(vice: Vice) -> Report {
    let beast = Beast::unleash(vice);
    run(plan(beast.address()))
}

#[track_caller]
fn passed(report: &Report) {
    assert!(report.verdict.passed(), "{:?}", report.verdict);
    assert_eq!(report.verdict.exit_code, exit::OK);
    assert_eq!(report.ledger.ok, JOBS);
}

#[track_caller]
fn broken(report: &Report) {
    assert_eq!(
        report.verdict.exit_code,
        exit::INVARIANT,
        "{:?}",
        report.verdict
    );
    assert_eq!(report.verdict.findings[0].kind, Kind::Invariant);
}

#[test]
fn a_server_without_vices_passes_whatever_the_jobs_are() {
    let beast = Beast::unleash(Vice::None);
    passed(&run(plan(beast.address())));

    let mut varied = plan(beast.address());
    varied.background_percent = 50.0;
    varied.functions = 3;
    varied.priority = "high=1,normal=1,low=1".parse().expect("a mix");
    varied.payload = "24..5k".parse().expect("a range");
    varied.result = "24..70k".parse().expect("a range");
    varied.service = ServiceTime::Exponential(Duration::from_micros(500));
    varied.prefetch = 3;
    varied.threads = 2;
    passed(&run(varied));

    let mut empty = plan(beast.address());
    empty.result = Size::fixed(0);
    passed(&run(empty));

    let mut backlog = plan(beast.address());
    (backlog.clients, backlog.jobs, backlog.backlog) = (0, None, JOBS);
    let report = run(backlog);
    passed(&report);
    let phases: Vec<&str> = report
        .phases
        .iter()
        .map(|phase| phase.name.as_str())
        .collect();
    assert_eq!(phases, ["flood", "backlog"]);
}

/// Hundreds of peers, in every way a worker can ask; nothing is left behind.
fn passes(server: &impl Server) {
    for grab in ["classic", "uniq", "all"] {
        let mut plan = plan(server.address());
        (plan.clients, plan.workers) = (100, 100);
        plan.functions = 3;
        plan.grab = grab.parse().expect("a way to grab");
        plan.background_percent = 50.0;
        plan.backlog = JOBS;
        plan.unique = Unique::Each;
        let prefix = plan.id.prefix();
        let report = run(plan);
        assert!(report.verdict.passed(), "{:?}", report.verdict);
        assert_eq!(report.ledger.ok, 2 * JOBS);
        let status = server.admin().list("status").expect("an answer");
        let left = status.iter().filter(|row| row.starts_with(&prefix));
        let held = left.filter(|row| !row.contains("\t0\t0\t"));
        assert_eq!(held.count(), 0, "{status:?}");
        assert!(report.target.version.is_some());
    }
}

#[test]
fn gearmand_passes() {
    if require_or_skip("gearmand") {
        passes(&Gearmand::start(&[]));
    }
}

#[test]
fn our_own_server_passes() {
    passes(&Serve::start(&[]));
}

#[test]
fn the_same_seed_sends_the_same_packets() {
    let sent = |seed, open| {
        let beast = Beast::unleash(Vice::None);
        let mut plan = plan(beast.address());
        // One client: the order of several is the server's affair.
        (plan.clients, plan.seed, plan.id) = (1, seed, RunId(42 << 16));
        plan.background_percent = 30.0;
        plan.functions = 3;
        plan.priority = "high=1,normal=1,low=1".parse().expect("a mix");
        plan.payload = "24..300".parse().expect("a range");
        plan.unique = Unique::Each;
        if open {
            plan.pace = Pace::Open {
                rate: 2000.0,
                arrival: Arrival::Poisson,
            };
        }
        assert_eq!(run(plan).ledger.sent, JOBS);
        beast.submissions()
    };
    let first = sent(1, false);
    assert!(!first.is_empty());
    assert_eq!(first, sent(1, false));
    assert_eq!(first, sent(1, true), "the pace changes when, not what");
    assert_ne!(first, sent(2, false));
}

#[test]
fn a_dropped_job_is_lost() {
    let report = against(Vice::DropsJob);
    broken(&report);
    assert_eq!(report.ledger.lost, 1);
    assert_eq!(report.ledger.in_flight, 1);
    assert_eq!(report.ledger.ok, JOBS - 1);
}

#[test]
fn one_dropped_job_in_ten_thousand_is_found() {
    let beast = Beast::unleash(Vice::DropsFew);
    let mut plan = plan(beast.address());
    (plan.jobs, plan.background_percent) = (Some(20_000), 50.0);
    plan.pace = Pace::Closed { outstanding: 8 };
    plan.drain = Duration::from_millis(500);
    let report = run(plan);
    broken(&report);
    assert_eq!(report.ledger.lost, 2, "{:?}", report.ledger);
    assert_eq!(report.ledger.ok, 20_000 - 2);
    let text = &report.verdict.findings[0].text;
    assert!(text.contains("lost"), "{text}");
}

#[test]
fn a_dropped_result_is_a_lost_job() {
    let report = against(Vice::DropsResult);
    broken(&report);
    assert_eq!(report.ledger.lost, 1);
}

#[test]
fn a_job_run_twice_is_duplicated() {
    let report = against(Vice::RunsTwice);
    broken(&report);
    assert_eq!(report.ledger.duplicated, 1);
    assert_eq!(report.ledger.lost, 0);
}

#[test]
fn swapped_results_are_wrong_bodies() {
    let report = against(Vice::SwapsResults);
    broken(&report);
    assert!(report.ledger.wrong_body > 0, "{:?}", report.ledger);
}

#[test]
fn a_damaged_payload_is_a_wrong_body() {
    let report = against(Vice::DamagesPayload);
    broken(&report);
    assert_eq!(report.ledger.wrong_body, 1);
    assert_eq!(report.ledger.phantom, 0);
}

#[test]
fn an_answer_to_a_job_that_nobody_ran_is_a_phantom() {
    let report = against(Vice::AnswersWithoutRunning);
    broken(&report);
    assert_eq!(report.ledger.phantom, 1);
}

#[test]
fn a_job_that_nobody_submitted_is_a_phantom() {
    let beast = Beast::unleash(Vice::RemembersJob);
    passed(&run(plan(beast.address())));
    let report = run(plan(beast.address()));
    broken(&report);
    assert_eq!(report.ledger.phantom, 1);
    assert_eq!(report.ledger.wrong_body, 0);
}

#[test]
fn a_worker_that_is_cut_off_gives_a_legal_second_run() {
    let beast = Beast::unleash(Vice::CutsWorker);
    let mut plan = plan(beast.address());
    // Long enough that the worker holds the job when it is cut off.
    plan.service = ServiceTime::Fixed(Duration::from_millis(2));
    let report = run(plan);
    passed(&report);
    assert_eq!(report.ledger.rerun, 1);
    assert_eq!(report.generator.connections_lost, 1);
}

#[test]
fn a_second_run_is_legal_when_the_end_of_the_first_worker_is_read_after_it() {
    let report = against(Vice::ReassignsBeforeClose);
    passed(&report);
    // When it is cut off the first worker may hold its next job, which runs again too.
    assert!(
        (1..=2).contains(&report.ledger.rerun),
        "{:?}",
        report.ledger
    );
    assert_eq!(report.generator.connections_lost, 1);
}

#[test]
fn a_restart_may_give_queued_jobs_new_handles() {
    let beast = Beast::unleash(Vice::Restarts);
    let mut plan = plan(beast.address());
    plan.background_percent = 100.0;
    plan.service = ServiceTime::Fixed(Duration::from_millis(1));
    let report = run(plan);
    assert_eq!(report.ledger.wrong_body, 0, "{:?}", report.ledger);
    // The job that was queued when the server went has run.
    assert!(report.ledger.recovered > 0, "{:?}", report.ledger);
    nothing_is_lost_or_left(&report, &beast);
}

#[test]
fn a_server_that_refuses_everything_leaves_the_run_inconclusive() {
    let report = against(Vice::RefusesAll);
    assert_eq!(report.verdict.exit_code, exit::INCONCLUSIVE);
    assert_eq!(report.ledger.error, JOBS);
}

#[test]
fn slow_connecting_hears_that_it_is_to_stop() {
    let beast = Beast::unleash(Vice::None);
    let mut plan = plan(beast.address());
    plan.connect_rate = 0.01;
    let stop = Arc::new(AtomicBool::new(false));
    let control = Control {
        stop: Arc::clone(&stop),
        progress: Some(Box::new(move |_| stop.store(true, Ordering::SeqCst))),
    };
    let error = load::run(plan, control).expect_err("not a job was sent");
    assert!(matches!(error, LoadError::Interrupted), "{error}");
}

#[test]
fn a_rate_beyond_all_reach_ends_when_its_time_is_over() {
    let beast = Beast::unleash(Vice::RefusesAll);
    let mut plan = plan(beast.address());
    (plan.jobs, plan.duration) = (None, Some(Duration::from_millis(50)));
    plan.pace = Pace::Open {
        rate: 1e7,
        arrival: Arrival::Constant,
    };
    let stop = Arc::new(AtomicBool::new(false));
    let control = Control {
        stop: Arc::clone(&stop),
        progress: Some(Box::new(move |_| stop.store(true, Ordering::SeqCst))),
    };
    let report = load::run(plan, control).expect("a report").report;
    assert_eq!(report.ledger.lost, 0);
    assert!(report.ledger.error > 0, "{:?}", report.ledger);
}

#[test]
fn a_job_is_completed_by_the_phase_that_it_ends_in() {
    let beast = Beast::unleash(Vice::None);
    let mut plan = plan(beast.address());
    let phase = Duration::from_millis(200);
    (plan.jobs, plan.warmup, plan.duration) = (None, phase, Some(phase));
    plan.pace = Pace::Closed { outstanding: 50 };
    let report = run(plan);
    let [warmup, measure] = &report.phases[..] else {
        panic!("{:?}", report.phases);
    };
    // When the one ends, the jobs that are on their way are the other's to complete.
    assert!(warmup.completed < warmup.sent, "{warmup:?}");
    assert!(warmup.completed + measure.completed <= report.ledger.ok);
    assert_eq!(warmup.sent + measure.sent, report.ledger.sent);
}

#[test]
fn a_run_that_misses_its_service_level_for_too_long_is_ended_early() {
    let beast = Beast::unleash(Vice::None);
    let mut plan = plan(beast.address());
    (plan.jobs, plan.duration) = (None, Some(Duration::from_secs(120)));
    // More than any machine does.
    plan.slos = vec!["throughput > 1000000000".parse().expect("a service level")];
    plan.abort_after = Some(Duration::from_secs(1));
    let report = run(plan);
    assert_eq!(report.verdict.exit_code, exit::SLO, "{:?}", report.verdict);
    let early = |found: &&gearbench::report::Finding| found.text.starts_with("ended early");
    assert_eq!(report.verdict.findings.iter().filter(early).count(), 1);
    let measured = report.headline().expect("a phase").seconds;
    assert!((1.0..60.0).contains(&measured), "{measured} s");
    nothing_is_lost_or_left(&report, &beast);
}

#[test]
fn a_job_that_runs_before_its_time_is_early() {
    // The beast knows no time.
    let beast = Beast::unleash(Vice::None);
    let mut plan = plan(beast.address());
    plan.epoch = Some(Duration::from_secs(2));
    let report = run(plan);
    broken(&report);
    assert_eq!(report.ledger.early, JOBS, "{:?}", report.ledger);
    assert!(
        report.verdict.findings[0]
            .text
            .contains("early: run before")
    );
}

#[test]
fn refused_jobs_leave_the_run_inconclusive() {
    let report = against(Vice::RefusesJob);
    assert_eq!(
        report.verdict.exit_code,
        exit::INCONCLUSIVE,
        "{:?}",
        report.verdict
    );
    assert_eq!(report.ledger.error, 1);
    assert!(report.verdict.findings[0].text.contains("QUEUE_ERROR"));
}

#[test]
fn a_server_that_dies_is_named_and_what_it_had_done_stands() {
    let report = against(Vice::Dies);
    assert_eq!(
        report.verdict.exit_code,
        exit::TARGET,
        "{:?}",
        report.verdict
    );
    assert!(report.ledger.ok > 0);
    assert_eq!(report.ledger.lost, 0);
}

#[test]
fn a_stream_that_breaks_is_no_gearman() {
    let report = against(Vice::BreaksStream);
    assert_eq!(
        report.verdict.exit_code,
        exit::TARGET,
        "{:?}",
        report.verdict
    );
    assert!(report.verdict.findings[0].text.contains("not Gearman"));
}

#[test]
fn a_server_that_stops_answering_times_out() {
    let beast = Beast::unleash(Vice::FallsSilent);
    let mut plan = plan(beast.address());
    plan.clients = 50;
    plan.timeout = Duration::from_millis(200);
    plan.drain = Duration::from_millis(200);
    let report = run(plan);
    assert_eq!(
        report.verdict.exit_code,
        exit::TARGET,
        "{:?}",
        report.verdict
    );
    assert!(report.ledger.timeout > 0);
}

#[test]
fn an_interrupted_run_reports_what_it_has() {
    let beast = Beast::unleash(Vice::None);
    let mut plan = plan(beast.address());
    plan.jobs = None;
    plan.duration = Some(Duration::from_secs(3600));
    let stop = Arc::new(AtomicBool::new(false));
    let control = Control {
        stop: Arc::clone(&stop),
        // The first sign of life interrupts.
        progress: Some(Box::new(move |progress| {
            if progress.sample.completed > 0 {
                stop.store(true, Ordering::SeqCst);
            }
        })),
    };
    let report = load::run(plan, control).expect("a report").report;
    assert_eq!(report.verdict.exit_code, exit::INTERRUPTED);
    assert!(report.ledger.ok > 0);
    assert_eq!(report.ledger.in_flight, 0);
}

/// Whatever ended the run, no job is lost, and none is left on the target.
#[track_caller]
fn nothing_is_lost_or_left(report: &Report, beast: &Beast) {
    assert_eq!(report.ledger.lost, 0, "{:?}", report.ledger);
    assert_eq!(report.ledger.duplicated, 0, "{:?}", report.ledger);
    assert_eq!(beast.jobs(), 0);
}

#[test]
fn jobs_that_are_still_queued_when_the_drain_ends_are_swept_up() {
    for background in [0.0, 100.0] {
        let beast = Beast::unleash(Vice::None);
        let mut plan = plan(beast.address());
        (plan.jobs, plan.duration) = (None, Some(Duration::from_millis(200)));
        plan.pace = Pace::Closed { outstanding: 500 };
        plan.background_percent = background;
        plan.service = ServiceTime::Fixed(Duration::from_secs(1));
        plan.drain = Duration::ZERO;
        let report = run(plan);
        assert_eq!(report.verdict.exit_code, exit::INCONCLUSIVE);
        assert!(report.ledger.still_queued > 0, "{:?}", report.ledger);
        nothing_is_lost_or_left(&report, &beast);
    }
}

#[test]
fn a_background_load_that_is_cut_off_has_its_books_in_order() {
    let beast = Beast::unleash(Vice::None);
    let mut plan = plan(beast.address());
    (plan.jobs, plan.duration) = (None, Some(Duration::from_millis(200)));
    (plan.background_percent, plan.prefetch) = (100.0, 4);
    plan.service = ServiceTime::Fixed(Duration::from_micros(100));
    plan.drain = Duration::ZERO;
    nothing_is_lost_or_left(&run(plan), &beast);
}

#[test]
fn a_job_that_was_never_acknowledged_is_not_lost() {
    let beast = Beast::unleash(Vice::SwallowsJobs);
    let mut plan = plan(beast.address());
    // Each of the four clients waits for one of the last four.
    plan.jobs = Some(server::MARKED + 3);
    let report = run(plan);
    assert_eq!(report.verdict.exit_code, exit::INCONCLUSIVE);
    assert_eq!(report.ledger.in_flight, 4, "{:?}", report.ledger);
    nothing_is_lost_or_left(&report, &beast);
    // The longest wait is that of those which were never answered.
    let measured = report.phases.last().expect("a phase");
    let response = measured
        .stages
        .iter()
        .find(|stage| stage.name == "response");
    let waits = response.expect("responses").latency.count();
    assert_eq!(waits, report.ledger.sent);
}

#[test]
fn a_result_on_its_way_is_not_lost() {
    let beast = Beast::unleash(Vice::DeliversLate);
    let mut plan = plan(beast.address());
    (plan.jobs, plan.duration) = (None, Some(Duration::from_millis(200)));
    plan.drain = Duration::ZERO;
    nothing_is_lost_or_left(&run(plan), &beast);
}

#[test]
fn a_flood_that_is_interrupted_leaves_nothing_behind() {
    let beast = Beast::unleash(Vice::SwallowsJobs);
    let mut plan = plan(beast.address());
    (plan.clients, plan.jobs, plan.backlog) = (0, None, 10_000);
    plan.service = ServiceTime::Fixed(Duration::from_secs(1));
    let stop = Arc::new(AtomicBool::new(false));
    let control = Control {
        stop: Arc::clone(&stop),
        progress: Some(Box::new(move |progress| {
            if progress.sample.sent > 0 {
                stop.store(true, Ordering::SeqCst);
            }
        })),
    };
    let report = load::run(plan, control).expect("a report").report;
    assert_eq!(report.verdict.exit_code, exit::INTERRUPTED);
    assert!(report.ledger.still_queued > 0, "{:?}", report.ledger);
    nothing_is_lost_or_left(&report, &beast);
}

/// A backlog of jobs, which lie in the queue all at once.
fn backlog(vice: Vice) -> Report {
    let beast = Beast::unleash(vice);
    let mut plan = plan(beast.address());
    (plan.clients, plan.jobs, plan.backlog) = (0, None, 10 * JOBS);
    plan.priority = "high=1,low=1".parse().expect("a mix");
    if vice != Vice::LowestFirst {
        plan.priority = "normal=1".parse().expect("a mix");
    }
    run(plan)
}

#[test]
fn jobs_out_of_order_are_counted_and_measured() {
    for vice in [Vice::Lifo, Vice::SlightlyOutOfOrder] {
        let report = backlog(vice);
        broken(&report);
        let text = &report.verdict.findings[0].text;
        assert!(text.contains("overtaken by a later one"), "{text}");
        let order = report.order.expect("looked at");
        assert!(order.fifo.places_max > 1 && order.fifo.late_ns_max > 0);
        let share = order.percent(&order.fifo);
        let few = vice == Vice::SlightlyOutOfOrder;
        assert!(if few { share < 2.0 } else { share > 50.0 }, "{order:?}");
        assert_eq!(order.priority.jobs, 0);
    }
    let report = backlog(Vice::LowestFirst);
    broken(&report);
    let text = &report.verdict.findings[0].text;
    assert!(text.contains("a lower priority"), "{text}");
    let order = backlog(Vice::None).order.expect("looked at");
    assert!(order.judged > JOBS && order.fifo.jobs + order.priority.jobs == 0);
}

#[test]
fn a_worker_that_gets_everything_is_named() {
    let report = against(Vice::Favours);
    passed(&report);
    let balance = report.balance.expect("workers");
    assert_eq!((balance.max, balance.min), (JOBS, 0));
    let note = report.verdict.notes.iter().find(|n| n.contains("unevenly"));
    assert!(note.is_some(), "{:?}", report.verdict);
}

/// Every lie has its exit code, and its words or its place in the books.
#[test]
fn lies_are_told_apart() {
    for (vice, code, words) in [
        (Vice::AssignsOtherHandle, exit::INVARIANT, "wrong body"),
        (Vice::SwapsHandles, exit::INVARIANT, "wrong body"),
        (Vice::RepeatsHandle, exit::INVARIANT, "wrong body"),
        (Vice::WithholdsHandle, exit::INVARIANT, "wrong body"),
        // No worker has sent any.
        (Vice::FloodsStatus, exit::INVARIANT, "wrong body"),
        (Vice::FailsJob, exit::INVARIANT, "no worker failed"),
        (Vice::AnnouncesTooMuch, exit::TARGET, "not Gearman"),
    ] {
        let report = against(vice);
        assert_eq!(
            report.verdict.exit_code, code,
            "{vice:?}: {:?}",
            report.verdict
        );
        let said = report
            .verdict
            .findings
            .iter()
            .any(|f| f.text.contains(words));
        assert!(said, "{vice:?}: {:?}", report.verdict);
    }
}

#[test]
fn what_nobody_asked_for_is_counted_and_harms_nothing() {
    for vice in [Vice::AcknowledgesTwice, Vice::InventsPackets] {
        let report = against(vice);
        passed(&report);
        assert!(report.generator.unexpected_packets > 0, "{vice:?}");
    }
    // A job that is sent into the flood is refused by it.
    let flooded = against(Vice::FloodsErrors);
    assert!(flooded.generator.unexpected_packets > 0);
    assert!([exit::OK, exit::INCONCLUSIVE].contains(&flooded.verdict.exit_code));
    let note = flooded
        .verdict
        .notes
        .iter()
        .find(|n| n.contains("not expect"));
    assert!(note.is_some(), "{:?}", flooded.verdict);
    for vice in [Vice::StatusWithoutEnd, Vice::Pushes] {
        passed(&against(vice));
    }
    let report = against(Vice::CriesWolf);
    passed(&report);
    assert!(report.wakeups.noops > report.wakeups.assigned);
}

#[test]
fn a_server_that_stops_reading_is_named_in_time() {
    let beast = Beast::unleash(Vice::StopsReading);
    let mut plan = plan(beast.address());
    (plan.clients, plan.timeout) = (50, Duration::from_millis(200));
    plan.drain = Duration::from_millis(200);
    let report = run(plan);
    assert_eq!(
        report.verdict.exit_code,
        exit::TARGET,
        "{:?}",
        report.verdict
    );
    assert_eq!(report.ledger.lost, 0);
}

/// Nothing of this is a server, however it begins.
#[test]
fn what_begins_like_a_server_and_is_none_is_refused() {
    for first in [
        b"\0RES\0\0\0\x11\x80\0\0\0".as_slice(),
        b"\0RES\0\0\0\x11\xff\xff\xff\xff",
        b"\0RES\0\0\x27\x0f\0\0\0\0",
        b"\0RES\0\0\0\x11\0\0\0\0",
        b"\0RES\0\0\0\x11\0\0\0\x05wrong",
        b"\0REQ\0\0\0\x10\0\0\0\0",
        b"\x16\x03\x03\0\x40\x02\0\0\x3c",
        b"\x15\x03\x03\0\x02\x02\x46",
        b"\0\0\0\0\0\0\0\0\0\0\0\0",
        b"220 mail.example ESMTP\r\n",
        b"\0RE",
    ] {
        let error = refused(move |stream| {
            let _ = stream.write_all(first);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        assert_eq!(exit_code(&error), exit::TARGET, "{first:?}: {error}");
    }
    let dripping = refused(|stream| {
        for byte in b"\0RES\0\0\0\x11".iter().cycle() {
            if stream.write_all(&[*byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(exit_code(&dripping), exit::TARGET, "{dripping}");
    let half = refused(|stream| {
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(half, LoadError::HungUp { .. }), "{half}");
}

#[test]
fn a_reset_after_any_number_of_bytes_is_a_server_that_hangs_up() {
    for offset in [0, 1, 4, 8, 11, 12, 13] {
        let error = refused(move |stream| {
            let _ = stream.read_exact(&mut vec![0; offset]);
            let _ = socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
        });
        // It may come before the connection is there.
        let hung_up = matches!(
            error,
            LoadError::HungUp { .. } | LoadError::Unreachable { .. }
        );
        assert!(hung_up, "{offset}: {error}");
    }
}

/// What a server that never becomes one is refused with.
fn refused(serve: impl Fn(&mut std::net::TcpStream) + Send + 'static) -> LoadError {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            serve(&mut stream);
        }
    });
    let mut plan = plan(address);
    plan.connect_timeout = Duration::from_millis(300);
    load::run(plan, Control::default()).expect_err("no Gearman server")
}

#[test]
fn what_is_no_server_is_told_apart() {
    let silent = refused(|stream| {
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(silent, LoadError::Silent { .. }), "{silent}");
    let web = refused(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(web, LoadError::NotGearman { .. }), "{web}");
    assert!(web.to_string().contains("HTTP/1.1"), "{web}");
    let noise = refused(|stream| {
        let _ = stream.write_all(b"\0\xff\xff\xff\0\0\0\0\0\0\0\0");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert!(matches!(noise, LoadError::NotGearman { .. }), "{noise}");
    let rude = refused(|stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    assert!(matches!(rude, LoadError::HungUp { .. }), "{rude}");

    let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = port.local_addr().expect("an address");
    drop(port);
    let closed = load::run(plan(address), Control::default()).expect_err("nobody listens");
    assert!(matches!(closed, LoadError::Unreachable { .. }), "{closed}");
    for error in [silent, web, noise, rude, closed] {
        assert_eq!(exit_code(&error), exit::TARGET, "{error}");
    }
}
