//! Processes that always end: by themselves within a bound, or by their own id.

use super::{PATIENCE, TempDir};
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A process that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) elapsed: Duration,
}

impl Finished {
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// Itself, if the process reported success.
    #[track_caller]
    pub(crate) fn success(self) -> Self {
        assert!(
            self.status.success(),
            "{} after {:?}\nstdout: {}\nstderr: {}",
            self.status,
            self.elapsed,
            self.out(),
            self.err()
        );
        self
    }
}

/// Runs a command without input; kills it and panics when it takes longer than `seconds`.
#[track_caller]
pub(crate) fn run_with_deadline(command: &mut Command, seconds: u64) -> Finished {
    run_with_input(command, b"", seconds)
}

/// Runs a command with `input` on its standard input; kills it and panics when it takes longer
/// than `seconds`.
#[track_caller]
pub(crate) fn run_with_input(command: &mut Command, input: &[u8], seconds: u64) -> Finished {
    let started = Instant::now();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
    let stdout = collect(child.stdout.take().expect("piped"));
    let stderr = collect(child.stderr.take().expect("piped"));
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    // Beside the readers, or a process that answers while it reads would block for ever.
    // One that ends without reading all closes the pipe: its status tells, not this write.
    thread::spawn(move || stdin.write_all(&input));

    let deadline = started + Duration::from_secs(seconds);
    let status = loop {
        if let Some(status) = child.try_wait().expect("our own child") {
            break Some(status);
        }
        if Instant::now() >= deadline {
            break None;
        }
        thread::sleep(Duration::from_millis(2));
    };
    let elapsed = started.elapsed();
    if status.is_none() {
        end(&mut child);
    }
    // A grandchild may hold the pipes open; what has come by then is all there is.
    let grace = Duration::from_secs(5);
    let stdout = stdout.recv_timeout(grace).unwrap_or_default();
    let stderr = stderr.recv_timeout(grace).unwrap_or_default();
    let Some(status) = status else {
        panic!(
            "{command:?} was killed after {elapsed:?}\nstdout: {}\nstderr: {}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
    };
    Finished {
        status,
        stdout,
        stderr,
        elapsed,
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // A pipe that breaks ends like one that closes.
        let _ = pipe.read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}

/// Kills and reaps, by the child's own id.
pub(super) fn end(child: &mut Child) {
    // Either fails only if the child has ended and been reaped already.
    let _ = child.kill();
    let _ = child.wait();
}

/// A process beside the test, such as a worker; killed when dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    files: TempDir,
}

impl Peer {
    #[track_caller]
    pub(crate) fn start(command: &mut Command) -> Self {
        let files = TempDir::new();
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(files.log())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            stdin: child.stdin.take().expect("piped"),
            child,
            lines,
            files,
        }
    }

    /// The next line of its standard output.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines
            .recv_timeout(PATIENCE)
            .expect("another line from the process")
    }

    /// A line of its standard output that has arrived already.
    pub(crate) fn line_if_any(&self) -> Option<String> {
        self.lines.try_recv().ok()
    }

    /// Writes a line to its standard input.
    pub(crate) fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("a process that reads");
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        end(&mut self.child);
        self.files.show_log_of_failure("process");
    }
}
