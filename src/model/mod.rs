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
//! A server may be known to part from this in certain ways: a [`Deviation`] that its [`Rules`] name
//! is taken too, and counted.
//!
//! Each act is judged alone: whoever drives the server makes sure that all answers to one act
//! have come before the next. Every rule names the requirement it comes from.

mod admin;
mod deviation;
mod heard;
mod jobs;
mod status;
mod store;
mod submit;
#[cfg(test)]
mod tests;
mod wake;
mod work;
mod workers;

pub use deviation::{Deviation, Deviations};
pub use heard::{Divergence, Heard, Said, Wanted};
pub use store::{STORE, Written};

use crate::protocol::admin::{Command, CommandError};
use crate::protocol::{GrabKind, PacketType as T, Request, RequestError};
use heard::packet;
use jobs::Job;
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
    /// Whether a job fails with its worker, instead of being run again.
    pub lost_jobs_fail: bool,
    /// Known ways to part from the protocol, which are taken too.
    pub deviations: Deviations,
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

/// A function that a worker can do.
#[derive(Clone, Debug)]
struct Ability {
    function: Vec<u8>,
    /// How long a job may take, in milliseconds.
    limit: Option<u32>,
    /// How often it was registered, where that adds up.
    times: usize,
    /// The turn in which it was learnt.
    since: u64,
}

/// One connection.
#[derive(Clone, Debug, Default)]
struct Peer {
    abilities: Vec<Ability>,
    sleeping: bool,
    /// The turn in which it fell asleep last.
    slept: u64,
    /// It was asleep already when it went to sleep, and was woken for that; not asked for a job since.
    restless: bool,
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
        self.ability(function).is_some()
    }

    fn ability(&self, function: &[u8]) -> Option<&Ability> {
        let mut abilities = self.abilities.iter();
        abilities.find(|ability| ability.function == function)
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
    /// Jobs that the disk has released just now, one after the other.
    released: Vec<Vec<u8>>,
    /// Who has just given up a job with its function.
    giver: Option<usize>,
    /// How often each deviation was met.
    met: BTreeMap<Deviation, u64>,
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
        self.jobs.iter().filter(|job| !job.dropped).count()
    }

    /// The known deviations that were met, and how often.
    pub fn met(&self) -> &BTreeMap<Deviation, u64> {
        &self.met
    }

    /// Whether the server is known to part from the protocol in this way, where it would now.
    fn meets(&mut self, deviation: Deviation) -> bool {
        let has = self.rules.deviations.has(deviation);
        if has {
            *self.met.entry(deviation).or_default() += 1;
        }
        has
    }

    /// Judges what came of one act of `peer` at `now`, in microseconds since 1970. What is accepted
    /// is taken out; where the judgement fails, the rest is what should not have come.
    pub fn judge(&mut self, now: u64, peer: usize, act: &Act<'_>, heard: &mut Heard) -> Judgement {
        self.now = self.now.max(now);
        self.turn += 1;
        self.giver = None;
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
        // A sleeper may be woken for a job that a worker takes which has asked.
        let woken = self.wake(noops, heard);
        self.hand_out(heard);
        woken?;
        heard.end()?;
        self.nobody_waits()
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

    /// An ERROR with this code, where the server has no codes of its own.
    fn refused(
        &mut self,
        peer: usize,
        rule: &'static str,
        code: &[u8],
        heard: &mut Heard,
    ) -> Judgement {
        let own = self.meets(Deviation::OwnErrorCodes);
        heard.error(peer, rule, (!own).then_some(code))
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
        for index in (0..self.jobs.len()).rev() {
            let job = &mut self.jobs[index];
            let waited = job.waiters.contains(&peer);
            job.waiters.retain(|&waiter| waiter != peer);
            if waited && job.waiters.is_empty() {
                self.miss(index);
            }
        }
        self.store.forget(peer);
        for index in self.run_by(peer, None) {
            let again = !self.rules.lost_jobs_fail && self.attempts_left(index);
            self.give_back(index, again, "P-DISC-04", heard)?;
        }
        Ok(())
    }

    /// Nobody waits for the job any more.
    fn miss(&mut self, index: usize) {
        let stays = self.jobs[index].outlives() && !self.meets(Deviation::GuestTakesJobAlong);
        if stays {
            return;
        }
        if self.meets(Deviation::DroppedJobsLinger) {
            self.jobs[index].dropped = true;
        } else if !self.jobs[index].is_running() {
            self.jobs.remove(index);
        }
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
                self.learn(peer, function, timeout_ms.map(|limit| limit.get()));
                Ok(())
            }
            Request::CantDo { function } => self.forget(peer, Some(function), heard),
            Request::ResetAbilities => self.forget(peer, None, heard),
            Request::PreSleep => {
                state.restless |= state.sleeping;
                (state.sleeping, state.slept) = (true, self.turn);
                if state.woken && !self.meets(Deviation::WokenUntilGrab) {
                    self.peers.entry(peer).or_default().woken = false;
                }
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
                    return self.refused(peer, "P-GEN-08", b"UNKNOWN_OPTION", heard);
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
}
