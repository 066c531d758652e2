//! `gearbench conform` and the commands around it: on our own server, on one that others use, and
//! on requests that make no sense.

mod cases;
mod interrupted;
mod launched;
mod results;

use super::{BOUND, OURS, exits, gearbench, on, queue, refuses, rows_of_ours};
use crate::support::{Finished, Gearmand, Serve, Server, TempDir, ask_until, run_with_deadline};
use gearbench::cli::exit;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Command;

/// Areas whose cases wait for nothing on a server that keeps the rules.
const QUICK: &str = "options submit status";

/// `gearbench ARGUMENTS`
fn ours(arguments: &str) -> Command {
    let mut gearbench = gearbench();
    gearbench.args(arguments.split_whitespace());
    gearbench
}

/// `gearbench conform --launch SERVER ARGUMENTS`
fn launching(server: &str, arguments: &str) -> Command {
    let mut conform = ours("conform");
    conform.args(["--launch", server]);
    conform.args(arguments.split_whitespace());
    conform
}

/// The command that launches `gearbench serve`.
fn serve() -> String {
    let program = shlex::try_quote(env!("CARGO_BIN_EXE_gearbench")).expect("a path");
    format!("{program} serve -L 127.0.0.1 -p {{port}}")
}

/// The command that launches C gearmand.
fn gearmand() -> String {
    format!("{} -L 127.0.0.1 -p {{port}} -l stderr", Gearmand::PATH)
}

/// The command that runs a script of the shell.
fn shell(script: &str) -> String {
    shlex::try_join(["sh", "-c", script]).expect("no NUL")
}

/// What it printed, if it ended with the code and its last line says so.
#[track_caller]
fn report(command: &mut Command, code: u8) -> String {
    let finished = run_with_deadline(command, BOUND);
    report_of(&finished, code)
}

#[track_caller]
fn report_of(finished: &Finished, code: u8) -> String {
    exits(finished, code);
    let text = finished.out();
    assert!(text.starts_with("server "), "{text}");
    let verdict = format!("\nexit {code}: ");
    let (_, last) = text.rsplit_once(&verdict).expect("a verdict");
    assert_eq!(last.lines().count(), 1, "{text}");
    assert_eq!(finished.err(), "");
    text
}

/// A server that nobody may connect to.
struct Untouched(TcpListener);

impl Untouched {
    fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        Untouched(listener)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("an address")
    }

    /// Whoever has connected is waiting to be accepted.
    #[track_caller]
    fn is_untouched(&self) {
        let error = self.0.accept().expect_err("nobody connects");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}

/// A file of cases of a user.
fn file_of_cases(files: &TempDir, text: &str) -> PathBuf {
    let path = files.file("mine.toml");
    std::fs::write(&path, text).expect("a file");
    path
}

#[test]
fn our_own_server_keeps_the_rules() {
    let text = report(&mut ours(&format!("conform {QUICK}")), 0);
    assert!(text.starts_with("server      gearbench serve "), "{text}");
    assert!(!text.contains("\nFAIL "), "{text}");
}

#[test]
fn every_way_to_cut_bytes_is_played() {
    let text = report(&mut ours("conform submit/job-runs --split all -v"), 0);
    for split in ["byte", "header", "pipeline"] {
        let row = format!("submit/job-runs (split {split})");
        assert!(text.contains(&row), "{row:?} is not in: {text}");
    }
}

/// Cases whose functions have names that no line of text can name to `drop function`: their rows
/// stay in `status`, without jobs.
const UNSPEAKABLE: [&str; 3] = [
    "submit/space-in-a-function-name",
    "submit/tab-in-a-function-name",
    "submit/function-name-of-512-bytes",
];

/// Its job stays on the server when it fails.
const LEAVES_A_JOB: &str = r#"
[[case]]
id     = "leaves-a-job"
rule   = "A rule that no server keeps."
shows  = ["P-SUB-01"]
level  = "must"
source = "This test"
script = '''
client > SUBMIT_JOB_BG f "" "left behind"
client < WORK_COMPLETE _ _
'''
"#;

#[test]
fn a_shared_server_is_left_as_it_was_found() {
    const JOBS: usize = 20;
    let server = Serve::start(&[]);
    queue(server.address(), "bystander", JOBS);
    let mut admin = server.admin();
    let before = admin.list("show jobs").expect("an answer");
    assert_eq!(before.len(), JOBS);

    let arguments = format!("{QUICK} work worker/ability* coalesce");
    let mut conform = on(server.address(), "conform", &arguments);
    report(
        conform.args(UNSPEAKABLE.map(|id| format!("--skip={id}"))),
        0,
    );
    let files = TempDir::new();
    let mut failing = on(server.address(), "conform", "mine/ --timeout 100ms --cases");
    report(failing.arg(file_of_cases(&files, LEAVES_A_JOB)), 4);

    ask_until("our functions to go", || {
        rows_of_ours(&mut admin).is_empty().then_some(())
    });
    let status = admin.list("status").expect("an answer");
    assert_eq!(status, [format!("bystander\t{JOBS}\t0\t0")]);
    assert_eq!(admin.list("show jobs").expect("an answer"), before);
    let workers = admin.list("workers").expect("an answer");
    assert!(!workers.iter().any(|row| row.contains(OURS)), "{workers:?}");
}

