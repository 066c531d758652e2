//! The conformance cases on the engine and on our server, and scripts over TCP.

use crate::support::{Gearmand, Serve, Server, require_or_skip, test_exists};
use gearbench::conformance::case::{Case, Level};
use gearbench::conformance::launch::Launcher;
use gearbench::conformance::player::{self, Delivery};
use gearbench::conformance::profile::Profile;
use gearbench::conformance::requirements::{self, Catalogue, Requirement};
use gearbench::conformance::runner::{self, Control, Options, Place};
use gearbench::conformance::suite::Suite;
use gearbench::conformance::tcp::TcpArm;
use gearbench::conformance::{Player, Script};
use gearbench::report::conform::{CaseResult, Verdict};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// How long the server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a test wants of a run: everything.
struct All;

impl Control for All {
    fn stopped(&self) -> Option<&'static str> {
        None
    }

    fn played(&self, _: &CaseResult, _: usize) {}
}

fn options(splits: &[Delivery]) -> Options {
    Options {
        profile: Profile::builtin("gearbench").expect("our own profile"),
        splits: splits.to_vec(),
        hazardous: true,
        timeout: PATIENCE,
        parallel: 8,
        namespace: "it-".to_owned(),
        repeat: String::new(),
        keep_traces: false,
    }
}

/// Plays all binding cases; those that are skipped need what the profile says is not there.
#[track_caller]
fn all_pass(place: &Place, splits: &[Delivery]) {
    let suite = Suite::builtin().expect("a suite");
    let binding = |case: &&Case| case.level < Level::Observed;
    let cases: Vec<&Case> = suite.cases().iter().filter(binding).collect();
    let outcome = runner::run(&cases, place, &options(splits), &All);
    assert_eq!(outcome.results.len(), cases.len() * splits.len());
    assert_eq!(outcome.notes, Vec::<String>::new());
    let passed = |result: &CaseResult| result.verdict == Verdict::Pass;
    let fine = |result: &CaseResult| passed(result) || result.verdict == Verdict::Skip;
    let bad: Vec<_> = outcome
        .results
        .iter()
        .filter(|result| !fine(result))
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let played = outcome
        .results
        .iter()
        .filter(|result| passed(result))
        .count();
    assert!(
        played > 300 * splits.len(),
        "only {played} cases were played"
    );
}

#[test]
fn all_cases_pass_on_the_engine_in_any_delivery() {
    all_pass(&Place::Memory, &Delivery::ALL);
}

#[test]
fn all_cases_pass_on_our_server() {
    let command = format!("{} serve -p {{port}}", env!("CARGO_BIN_EXE_gearbench"));
    let launcher = Launcher::new(&command).expect("a command");
    all_pass(&Place::Launch(launcher), &[Delivery::Whole]);
}

/// Where the engine is not as C gearmand, by decision; nobody has to be.
const DIFFERENT: &[&str] = &[
    "admin/cancelled-job-is-remembered",
    "admin/drop-function-without-case",
    "admin/unknown-command-by-name",
    "admin/workers-lists-functions-last-first",
    "disconnect/retries-are-shown",
    "framing/missing-argument-takes-the-next-packet",
    "framing/unknown-type-ends-the-connection",
    "order/last-function-first",
    "order/round-robin-turns",
    "order/three-lost-jobs",
    "reduce/three-arguments",
    "wakeup/one-job-wakes-all-sleepers",
    "work/failure-with-more-behind-the-handle",
    "work/progress-of-32-bits",
    "worker/client-id-with-spaces",
    "worker/sleep-cancels-the-limit",
];

