use super::*;
use crate::conformance::memory::MemoryArm;
use crate::engine::Policy;

fn play_with(script: &str, options: Options) -> Result<Trace, Box<Failure>> {
    let mut arm = MemoryArm::new(Policy::default());
    Player::new(&mut arm, options).play(&script.parse().unwrap())
}

fn failure(script: &str) -> String {
    let failure = play_with(script, Options::default()).unwrap_err();
    failure.to_string()
}

#[test]
fn what_was_not_expected_is_a_failure() {
    for (script, message) in [
        (
            "a > ECHO_REQ \"x\"\na < ECHO_RES \"y\"",
            "line 2: a < ECHO_RES \"y\"\n  a expected ECHO_RES \"y\", found ECHO_RES \"x\"\n",
        ),
        (
            "a > GRAB_JOB\na < NOOP | JOB_ASSIGN _ _ \"\"..",
            "a expected NOOP | JOB_ASSIGN _ _ \"\".., found NO_JOB\n",
        ),
        (
            "a > GRAB_JOB\na is quiet",
            "a expected nothing, found NO_JOB\n",
        ),
        ("a < NOOP", "a expected NOOP, found nothing in 2s\n"),
        (
            "a > PRE_SLEEP\na is closed",
            "a expected closed, found nothing in 2s\n",
        ),
        (
            "a > bytes \"\\0\"*12\na < ERROR _ _\na is quiet",
            "a expected nothing, found the end of the connection\n",
        ),
        (
            "a > SUBMIT_JOB f \"\" x\na < JOB_CREATED $h\na > SUBMIT_JOB f \"\" x\na < JOB_CREATED $h",
            "a expected JOB_CREATED $h, found JOB_CREATED \"H:localhost:2\"\n",
        ),
        (
            "a > 2 times SUBMIT_JOB f u x\na < JOB_CREATED $h\na < JOB_CREATED $new",
            "a expected JOB_CREATED $new, found JOB_CREATED \"H:localhost:1\" ($h is \"H:localhost:1\")\n",
        ),
        (
            "a > CAN_DO f & CAN_DO g & text status\na < list {\nrow f 0 0 1\n}",
            "found the line \"g\\t0\\t0\\t1\"",
        ),
        (
            "a > CAN_DO f & text status\na < list {\nrow f 0 0 1\nrow g ..\n}",
            "found no line that is `row g ..`",
        ),
        (
            "a > CAN_DO f & text status\na < list {\nnever row f ..\n..\n}",
            "found the line \"f\\t0\\t0\\t1\"",
        ),
        (
            "a > 2 times ECHO_REQ \"x\"\nany order {\na < ECHO_RES \"x\"\na < ECHO_RES \"y\"\n}",
            "a expected ECHO_RES \"y\", found ECHO_RES \"x\"\n",
        ),
    ] {
        let found = failure(script);
        assert!(found.contains(message), "{script}\n{found}");
    }
}

#[test]
fn a_failure_shows_what_happened() {
    let failure = failure("a > SUBMIT_JOB reverse \"\" \"abc\"\na < NO_JOB");
    let trace = failure.lines().skip(3).collect::<Vec<_>>().join("\n");
    assert_eq!(
        trace,
        r#"     0.000 ms  a connects
     0.000 ms  a > SUBMIT_JOB "reverse" "" "abc"
                    00524551000000070000000c726576657273650000616263
     0.000 ms  a < JOB_CREATED "H:localhost:1"
                    00524553000000080000000d483a6c6f63616c686f73743a31"#,
        "{failure}"
    );
}

#[test]
fn a_block_is_played_again_with_free_names() {
    let script = r#"
        observer > CAN_DO f & PRE_SLEEP
        repeat 100 {
            client connects
            client > SUBMIT_JOB_BG f "" x
            client < JOB_CREATED $h
            client > GET_STATUS $h
            client < STATUS_RES $h 1 0 0 0
            client closes
            worker connects
            worker > CAN_DO f & GRAB_JOB
            worker < JOB_ASSIGN $h f x
            worker > WORK_COMPLETE $h ""
            worker half-closes
        }
        client connects
        client > SUBMIT_JOB f "" x
        client < JOB_CREATED $h
    "#;
    let trace = play_with(script, Options::default()).unwrap();
    let connected = |name: &str| {
        let entries = trace.entries.iter();
        entries
            .filter(|entry| entry.peer == name && entry.event == TraceEvent::Connected)
            .count()
    };
    assert_eq!((connected("client"), connected("worker")), (101, 100));
    let printed = trace.to_string();
    assert!(printed.lines().count() < 500, "{printed}");
    assert!(printed.contains("events left out)"), "{printed}");
}

