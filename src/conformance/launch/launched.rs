//! A server that was started.

use super::command::{Command, shown};
use super::group::Group;
use super::pause::Pause;
use super::{ATTEMPTS, LaunchError, Launcher, SHOWN_LINES, certificate, log, ports, ready};
use crate::conformance::arm::{ArmError, Ended, Process, Stop};
use rustix::process::Signal;
use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The file in the server's directory that takes what it says.
const LOG: &str = "launch.log";
/// How long one question to a server may take before its process is looked at again.
const QUESTION: Duration = Duration::from_secs(1);
/// How long a process may take to end after SIGKILL.
const AFTER_KILL: Duration = Duration::from_secs(10);

/// A server that was started; handles of it may be cloned. It is killed with its whole process
/// group, and its directory removed, when the last handle is dropped.
#[derive(Clone, Debug)]
pub struct Launched {
    address: SocketAddr,
    http: Option<SocketAddr>,
    server: Arc<Mutex<Server>>,
}

/// The process, and all that it takes to start it again.
#[derive(Debug)]
pub(super) struct Server {
    // Before the directory, in which it may write until it is gone.
    pub(super) group: Group,
    words: Vec<String>,
    port: u16,
    http: Option<u16>,
    patience: Duration,
    only_accepts: bool,
    dir: TempDir,
}

