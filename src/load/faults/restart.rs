//! The server is restarted by a command of the user's, while the run goes on.

use std::process::{Command, Stdio};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a server may take to listen again once its command has ended.
const GRACE: Duration = Duration::from_secs(10);

/// Whether the server is being restarted. All threads of a run look at it, and none for a job.
#[derive(Debug)]
pub(crate) struct Outage {
    origin: Instant,
    /// Its command runs.
    on: AtomicBool,
    /// Until when connections may fail, in milliseconds after the origin.
    until: AtomicU64,
    /// How the commands ended that did not end well.
    failures: Mutex<Vec<String>>,
}

/// Runs a command by the shell; what it prints is lost. What is wrong, if anything is.
fn run(command: &str) -> Option<String> {
    let status = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) if status.success() => None,
        Ok(status) => Some(format!("--restart-cmd ended with {status}")),
        Err(error) => Some(format!("--restart-cmd cannot be run: {error}")),
    }
}

impl Outage {
    pub(crate) fn new(origin: Instant) -> Arc<Self> {
        Arc::new(Outage {
            origin,
            on: AtomicBool::new(false),
            until: AtomicU64::new(0),
            failures: Mutex::default(),
        })
    }

    /// Runs the command on a thread of its own.
    pub(crate) fn begin(self: &Arc<Self>, command: &str) {
        // One that still runs is not joined by another.
        if self.on.swap(true, SeqCst) {
            return;
        }
        self.until.store(u64::MAX, SeqCst);
        let (outage, command) = (Arc::clone(self), command.to_owned());
        thread::spawn(move || {
            let failure = run(&command);
            let until = outage.origin.elapsed() + GRACE;
            outage.until.store(until.as_millis() as u64, SeqCst);
            outage.on.store(false, SeqCst);
            let mut failures = outage
                .failures
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            failures.extend(failure);
        });
    }

    /// Whether the command runs.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(SeqCst)
    }

    /// Whether connections that fail may be down to it.
    pub(crate) fn excuses(&self) -> bool {
        let until = self.until.load(SeqCst);
        self.origin.elapsed().as_millis() < u128::from(until)
    }

    /// How the commands ended that did not end well.
    pub(crate) fn failures(&self) -> Vec<String> {
        let failures = self.failures.lock();
        failures.unwrap_or_else(PoisonError::into_inner).clone()
    }
}
