//! A second, naive reading of the protocol, to hold servers against.
//!
//! The model is told what a peer did and what every peer heard of it, and says whether a job
//! server may have answered so. It is written from the protocol reference and knows nothing of
//! the engine: a mistake has to be in both to stay unseen. Everything is a vector that is searched
//! from its start; nothing here is fast, and all of it can be read in one sitting.
//!
//! Where the protocol leaves a server a choice, the model allows the set: which of several
//! functions of one priority comes first, in which order the jobs of a lost worker come back, how
//! many sleepers are woken. What it insists on:
//!
//! * Every request is answered as its type says, and nobody hears anything else.
//! * A worker gets the oldest job of the highest priority that it can do.
//! * Submissions of one function and unique are one job; all who wait for it hear the same.
//! * A sleeper hears one NOOP, and only while a job waits that it can do. While such a job waits
//!   and somebody who can do it sleeps, somebody who can do it has been woken and not grabbed yet.
//! * A job ends once; a worker that is lost gives its jobs back.
//!
//! Each act is judged alone: whoever drives the server makes sure that all answers to one act
//! have come before the next. Every rule names the requirement it comes from.

mod admin;
mod heard;
mod jobs;
mod store;
#[cfg(test)]
mod tests;

pub use heard::{Divergence, Heard, Said, Wanted};
pub use store::{STORE, Written};

use crate::protocol::admin::{Command, CommandError};
use crate::protocol::{GrabKind, PacketType as T, Request, RequestError, Submit, Work};
use heard::packet;
use jobs::{Job, Place};
use std::collections::BTreeMap;

/// What an operator decides, as far as the model has to know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// How often a job may be handed out; `None` is no limit, and no second run after a timeout.
    pub job_retries: Option<u8>,
    /// Whether connections begin with the option `exceptions`.
    pub exceptions: bool,
    /// Whether others use the server too: then its lists may hold more.
    pub shared: bool,
    /// Whether background jobs are written before they are acknowledged; what is given to the
    /// store is heard by the peer [`STORE`].
    pub durable: bool,
    /// Whether a grab that finds nothing may be answered later: with a job that comes, or by NO_JOB
    /// before anything else that the worker sends, and at [`Model::idle`].
    pub holds_grabs: bool,
}

/// What a peer did.
#[derive(Clone, Debug)]
pub enum Act<'a> {
    /// It connected.
    Connects,
    /// Its connection ended.
    Leaves,
    /// It sent a packet.
    Sends(Result<Request<'a>, RequestError>),
    /// It sent a line of the text protocol.
    Types(Result<Command<'a>, CommandError<'a>>),
}

/// One connection.
#[derive(Clone, Debug, Default)]
struct Peer {
    /// Functions that it can do, with the limit of each in milliseconds.
    abilities: Vec<(Vec<u8>, Option<u32>)>,
    sleeping: bool,
    /// It has heard a NOOP and not asked for a job since.
    woken: bool,
    /// Its grab is not answered yet.
    asks: Option<GrabKind>,
    exceptions: bool,
    client_id: Vec<u8>,
    /// The job that it has ended with an exception; Perl's workers fail it once more.
    excepted: Option<Vec<u8>>,
}

impl Peer {
    fn can(&self, function: &[u8]) -> bool {
        self.limit(function).is_some()
    }

    fn limit(&self, function: &[u8]) -> Option<Option<u32>> {
        let mut abilities = self.abilities.iter();
        abilities.find_map(|(known, limit)| (known == function).then_some(*limit))
    }
}

/// What is known of a function besides its jobs.
#[derive(Clone, Debug, Default)]
struct Function {
    name: Vec<u8>,
    /// Jobs at the most, by priority; `None` is no limit.
    limits: [Option<u32>; 3],
    /// `create function`: it is listed until it is dropped.
    created: bool,
}

impl Function {
    /// Whether it is listed though it has nothing.
    fn is_pinned(&self) -> bool {
        self.created || self.limits != [None; 3]
    }
}

/// What a job server has been told, and so has to do.
#[derive(Clone, Debug, Default)]
pub struct Model {
    rules: Rules,
    /// Microseconds since 1970.
    now: u64,
    peers: BTreeMap<usize, Peer>,
    functions: Vec<Function>,
    jobs: Vec<Job>,
    /// Handles that have ever named a job.
    handles: Vec<Vec<u8>>,
    /// Grows with each act, so that jobs queued by different acts have an order.
    turn: u64,
    store: store::Store,
}

