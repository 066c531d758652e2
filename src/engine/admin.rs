//! The text protocol: what gearmand prints, byte for byte where programs parse it.

use super::abilities::Abilities;
use super::functions::Function;
use super::jobs::{Kept, State};
use super::keys::FunctionId;
use super::{JobServer, Outbox};
use crate::mutants::{Mutant, on};
use crate::protocol::admin::{Command, CommandError, MAX_WORDS};
use crate::protocol::request::MAX_FUNCTION;
use crate::protocol::{ConnId, Priority};
use std::io::Write;
use std::num::NonZeroU32;

const OK: &[u8] = b"OK\r\n";
/// The answer to a change asked for from where it may not be.
const CONFINED: &[u8] = b"ERR NOT_ALLOWED This+command+is+only+taken+at+the+admin+address\r\n";

/// The answer to a command that would keep one function more than are kept.
const TOO_MANY: &[u8] = b"ERR TOO_MANY_FUNCTIONS No+more+functions+are+kept\r\n";

/// Answers a line that is no command; the connection goes on.
pub(super) fn refuse(conn: ConnId, error: CommandError<'_>, out: &mut impl Outbox) {
    let line = match error {
        CommandError::Unknown(_) => b"ERR UNKNOWN_COMMAND Unknown+server+command\r\n".to_vec(),
        CommandError::Incomplete(verb) => incomplete(verb),
        CommandError::Show => b"ERR UNKNOWN_SHOW_ARGUMENTS\r\n".to_vec(),
        CommandError::Cancel => b"ERR UNKNOWN_ERROR\r\n".to_vec(),
        CommandError::TooManyWords => {
            format!("ERR INVALID_ARGUMENTS A+command+has+at+most+{MAX_WORDS}+words\r\n").into()
        }
    };
    out.text(conn, &line);
}

fn incomplete(verb: &[u8]) -> Vec<u8> {
    let mut line = b"ERR INVALID_ARGUMENTS \
        An+incomplete+set+of+arguments+was+sent+to+this+command+"
        .to_vec();
    line.extend_from_slice(verb);
    line.extend_from_slice(b"\r\n");
    line
}

/// A list of the text protocol: rows of columns, ended by a dot.
struct Rows(Vec<u8>);

impl Rows {
    fn new() -> Self {
        Rows(Vec::new())
    }

    /// A row of a name and numbers, tabs between them.
    fn row<const N: usize>(&mut self, name: &[u8], numbers: [usize; N]) {
        self.0.extend_from_slice(name);
        for number in numbers {
            // A vector takes every write.
            let _ = write!(self.0, "\t{number}");
        }
        self.0.push(b'\n');
    }

    fn end(mut self) -> Vec<u8> {
        if on(Mutant::LongListWithoutDot) && self.0.len() > 1024 {
            return self.0;
        }
        self.0.extend_from_slice(b".\n");
        self.0
    }
}

impl JobServer {
    /// Answers a command of the text protocol.
    pub(super) fn admin(&mut self, conn: ConnId, command: Command<'_>, out: &mut impl Outbox) {
        if self.peers[conn].info.confined && command.changes() {
            return out.text(conn, CONFINED);
        }
        let answer = match command {
            Command::Version => format!("OK {}\n", self.policy.version).into(),
            Command::GetPid => format!("OK {}\n", self.policy.pid).into(),
            Command::Verbose => format!("OK {}\n", self.policy.verbose).into(),
            Command::Status => self.each_function(|f| {
                let twice = if on(Mutant::StatusCountsRunningTwice) {
                    f.running
                } else {
                    0
                };
                [f.total() + twice, f.running, f.workers]
            }),
            Command::PriorityStatus => self.each_function(|f| {
                let [high, normal, low] = Priority::ALL.map(|p| f.queues[p as usize].len());
                // gearmand counts an epoch job in the normal column from its submission on.
                [high, normal + f.delayed, low, f.workers]
            }),
            Command::Workers => self.workers(),
            Command::ShowJobs => self.show_jobs(),
            Command::ShowUniqueJobs => self.show_unique_jobs(),
            Command::MaxQueue { function, limits } => self.max_queue(function, limits),
            Command::CancelJob { handle } => self.cancel(handle, out),
            Command::CreateFunction { function } => self.create_function(function),
            Command::DropFunction { function } => self.drop_function(function, out),
        };
        out.text(conn, &answer);
    }

    fn each_function<const N: usize>(&self, columns: impl Fn(&Function) -> [usize; N]) -> Vec<u8> {
        let mut rows = Rows::new();
        for (_, function) in self.functions.iter() {
            rows.row(&function.name, columns(function));
        }
        rows.end()
    }

