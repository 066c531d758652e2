//! The model on answers that are right and on those that are wrong.

use super::*;
use crate::protocol::{Body, GrabKind, Priority, Submit, Work};

const CLIENT: usize = 0;
const WORKER: usize = 1;
const OTHER: usize = 2;
const H: &[u8] = b"H:1";

fn submit(unique: &'static [u8], priority: Priority) -> Act<'static> {
    Act::Sends(Ok(Request::Submit(Submit {
        function: b"f",
        unique,
        priority,
        background: false,
        epoch: None,
        reducer: None,
        body: Body::new(b"x"),
    })))
}

fn can_do() -> Act<'static> {
    Act::Sends(Ok(Request::CanDo {
        function: b"f",
        timeout_ms: None,
    }))
}

fn grab() -> Act<'static> {
    Act::Sends(Ok(Request::Grab(GrabKind::Classic)))
}

fn sleep() -> Act<'static> {
    Act::Sends(Ok(Request::PreSleep))
}

fn created(handle: &[u8]) -> Said {
    packet(T::JOB_CREATED, &[handle], b"")
}

fn assigned(handle: &[u8]) -> Said {
    packet(T::JOB_ASSIGN, &[handle, b"f"], b"x")
}

fn noop() -> Said {
    packet(T::NOOP, &[], b"")
}

/// A client and two workers who can do `f`.
fn model() -> Model {
    let mut model = Model::new(Rules::default(), 0);
    for peer in [CLIENT, WORKER, OTHER] {
        model
            .judge(0, peer, &Act::Connects, &mut Heard::default())
            .unwrap();
    }
    for worker in [WORKER, OTHER] {
        model
            .judge(0, worker, &can_do(), &mut Heard::default())
            .unwrap();
    }
    model
}

/// Who did what, and who heard what of it.
type Round<'a> = (usize, Act<'a>, &'a [(usize, Said)]);

/// Plays acts with right answers, then one whose answer breaks `rule`.
#[track_caller]
fn broken(rule: &str, acts: &[Round<'_>]) {
    let mut model = model();
    let Some(((peer, act, heard), before)) = acts.split_last() else {
        return;
    };
    for (peer, act, heard) in before {
        model
            .judge(0, *peer, act, &mut Heard(heard.to_vec()))
            .unwrap();
    }
    let divergence = model
        .judge(0, *peer, act, &mut Heard(heard.to_vec()))
        .unwrap_err();
    assert_eq!(divergence.rule, rule, "{divergence}");
}

#[test]
fn a_used_handle_names_no_new_job() {
    broken(
        "P-SUB-17",
        &[
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
        ],
    );
}

#[test]
fn one_unique_is_one_job() {
    broken(
        "P-UNIQ-01",
        &[
            (
                CLIENT,
                submit(b"u", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
            (
                CLIENT,
                submit(b"u", Priority::Low),
                &[(CLIENT, created(b"H:2"))],
            ),
        ],
    );
}

#[test]
fn the_newest_job_is_not_first() {
    broken(
        "P-ORD-01",
        &[
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(b"H:2"))],
            ),
            (WORKER, grab(), &[(WORKER, assigned(b"H:2"))]),
        ],
    );
}

#[test]
fn a_low_job_is_not_first() {
    broken(
        "P-ORD-01",
        &[
            (CLIENT, submit(b"", Priority::Low), &[(CLIENT, created(H))]),
            (
                CLIENT,
                submit(b"", Priority::High),
                &[(CLIENT, created(b"H:2"))],
            ),
            (WORKER, grab(), &[(WORKER, assigned(H))]),
        ],
    );
}

#[test]
fn nobody_sleeps_over_a_job() {
    broken(
        "P-WRK-11",
        &[
            (WORKER, sleep(), &[]),
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
        ],
    );
}

#[test]
fn one_of_two_sleepers_is_enough_and_who_is_awake_hears_nothing() {
    broken(
        "P-WRK-17",
        &[
            (WORKER, sleep(), &[]),
            (OTHER, sleep(), &[]),
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(OTHER, noop()), (CLIENT, created(H))],
            ),
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(b"H:2")), (OTHER, noop())],
            ),
        ],
    );
}

#[test]
fn a_woken_worker_that_leaves_passes_the_job_on() {
    broken(
        "P-WRK-11",
        &[
            (WORKER, sleep(), &[]),
            (OTHER, sleep(), &[]),
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H)), (WORKER, noop())],
            ),
            (WORKER, Act::Leaves, &[]),
        ],
    );
}

#[test]
fn a_job_belongs_to_its_worker() {
    let complete = |body: &'static [u8]| {
        let work = Work::Complete(Body::new(body));
        Act::Sends(Ok(Request::Work { handle: H, work }))
    };
    let told = packet(T::WORK_COMPLETE, &[H], b"r");
    broken(
        "P-WORK-06",
        &[
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
            (WORKER, grab(), &[(WORKER, assigned(H))]),
            (OTHER, complete(b"r"), &[(CLIENT, told.clone())]),
        ],
    );
    broken(
        "P-WORK-01",
        &[
            (
                CLIENT,
                submit(b"", Priority::Normal),
                &[(CLIENT, created(H))],
            ),
            (WORKER, grab(), &[(WORKER, assigned(H))]),
            (WORKER, complete(b"s"), &[(CLIENT, told)]),
        ],
    );
}

#[test]
fn what_nobody_asked_for_is_told() {
    let echo = packet(T::ECHO_RES, &[], b"");
    broken("P-GEN-02", &[(WORKER, can_do(), &[(OTHER, echo)])]);
}

/// Also where a client id is empty, as C gearmand shows it.
#[test]
fn rows_of_workers_are_read_from_the_left() {
    let act = Act::Types(Ok(Command::Workers));
    let lines = |rows: [&str; 3]| {
        let lines = rows.into_iter().chain(["."]);
        Heard(lines.map(|row| (CLIENT, Said::Line(row.into()))).collect())
    };
    let right = ["5 ::1 - :", "6 ::1 - : f", "7 ::1 - : f"];
    model().judge(0, CLIENT, &act, &mut lines(right)).unwrap();
    let blank = ["5 ::1 - : ", "6 ::1 - : f", "7 ::1 - : f"];
    model().judge(0, CLIENT, &act, &mut lines(blank)).unwrap();
    for odd in ["5 ::1  :", "5 ::1", ""] {
        let rows = [odd, "6 ::1 - : f", "7 ::1 - : f"];
        let judged = model().judge(0, CLIENT, &act, &mut lines(rows));
        assert_eq!(judged.unwrap_err().rule, "P-TEXT-17", "{odd}");
    }
}
