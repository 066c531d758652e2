//! Scripts over TCP, on C gearmand and on our server.

use crate::support::{Gearmand, Serve, Server, require_or_skip};
use gearbench::conformance::player::{Delivery, Options};
use gearbench::conformance::smoke::{CASES, SmokeVerdict, smoke};
use gearbench::conformance::tcp::TcpArm;
use gearbench::conformance::{Namespace, Player, Script};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long the server may take for one answer, and for all smoke cases.
const PATIENCE: Duration = Duration::from_secs(30);

fn smoke_passes(server: &impl Server) {
    let target = server.address().to_string();
    for run in ["one-", "two-"] {
        for result in smoke(
            &target,
            &Namespace::new(run),
            PATIENCE,
            &AtomicBool::new(false),
        ) {
            match result.verdict {
                SmokeVerdict::Passed => {}
                SmokeVerdict::Failed(failure) => panic!("{}: {failure}", result.case.id),
                SmokeVerdict::NotRun(reason) => panic!("{}: {reason}", result.case.id),
            }
        }
    }
    let left = server.admin().list("show jobs");
    assert_eq!(left.expect("an answer"), Vec::<String>::new());
}

#[test]
fn smoke_passes_on_gearmand() {
    if require_or_skip("gearmand") {
        smoke_passes(&Gearmand::start(&[]));
        smoke_passes(&Gearmand::start(&["--threads", "0"]));
        smoke_passes(&Gearmand::start(&["--threads", "1"]));
    }
}

#[test]
fn smoke_passes_on_our_server() {
    smoke_passes(&Serve::start(&[]));
}

/// However the bytes are cut, and whether or not answers are read in between.
fn smoke_passes_in_any_delivery(server: &impl Server) {
    for delivery in Delivery::ALL {
        let target = server.address().to_string();
        let mut arm = TcpArm::new(&target, PATIENCE).expect("an address");
        for case in CASES {
            let options = Options {
                namespace: Namespace::new(format!("{delivery}-")),
                timeout: PATIENCE,
                delivery,
                ..Options::default()
            };
            let script: Script = case.script.parse().expect("a script");
            if let Err(failure) = Player::new(&mut arm, options).play(&script) {
                panic!("{}, {delivery}: {failure}", case.id);
            }
        }
    }
}

#[test]
fn smoke_passes_in_any_delivery_on_gearmand() {
    if require_or_skip("gearmand") {
        smoke_passes_in_any_delivery(&Gearmand::start(&[]));
    }
}

#[test]
fn smoke_passes_in_any_delivery_on_our_server() {
    smoke_passes_in_any_delivery(&Serve::start(&[]));
}

fn play(server: &impl Server, script: &str) {
    let script: Script = script.parse().expect("a script");
    for delivery in Delivery::ALL {
        let target = server.address().to_string();
        let mut arm = TcpArm::new(&target, PATIENCE).expect("an address");
        let options = Options {
            timeout: PATIENCE,
            delivery,
            ..Options::default()
        };
        if let Err(failure) = Player::new(&mut arm, options).play(&script) {
            panic!("{failure}");
        }
    }
}

/// P-FRAME-09, P-FRAME-26, P-FRAME-32: what ends a connection, and what it still delivers.
#[test]
fn connections_end_with_their_answers_delivered() {
    play(
        &Serve::start(&[]),
        r#"
        half > ECHO_REQ "hello" & ECHO_REQ "x"*100000
        half half-closes
        half < ECHO_RES "hello"
        half < ECHO_RES "x"*100000
        half is closed
        magic > bytes "\0REX\0\0\0\x10\0\0\0\0"
        magic < ERROR _ _
        magic is closed
        line > bytes "a"*8192
        line < ERROR _ _ | text "ERR"..
        line is closed
        "#,
    );
}

/// P-DISC-04, P-DISC-10: by FIN and by RST.
#[test]
fn lost_workers_are_noticed() {
    for end in ["closes", "resets"] {
        play(
            &Serve::start(&[]),
            &r#"
            client > SUBMIT_JOB f "" "1"
            client < JOB_CREATED $h
            lost   > CAN_DO f & GRAB_JOB
            lost   < JOB_ASSIGN $h f "1"
            worker > CAN_DO f & PRE_SLEEP
            worker is quiet
            lost END
            worker < NOOP
            worker > GRAB_JOB
            worker < JOB_ASSIGN $h f "1"
            worker > WORK_COMPLETE $h "done"
            client < WORK_COMPLETE $h "done"
            "#
            .replace("END", end),
        );
    }
}

/// P-WRK-24, P-EPOCH-02: timers of the server, by its own clock.
#[test]
fn timers_go_off_over_tcp() {
    play(
        &Serve::start(&[]),
        r#"
        slow   > CAN_DO_TIMEOUT slow 50
        late   > CAN_DO late & PRE_SLEEP
        client > SUBMIT_JOB slow "" "1" & SUBMIT_JOB_EPOCH late "" now+1 "2"
        client < JOB_CREATED $slow
        client < JOB_CREATED $late
        slow   > GRAB_JOB
        slow   < JOB_ASSIGN $slow slow "1"
        client < WORK_FAIL $slow
        slow   > WORK_COMPLETE $slow "too late"
        slow   < ERROR _ _
        late   < NOOP
        late   > GRAB_JOB
        late   < JOB_ASSIGN $late late "2"
        late   > WORK_COMPLETE $late ""
        late is quiet
        "#,
    );
}

/// A script of blocks means the same over TCP as in memory.
#[test]
fn blocks_are_played_over_tcp() {
    let script = r#"
        one > CAN_DO f & PRE_SLEEP
        two > CAN_DO f & PRE_SLEEP
        repeat 20 {
            client > SUBMIT_JOB_BG f "" x
            client < JOB_CREATED $h[1..63]
            at least 1 {
                one < NOOP
                two < NOOP
            }
            one > GRAB_JOB
            one < JOB_ASSIGN $h f x
            one > WORK_COMPLETE $h "" & PRE_SLEEP
            two > PRE_SLEEP
            lost > GRAB_JOB
            lost < NO_JOB
            lost resets
            lost connects
        }
        flood floods 100 times ECHO_REQ "x"
        flood closes
        one is quiet
    "#;
    play(&Serve::start(&[]), script);
    if require_or_skip("gearmand") {
        play(&Gearmand::start(&[]), script);
    }
}
