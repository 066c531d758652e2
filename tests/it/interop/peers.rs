//! Clients and workers in six languages, each with its most used library, on `gearbench serve`:
//! every client with every worker. Those with themselves run on C gearmand too, which proves that
//! they ask for nothing but what they are used to.
//!
//! All are called alike, `peer MODE HOST PORT [COUNT]`, and print a line an answer:
//!
//! | mode | does | prints |
//! |---|---|---|
//! | `work` | runs `reverse`, `talks`, `throws` and `fails` for ever | |
//! | `verbs` | calls `reverse` at three priorities, then the others | the results, then all that was told |
//! | `many N` | calls `reverse` N times at once | how many results were right |
//! | `large N` | calls `reverse` with N bytes, NULs among them | `whole` |
//! | `background N` | submits N background jobs | how many handles there were |
//! | `coalesce` | submits one job twice, by its unique | `one job` |
//! | `status` | asks for a waiting background job, and for another until it is done | `waiting, done` |
//! | `timeout` | calls a function that nobody runs, for 0.3 s | `timeout` |

use crate::support::{
    Finished, Gearmand, Peer, Serve, Server, TempDir, ask_until, require_or_skip, run_with_deadline,
};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Seconds after which a peer that should have ended is stuck. libgearman takes 8 MiB in small
/// sips, and a worker in Rust, which writes twice and waits for the acknowledgement in between,
/// 40 ms a job; on C gearmand it is the same.
const BOUND: u64 = 120;

/// A language and its library.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    C,
    Perl,
    Php,
    Python,
    Node,
    Rust,
}

use Language::{C, Node, Perl, Php, Python, Rust};

const ALL: [Language; 6] = [C, Perl, Php, Python, Node, Rust];

/// What a worker says of a job of `talks`.
const TALKS: [&str; 6] = [
    "data one",
    "status 1/2",
    "warning careful",
    "data two",
    "status 2/2",
    "complete three",
];

impl Language {
    /// What has to be installed.
    fn tool(self) -> &'static str {
        match self {
            C => "libgearman",
            Perl => "perl-gearman",
            Php => "php-gearman",
            Python => "python-gear",
            Node => "gearmanode",
            Rust => "gearman-rs",
        }
    }

    /// What its worker says of a job of `talks`: Gearman::Worker has no WORK_DATA and no
    /// WORK_WARNING.
    fn talks(self) -> Vec<&'static str> {
        let all = TALKS.into_iter();
        match self {
            Perl => all
                .filter(|said| !said.starts_with("data") && !said.starts_with("warning"))
                .collect(),
            _ => all.collect(),
        }
    }

    /// Whether its client asks for exceptions; the others hear that the job failed.
    fn hears_exceptions(self) -> bool {
        matches!(self, C | Php | Rust)
    }

    /// Whether its worker takes bodies as bytes: gearmanode takes them for text.
    fn works_on_bytes(self) -> bool {
        self != Node
    }

    /// Whether it takes large bodies in a sensible time: gear goes through all that has come
    /// again with every piece that comes.
    fn takes_large_bodies(self) -> bool {
        self.works_on_bytes() && self != Python
    }

    /// Whether its client can ask for the status of a job: gear's cannot.
    fn asks_for_status(self) -> bool {
        self != Python
    }

    /// Whether its client can be told how long to wait: gear and gearmanode cannot.
    fn has_timeout(self) -> bool {
        matches!(self, C | Perl | Php | Rust)
    }
}

/// Peers of one language, ready to be started.
struct Program {
    language: Language,
    /// The compiled program of C.
    _files: TempDir,
    words: Vec<PathBuf>,
}

impl Program {
    fn new(language: Language) -> Self {
        let files = TempDir::new();
        let words = match language {
            C => vec![compile(&source("peer.c"), &files)],
            Perl => vec!["perl".into(), source("peer.pl")],
            Php => vec!["php".into(), source("peer.php")],
            Python => vec![tools().join("gear-0.16.0/bin/python"), source("peer.py")],
            Node => vec!["node".into(), source("peer.js")],
            Rust => vec![tools().join("gearman-rs/debug/peer")],
        };
        Program {
            language,
            _files: files,
            words,
        }
    }

    fn command(&self, server: &impl Server, mode: &str, count: usize) -> Command {
        let address = server.address();
        let mut words = self.words.iter();
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).arg(mode);
        command.args([address.ip().to_string(), address.port().to_string()]);
        command.arg(count.to_string());
        command.env("NODE_PATH", tools().join("gearmanode-0.9.2/node_modules"));
        command
    }

    fn run(&self, server: &impl Server, mode: &str, count: usize) -> Finished {
        run_with_deadline(&mut self.command(server, mode, count), BOUND).success()
    }

    /// What a mode prints, without the end of its line.
    fn says(&self, server: &impl Server, mode: &str, count: usize) -> String {
        self.run(server, mode, count).out().trim_end().to_owned()
    }

    /// Starts a worker, and waits until the server knows all of its functions.
    fn work(&self, server: &impl Server) -> Peer {
        let worker = Peer::start(&mut self.command(server, "work", 0));
        let mut admin = server.admin();
        ask_until("the worker to be registered", || {
            let known = |function| admin.counts(function).workers == 1;
            ["reverse", "talks", "throws", "fails"]
                .into_iter()
                .all(known)
                .then_some(())
        });
        worker
    }
}

