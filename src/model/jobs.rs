//! The jobs of the model: where they stand, and what becomes of them with time and lost workers.

use super::heard::{Divergence, Heard, Said, packet};
use super::{Deviation, Judgement, Model};
use crate::protocol::{GrabKind, PacketType as T, Priority, Submit};

/// Digits of the largest number that 64 bits hold.
const MAX_DIGITS: usize = 20;

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Not before it is on disk; then since that turn, or not before `due`.
    Storing { turn: u64, due: Option<u64> },
    /// Not before this time, in microseconds since 1970.
    Delayed { due: u64 },
    /// Since that turn. Jobs of one turn may come in any order.
    Queued { turn: u64 },
    /// With a worker.
    Running { worker: usize },
}

/// A job that has not ended.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) handle: Vec<u8>,
    pub(super) function: Vec<u8>,
    pub(super) unique: Vec<u8>,
    pub(super) body: Vec<u8>,
    pub(super) reducer: Option<Vec<u8>>,
    pub(super) priority: Priority,
    /// A background job: it outlives those who wait for it.
    pub(super) kept: bool,
    /// The ticket of its record, while nobody knows what becomes of that.
    pub(super) writing: Option<u64>,
    /// The turn it came in.
    pub(super) born: u64,
    /// Nobody is to miss it any more, but the server may not have forgotten it yet.
    pub(super) dropped: bool,
    /// Who waits for it, once for each submission.
    pub(super) waiters: Vec<usize>,
    pub(super) place: Place,
    pub(super) attempts: u8,
    /// When its worker has had it too long, in microseconds since 1970.
    pub(super) limit: Option<u64>,
    pub(super) progress: [Vec<u8>; 2],
}

impl Job {
    pub(super) fn new(submit: &Submit<'_>, handle: Vec<u8>, now: u64, turn: u64) -> Self {
        let due = submit
            .epoch
            .map(|seconds| seconds.saturating_mul(1_000_000));
        Job {
            handle,
            function: submit.function.to_vec(),
            unique: submit.unique.to_vec(),
            body: submit.body.to_vec(),
            reducer: submit.reducer.map(<[u8]>::to_vec),
            priority: submit.priority,
            kept: false,
            writing: None,
            born: turn,
            dropped: false,
            waiters: Vec::new(),
            place: match due {
                Some(due) if due > now => Place::Delayed { due },
                _ => Place::Queued { turn },
            },
            attempts: 0,
            limit: None,
            progress: [b"0".to_vec(), b"0".to_vec()],
        }
    }

    pub(super) fn is_queued(&self) -> bool {
        matches!(self.place, Place::Queued { .. }) && !self.dropped
    }

    pub(super) fn is_running(&self) -> bool {
        matches!(self.place, Place::Running { .. })
    }

    /// It is a background job, on disk or not yet: it outlives those who wait for it.
    pub(super) fn outlives(&self) -> bool {
        self.kept || self.writing.is_some()
    }

    /// Nobody would miss it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.dropped || (!self.outlives() && self.waiters.is_empty())
    }

    /// Whether the submission is one of this job: by the unique, or for `-` by the payload. An
    /// empty one names nothing.
    pub(super) fn is_same(&self, submit: &Submit<'_>) -> bool {
        let named = match submit.unique {
            b"" => false,
            b"-" => !submit.body.is_empty() && self.body == submit.body.bytes(),
            _ => true,
        };
        named && self.function == submit.function && self.unique == submit.unique
    }

    /// The answer that hands it out.
    pub(super) fn assignment(&self, kind: GrabKind) -> Said {
        let (handle, function, unique) = (&*self.handle, &*self.function, &*self.unique);
        match (kind, &self.reducer) {
            (GrabKind::Classic, _) => packet(T::JOB_ASSIGN, &[handle, function], &self.body),
            (GrabKind::All, Some(reducer)) => {
                let args = [handle, function, unique, reducer];
                packet(T::JOB_ASSIGN_ALL, &args, &self.body)
            }
            (GrabKind::Uniq, _) | (GrabKind::All, None) => {
                packet(T::JOB_ASSIGN_UNIQ, &[handle, function, unique], &self.body)
            }
        }
    }

    /// When something happens to it by itself.
    fn due(&self) -> Option<u64> {
        match self.place {
            Place::Delayed { due } => Some(due),
            Place::Running { .. } => self.limit,
            Place::Queued { .. } | Place::Storing { .. } => None,
        }
    }
}