    fn workers(&self) -> Vec<u8> {
        let mut rows = Vec::new();
        for (_, peer) in &self.peers {
            let _ = write!(rows, "{} {} ", peer.info.fd, peer.info.address);
            rows.extend_from_slice(peer.client_id.as_deref().unwrap_or(b"-"));
            rows.extend_from_slice(b" :");
            let functions: Vec<FunctionId> = match &peer.abilities {
                Abilities::None => Vec::new(),
                Abilities::Building(abilities) => abilities.keys().copied().collect(),
                Abilities::Set(set) => self.sets.functions(*set).collect(),
            };
            for function in functions {
                rows.push(b' ');
                rows.extend_from_slice(&self.functions[function].name);
            }
            rows.push(b'\n');
        }
        rows.extend_from_slice(b".\n");
        rows
    }

    fn show_jobs(&self) -> Vec<u8> {
        let mut rows = Rows::new();
        for (_, job) in self.jobs.iter() {
            let handle = self.policy.handle_prefix.handle(job.number);
            // As in gearmand: how often a worker was lost, whether anyone still wants it, whether
            // it outlives its clients.
            let lost = usize::from(job.attempts) - usize::from(job.worker().is_some());
            let [ignored, kept] = [job.is_abandoned(), job.kept != Kept::No].map(usize::from);
            rows.row(&handle, [lost, ignored, kept]);
        }
        rows.end()
    }

    fn show_unique_jobs(&self) -> Vec<u8> {
        let mut rows = Rows::new();
        for (_, job) in self.jobs.iter() {
            // A unique is any bytes; a line break in one would forge rows.
            let escaped: Vec<u8> = match job.unique().iter().any(u8::is_ascii_control) {
                true => job.unique().escape_ascii().collect(),
                false => job.unique().to_vec(),
            };
            rows.row(&escaped, []);
        }
        rows.end()
    }

    fn max_queue(&mut self, name: &[u8], limits: [Option<NonZeroU32>; 3]) -> Vec<u8> {
        if let Some(error) = bad_name(name) {
            return error;
        }
        if limits != [None; 3] && !self.may_keep(name) {
            return TOO_MANY.to_vec();
        }
        let id = self.functions.intern(name);
        self.functions[id].limits = limits;
        self.functions
            .forget_if_idle(id, self.policy.idle_functions);
        OK.to_vec()
    }

    /// `cancel job`: its clients learn that it failed, and nobody hears of it again.
    fn cancel(&mut self, handle: &[u8], out: &mut impl Outbox) -> Vec<u8> {
        let Some(key) = self.find_job(handle) else {
            return b"ERR UNKNOWN_JOB\r\n".to_vec();
        };
        self.counts.cancelled += 1;
        self.keep_record(Mutant::CancelledJobStaysStored, key);
        self.fail_waiters(key, out);
        self.drop_job(key, out);
        OK.to_vec()
    }

    fn create_function(&mut self, name: &[u8]) -> Vec<u8> {
        if let Some(error) = bad_name(name) {
            return error;
        }
        if !self.may_keep(name) {
            return TOO_MANY.to_vec();
        }
        let id = self.functions.intern(name);
        self.functions[id].pinned = true;
        OK.to_vec()
    }

    /// `drop function`: waiting jobs go with it, their clients learn that they failed.
    fn drop_function(&mut self, name: &[u8], out: &mut impl Outbox) -> Vec<u8> {
        let Some(id) = self.functions.find(name) else {
            return b"ERR function not found\r\n".to_vec();
        };
        let function = &self.functions[id];
        if function.workers > 0 || function.running > 0 {
            return b"ERR there are still connected workers or executing clients\r\n".to_vec();
        }
        let of_function = self.jobs.iter().filter(|(_, job)| job.function == id);
        let doomed: Vec<_> = of_function.map(|(key, _)| key).collect();
        for key in doomed {
            debug_assert!(!matches!(self.jobs[key].state, State::Running(_)));
            self.counts.cancelled += 1;
            self.fail_waiters(key, out);
            self.drop_job(key, out);
        }
        self.functions.remove(id);
        OK.to_vec()
    }
}

/// A line holds no control characters but TAB, so only the length can be wrong, or a character
/// that the line could not be split at.
fn bad_name(name: &[u8]) -> Option<Vec<u8>> {
    let is_bad =
        name.len() > MAX_FUNCTION || name.iter().any(|&b| b.is_ascii_control() && b != b'\t');
    is_bad.then(|| b"ERR INVALID_FUNCTION_NAME\r\n".to_vec())
}
