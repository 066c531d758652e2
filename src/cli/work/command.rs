//! The command of a job.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Bytes of a result that fit into a packet that every client takes.
const LARGEST: u64 = 64 * 1024 * 1024 - 1024;
/// How often a command with a limit is looked at.
const LOOK: Duration = Duration::from_millis(10);
/// How long the output of a command that has ended may be held open by others.
const GRACE: Duration = Duration::from_secs(1);

/// A job that was assigned.
pub(super) struct Job {
    pub(super) handle: Vec<u8>,
    pub(super) function: Vec<u8>,
    pub(super) unique: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// How a command ended.
pub(super) enum Ended {
    /// With status 0 and this output.
    Well(Vec<u8>),
    /// Otherwise.
    Badly(String),
}

/// Runs a command with the payload on its stdin; an error is one that keeps it from running.
pub(super) fn run(command: &[String], job: &Job, limit: Option<Duration>) -> io::Result<Ended> {
    let (program, arguments) = command.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut child = Command::new(program)
        .args(arguments)
        .env("GEARMAN_FUNCTION", variable(&job.function))
        .env("GEARMAN_HANDLE", variable(&job.handle))
        .env("GEARMAN_UNIQUE", variable(&job.unique))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        let payload = job.payload.clone();
        // Beside the reader; a command that does not read all closes the pipe, and that is right.
        thread::spawn(move || stdin.write_all(&payload));
    }
    let output = child.stdout.take().map(collect);
    let Some(status) = wait(&mut child, limit)? else {
        return Ok(Ended::Badly("it took longer than --timeout".to_owned()));
    };
    let output = output.and_then(|output| output.recv_timeout(GRACE).ok());
    Ok(match output {
        _ if !status.success() => Ended::Badly(status.to_string()),
        None => Ended::Badly("its output is held open by a process it left behind".to_owned()),
        Some(result) if result.len() as u64 > LARGEST => {
            Ended::Badly(format!("its output is larger than {LARGEST} bytes"))
        }
        Some(result) => Ended::Well(result),
    })
}

/// Bytes up to the first NUL, which no variable can hold.
fn variable(bytes: &[u8]) -> &OsStr {
    let end = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    OsStr::from_bytes(&bytes[..end])
}

fn collect(pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends like one that closes.
        let _ = pipe.take(LARGEST + 1).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// Waits for the end; `None` if it had to be made.
fn wait(child: &mut Child, limit: Option<Duration>) -> io::Result<Option<ExitStatus>> {
    let Some(limit) = limit else {
        return child.wait().map(Some);
    };
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}
