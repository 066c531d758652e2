//! The text protocol of the model.

use super::heard::{Divergence, Heard, Wanted};
use super::jobs::{Job, Place};
use super::{Deviation, Function, Judgement, Model};
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

/// The numbers of a row that begins with `name`.
fn numbers(row: &[u8], name: &[u8]) -> Option<Vec<usize>> {
    let rest = row.strip_prefix(name)?.strip_prefix(b"\t")?;
    let fields = std::str::from_utf8(rest).ok()?.split('\t');
    fields.map(|field| field.parse().ok()).collect()
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
            Command::Status => self.functions(peer, "P-TEXT-13", heard, |model, name, dropped| {
                let jobs = model.jobs_of(name, dropped);
                let running = jobs.iter().filter(|job| job.is_running()).count();
                [jobs.len(), running, model.workers(name)].to_vec()
            }),
            Command::PriorityStatus => {
                self.functions(peer, "P-TEXT-16", heard, |model, name, dropped| {
                    let jobs = model.jobs_of(name, dropped);
                    let stored = |job: &Job| !matches!(job.place, Place::Storing { .. });
                    let waits = |job: &&Job, priority| {
                        !job.is_running() && stored(job) && job.priority == priority
                    };
                    let count = |priority| jobs.iter().filter(|job| waits(job, priority)).count();
                    let mut columns = Priority::ALL.map(count).to_vec();
                    columns.push(model.workers(name));
                    columns
                })
            }
            Command::Workers => self.all_peers(peer, heard),
            Command::ShowJobs => {
                let lost = |job: &Job| usize::from(job.attempts) - usize::from(job.is_running());
                let rows = self.jobs.iter().filter(|job| !job.dropped).map(|job| {
                    let flags = [job.is_abandoned(), job.outlives()].map(usize::from);
                    row(&job.handle, [lost(job), flags[0], flags[1]])
                });
                let mut found = heard.list(peer, "P-TEXT-24")?;
                let handle = |row: &[u8]| row.split(|&b| b == b'\t').next().map(<[u8]>::to_vec);
                found.retain(|row| {
                    !self.may_list(|job| handle(row).is_some_and(|h| job.handle == h))
                });
                same_rows(peer, "P-TEXT-24", found, rows.collect(), self.rules.shared)
            }
            Command::ShowUniqueJobs => {
                let rule = "P-TEXT-25";
                let unique = |job: &Job| shown(&job.unique);
                let found = heard.list(peer, rule)?.into_iter();
                let mut found: Vec<_> = found.map(|row| shown(&row)).collect();
                let alive = self.jobs.iter().filter(|job| !job.dropped);
                let rows: Vec<_> = alive.map(unique).collect();
                for job in self.jobs.iter().filter(|job| job.dropped) {
                    let of =
                        |rows: &[Vec<u8>]| rows.iter().filter(|&row| *row == unique(job)).count();
                    let at = found.iter().position(|row| *row == unique(job));
                    if let Some(at) = at.filter(|_| of(&found) > of(&rows)) {
                        found.swap_remove(at);
                    }
                }
                same_rows(peer, rule, found, rows, self.rules.shared)
            }
            Command::MaxQueue { function, limits } => {
                let known = self.functions.iter().any(|known| known.name == function);
                if known || !self.meets(Deviation::LimitNeedsFunction) {
                    let index = self.know(function);
                    self.functions[index].limits = limits.map(|limit| limit.map(|n| n.get()));
                }
                heard.line(peer, "P-TEXT-20", "OK")
            }
            Command::CancelJob { handle } => self.cancel(peer, handle, heard),
            Command::CreateFunction { function } => {
                let index = self.know(function);
                self.functions[index].created = true;
                heard.line(peer, "P-TEXT-33", "OK")
            }
            Command::DropFunction { function } => self.drop_function(peer, function, heard),
        }
    }

    fn cancel(&mut self, peer: usize, handle: &[u8], heard: &mut Heard) -> Judgement {
        const UNKNOWN: &str = "ERR UNKNOWN_JOB";
        let Some(index) = self.jobs.iter().position(|job| job.handle == handle) else {
            return heard.line(peer, "P-TEXT-29", UNKNOWN);
        };
        let job = &self.jobs[index];
        if job.dropped && !job.is_running() && heard.line(peer, "P-TEXT-29", UNKNOWN).is_ok() {
            return Ok(());
        }
        if job.dropped || self.meets(Deviation::CancelledJobsGoOn) {
            self.jobs[index].dropped = true;
            self.tell_failure(index, "P-TEXT-28", heard)?;
        } else {
            self.fail(index, "P-TEXT-28", heard)?;
        }
        heard.line(peer, "P-TEXT-28", "OK")
    }

    /// Whether there is such a job that was dropped, and may be listed still.
    fn may_list(&self, is: impl Fn(&Job) -> bool) -> bool {
        self.jobs.iter().any(|job| job.dropped && is(job))
    }

    /// The jobs of a function that a list has to count, or may count; those that run are counted
    /// whatever becomes of them.
    fn jobs_of(&self, function: &[u8], dropped: bool) -> Vec<&Job> {
        let counts = |job: &&Job| dropped || !job.dropped || job.is_running();
        let jobs = self.jobs.iter().filter(|job| job.function == function);
        jobs.filter(counts).collect()
    }

    /// How many workers can do a function.
    fn workers(&self, function: &[u8]) -> usize {
        let abilities = self
            .peers
            .values()
            .filter_map(|peer| peer.ability(function));
        abilities.map(|ability| ability.times).sum()
    }

    /// A row for each function. Those that have nothing any more may be listed; jobs that were
    /// dropped may be counted.
    fn functions(
        &self,
        peer: usize,
        rule: &'static str,
        heard: &mut Heard,
        columns: impl Fn(&Model, &[u8], bool) -> Vec<usize>,
    ) -> Judgement {
        let found = heard.list(peer, rule)?;
        let (mut more, mut wanted, mut all) = (found.clone(), Vec::new(), true);
        for function in &self.functions {
            let name = &function.name;
            let [least, most] = [false, true].map(|dropped| columns(self, name, dropped));
            let fits = |row: &Vec<u8>| {
                let numbers = numbers(row, name);
                let within =
                    |n: &[usize]| (0..n.len()).all(|at| (least[at]..=most[at]).contains(&n[at]));
                numbers.is_some_and(|n| n.len() == least.len() && within(&n))
            };
            let at = more.iter().position(fits);
            let may_lack = least.iter().all(|&n| n == 0) && !function.is_pinned();
            all &= at.is_some() || may_lack;
            at.map(|at| more.swap_remove(at));
            if !may_lack {
                let numbers: String = least.iter().map(|n| format!("\t{n}")).collect();
                wanted.push([name.as_slice(), numbers.as_bytes()].concat());
            }
        }
        match all && (self.rules.shared || more.is_empty()) {
            true => Ok(()),
            false => Err(Divergence::list(rule, peer, wanted, &found)),
        }
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
            let mut names = words.split_off(2);
            // Behind the colon there may be a blank and nothing else.
            names.retain(|name| !name.is_empty());
            names.sort_unstable();
            words.extend(names);
            rows.push(words.join(&b' '));
        }
        let wanted = self.peers.values().map(|peer| {
            let names = |ability: &'_ super::Ability| vec![ability.function.clone(); ability.times];
            let names: Vec<Vec<u8>> = peer.abilities.iter().flat_map(names).collect();
            let mut words: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
            words.sort_unstable();
            [&[&*peer.client_id, b":"], &*words].concat().join(&b' ')
        });
        same_rows(peer, rule, rows, wanted.collect(), self.rules.shared)
    }

    fn drop_function(&mut self, peer: usize, name: &[u8], heard: &mut Heard) -> Judgement {
        if self.meets(Deviation::DropIsNoCommand) {
            return heard.line(peer, "P-TEXT-05", "ERR..");
        }
        let busy = self.jobs.iter();
        let busy = busy.filter(|job| job.function == name).any(Job::is_running);
        if busy || self.workers(name) > 0 {
            return heard.line(peer, "P-TEXT-37", "ERR there are..");
        }
        let known = self.functions.iter().position(|f| f.name == name);
        let has_jobs = self.jobs.iter().any(|job| job.function == name);
        for index in (0..self.jobs.len()).rev() {
            let job = &self.jobs[index];
            if job.function != name {
                continue;
            }
            if job.dropped {
                // It is forgotten, too, and stays for ever.
                self.meets(Deviation::DropForgetsJobs);
                continue;
            }
            match self.meets(Deviation::DropForgetsJobs) {
                true => self.jobs[index].dropped = true,
                false => self.fail(index, "P-TEXT-36", heard)?,
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
    Err(Divergence::list(rule, peer, wanted, &found))
}