#[test]
fn the_engine_differs_from_gearmand_only_by_decision() {
    let suite = Suite::builtin().expect("a suite");
    let observed = |case: &&Case| case.level == Level::Observed;
    let cases: Vec<&Case> = suite.cases().iter().filter(observed).collect();
    let outcome = runner::run(&cases, &Place::Memory, &options(&[Delivery::Whole]), &All);
    let with = |verdict| {
        let those = outcome
            .results
            .iter()
            .filter(move |result| result.verdict == verdict);
        those
            .map(|result| result.id.as_str())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(with(Verdict::Note), DIFFERENT.iter().copied().collect());
    assert!(with(Verdict::Pass).len() > 20);
}

/// A file that is not in the list is never played.
#[test]
fn every_file_of_cases_is_in_the_suite() {
    let suite = Suite::builtin().expect("a suite");
    let in_suite: BTreeSet<&str> = suite
        .cases()
        .iter()
        .map(|case| case.file.as_str())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = root.join("conformance").read_dir().expect("conformance/");
    let names = files.map(|file| file.expect("a file").file_name());
    let names = names.map(|name| format!("conformance/{}", name.to_string_lossy()));
    let cases = |name: &String| name.ends_with(".toml") && !name.ends_with("requirements.toml");
    let there: BTreeSet<String> = names.filter(cases).collect();
    assert_eq!(
        there.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        in_suite
    );
    assert!(suite.cases().len() >= 260);
}

/// Every row of the catalogue has a case or a reason, and the published table says so.
#[test]
fn every_requirement_has_a_case_or_a_reason() {
    let suite = Suite::builtin().expect("a suite");
    let shown = || {
        suite
            .cases()
            .iter()
            .map(|case| (case.id.as_str(), case.shows.as_slice()))
    };
    let catalogue = Catalogue::builtin().expect("a catalogue");
    let ids = |rows: Vec<&Requirement>| rows.iter().map(|row| row.id.clone()).collect::<Vec<_>>();
    assert_eq!(
        ids(catalogue.uncovered_without_reason(shown())),
        Vec::<String>::new()
    );
    assert_eq!(
        ids(catalogue.covered_with_reason(shown())),
        Vec::<String>::new()
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance/COVERAGE.md");
    let table = catalogue.coverage(shown());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &table).expect("a writable file");
    }
    let published = std::fs::read_to_string(&path).expect("conformance/COVERAGE.md");
    assert_eq!(
        published, table,
        "`gearbench list coverage > conformance/COVERAGE.md` makes it anew"
    );
}

/// What no case can show, a test of our own server does: each test named in the catalogue exists,
/// and each row that binds a server and has no case names one.
#[test]
fn rows_without_a_case_have_tests_of_their_own() {
    /// About clients (P-PERS-25, H17), or about power loss (P-PERS-24).
    const NOT_OURS: [&str; 3] = ["P-PERS-24", "P-PERS-25", "H17"];
    let catalogue = Catalogue::builtin().expect("a catalogue");
    for row in catalogue.iter().filter(|row| row.uncovered.is_some()) {
        for test in &row.tests {
            assert!(test_exists(test), "{}: there is no {test}", row.id);
        }
        let binds = row.level != requirements::Level::Quirk && !NOT_OURS.contains(&row.id.as_str());
        assert!(!binds || !row.tests.is_empty(), "{} has no test", row.id);
    }
}

/// A known failure of a case that does not exist excuses nothing.
#[test]
fn known_failures_are_of_cases_that_exist() {
    let suite = Suite::builtin().expect("a suite");
    for name in Profile::names() {
        let profile = Profile::builtin(name).expect("a profile");
        for known in &profile.known {
            let exists = suite.cases().iter().any(|case| known.is_about(&case.id));
            assert!(exists, "{name}: {}", known.case);
        }
    }
}

fn play(server: &impl Server, script: &str) {
    let script: Script = script.parse().expect("a script");
    for delivery in Delivery::ALL {
        let target = server.address().to_string();
        let mut arm = TcpArm::new(&target, PATIENCE).expect("an address");
        let options = player::Options {
            timeout: PATIENCE,
            delivery,
            ..player::Options::default()
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