type Judgement = Result<(), Divergence>;

impl Model {
    /// A server without jobs and peers, at `now` in microseconds since 1970.
    pub fn new(rules: Rules, now: u64) -> Self {
        Model {
            rules,
            now,
            ..Model::default()
        }
    }

    /// Jobs that have not ended.
    pub fn jobs(&self) -> usize {
        self.jobs.len()
    }

    /// Judges what came of one act of `peer` at `now`, in microseconds since 1970. What is accepted
    /// is taken out; where the judgement fails, the rest is what should not have come.
    pub fn judge(&mut self, now: u64, peer: usize, act: &Act<'_>, heard: &mut Heard) -> Judgement {
        self.now = self.now.max(now);
        self.turn += 1;
        let noops = heard.take_noops();
        self.answer_grab(peer, act, heard)?;
        match act {
            Act::Connects => self.connect(peer),
            Act::Leaves => self.leave(peer, heard)?,
            Act::Sends(Ok(request)) => self.request(peer, request, heard)?,
            Act::Sends(Err(_)) => heard.error(peer, "P-FRAME-17", None)?,
            Act::Types(Ok(command)) => self.command(peer, command, heard)?,
            Act::Types(Err(_)) => {
                heard.line(peer, "P-TEXT-05", "ERR..")?;
            }
        }
        self.end(noops, heard)
    }

    /// All of an act was taken in: nobody heard anything else, and nobody waits over a job.
    fn end(&mut self, noops: Vec<usize>, heard: &mut Heard) -> Judgement {
        self.hand_out(heard);
        heard.end()?;
        self.wake(noops, heard)
    }

    /// Judges what came of time passing until `now`, in microseconds since 1970.
    pub fn pass(&mut self, now: u64, heard: &mut Heard) -> Judgement {
        let noops = heard.take_noops();
        while let Some(due) = self.next_due().filter(|&due| due <= now) {
            self.turn += 1;
            self.now = self.now.max(due);
            self.strike(due, heard)?;
            self.hand_out(heard);
        }
        self.now = self.now.max(now);
        self.end(noops, heard)
    }

    /// Judges what came of nothing else being done: every grab is answered.
    pub fn idle(&mut self, now: u64, heard: &mut Heard) -> Judgement {
        self.now = self.now.max(now);
        let noops = heard.take_noops();
        for (&peer, state) in &mut self.peers {
            if state.asks.take().is_some() {
                heard.exactly(peer, "P-WRK-07", packet(T::NO_JOB, &[], b""))?;
            }
        }
        self.end(noops, heard)
    }

    /// Whatever a worker does, its grab is answered before it.
    fn answer_grab(&mut self, peer: usize, act: &Act<'_>, heard: &mut Heard) -> Judgement {
        let state = self.peers.get_mut(&peer);
        match (state.and_then(|state| state.asks.take()), act) {
            (None, _) | (_, Act::Leaves) => Ok(()),
            (Some(_), _) => heard.exactly(peer, "P-WRK-07", packet(T::NO_JOB, &[], b"")),
        }
    }

    /// Jobs go to workers whose grab is not answered yet.
    fn hand_out(&mut self, heard: &mut Heard) {
        let asking = self.peers.iter();
        let asking = asking.filter_map(|(&peer, state)| Some((peer, state.asks?)));
        let mut asking: Vec<(usize, GrabKind)> = asking.collect();
        let mut gives = true;
        while std::mem::take(&mut gives) {
            asking.retain(|&(peer, kind)| {
                let candidates = self.next_for(peer);
                let wanted = candidates.iter().map(|&at| self.jobs[at].assignment(kind));
                let Ok(chosen) = heard.one_of(peer, "P-ORD-01", wanted.collect()) else {
                    return true;
                };
                self.assign(peer, candidates[chosen]);
                gives = true;
                false
            });
        }
    }

    fn connect(&mut self, peer: usize) {
        let state = Peer {
            exceptions: self.rules.exceptions,
            client_id: b"-".to_vec(),
            ..Peer::default()
        };
        self.peers.insert(peer, state);
    }