#[test]
fn what_would_be_played_is_listed_without_a_server() {
    let server = Untouched::listen();
    let mut list = on(server.address(), "conform", "submit/job-* P-UNIQ* --list");
    let finished = run_with_deadline(&mut list, BOUND);
    exits(&finished, 0);
    let text = finished.out();
    assert!(text.starts_with("submit/job-runs "), "{text}");
    let cases = text.lines().count() - 1;
    assert!(cases > 1);
    assert!(text.ends_with(&format!("\n{cases} cases\n")), "{text}");
    server.is_untouched();
}

#[test]
fn nothing_is_played_if_nothing_matches() {
    let server = Untouched::listen();
    for (arguments, words) in [
        ("nosuch/*", ["nosuch/*", "list cases"]),
        // Its only case is an observed one.
        ("submit/handle-text", ["submit/handle-text", "level should"]),
        ("submit --skip submit/*", ["submit", "level should"]),
    ] {
        let mut none = on(server.address(), "conform", arguments);
        refuses(&run_with_deadline(&mut none, BOUND), exit::USAGE, &words);
    }
    server.is_untouched();
}

#[test]
fn flags_that_make_no_sense_are_refused_by_name() {
    let files = TempDir::new();
    let no_results = files.file("no-results.json");
    std::fs::write(&no_results, "{}").expect("a file");
    let no_results = no_results.display();
    for (arguments, words) in [
        ("conform --timeout 1ms", ["--timeout", "10ms"]),
        ("conform --parallel 0", ["--parallel", "256"]),
        ("conform --level some", ["--level", "some"]),
        ("conform --split bits", ["--split", "bits"]),
        ("conform -t localhost --launch x", ["--target", "--launch"]),
        ("conform -t a:b:c:", ["--target", "a:b:c:"]),
        ("conform options --profile nosuch", ["nosuch", "rustygeard"]),
        ("conform --baseline no.json", ["no.json", "No such file"]),
        ("diff -t localhost", ["two servers", "1 given"]),
        ("diff -t a -t b -t c", ["two servers", "3 given"]),
        ("report", ["RESULT", "required"]),
        ("report no.json", ["no.json", "No such file"]),
        ("list nothing", ["nothing", "requirements"]),
        ("schema nothing", ["nothing", "conform"]),
        ("explain nonsense", ["\"nonsense\"", "list cases"]),
        ("explain submit/nosuch", ["submit/nosuch", "list cases"]),
    ] {
        let finished = run_with_deadline(&mut ours(arguments), BOUND);
        refuses(&finished, exit::USAGE, &words);
    }
    for command in ["conform --baseline", "report"] {
        let finished = run_with_deadline(&mut ours(&format!("{command} {no_results}")), BOUND);
        refuses(&finished, exit::USAGE, &["no-results.json", "\"kind\""]);
    }
}

#[test]
fn a_target_that_does_not_answer_is_none() {
    let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = port.local_addr().expect("an address");
    // Accepted by the system, and never answered.
    let mut silent = on(address, "conform", "options --timeout 100ms");
    let finished = run_with_deadline(&mut silent, BOUND);
    let words = [address.to_string(), "ECHO_REQ".to_owned()];
    refuses(
        &finished,
        exit::TARGET,
        &words.each_ref().map(String::as_str),
    );
    drop(port);
    let closed = run_with_deadline(&mut on(address, "conform", "options"), BOUND);
    let words = ["cannot connect", &address.to_string(), "-t HOST:PORT"];
    refuses(&closed, exit::TARGET, &words);
    let mut unknown = ours("conform options -t nobody.invalid");
    let unknown = run_with_deadline(&mut unknown, BOUND);
    refuses(&unknown, exit::TARGET, &["nobody.invalid:4730"]);
}

/// With a limit for answers that outlasts this test: it ends only if nobody is asked.
#[test]
fn hazards_on_a_public_address_are_refused_before_any_packet() {
    for target in ["192.0.2.1:4730", "[2001:db8::1]:4731"] {
        let command = format!("conform --hazardous --timeout 10m -t {target}");
        for own in ["", " --i-own 192.0.2.2"] {
            let mut hazard = ours(&format!("{command}{own}"));
            let finished = run_with_deadline(&mut hazard, BOUND);
            refuses(&finished, exit::USAGE, &["--i-own", "public", target]);
        }
    }
}