/// A number of WORK_STATUS as it is remembered: what is none is 0.
pub(super) fn number(text: &[u8]) -> Vec<u8> {
    let is_number = (1..=MAX_DIGITS).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    if is_number { text } else { b"0" }.to_vec()
}

/// The same where it is kept in 32 bits: what begins like a number is one, and the rest is cut off.
pub(super) fn narrow_number(text: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(text);
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, &*text),
    };
    let end = digits.find(|c: char| !c.is_ascii_digit());
    let digits = &digits[..end.unwrap_or(digits.len())];
    let number: i64 = match digits {
        "" => 0,
        digits => digits.parse().unwrap_or(i64::MAX),
    };
    ((sign * number) as u32).to_string().into_bytes()
}

/// Known, running, numerator and denominator of a status answer.
pub(super) fn fields(job: Option<&Job>) -> [Vec<u8>; 4] {
    let flag = |is: bool| if is { b"1".to_vec() } else { b"0".to_vec() };
    let running = job.is_some_and(Job::is_running);
    let zeros = [b"0".to_vec(), b"0".to_vec()];
    let [numerator, denominator] = job.map_or(zeros, |job| job.progress.clone());
    [flag(job.is_some()), flag(running), numerator, denominator]
}

impl Model {
    /// When something happens by itself next, in microseconds since 1970.
    pub fn next_due(&self) -> Option<u64> {
        self.jobs.iter().filter_map(Job::due).min()
    }

    /// What happens by itself at `due`: epoch jobs can be had, and workers that took too long
    /// lose their jobs.
    pub(super) fn strike(&mut self, due: u64, heard: &mut Heard) -> Judgement {
        for index in (0..self.jobs.len()).rev() {
            let job = &mut self.jobs[index];
            if job.due() != Some(due) {
                continue;
            }
            if !job.is_running() {
                job.place = Place::Queued { turn: self.turn };
                continue;
            }
            let again = self.rules.job_retries.is_some() && self.attempts_left(index);
            self.give_back(index, again, "P-WRK-24", heard)?;
        }
        Ok(())
    }

    /// Whether the job may be handed out once more.
    pub(super) fn attempts_left(&self, index: usize) -> bool {
        let limit = self.rules.job_retries;
        limit.is_none_or(|limit| self.jobs[index].attempts < limit)
    }

    /// A running job loses its worker: it goes to the end of its queue, or fails.
    pub(super) fn give_back(
        &mut self,
        index: usize,
        again: bool,
        rule: &'static str,
        heard: &mut Heard,
    ) -> Judgement {
        let lingers = self.jobs[index].is_abandoned();
        let again = again && (!lingers || self.meets(Deviation::DroppedJobsLinger));
        let job = &mut self.jobs[index];
        if again {
            job.dropped = lingers;
            job.place = Place::Queued { turn: self.turn };
            job.limit = None;
            job.progress = [b"0".to_vec(), b"0".to_vec()];
            return Ok(());
        }
        self.fail(index, rule, heard)
    }

    /// A job ends, and all who wait for it hear that it failed.
    pub(super) fn fail(
        &mut self,
        index: usize,
        rule: &'static str,
        heard: &mut Heard,
    ) -> Result<(), Divergence> {
        self.tell_failure(index, rule, heard)?;
        let job = self.jobs.remove(index);
        self.remove(job, heard)
    }

    /// All who wait for the job hear that it failed.
    pub(super) fn tell_failure(
        &self,
        index: usize,
        rule: &'static str,
        heard: &mut Heard,
    ) -> Result<(), Divergence> {
        let job = &self.jobs[index];
        let failed = packet(T::WORK_FAIL, &[&job.handle], b"");
        let mut waiters = job.waiters.iter();
        waiters.try_for_each(|&waiter| heard.exactly(waiter, rule, failed.clone()))
    }
}