#[test]
fn a_failure_says_in_which_round() {
    let script =
        "a > CAN_DO f\nrepeat 9 {\na > SUBMIT_JOB f \"\" x\na < JOB_CREATED \"H:localhost:1\"\n}";
    let failure = play_with(script, Options::default()).unwrap_err();
    assert_eq!((failure.line, failure.round), (4, Some(2)));
    let start = "line 4 (round 2): a < JOB_CREATED H:localhost:1\n";
    assert_eq!(failure.step, "a < JOB_CREATED H:localhost:1");
    assert!(failure.to_string().starts_with(start), "{failure}");
}

const SLEEPERS: &str = r#"
    one > CAN_DO f & PRE_SLEEP
    two > CAN_DO f & PRE_SLEEP
    three > CAN_DO f & PRE_SLEEP
    client > SUBMIT_JOB_BG f "" x
    client < JOB_CREATED $h
"#;

#[test]
fn at_least_so_many_receive_it() {
    let enough = format!("{SLEEPERS}at least 1 {{\none < NOOP\ntwo < NOOP\nthree < NOOP\n}}\n");
    let after = "one is quiet\ntwo is quiet\nthree is quiet";
    play_with(&format!("{enough}{after}"), Options::default()).unwrap();

    let too_many = format!("{SLEEPERS}at least 3 {{\none < NOOP\ntwo < NOOP\nthree < NOOP\n}}");
    // Policies differ in whom they wake; nobody is woken who has no ability.
    let none = too_many.replace("CAN_DO f", "CAN_DO g");
    let found = failure(&none);
    let expected = "expected 3 peers or more to receive something, found 0; not: one < NOOP, two < NOOP, three < NOOP\n";
    assert!(found.contains(expected), "{found}");

    let other = enough.replace("one < NOOP", "one < NO_JOB");
    let other = other
        .replace("three < NOOP", "client < NOOP")
        .replace("two < NOOP", "two < NO_JOB");
    let found = failure(&other);
    assert!(
        found.contains("expected NO_JOB | nothing, found NOOP\n"),
        "{found}"
    );

    let twice = "a > 2 times GRAB_JOB\nat least 1 {\na < NO_JOB\n}";
    let found = failure(twice);
    assert!(
        found.contains("a expected nothing, found NO_JOB\n"),
        "{found}"
    );
}

#[test]
fn patterns_say_how_long_it_may_be() {
    let script = |pattern: &str| {
        format!(
            "a > ECHO_REQ \"hello\" & text \"version\"\na < ECHO_RES {pattern}\na < text _[1..99]"
        )
    };
    for fits in ["_[5..5]", "$x[1..63]", "\"he\"..[0..5]", "hello[5..9]"] {
        play_with(&script(fits), Options::default()).unwrap();
    }
    for wrong in [
        "_[6..9]",
        "$x[0..4]",
        "\"he\"..[6..7]",
        "hello[0..4]",
        "\"x\"..[5..5]",
    ] {
        let found = failure(&script(wrong));
        let message = format!(
            "a expected ECHO_RES {}, found ECHO_RES \"hello\"\n",
            wrong.replace("hello", "\"hello\"")
        );
        assert!(found.contains(&message), "{found}");
    }
}

#[test]
fn requests_are_sent_ahead_of_answers() {
    let script = r#"
        a > CAN_DO f
        a > GRAB_JOB
        a < NO_JOB
        a > ECHO_REQ "1"
        a < ECHO_RES "1"
        a > PRE_SLEEP
        client > SUBMIT_JOB f "" x
        client < JOB_CREATED $h
        a < NOOP
        a > GRAB_JOB
        a < JOB_ASSIGN $h f x
        a > WORK_COMPLETE $h ""
        a > ECHO_REQ "x"*40000
        a > ECHO_REQ "2"
        a < ECHO_RES "x"*40000
        a < ECHO_RES "2"
        a is quiet
    "#;
    let writes = |delivery| {
        let options = Options {
            delivery,
            ..Options::default()
        };
        let trace = play_with(script, options).unwrap();
        let entries = trace.entries.into_iter();
        let sent = entries.filter_map(|entry| match entry.event {
            TraceEvent::Sent { size, .. } if entry.peer == "a" => Some(size),
            _ => None,
        });
        sent.collect::<Vec<usize>>()
    };
    let header = 12;
    assert_eq!(
        writes(Delivery::Pipeline),
        [
            13 + header + 13 + header,
            header,
            12 + 14,
            header + 40_000,
            13
        ]
    );
    assert_eq!(writes(Delivery::Whole).len(), 8);
}

