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
    /// How it was called.
    pub(crate) what: String,
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
            "{}: {} after {:?}\nstdout: {}\nstderr: {}",
            self.what,
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
    Running::start(command, input).finish(seconds)
}

/// A process on its way to its end, its output collected; killed when dropped.
#[derive(Debug)]
pub(crate) struct Running {
    /// How it was called.
    what: String,
    child: Child,
    started: Instant,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
}

impl Running {
    #[track_caller]
    pub(crate) fn start(command: &mut Command, input: &[u8]) -> Self {
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
        Self {
            what: format!("{command:?}"),
            child,
            started,
            stdout,
            stderr,
        }
    }

    /// Its id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end; kills it and panics when it has not come `seconds` after its start.
    #[track_caller]
    pub(crate) fn finish(mut self, seconds: u64) -> Finished {
        let deadline = self.started + Duration::from_secs(seconds);
        let status = end_within(&mut self.child, deadline);
        let elapsed = self.started.elapsed();
        if status.is_none() {
            end(&mut self.child);
        }
        // A grandchild may hold the pipes open; what has come by then is all there is.
        let grace = Duration::from_secs(5);
        let stdout = self.stdout.recv_timeout(grace).unwrap_or_default();
        let stderr = self.stderr.recv_timeout(grace).unwrap_or_default();
        let Some(status) = status else {
            panic!(
                "{} was killed after {elapsed:?}\nstdout: {}\nstderr: {}",
                self.what,
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            );
        };
        Finished {
            what: std::mem::take(&mut self.what),
            status,
            stdout,
            stderr,
            elapsed,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Waits for the end of a process, until the deadline.
fn end_within(child: &mut Child, deadline: Instant) -> Option<ExitStatus> {
    loop {
        let status = child.try_wait().expect("our own child");
        if status.is_some() || Instant::now() >= deadline {
            return status;
        }
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal, by name. The process is our own child and not reaped, so its id is still its.
fn signal(child: &Child, name: &str) {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -s \"$1\" \"$2\"", "sh", name]);
    run_with_deadline(shell.arg(child.id().to_string()), 60).success();
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

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by name.
    pub(crate) fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn status(&mut self) -> ExitStatus {
        end_within(&mut self.child, Instant::now() + PATIENCE).expect("a process that ends")
    }

    /// What it has written to its standard error.
    pub(crate) fn err(&self) -> String {
        let log = std::fs::read(self.files.file("log")).expect("a log file");
        String::from_utf8_lossy(&log).into_owned()
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
