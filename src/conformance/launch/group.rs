//! A process and its children, which live and end together.

use super::pause::Pause;
use crate::conformance::arm::Ended;
use rustix::process::{self, Pid, Signal, WaitId, WaitIdOptions};
use std::fs::{self, File};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The variable by which processes that left their group are found again. Its value is the
/// directory of the server, which no other has, and a number, which no other start of it has.
const MARK: &str = "GEARBENCH_LAUNCHED";

/// How often processes that left their group are looked for: one may start others meanwhile.
const LOOKS: usize = 10;
/// How long a process that was killed may take to end.
const DYING: Duration = Duration::from_secs(5);

/// The leaders of all groups that run. A leader is taken off before its id can be given to another
/// process.
static RUNNING: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<Pid>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills every server that was launched and has not ended: for a program that is about to exit
/// without dropping what it holds, as by a signal. Their directories stay.
pub fn kill_all() {
    for leader in running().iter() {
        // One that has just ended is no failure.
        let _ = process::kill_process_group(*leader, Signal::KILL);
    }
}

/// A process that leads a group; all of it is killed when this is dropped.
#[derive(Debug)]
pub(super) struct Group {
    leader: Child,
    id: Pid,
    mark: String,
    ended: Option<Ended>,
    left: bool,
}

impl Group {
    /// Starts the process with `words`, what it says going to `log`.
    pub(super) fn spawn(words: &[String], dir: &Path, log: File) -> io::Result<Self> {
        let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        static STARTS: AtomicU64 = AtomicU64::new(0);
        let start = STARTS.fetch_add(1, Ordering::Relaxed);
        let mark = format!("{} {start}", dir.display());
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env(MARK, &mark)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0);
        let mut running = running();
        let leader = command.spawn()?;
        let id = Pid::from_child(&leader);
        running.push(id);
        Ok(Group {
            leader,
            id,
            mark: format!("{MARK}={mark}"),
            ended: None,
            left: false,
        })
    }

    pub(super) fn id(&self) -> u32 {
        self.leader.id()
    }

    /// The ids of the leader and of all that came of it.
    pub(super) fn all(&self) -> Vec<u32> {
        let others = self.others().into_iter();
        let others = others.filter_map(|id| u32::try_from(id.as_raw_nonzero().get()).ok());
        std::iter::once(self.id()).chain(others).collect()
    }

    /// Sends a signal to the leader, or to all of the group. Nothing happens if it has ended.
    pub(super) fn signal(&mut self, signal: Signal, all: bool) -> io::Result<()> {
        if self.ended()?.is_some() {
            return Ok(());
        }
        match all {
            true => process::kill_process_group(self.id, signal)?,
            false => process::kill_process(self.id, signal)?,
        }
        Ok(())
    }

    /// How the leader has ended, if it has; the other processes are killed then.
    pub(super) fn ended(&mut self) -> io::Result<Option<Ended>> {
        if self.ended.is_some() {
            return Ok(self.ended);
        }
        // A look only: while it is not reaped, its id is no other process's.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match process::waitid(WaitId::Pid(self.id), look) {
            Ok(None) | Err(rustix::io::Errno::INTR) => Ok(None),
            Ok(Some(_)) => self.finish().map(Some),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether processes had left the group when the leader ended.
    pub(super) fn was_left(&self) -> bool {
        self.left
    }

    /// Kills the group and all that came of it, and takes the leader's end.
    fn finish(&mut self) -> io::Result<Ended> {
        let mut others = self.others();
        // It fails only if all have ended.
        let _ = process::kill_process_group(self.id, Signal::KILL);
        running().retain(|id| *id != self.id);
        let ended = how(self.leader.wait()?);
        self.ended = Some(ended);
        for _ in 0..LOOKS {
            for other in &others {
                let group = process::getpgid(Some(*other));
                self.left |= group.is_ok_and(|group| group != self.id);
                let _ = process::kill_process(*other, Signal::KILL);
            }
            others.into_iter().for_each(wait_until_dead);
            others = self.others();
            if others.is_empty() {
                break;
            }
        }
        Ok(ended)
    }

    /// The other processes that came of the leader, also those that have left its group. They are
    /// only found where the system shows processes in `/proc`.
    fn others(&self) -> Vec<Pid> {
        let Ok(processes) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        let ids = processes.flatten().filter_map(|entry| {
            let id = entry.file_name().to_str()?.parse().ok()?;
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let mut variables = environment.split(|&byte| byte == 0);
            let ours = variables.any(|variable| variable == self.mark.as_bytes());
            if ours { Pid::from_raw(id) } else { None }
        });
        ids.filter(|id| *id != self.id).collect()
    }
}

/// Waits for the end of a process that is not our child and was killed.
fn wait_until_dead(id: Pid) {
    let deadline = Instant::now() + DYING;
    let mut pause = Pause::new();
    while is_alive(id) && Instant::now() < deadline {
        pause.take(Some(deadline));
    }
}

/// Whether a process has not ended, though its parent may not have noticed yet.
fn is_alive(id: Pid) -> bool {
    let stat = fs::read(format!("/proc/{}/stat", id.as_raw_nonzero())).unwrap_or_default();
    // The name in brackets may hold anything.
    let mut after_name = stat.rsplit(|&byte| byte == b')');
    let state = after_name.next().and_then(|rest| rest.get(1));
    state.is_some_and(|state| !matches!(state, b'Z' | b'X'))
}

impl Drop for Group {
    fn drop(&mut self) {
        if self.ended.is_none() {
            // Nobody is left to tell that it cannot be waited for.
            let _ = self.finish();
        }
    }
}

fn how(status: ExitStatus) -> Ended {
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Code(code),
        (None, signal) => Ended::Signal(signal.unwrap_or_default()),
    }
}