    /// The jobs that only it waited for go; those that it ran are run again, or fail.
    fn leave(&mut self, peer: usize, heard: &mut Heard) -> Judgement {
        self.peers.remove(&peer);
        for job in &mut self.jobs {
            job.waiters.retain(|&waiter| waiter != peer);
        }
        self.jobs
            .retain(|job| !job.is_abandoned() || job.is_running());
        self.store.forget(peer);
        for index in (0..self.jobs.len()).rev() {
            if self.jobs[index].place == (Place::Running { worker: peer }) {
                let again = self.attempts_left(index);
                self.give_back(index, again, "P-DISC-04", heard)?;
            }
        }
        Ok(())
    }

    fn request(&mut self, peer: usize, request: &Request<'_>, heard: &mut Heard) -> Judgement {
        let Some(state) = self.peers.get_mut(&peer) else {
            return Ok(());
        };
        match *request {
            Request::CanDo {
                function,
                timeout_ms,
            } => {
                state.abilities.retain(|(known, _)| known != function);
                let limit = timeout_ms.map(|limit| limit.get());
                state.abilities.push((function.to_vec(), limit));
                self.know(function);
                Ok(())
            }
            Request::CantDo { function } => {
                state.abilities.retain(|(known, _)| known != function);
                Ok(())
            }
            Request::ResetAbilities => {
                state.abilities.clear();
                Ok(())
            }
            Request::PreSleep => {
                state.sleeping = true;
                state.woken = false;
                Ok(())
            }
            Request::Grab(kind) => self.grab(peer, kind, heard),
            Request::Submit(ref submit) => self.submit(peer, submit, heard),
            Request::Work { handle, work } => self.work(peer, handle, work, heard),
            Request::GetStatus { handle } => self.status(peer, handle, heard),
            Request::GetStatusUnique { unique } => self.status_unique(peer, unique, heard),
            Request::Echo { body } => {
                heard.exactly(peer, "P-FRAME-01", packet(T::ECHO_RES, &[], body.bytes()))
            }
            Request::Option { name } => {
                let word = name.split(|&b| b == 0).next().unwrap_or_default();
                if !word.eq_ignore_ascii_case(b"exceptions") {
                    return heard.error(peer, "P-GEN-08", Some(b"UNKNOWN_OPTION"));
                }
                state.exceptions = true;
                heard.exactly(peer, "P-GEN-06", packet(T::OPTION_RES, &[name], b""))
            }
            Request::SetClientId { id } => {
                state.client_id = admin::visible_id(id);
                Ok(())
            }
        }
    }

    fn submit(&mut self, peer: usize, submit: &Submit<'_>, heard: &mut Heard) -> Judgement {
        let known = self.jobs.iter().position(|job| job.is_same(submit));
        if known.is_none() && self.is_full(submit) {
            return heard.error(peer, "P-MAXQ-01", Some(b"QUEUE_ERROR"));
        }
        self.know(submit.function);
        if submit.background && self.rules.durable {
            return self.submit_durably(peer, submit, known, heard);
        }
        let handle = heard.handle(peer, "P-SUB-01")?;
        // What is not accepted is given back.
        let refused = (peer, packet(T::JOB_CREATED, &[&handle], b""));
        let index = match known {
            Some(index) if self.jobs[index].handle == handle => index,
            Some(index) => {
                let wanted = packet(T::JOB_CREATED, &[&self.jobs[index].handle], b"");
                let found = format!("\"{}\"", handle.escape_ascii());
                return Err(Divergence::new(
                    "P-UNIQ-01",
                    Wanted::one(peer, wanted),
                    found,
                ));
            }
            None if self.handles.contains(&handle) => {
                heard.0.push(refused);
                let found = format!("\"{}\", which named a job before", handle.escape_ascii());
                return Err(Divergence::new("P-SUB-17", Wanted::Handle(peer), found));
            }
            None => {
                self.handles.push(handle.clone());
                self.jobs
                    .push(Job::new(submit, handle, self.now, self.turn));
                self.jobs.len() - 1
            }
        };
        match submit.background {
            true => self.jobs[index].kept = true,
            false => self.jobs[index].waiters.push(peer),
        }
        Ok(())
    }

