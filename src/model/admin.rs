//! The text protocol of the model.

use super::heard::{Divergence, Heard, Wanted};
use super::jobs::{Job, Place};
use super::{Function, Judgement, Model};
use crate::protocol::Priority;
use crate::protocol::admin::Command;

/// Bytes of a client id that are kept.
const MAX_CLIENT_ID: usize = 127;

/// What `workers` shows of a client id.
pub(super) fn visible_id(id: &[u8]) -> Vec<u8> {
    let visible = id.iter().filter(|b| !b.is_ascii_control() && **b != b' ');
    let id: Vec<u8> = visible.take(MAX_CLIENT_ID).copied().collect();
    if id.is_empty() { b"-".to_vec() } else { id }
}

/// A unique in a list. Control characters may be escaped: a line break would forge rows.
fn shown(unique: &[u8]) -> Vec<u8> {
    match unique.iter().any(u8::is_ascii_control) {
        true => unique.escape_ascii().collect(),
        false => unique.to_vec(),
    }
}

/// A row: a name and numbers, tabs between them.
fn row<const N: usize>(name: &[u8], numbers: [usize; N]) -> Vec<u8> {
    let numbers: String = numbers.iter().map(|number| format!("\t{number}")).collect();
    [name, numbers.as_bytes()].concat()
}

impl Model {
    /// A function was named: it may be listed from now on.
    pub(super) fn know(&mut self, name: &[u8]) -> usize {
        if let Some(index) = self.functions.iter().position(|f| f.name == name) {
            return index;
        }
        self.functions.push(Function {
            name: name.to_vec(),
            ..Function::default()
        });
        self.functions.len() - 1
    }

    pub(super) fn command(
        &mut self,
        peer: usize,
        command: &Command<'_>,
        heard: &mut Heard,
    ) -> Judgement {
        match *command {
            Command::Version | Command::GetPid | Command::Verbose => {
                heard.line(peer, "P-TEXT-01", "OK ..")
            }
            Command::Status => self.functions(peer, "P-TEXT-13", heard, |model, name| {
                let jobs = model.jobs.iter().filter(|job| job.function == name);
                let running = jobs.clone().filter(|job| job.is_running()).count();
                [jobs.count(), running, model.workers(name)].to_vec()
            }),
            Command::PriorityStatus => self.functions(peer, "P-TEXT-16", heard, |model, name| {
                let jobs = model.jobs.iter().filter(|job| job.function == name);
                let is_storing = |job: &Job| matches!(job.place, Place::Storing { .. });
                let waiting = jobs.filter(|job| !job.is_running() && !is_storing(job));
                let count = |priority| {
                    waiting
                        .clone()
                        .filter(|job| job.priority == priority)
                        .count()
                };
                let mut columns = Priority::ALL.map(count).to_vec();
                columns.push(model.workers(name));
                columns
            }),
            Command::Workers => self.all_peers(peer, heard),
            Command::ShowJobs => {
                let lost = |job: &Job| usize::from(job.attempts) - usize::from(job.is_running());
                let rows = self.jobs.iter().map(|job| {
                    let flags = [job.is_abandoned(), job.outlives()].map(usize::from);
                    row(&job.handle, [lost(job), flags[0], flags[1]])
                });
                let rows = rows.collect();
                self.rows(peer, "P-TEXT-24", heard, rows)
            }
            Command::ShowUniqueJobs => {
                let rule = "P-TEXT-25";
                let rows = self.jobs.iter().map(|job| shown(&job.unique)).collect();
                let found = heard.list(peer, rule)?;
                let found = found.iter().map(|row| shown(row)).collect();
                same_rows(peer, rule, found, rows, self.rules.shared)
            }
            Command::MaxQueue { function, limits } => {
                let index = self.know(function);
                self.functions[index].limits = limits.map(|limit| limit.map(|n| n.get()));
                heard.line(peer, "P-TEXT-20", "OK")
            }
            Command::CancelJob { handle } => {
                let Some(index) = self.jobs.iter().position(|job| job.handle == handle) else {
                    return heard.line(peer, "P-TEXT-29", "ERR UNKNOWN_JOB");
                };
                self.fail(index, "P-TEXT-28", heard)?;
                heard.line(peer, "P-TEXT-28", "OK")
            }
            Command::CreateFunction { function } => {
                let index = self.know(function);
                self.functions[index].created = true;
                heard.line(peer, "P-TEXT-33", "OK")
            }
            Command::DropFunction { function } => self.drop_function(peer, function, heard),
        }
    }