#[test]
fn a_flood_is_not_read() {
    let script = r#"
        a floods 1000 times ECHO_REQ "x"*100
        b > ECHO_REQ "still here"
        b < ECHO_RES "still here"
        a resets
        a connects
        a > ECHO_REQ "again"
        a < ECHO_RES "again"
    "#;
    let trace = play_with(script, Options::default()).unwrap().to_string();
    assert!(trace.contains("a floods ECHO_REQ \"xxx"), "{trace}");
    let bytes = "a floods 112000 bytes, of which 112000 were taken\n";
    assert!(trace.contains(bytes), "{trace}");
}

#[test]
fn an_arm_without_a_process_says_so() {
    for step in ["terminates", "dies", "exits", "exits gracefully"] {
        let found = failure(&format!("a > GRAB_JOB\nserver {step}"));
        let message = format!(
            "line 2: server {step}\n  the script needs a server process of its own, which there is not here\n"
        );
        assert!(found.starts_with(&message), "{found}");
    }
}

#[test]
fn causes_say_what_was_expected_and_found() {
    for (script, expected, found) in [
        ("a > GRAB_JOB\na < NOOP | closed", "NOOP | closed", "NO_JOB"),
        ("a < NOOP | closed", "NOOP | closed", "nothing in 2s"),
        ("a > GRAB_JOB\na is quiet", "nothing", "NO_JOB"),
        (
            "a connects\nat least 1 {\na < NOOP\n}",
            "1 peers or more that receive",
            "0; not: a < NOOP",
        ),
    ] {
        let failure = play_with(script, Options::default()).unwrap_err();
        assert_eq!(failure.cause.expected().as_deref(), Some(expected));
        assert_eq!(failure.cause.found().as_deref(), Some(found));
    }
}

/// A script is the same in any namespace, on any delivery.
#[test]
fn names_are_kept_in_their_namespace() {
    let script = r#"
        worker > CAN_DO reverse
        client > SUBMIT_JOB reverse u1 "reverse {reverse}"
        client < JOB_CREATED $h
        client > SUBMIT_JOB reverse - "dash"
        client < JOB_CREATED $dash
        client > SUBMIT_JOB "r"*9 "" "repeated"
        client < JOB_CREATED $repeated
        client > GET_STATUS_UNIQUE u1
        client < STATUS_RES_UNIQUE u1 1 0 0 0 1
        client > text "status"
        client < list {
            row {reverse} 2 0 1
            row "r"*9 1 0 0
        }
        worker > GRAB_JOB_UNIQ & GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $h reverse u1 "reverse {reverse}"
        worker < JOB_ASSIGN_UNIQ $dash reverse - "dash"
    "#;
    for delivery in Delivery::ALL {
        let options = Options {
            namespace: Namespace::new("run7-"),
            delivery,
            ..Options::default()
        };
        let trace = play_with(script, options).unwrap().to_string();
        let sent = r#"client > SUBMIT_JOB "run7-reverse" "run7-u1" "reverse run7-reverse""#;
        assert!(trace.contains(sent), "{trace}");
    }
}

/// Silence is proved by GET_STATUS where ECHO_REQ has no answer.
#[test]
fn a_status_proves_silence_too() {
    let options = Options {
        barrier: Barrier::Status,
        ..Options::default()
    };
    let script = "a > CAN_DO f & PRE_SLEEP\na is quiet\nb > SUBMIT_JOB f \"\" x\nb < JOB_CREATED _\na < NOOP\na is quiet";
    let trace = play_with(script, options.clone()).unwrap().to_string();
    assert!(trace.contains("a is answered"), "{trace}");
    let failure = play_with("a > GRAB_JOB\na is quiet", options).unwrap_err();
    let found = failure.to_string();
    assert!(
        found.contains("a expected nothing, found NO_JOB\n"),
        "{found}"
    );
}