    /// The limit counts all jobs of the function, whatever their priority.
    fn is_full(&self, submit: &Submit<'_>) -> bool {
        let function = self.functions.iter().find(|f| f.name == submit.function);
        let limit = function.and_then(|f| f.limits[submit.priority as usize]);
        let jobs = self
            .jobs
            .iter()
            .filter(|job| job.function == submit.function);
        limit.is_some_and(|limit| jobs.count() >= limit as usize)
    }

    fn grab(&mut self, peer: usize, kind: GrabKind, heard: &mut Heard) -> Judgement {
        if let Some(state) = self.peers.get_mut(&peer) {
            (state.sleeping, state.woken) = (false, false);
        }
        let candidates = self.next_for(peer);
        if candidates.is_empty() && self.rules.holds_grabs && !heard.any_for(peer) {
            if let Some(state) = self.peers.get_mut(&peer) {
                state.asks = Some(kind);
            }
            return Ok(());
        }
        if candidates.is_empty() {
            return heard.exactly(peer, "P-WRK-07", packet(T::NO_JOB, &[], b""));
        }
        let wanted: Vec<Said> = candidates
            .iter()
            .map(|&index| self.jobs[index].assignment(kind))
            .collect();
        let chosen = heard.one_of(peer, "P-ORD-01", wanted)?;
        self.assign(peer, candidates[chosen]);
        Ok(())
    }

    fn assign(&mut self, peer: usize, index: usize) {
        let Some(state) = self.peers.get_mut(&peer) else {
            return;
        };
        state.asks = None;
        let limit = state.limit(&self.jobs[index].function).flatten();
        let job = &mut self.jobs[index];
        job.place = Place::Running { worker: peer };
        job.attempts = job.attempts.saturating_add(1);
        job.limit = limit.map(|ms| self.now + u64::from(ms) * 1000);
    }

    /// The jobs that the worker may get next: of the highest priority that waits for it, the
    /// oldest of each function.
    fn next_for(&self, peer: usize) -> Vec<usize> {
        let waiting = |index: &usize| self.waits_for(&self.jobs[*index], peer);
        let indices: Vec<usize> = (0..self.jobs.len()).filter(waiting).collect();
        let older = |a: &Job, b: &Job| match (&a.place, &b.place) {
            (Place::Queued { turn: a, .. }, Place::Queued { turn: b, .. }) => a < b,
            _ => false,
        };
        let is_first = |&&index: &&usize| {
            let job = &self.jobs[index];
            indices.iter().all(|&other| {
                let other = &self.jobs[other];
                other.priority >= job.priority
                    && (other.priority != job.priority
                        || other.function != job.function
                        || !older(other, job))
            })
        };
        indices.iter().filter(is_first).copied().collect()
    }

    /// Whether the job can be had now, and the peer can do it.
    fn waits_for(&self, job: &Job, peer: usize) -> bool {
        let state = self.peers.get(&peer);
        job.is_queued() && state.is_some_and(|state| state.can(&job.function))
    }

    fn work(&mut self, peer: usize, handle: &[u8], work: Work<'_>, heard: &mut Heard) -> Judgement {
        let held = self
            .jobs
            .iter()
            .position(|job| job.handle == handle && job.place == (Place::Running { worker: peer }));
        let Some(index) = held else {
            return self.work_of_nobody(peer, handle, work, heard);
        };
        let told = match work {
            Work::Data(body) => packet(T::WORK_DATA, &[handle], &body),
            Work::Warning(body) => packet(T::WORK_WARNING, &[handle], &body),
            Work::Complete(body) => packet(T::WORK_COMPLETE, &[handle], &body),
            Work::Exception(body) => packet(T::WORK_EXCEPTION, &[handle], &body),
            Work::Fail => packet(T::WORK_FAIL, &[handle], b""),
            Work::Status {
                numerator,
                denominator,
            } => {
                self.jobs[index].progress = [numerator, denominator].map(jobs::number);
                packet(T::WORK_STATUS, &[handle, numerator, denominator], b"")
            }
        };
        let failed = packet(T::WORK_FAIL, &[handle], b"");
        for &waiter in &self.jobs[index].waiters {
            let deaf = !self.peers.get(&waiter).is_some_and(|peer| peer.exceptions);
            let told = match work {
                Work::Exception(_) if deaf => &failed,
                _ => &told,
            };
            heard.exactly(waiter, "P-WORK-01", told.clone())?;
        }
        if matches!(work, Work::Complete(_) | Work::Fail | Work::Exception(_)) {
            let job = self.jobs.remove(index);
            self.remove(job, heard)?;
        }
        if let (Work::Exception(_), Some(state)) = (work, self.peers.get_mut(&peer)) {
            state.excepted = Some(handle.to_vec());
        }
        Ok(())
    }