    fn workers(&self, function: &[u8]) -> usize {
        self.peers
            .values()
            .filter(|peer| peer.can(function))
            .count()
    }

    /// A row for each function. Those that have nothing any more may be listed.
    fn functions(
        &self,
        peer: usize,
        rule: &'static str,
        heard: &mut Heard,
        columns: impl Fn(&Model, &[u8]) -> Vec<usize>,
    ) -> Judgement {
        let mut rows = heard.list(peer, rule)?;
        let mut wanted = Vec::new();
        for function in &self.functions {
            let columns = columns(self, &function.name);
            let numbers: String = columns.iter().map(|n| format!("\t{n}")).collect();
            let row = [function.name.as_slice(), numbers.as_bytes()].concat();
            match columns.iter().all(|&n| n == 0) && !function.is_pinned() {
                true => rows.retain(|found| *found != row),
                false => wanted.push(row),
            }
        }
        same_rows(peer, rule, rows, wanted, self.rules.shared)
    }

    fn rows(
        &self,
        peer: usize,
        rule: &'static str,
        heard: &mut Heard,
        wanted: Vec<Vec<u8>>,
    ) -> Judgement {
        same_rows(
            peer,
            rule,
            heard.list(peer, rule)?,
            wanted,
            self.rules.shared,
        )
    }

    /// A row for each connection: descriptor and address are the server's business.
    fn all_peers(&self, peer: usize, heard: &mut Heard) -> Judgement {
        let rule = "P-TEXT-17";
        let mut rows = Vec::new();
        for line in heard.list(peer, rule)? {
            let mut words: Vec<&[u8]> = line.split(|&b| b == b' ').skip(2).collect();
            if words.get(1) != Some(&b":".as_slice()) {
                let wanted = Wanted::Line(peer, "FD ADDRESS ID : FUNCTIONS".to_owned());
                return Err(Divergence::new(
                    rule,
                    wanted,
                    line.escape_ascii().to_string(),
                ));
            }
            words[2..].sort_unstable();
            rows.push(words.join(&b' '));
        }
        let wanted = self.peers.values().map(|peer| {
            let mut words: Vec<&[u8]> = peer.abilities.iter().map(|(name, _)| &**name).collect();
            words.sort_unstable();
            [&[&*peer.client_id, b":"], &*words].concat().join(&b' ')
        });
        same_rows(peer, rule, rows, wanted.collect(), self.rules.shared)
    }

    fn drop_function(&mut self, peer: usize, name: &[u8], heard: &mut Heard) -> Judgement {
        let running = |job: &Job| matches!(job.place, Place::Running { .. });
        let busy = self
            .jobs
            .iter()
            .any(|job| job.function == name && running(job));
        if busy || self.workers(name) > 0 {
            return heard.line(peer, "P-TEXT-37", "ERR there are..");
        }
        let known = self.functions.iter().position(|f| f.name == name);
        let has_jobs = self.jobs.iter().any(|job| job.function == name);
        for index in (0..self.jobs.len()).rev() {
            if self.jobs[index].function == name {
                self.fail(index, "P-TEXT-36", heard)?;
            }
        }
        let function = known.map(|index| self.functions.remove(index));
        let listed = has_jobs || function.as_ref().is_some_and(Function::is_pinned);
        // One that had nothing any more may have been forgotten.
        const UNKNOWN: &str = "ERR function not found";
        match function {
            None => heard.line(peer, "P-TEXT-38", UNKNOWN),
            Some(_) if listed => heard.line(peer, "P-TEXT-36", "OK"),
            Some(_) => heard.line_or(peer, "P-TEXT-36", &["OK", UNKNOWN]),
        }
    }
}

/// The same rows, in any order. On a server that others use too there may be more.
fn same_rows(
    peer: usize,
    rule: &'static str,
    found: Vec<Vec<u8>>,
    wanted: Vec<Vec<u8>>,
    shared: bool,
) -> Judgement {
    let mut more = found.clone();
    let all = wanted.iter().all(|row| {
        let at = more.iter().position(|found| found == row);
        at.map(|at| more.swap_remove(at)).is_some()
    });
    if all && (shared || more.is_empty()) {
        return Ok(());
    }
    let found: Vec<String> = found
        .iter()
        .map(|row| format!("\"{}\"", row.escape_ascii()))
        .collect();
    Err(Divergence::new(
        rule,
        Wanted::List(peer, wanted),
        found.join(", "),
    ))
}