impl Launched {
    /// Starts the server on ports that are free now.
    pub(super) fn start(command: &Command, launcher: &Launcher) -> Result<Self, LaunchError> {
        let port = ports::free().map_err(LaunchError::Prepare)?;
        let http = command.has_http().then(ports::free).transpose();
        let http = http.map_err(LaunchError::Prepare)?;
        let dir = tempfile::Builder::new().prefix("gearbench-").tempdir();
        let dir = dir.map_err(LaunchError::Prepare)?;
        if command.has_tls() {
            certificate::write(dir.path()).map_err(LaunchError::Prepare)?;
        }
        let words = command.fill(port, http, dir.path());
        let group = spawn(&words, &dir)?;
        let mut server = Server {
            group,
            words,
            port,
            http,
            patience: launcher.patience,
            // Encrypted, it answers none of our questions.
            only_accepts: launcher.only_accepts || command.has_tls(),
            dir,
        };
        server.wait_until_ready()?;
        Ok(Launched {
            address: server.address(),
            http: http.map(at),
            server: Arc::new(Mutex::new(server)),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it takes HTTP, if its command or its arguments have an `{http-port}`.
    pub fn http(&self) -> Option<SocketAddr> {
        self.http
    }

    /// The id of its process, which changes when it is started again.
    pub fn pid(&self) -> u32 {
        self.server().group.id()
    }

    /// Its directory, the `{dir}` of its command.
    pub fn dir(&self) -> PathBuf {
        self.server().dir.path().to_owned()
    }

    /// How it has ended, by itself or because it was told to; nothing while it runs.
    pub fn ended(&self) -> Option<Ended> {
        // A process that cannot be asked for is none that has ended.
        self.server().group.ended().ok().flatten()
    }

    /// The last lines of what it said on standard output and error, at the most `lines`: control
    /// characters escaped, long lines cut.
    pub fn log_tail(&self, lines: usize) -> Vec<String> {
        log::tail(&self.server().log(), lines)
    }

    /// Tells it to end, and waits for that; what has not ended `within` is killed.
    pub fn stop(&self, how: Stop, within: Duration) -> io::Result<Ended> {
        self.tell(how)?;
        if let Some(ended) = self.wait_for_end(within)? {
            return Ok(ended);
        }
        self.tell(Stop::Kill)?;
        let ended = self.wait_for_end(AFTER_KILL)?;
        ended.ok_or_else(|| io::Error::new(io::ErrorKind::TimedOut, "it survives SIGKILL"))
    }

    /// Starts it again after it has ended: on the same ports, in the same directory, with the same
    /// arguments. It answers when this returns.
    pub fn start_again(&self) -> Result<(), LaunchError> {
        let mut server = self.server();
        if server.group.ended()?.is_none() {
            return Err(LaunchError::Running);
        }
        // It has to be the same port: whoever has just taken it may go again.
        let mut attempts = 1..ATTEMPTS;
        loop {
            server.group = spawn(&server.words, &server.dir)?;
            match server.wait_until_ready() {
                Err(LaunchError::Taken { .. }) if attempts.next().is_some() => {}
                other => return other,
            }
        }
    }

    pub(super) fn server(&self) -> MutexGuard<'_, Server> {
        self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, how: Stop) -> io::Result<()> {
        // The group is asked like a terminal's ^C asks it. SIGUSR1 ends whoever does not expect it,
        // so only the leader gets it.
        let (signal, all) = match how {
            Stop::Terminate => (Signal::TERM, true),
            Stop::Graceful => (Signal::USR1, false),
            Stop::Kill => (Signal::KILL, true),
        };
        self.server().group.signal(signal, all)
    }

    fn wait_for_end(&self, within: Duration) -> io::Result<Option<Ended>> {
        let deadline = Instant::now().checked_add(within);
        let mut pause = Pause::new();
        loop {
            // Locked for each look only: others may read the log meanwhile.
            let ended = self.server().group.ended()?;
            let over = deadline.is_some_and(|deadline| Instant::now() >= deadline);
            if ended.is_some() || over {
                return Ok(ended);
            }
            pause.take(deadline);
        }
    }
}

impl Process for Launched {
    fn stop(&mut self, how: Stop) -> Result<(), ArmError> {
        Ok(self.tell(how)?)
    }

    fn wait(&mut self, within: Duration) -> Result<Option<Ended>, ArmError> {
        Ok(self.wait_for_end(within)?)
    }

    fn start(&mut self) -> Result<(), ArmError> {
        self.start_again()
            .map_err(|error| ArmError::NotStarted(error.to_string()))
    }

    fn http(&self) -> Option<SocketAddr> {
        self.http
    }
}

impl Server {
    fn address(&self) -> SocketAddr {
        at(self.port)
    }

    fn log(&self) -> PathBuf {
        self.dir.path().join(LOG)
    }

    /// Waits until the server answers; one that does not is killed.
    fn wait_until_ready(&mut self) -> Result<(), LaunchError> {
        let deadline = Instant::now() + self.patience;
        let mut pause = Pause::new();
        loop {
            let answers = self.answers(deadline);
            // Asked last: if it has ended, it was another process that answered.
            if let Some(ended) = self.group.ended()? {
                return Err(self.why_ended(ended));
            }
            if answers {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let error = self.silent();
                self.group.signal(Signal::KILL, true)?;
                return Err(error);
            }
            pause.take(Some(deadline));
        }
    }

    fn answers(&self, deadline: Instant) -> bool {
        let limit = deadline.saturating_duration_since(Instant::now());
        let limit = limit.min(QUESTION);
        let http = || match self.http {
            Some(port) => ready::accepts(at(port), limit),
            None => true,
        };
        match self.only_accepts {
            true => ready::accepts(self.address(), limit) && http(),
            false => ready::answers(self.address(), limit) && http(),
        }
    }

    fn silent(&self) -> LaunchError {
        LaunchError::Silent {
            command: shown(&self.words),
            port: self.port,
            waited: self.patience,
            log: self.shown_log(),
        }
    }

    fn why_ended(&self, ended: Ended) -> LaunchError {
        let command = shown(&self.words);
        let log = self.shown_log();
        if self.group.was_left() {
            return LaunchError::Daemon { command, log };
        }
        let in_use = log.to_ascii_lowercase().contains("in use");
        if ended != Ended::Code(0) && (in_use || ports::is_taken(self.port)) {
            let ports = vec![self.port];
            return LaunchError::Taken {
                command,
                ports,
                log,
            };
        }
        LaunchError::Ended {
            command,
            ended,
            log,
        }
    }

    /// The end of the log as an error shows it.
    fn shown_log(&self) -> String {
        let lines = log::tail(&self.log(), SHOWN_LINES);
        match lines.is_empty() {
            true => "; it said nothing".to_owned(),
            false => format!("; its last words:\n  {}", lines.join("\n  ")),
        }
    }
}

fn spawn(words: &[String], dir: &TempDir) -> Result<Group, LaunchError> {
    let path = dir.path().join(LOG);
    let log = File::options().create(true).append(true).open(path);
    let log = log.map_err(LaunchError::Prepare)?;
    Group::spawn(words, dir.path(), log).map_err(|source| LaunchError::Spawn {
        command: shown(words),
        source,
    })
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