fn source(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/interop/peers")
        .join(name)
}

fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tools")
}

/// Compiles a program that uses libgearman.
pub(super) fn compile(source: &Path, files: &TempDir) -> PathBuf {
    let program = files.file("compiled");
    let mut compiler = Command::new("cc");
    compiler.args(["-Wall", "-Wextra", "-Werror", "-o"]);
    compiler.arg(&program).arg(source).arg("-lgearman");
    run_with_deadline(&mut compiler, BOUND).success();
    program
}

/// A client with a worker of `other`.
fn together(server: &impl Server, client: &Program, other: Language) {
    let pair = format!("{:?} with a worker in {other:?}", client.language);
    let told = client.run(server, "verbs", 0).out();
    let about = |name: &str| -> Vec<String> {
        let lines = told.lines().filter_map(|line| line.strip_prefix(name));
        let events = lines.flat_map(|line| line.trim_start().split('|'));
        events.map(str::to_owned).collect()
    };
    for priority in ["normal", "high", "low"] {
        assert_eq!(about(priority), ["cba"], "{pair}: {told}");
    }
    assert_eq!(about("talks"), other.talks(), "{pair}: {told}");
    assert_eq!(about("fails"), ["fail"], "{pair}: {told}");
    match client.language.hears_exceptions() {
        true => assert!(told.contains("throws exception"), "{pair}: {told}"),
        false => assert_eq!(about("throws"), ["fail"], "{pair}: {told}"),
    }
    assert_eq!(client.says(server, "many", 100), "100", "{pair}");
    if client.language.asks_for_status() {
        let said = client.says(server, "status", 0);
        assert_eq!(said, "waiting, done", "{pair}");
    }
    if other.works_on_bytes() {
        assert_eq!(client.says(server, "large", 1 << 20), "whole", "{pair}");
    }
    if other.takes_large_bodies() && client.language.takes_large_bodies() {
        assert_eq!(client.says(server, "large", 8 << 20), "whole", "{pair}");
    }
}

/// What a client does without any worker.
fn alone(server: &impl Server, client: &Program) {
    let language = client.language;
    assert_eq!(client.says(server, "background", 20), "20", "{language:?}");
    assert_eq!(server.admin().counts("reverse").jobs, 20, "{language:?}");
    assert_eq!(
        client.says(server, "coalesce", 0),
        "one job",
        "{language:?}"
    );
    assert_eq!(server.admin().counts("nobody").jobs, 1, "{language:?}");
    if language.has_timeout() {
        assert_eq!(client.says(server, "timeout", 0), "timeout", "{language:?}");
    }
}

/// All clients with the worker of one language.
fn worker_of(language: Language) {
    if !ALL
        .into_iter()
        .all(|language| require_or_skip(language.tool()))
    {
        return;
    }
    let server = Serve::start(&[]);
    let _worker = Program::new(language).work(&server);
    for client in ALL {
        together(&server, &Program::new(client), language);
    }
}

#[test]
fn all_clients_with_a_worker_in_c() {
    worker_of(C);
}

#[test]
fn all_clients_with_a_worker_in_perl() {
    worker_of(Perl);
}

#[test]
fn all_clients_with_a_worker_in_php() {
    worker_of(Php);
}

#[test]
fn all_clients_with_a_worker_in_python() {
    worker_of(Python);
}

#[test]
fn all_clients_with_a_worker_in_node() {
    worker_of(Node);
}

#[test]
fn all_clients_with_a_worker_in_rust() {
    worker_of(Rust);
}

#[test]
fn all_clients_without_a_worker() {
    for language in ALL {
        if require_or_skip(language.tool()) {
            let program = Program::new(language);
            alone(&Serve::start(&[]), &program);
            if require_or_skip("gearmand") {
                alone(&Gearmand::start(&[]), &program);
            }
        }
    }
}

/// The other clients die of the NUL that C gearmand puts behind the handle of the WORK_FAIL that
/// it makes of an exception.
#[test]
fn the_same_peers_on_c_gearmand() {
    for language in [C, Php] {
        if require_or_skip("gearmand") && require_or_skip(language.tool()) {
            let server = Gearmand::start(&[]);
            let program = Program::new(language);
            let _worker = program.work(&server);
            together(&server, &program, language);
        }
    }
}
