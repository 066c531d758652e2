//! The cases.

use super::SmokeCase;

macro_rules! cases {
    ($( $id:literal [$($requirement:literal)*] $script:literal )*) => {
        /// All smoke cases, in the order they are played.
        pub static CASES: &[SmokeCase] = &[
            $( SmokeCase {
                id: $id,
                requirements: &[$($requirement),*],
                script: $script,
            } ),*
        ];
    };
}

cases! {
    "framing/echo" ["P-FRAME-01" "P-FRAME-02"] r#"
        client > ECHO_REQ "hello\0wor\0ld"
        client < ECHO_RES "hello\0wor\0ld"
        client > ECHO_REQ ""
        client < ECHO_RES ""
    "#
    "framing/large-echo" ["P-FRAME-03"] r#"
        client > ECHO_REQ "\0\xffa\n"*50000
        client < ECHO_RES "\0\xffa\n"*50000
    "#
    "framing/packet-in-pieces" ["P-FRAME-04" "P-FRAME-07"] r#"
        client > bytes "\0RE"
        client > bytes "Q\0\0\0\x10\0\0\0"
        client > bytes "\x05he"
        client > bytes "llo\0"
        client < ECHO_RES "hello"
        client > bytes "REQ\0\0\0\x10\0\0\0\0"
        client < ECHO_RES ""
    "#
    "framing/packets-in-one-write" ["P-FRAME-05"] r#"
        client > 500 times ECHO_REQ "one of many" & ECHO_REQ "last"
        client < 500 times ECHO_RES "one of many"
        client < ECHO_RES "last"
    "#
    "framing/text-and-packets-alternate" ["P-FRAME-29" "P-FRAME-30" "P-TEXT-01" "P-TEXT-07"] r#"
        client > text "version" & ECHO_REQ "1" & text "version\r" & ECHO_REQ "2"
        client < text $version
        client < ECHO_RES "1"
        client < text $version
        client < ECHO_RES "2"
    "#
    "framing/line-in-pieces" ["P-FRAME-31"] r#"
        client > bytes "ver"
        client > bytes "sion\n"
        client < text _
        client is quiet
    "#
    "options/exceptions" ["P-GEN-06"] r#"
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
    "#
    "options/unknown-is-refused" ["P-GEN-08" "P-GEN-11"] r#"
        client > OPTION_REQ bogus
        client < ERROR _ _
        client is quiet
    "#
    "submit/job-runs" ["P-SUB-01" "P-SUB-15" "P-WRK-08" "P-WORK-01" "P-WORK-04"] r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "abc"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h "cba"
        client < WORK_COMPLETE $h "cba"
        client > GET_STATUS $h
        client < STATUS_RES $h 0 0 _ _
    "#
    "submit/bodies-are-opaque" ["P-SUB-04" "P-SUB-05" "P-WORK-22"] r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" ""
        client < JOB_CREATED $empty
        worker > GRAB_JOB
        worker < JOB_ASSIGN $empty f ""
        worker > WORK_COMPLETE $empty ""
        client < WORK_COMPLETE $empty ""
        client > SUBMIT_JOB f "" "\0a\0\0\n\xff"
        client < JOB_CREATED $nuls
        worker > GRAB_JOB
        worker < JOB_ASSIGN $nuls f "\0a\0\0\n\xff"
        worker > WORK_COMPLETE $nuls "\0\0"
        client < WORK_COMPLETE $nuls "\0\0"
    "#
    "submit/answers-keep-their-order" ["P-GEN-02" "P-GEN-03" "P-SUB-14" "P-SUB-17"] r#"
        client > 3 times SUBMIT_JOB f "" "x" & ECHO_REQ "end"
        client < JOB_CREATED $one
        client < JOB_CREATED $two
        client < JOB_CREATED $three
        client < ECHO_RES "end"
        worker > CAN_DO f & 4 times GRAB_JOB
        worker < JOB_ASSIGN $one f "x"
        worker < JOB_ASSIGN $two f "x"
        worker < JOB_ASSIGN $three f "x"
        worker < NO_JOB
        worker > WORK_COMPLETE $one "" & WORK_COMPLETE $two "" & WORK_COMPLETE $three ""
        client < WORK_COMPLETE $one ""
        client < WORK_COMPLETE $two ""
        client < WORK_COMPLETE $three ""
    "#
    "submit/high-before-normal-before-low" ["P-SUB-02" "P-SUB-03" "P-ORD-01"] r#"
        client > SUBMIT_JOB_LOW f "" "low 1" & SUBMIT_JOB f "" "normal 1"
        client > SUBMIT_JOB_HIGH f "" "high 1" & SUBMIT_JOB_LOW_BG f "" "low 2"
        client > SUBMIT_JOB_BG f "" "normal 2" & SUBMIT_JOB_HIGH_BG f "" "high 2"
        client < 6 times JOB_CREATED _
        worker > CAN_DO f & 6 times GRAB_JOB
        worker < JOB_ASSIGN $a f "high 1"
        worker < JOB_ASSIGN $b f "high 2"
        worker < JOB_ASSIGN $c f "normal 1"
        worker < JOB_ASSIGN $d f "normal 2"
        worker < JOB_ASSIGN $e f "low 1"
        worker < JOB_ASSIGN $f f "low 2"
        worker > WORK_COMPLETE $a "" & WORK_COMPLETE $b "" & WORK_COMPLETE $c ""
        worker > WORK_COMPLETE $d "" & WORK_COMPLETE $e "" & WORK_COMPLETE $f ""
        worker is quiet
        client < WORK_COMPLETE $a ""
        client < WORK_COMPLETE $c ""
        client < WORK_COMPLETE $e ""
        client is quiet
    "#
    "submit/background-client-hears-nothing" ["P-SUB-16" "P-WORK-19"] r#"
        client > SUBMIT_JOB_BG f "" "abc"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_DATA $h "x" & WORK_STATUS $h 1 2 & WORK_COMPLETE $h "done"
        worker is quiet
        client is quiet
    "#
    "submit/background-job-outlives-its-client" ["P-SUB-13" "P-WRK-11"] r#"
        worker > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB_BG f "" "abc"
        client closes
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h ""
        worker is quiet
    "#
    "worker/nothing-to-grab" ["P-WRK-07"] r#"
        worker > GRAB_JOB
        worker < NO_JOB
        worker > CAN_DO f & GRAB_JOB & GRAB_JOB_UNIQ
        worker < NO_JOB
        worker < NO_JOB
    "#
    "worker/forgotten-function-is-not-offered" ["P-WRK-03" "P-WRK-04" "P-WRK-05"] r#"
        worker > CAN_DO f & CANT_DO f & CANT_DO unheard
        client > SUBMIT_JOB_BG f "" "abc"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < NO_JOB
        worker > CAN_DO f & RESET_ABILITIES & GRAB_JOB
        worker < NO_JOB
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h ""
        worker is quiet
    "#
    "worker/grab-with-unique" ["P-WRK-09" "P-SUB-10"] r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f u1 "1"
        client < JOB_CREATED $one
        worker > GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $one f u1 "1"
        worker > WORK_COMPLETE $one ""
        client < WORK_COMPLETE $one ""
        client > SUBMIT_JOB f "" "2"
        client < JOB_CREATED $two
        worker > GRAB_JOB_UNIQ
        worker < JOB_ASSIGN_UNIQ $two f "" "2"
        worker > WORK_COMPLETE $two ""
        client < WORK_COMPLETE $two ""
    "#
    "worker/holds-many-jobs" ["P-WRK-10" "P-GEN-01"] r#"
        both > CAN_DO f
        both > SUBMIT_JOB f "" "1"
        both < JOB_CREATED $one
        both > SUBMIT_JOB f "" "2"
        both < JOB_CREATED $two
        both > 2 times GRAB_JOB
        both < JOB_ASSIGN $one f "1"
        both < JOB_ASSIGN $two f "2"
        both > WORK_COMPLETE $two "b" & WORK_COMPLETE $one "a"
        both < WORK_COMPLETE $two "b"
        both < WORK_COMPLETE $one "a"
        both is quiet
    "#
    "worker/woken-once" ["P-WRK-11" "P-WRK-13" "P-WRK-17"] r#"
        awake  > CAN_DO f
        worker > CAN_DO f & PRE_SLEEP
        worker is quiet
        client > SUBMIT_JOB_BG f "" "1" & SUBMIT_JOB_BG f "" "2"
        client < 2 times JOB_CREATED _
        worker < NOOP
        worker is quiet
        awake is quiet
        worker > 2 times GRAB_JOB
        worker < JOB_ASSIGN $one f "1"
        worker < JOB_ASSIGN $two f "2"
        worker > WORK_COMPLETE $one "" & WORK_COMPLETE $two ""
        worker is quiet
    "#
    "worker/sleeping-on-a-queued-job-wakes" ["P-WRK-12"] r#"
        client > SUBMIT_JOB_BG f "" "abc"
        client < JOB_CREATED $h
        worker > CAN_DO f & PRE_SLEEP
        worker < NOOP
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h ""
        worker is quiet
    "#
    "worker/not-woken-for-other-function" ["P-WRK-18"] r#"
        other  > CAN_DO g & PRE_SLEEP
        worker > CAN_DO f & PRE_SLEEP
        client > SUBMIT_JOB_BG f "" "abc"
        client < JOB_CREATED $h
        worker < NOOP
        other is quiet
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h ""
        worker is quiet
    "#
    "work/news-keep-their-order" ["P-WORK-01" "P-WORK-13" "P-STAT-03" "P-STAT-04"] r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "abc"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_DATA $h "d1" & WORK_STATUS $h 1 10 & WORK_WARNING $h "w" & WORK_DATA $h "d2"
        client < WORK_DATA $h "d1"
        client < WORK_STATUS $h 1 10
        client < WORK_WARNING $h "w"
        client < WORK_DATA $h "d2"
        other  > GET_STATUS $h
        other  < STATUS_RES $h 1 1 1 10
        worker > WORK_COMPLETE $h "done"
        client < WORK_COMPLETE $h "done"
        client is quiet
    "#
    "work/failure" ["P-WORK-02" "P-WORK-04" "P-STAT-02"] r#"
        client > SUBMIT_JOB f "" "abc"
        client < JOB_CREATED $h
        client > GET_STATUS $h
        client < STATUS_RES $h 1 0 0 0
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_FAIL $h
        client < WORK_FAIL $h
        client > GET_STATUS $h
        client < STATUS_RES $h 0 0 _ _
    "#
    "work/exception" ["P-WORK-08"] r#"
        client > OPTION_REQ exceptions
        client < OPTION_RES exceptions
        client > SUBMIT_JOB f "" "abc"
        client < JOB_CREATED $h
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_EXCEPTION $h "broke"
        client < WORK_EXCEPTION $h "broke"
        worker > WORK_FAIL $h           # some servers end the job only here
        worker < nothing | ERROR _ _
        client < nothing | WORK_FAIL $h
        client > GET_STATUS $h
        client < STATUS_RES $h 0 0 _ _
    "#
    "work/only-the-owner-speaks" ["P-WORK-05" "P-WORK-06" "P-WORK-07"] r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "abc"
        client < JOB_CREATED $h
        worker > GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        thief  > WORK_COMPLETE $h "stolen"
        thief  < ERROR _ _
        thief  > WORK_COMPLETE H:nowhere:0 "stolen"
        thief  < ERROR _ _
        thief is quiet
        client is quiet
        worker > WORK_COMPLETE $h "done" & WORK_COMPLETE $h "again"
        worker < ERROR _ _
        worker is quiet
        client < WORK_COMPLETE $h "done"
        client is quiet
    "#
    "status/unknown-job" ["P-STAT-01"] r#"
        client > GET_STATUS H:nowhere:0
        client < STATUS_RES H:nowhere:0 0 0 _ _
    "#
    "coalesce/one-job-for-all-its-clients" ["P-UNIQ-01" "P-UNIQ-03" "P-UNIQ-04" "P-UNIQ-06"] r#"
        one    > SUBMIT_JOB f u1 "first"
        one    < JOB_CREATED $h
        two    > SUBMIT_JOB f u1 "second"
        two    < JOB_CREATED $h
        worker > CAN_DO f & 2 times GRAB_JOB
        worker < JOB_ASSIGN $h f "first"
        worker < NO_JOB
        late   > SUBMIT_JOB f u1 "third"
        late   < JOB_CREATED $h
        worker > WORK_DATA $h "d" & WORK_COMPLETE $h "done"
        one    < WORK_DATA $h "d"
        one    < WORK_COMPLETE $h "done"
        two    < WORK_DATA $h "d"
        two    < WORK_COMPLETE $h "done"
        late   < WORK_DATA $h "d"
        late   < WORK_COMPLETE $h "done"
    "#
    "coalesce/functions-do-not-share-uniques" ["P-UNIQ-02" "P-UNIQ-07"] r#"
        worker > CAN_DO f & CAN_DO g
        client > SUBMIT_JOB f u1 "1"
        client < JOB_CREATED $f
        client > SUBMIT_JOB g u1 "1"
        client < JOB_CREATED $g
        worker > 2 times GRAB_JOB
        any order {
            worker < JOB_ASSIGN $f f "1"
            worker < JOB_ASSIGN $g g "1"
        }
        worker > WORK_COMPLETE $f "" & WORK_COMPLETE $g ""
        client < WORK_COMPLETE $f ""
        client < WORK_COMPLETE $g ""
        client > SUBMIT_JOB f u1 "1"
        client < JOB_CREATED $again
        worker > GRAB_JOB
        worker < JOB_ASSIGN $again f "1"
        worker > WORK_COMPLETE $again ""
        client < WORK_COMPLETE $again ""
    "#
    "disconnect/other-client-keeps-its-job" ["P-UNIQ-13"] r#"
        gone   > SUBMIT_JOB f u1 "abc"
        gone   < JOB_CREATED $h
        stays  > SUBMIT_JOB f u1 "abc"
        stays  < JOB_CREATED $h
        gone closes
        worker > CAN_DO f & GRAB_JOB
        worker < JOB_ASSIGN $h f "abc"
        worker > WORK_COMPLETE $h "done"
        stays  < WORK_COMPLETE $h "done"
    "#
    "disconnect/lost-worker-is-noticed" ["P-DISC-04" "P-WAKE-06"] r#"
        waits  > SUBMIT_JOB f "" "abc"
        waits  < JOB_CREATED $h
        lost   > CAN_DO f & GRAB_JOB
        lost   < JOB_ASSIGN $h f "abc"
        waits  > CAN_DO f & PRE_SLEEP
        waits is quiet
        lost closes
        waits  < NOOP | WORK_FAIL $h    # run again, or failed
        waits  > GRAB_JOB
        waits  < JOB_ASSIGN $h f "abc" | NO_JOB
        waits  > WORK_COMPLETE $h "done"
        waits  < WORK_COMPLETE $h "done" | ERROR _ _
    "#
    "admin/status-counts-jobs-and-workers" ["P-TEXT-13" "P-TEXT-16" "P-WRK-01"] r#"
        worker > CAN_DO f
        client > SUBMIT_JOB f "" "1" & SUBMIT_JOB f "" "2"
        client < 2 times JOB_CREATED _
        worker > GRAB_JOB
        worker < JOB_ASSIGN $one f "1"
        admin  > text "status"
        admin  < list {
            row {f} 2 1 1
            ..
        }
        worker > GRAB_JOB
        worker < JOB_ASSIGN $two f "2"
        worker > WORK_COMPLETE $one "" & WORK_COMPLETE $two ""
        client < WORK_COMPLETE $one ""
        client < WORK_COMPLETE $two ""
        admin  > text "status"
        admin  < list {
            row {f} 0 0 1
            ..
        }
    "#
}