    /// A work packet for a job that the sender does not run.
    fn work_of_nobody(
        &mut self,
        peer: usize,
        handle: &[u8],
        work: Work<'_>,
        heard: &mut Heard,
    ) -> Judgement {
        if let (Work::Fail, Some(state)) = (work, self.peers.get_mut(&peer))
            && state.excepted.as_deref() == Some(handle)
        {
            state.excepted = None;
            // An ERROR would be as right, but Perl's workers die of it.
            let _ = heard.error(peer, "P-WORK-09", None);
            return Ok(());
        }
        heard.error(peer, "P-WORK-06", Some(b"JOB_NOT_FOUND"))
    }

    fn status(&self, peer: usize, handle: &[u8], heard: &mut Heard) -> Judgement {
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let job = self.jobs.iter().find(|job| job.handle == handle);
        let [known, running, numerator, denominator] = jobs::fields(job);
        let args: [&[u8]; 5] = [handle, &known, &running, &numerator, &denominator];
        heard.exactly(peer, "P-STAT-02", packet(T::STATUS_RES, &args, b""))
    }

    /// The request names no function, so any job with the unique may be meant.
    fn status_unique(&self, peer: usize, unique: &[u8], heard: &mut Heard) -> Judgement {
        let named = unique != b"-" && !unique.is_empty();
        let jobs = self.jobs.iter().filter(|job| named && job.unique == unique);
        let mut meant: Vec<Option<&Job>> = jobs.map(Some).collect();
        if meant.is_empty() {
            meant.push(None);
        }
        let wanted: Vec<Said> = meant
            .into_iter()
            .map(|job| {
                let [known, running, numerator, denominator] = jobs::fields(job);
                let clients = job.map_or(0, |job| job.waiters.len()).to_string();
                let numbers = [&known, &running, &numerator, &denominator].map(Vec::as_slice);
                let [known, running, numerator, denominator] = numbers;
                let clients = clients.as_bytes();
                let args = [unique, known, running, numerator, denominator, clients];
                packet(T::STATUS_RES_UNIQUE, &args, b"")
            })
            .collect();
        heard.one_of(peer, "P-STAT-09", wanted).map(|_| ())
    }

    /// Takes in the NOOPs of an act, and whether nobody sleeps over a job.
    fn wake(&mut self, noops: Vec<usize>, heard: &mut Heard) -> Judgement {
        for peer in noops {
            let can = self.jobs.iter().any(|job| self.waits_for(job, peer));
            let state = self.peers.get_mut(&peer).filter(|peer| peer.sleeping);
            let rule = if state.is_some() {
                "P-WRK-18"
            } else {
                "P-WRK-17"
            };
            match state.filter(|_| can) {
                Some(state) => (state.sleeping, state.woken) = (false, true),
                None => {
                    heard.0.push((peer, packet(T::NOOP, &[], b"")));
                    let found = format!("a NOOP to peer {peer}");
                    return Err(Divergence::nothing(rule, peer, found));
                }
            }
        }
        for job in self.jobs.iter().filter(|job| job.is_queued()) {
            let able = self
                .peers
                .iter()
                .filter(|(_, peer)| peer.can(&job.function));
            let sleepers: Vec<usize> = able
                .clone()
                .filter(|(_, peer)| peer.sleeping)
                .map(|(&peer, _)| peer)
                .collect();
            if let Some((&peer, _)) = able.clone().find(|(_, peer)| peer.asks.is_some()) {
                let found = "nothing though it has asked and the job waits".to_owned();
                let wanted = Wanted::one(peer, job.assignment(GrabKind::Uniq));
                return Err(Divergence::new("P-WRK-06", wanted, found));
            }
            if !sleepers.is_empty() && !able.clone().any(|(_, peer)| peer.woken) {
                let found = format!("all asleep who can do \"{}\"", job.function.escape_ascii());
                return Err(Divergence::new("P-WRK-11", Wanted::Noop(sleepers), found));
            }
        }
        Ok(())
    }
}
