//! The program as its users meet it: a process with arguments, two streams, files, signals and an
//! exit code.

mod check;
mod compare;
mod conform;
mod fuzz;
mod help;
mod interrupted;
mod lost;
mod peers;
mod refused;
mod repeat;
mod report;
mod run;
mod saturate;
mod serve;
mod sweep;
mod versus;

use crate::support::{Admin, Finished, PATIENCE, Server, TempDir, ask_until};
use gearbench::protocol::{Body, Decoder, Frame, PacketType, Priority, Request, Submit};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::path::Path;
use std::process::Command;

/// Seconds after which the program is stuck, whatever else the machine does.
const BOUND: u64 = 90;

/// What the functions of every run begin with.
const OURS: &str = "gearbench-";

/// The program, and nothing of this process's settings for it.
fn gearbench() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("GEARBENCH_") || text.starts_with("GEARMAND_") {
            command.env_remove(&name);
        }
    }
    // A run without --out writes below the directory that it is in.
    command.current_dir(env!("CARGO_TARGET_TMPDIR"));
    command
}

/// `gearbench COMMAND -t ADDRESS ARGUMENTS`
fn on(address: SocketAddr, command: &str, arguments: &str) -> Command {
    let mut gearbench = gearbench();
    gearbench.args([command, "-t", &address.to_string()]);
    gearbench.args(arguments.split_whitespace());
    gearbench
}

/// `gearbench run`, with its files in a directory.
fn run_into(address: SocketAddr, out: &Path, arguments: &str) -> Command {
    let mut run = on(address, "run", arguments);
    run.arg("--out").arg(out);
    run
}

/// Holds the exit code; all that was printed is shown if it is another.
#[track_caller]
fn exits(finished: &Finished, code: u8) {
    assert_eq!(
        finished.status.code(),
        Some(code.into()),
        "{}: {} after {:?}\nstdout: {}\nstderr: {}",
        finished.what,
        finished.status,
        finished.elapsed,
        finished.out(),
        finished.err()
    );
}

/// It ended with the code, said why on stderr, and printed nothing.
#[track_caller]
fn refuses(finished: &Finished, code: u8, words: &[&str]) {
    exits(finished, code);
    let (out, err) = (finished.out(), finished.err());
    assert_eq!(out, "", "nothing on stdout, for it is no report");
    for word in words {
        assert!(err.contains(word), "{word:?} is not in: {err}");
    }
}

/// Waits until a load of ours is under way: workers are there for one of its functions, and jobs.
/// The functions of protocol cases do not count.
fn wait_for_load(server: &impl Server) {
    let mut admin = server.admin();
    ask_until("a load to be under way", || {
        let rows = rows_of_ours(&mut admin);
        let mut rows = rows.iter().filter(|row| !row.contains("-case-"));
        rows.any(|row| !row.contains("\t0\t0\t") && !row.ends_with("\t0"))
            .then_some(())
    });
}

/// The rows of `status` that are about functions of a run.
fn rows_of_ours(admin: &mut Admin) -> Vec<String> {
    let mut rows = admin.list("status").expect("an answer to `status`");
    rows.retain(|row| row.starts_with(OURS));
    rows
}

/// Queues background jobs over one connection, which is then closed.
fn queue(address: SocketAddr, function: &str, jobs: usize) {
    let mut bytes = Vec::new();
    for number in 0..jobs {
        let body = number.to_string();
        Request::Submit(Submit {
            function: function.as_bytes(),
            unique: b"",
            priority: Priority::Normal,
            background: true,
            epoch: None,
            reducer: None,
            body: Body::new(body.as_bytes()),
        })
        .encode(&mut bytes);
    }
    let mut stream = TcpStream::connect(address).expect("a server that accepts");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    let mut reader = stream.try_clone().expect("a second handle");
    // Beside the reader: a server may stop reading from those who do not read.
    let writing = std::thread::spawn(move || stream.write_all(&bytes));
    let (mut decoder, mut created) = (Decoder::default(), 0);
    let mut buffer = [0; 4096];
    while created < jobs {
        let count = reader.read(&mut buffer).expect("an answer in time");
        assert_ne!(count, 0, "{created} of {jobs} jobs were accepted");
        let fed = decoder.feed(&buffer[..count], |frame| {
            match frame {
                Frame::Packet(packet) if packet.kind == PacketType::JOB_CREATED => created += 1,
                other => panic!("expected JOB_CREATED, found {other:?}"),
            }
            ControlFlow::Continue(())
        });
        let _ = fed.expect("Gearman");
    }
    let written = writing.join().expect("no panic");
    written.expect("a server that reads");
}

/// A file that the program wrote.
fn read(directory: &TempDir, name: &str) -> String {
    let path = directory.file(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
