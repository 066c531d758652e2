//! The jobs, and the ways to find one: by key, by the number in its handle, by its unique.

use super::Timestamp;
use super::arena::{Arena, Position, shrink};
use super::keys::{FunctionId, JobKey};
use super::limits::cost;
use super::list::{Linked, Links};
use crate::mutants::{Mutant, on};
use crate::protocol::decode::LARGE;
use crate::protocol::request::MAX_DIGITS;
use crate::protocol::{Body, ConnId, Priority};
use bytes::Bytes;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// Where a job stands.
///
/// ```text
///           submit                grab              WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION
///  Delayed ───────▶ Queued ─────────────▶ Running ───────────────────────────────▶ gone
///   (epoch)  due      ▲   worker lost,       │
///                     └── timeout ───────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not before it is on disk.
    Storing,
    /// Not before its epoch.
    Delayed,
    /// In the queue of its function and priority.
    Queued,
    /// In the list of its worker.
    Running(ConnId),
}

/// What keeps a job, besides the clients that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing: it goes with the last of them.
    No,
    /// It is a background job, in memory.
    InMemory,
    /// It is a background job; it was given to the store, which has not answered.
    Writing,
    /// It is a background job, on disk.
    OnDisk,
}

/// One job. Millions may wait, so it is kept small: what few jobs have is boxed.
#[derive(Debug)]
pub(super) struct Job {
    /// The number in its handle.
    pub(super) number: u64,
    pub(super) links: Links<JobKey>,
    content: Content,
    pub(super) waiters: Waiters,
    pub(super) state: State,
    pub(super) function: FunctionId,
    pub(super) extra: Option<Box<Extra>>,
    unique_len: u8,
    pub(super) priority: Priority,
    pub(super) kept: Kept,
    /// How often it was handed out, up to 255.
    pub(super) attempts: u8,
}

/// What few jobs have.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// When its timer goes off: it is due, or its worker took too long.
    pub(super) timer: Option<Timestamp>,
    pub(super) progress: Option<Progress>,
    pub(super) reducer: Option<Box<[u8]>>,
    /// The number of the first job that came after it went to the end of its queue, if it did.
    turn: Option<u64>,
}

/// The last WORK_STATUS of a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) numerator: Digits,
    pub(super) denominator: Digits,
}

/// A number as it was sent, or 0 for what was no number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits {
    text: [u8; MAX_DIGITS],
    len: u8,
}

impl Digits {
    pub(super) fn new(text: &[u8]) -> Self {
        let is_number =
            (1..=MAX_DIGITS).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
        let kept = if is_number { text } else { b"0" };
        let mut digits = Digits {
            text: [0; MAX_DIGITS],
            len: kept.len() as u8,
        };
        digits.text[..kept.len()].copy_from_slice(kept);
        digits
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

/// The unique and the payload: in one allocation, or the payload where it was received.
#[derive(Debug)]
enum Content {
    Packed(Box<[u8]>),
    Shared(Box<(Box<[u8]>, Bytes)>),
}

/// The clients that wait for a job's result, once for each submission.
#[derive(Debug, Default)]
pub(super) enum Waiters {
    #[default]
    Nobody,
    One(ConnId),
    Many(Box<Several>),
}

/// More than one client, which few jobs have.
#[derive(Debug)]
pub(super) struct Several(Vec<ConnId>);

impl Waiters {
    pub(super) fn as_slice(&self) -> &[ConnId] {
        match self {
            Waiters::Nobody => &[],
            Waiters::One(conn) => std::slice::from_ref(conn),
            Waiters::Many(several) => &several.0,
        }
    }

    pub(super) fn add(&mut self, conn: ConnId) {
        *self = match std::mem::take(self) {
            Waiters::Nobody => Waiters::One(conn),
            Waiters::One(first) => Waiters::Many(Box::new(Several(vec![first, conn]))),
            Waiters::Many(mut several) => {
                several.0.push(conn);
                Waiters::Many(several)
            }
        }
    }

    /// Removes all of `conn`'s places.
    pub(super) fn remove(&mut self, conn: ConnId) {
        match self {
            Waiters::Nobody => {}
            Waiters::One(only) => {
                if *only == conn {
                    *self = Waiters::Nobody;
                }
            }
            Waiters::Many(several) => several.0.retain(|&waiter| waiter != conn),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }
}

impl Job {
    pub(super) fn unique(&self) -> &[u8] {
        match &self.content {
            Content::Packed(packed) => &packed[..usize::from(self.unique_len)],
            Content::Shared(shared) => &shared.0,
        }
    }

    pub(super) fn body(&self) -> Body<'_> {
        match &self.content {
            Content::Packed(packed) => Body::new(&packed[usize::from(self.unique_len)..]),
            Content::Shared(shared) => Body::shared(&shared.1),
        }
    }

    pub(super) fn worker(&self) -> Option<ConnId> {
        match self.state {
            State::Running(worker) => Some(worker),
            State::Storing | State::Delayed | State::Queued => None,
        }
    }

    pub(super) fn reducer(&self) -> Option<&[u8]> {
        self.extra.as_ref()?.reducer.as_deref()
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        self.extra.as_ref()?.progress
    }

    pub(super) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Its place among those that were submitted: it comes before jobs of higher numbers.
    pub(super) fn turn(&self) -> u64 {
        let extra = self.extra.as_ref();
        extra.and_then(|extra| extra.turn).unwrap_or(self.number)
    }

    /// Bytes that it counts for: what it carries, and what keeps track of it.
    fn cost(&self) -> u64 {
        cost(self.unique(), self.body().bytes())
    }

    /// Nobody would miss it.
    pub(super) fn is_abandoned(&self) -> bool {
        self.kept == Kept::No && self.waiters.is_empty()
    }

    /// What makes a submission the same job as this one, if anything does.
    fn identity(&self) -> Option<Identity<'_>> {
        Identity::new(self.function, self.unique(), self.body().bytes())
    }

    /// Where the table of identities has it.
    fn identity_hash(&self, hasher: &FixedState) -> u64 {
        self.identity()
            .map_or(0, |identity| hasher.hash_one(identity.key))
    }
}

/// What makes two submissions the same job: the function and the unique, or for the unique `-`
/// the function and the payload.
///
/// Only the key is hashed, not the function: so GET_STATUS_UNIQUE, which names no function, looks at
/// the jobs of that unique alone.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity<'a> {
    function: FunctionId,
    by_body: bool,
    key: &'a [u8],
}

impl<'a> Identity<'a> {
    /// `None` where nothing does: an empty unique, or `-` without a payload.
    pub(super) fn new(function: FunctionId, unique: &'a [u8], body: &'a [u8]) -> Option<Self> {
        let by_body = unique == b"-" && !on(Mutant::DashIsAUnique);
        let key = if by_body { body } else { unique };
        (!key.is_empty() || on(Mutant::EmptyUniqueCoalesces)).then_some(Identity {
            function,
            by_body,
            key,
        })
    }
}

/// A job about to be queued.
pub(super) struct NewJob<'a> {
    pub(super) function: FunctionId,
    pub(super) unique: &'a [u8],
    pub(super) body: Body<'a>,
    pub(super) priority: Priority,
    pub(super) background: bool,
    pub(super) reducer: Option<&'a [u8]>,
}

/// All jobs.
#[derive(Debug)]
pub(super) struct Jobs {
    slots: Arena<JobKey, Job>,
    by_number: HashTable<Position>,
    by_identity: HashTable<Position>,
    hasher: FixedState,
    next_number: u64,
    /// The costs of all.
    bytes: u64,
}

/// Numbers come in sequence, so the number itself spreads the jobs over the buckets, and jobs of
/// the same age lie together. The table looks at the upper bits to tell apart what shares a
/// bucket: those are mixed.
fn hash_number(number: u64) -> u64 {
    const TAG_BITS: u32 = 8;
    let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (number & (u64::MAX >> TAG_BITS)) | (mixed & !(u64::MAX >> TAG_BITS))
}

/// Both in one allocation of their size.
fn pack(unique: &[u8], body: &[u8]) -> Box<[u8]> {
    let mut packed = Vec::with_capacity(unique.len() + body.len());
    packed.extend_from_slice(unique);
    packed.extend_from_slice(body);
    packed.into()
}

impl Jobs {
    pub(super) fn new(seed: u64, first_number: u64) -> Self {
        Jobs {
            slots: Arena::new(),
            by_number: HashTable::new(),
            by_identity: HashTable::new(),
            hasher: FixedState::with_seed(seed),
            next_number: first_number,
            bytes: 0,
        }
    }

    /// The job that a new one would be the same as.
    pub(super) fn find_same(&self, new: &NewJob<'_>) -> Option<JobKey> {
        let identity = Identity::new(new.function, new.unique, new.body.bytes())?;
        self.by_identity(identity)
    }

    /// Makes a job, with the next number unless it has one. It is in no queue yet.
    pub(super) fn insert(&mut self, new: &NewJob<'_>, number: Option<u64>) -> JobKey {
        let number = number.unwrap_or(self.next_number);
        let number = match on(Mutant::HandleReused) {
            true => (1..)
                .find(|&n| self.by_number(n).is_none())
                .unwrap_or(number),
            false => number,
        };
        self.next_number = self.next_number.max(number.saturating_add(1));
        // A small body must not keep all of a large packet.
        let is_most = new.body.len() >= LARGE / 2;
        let content = match new.body.to_shared().filter(|_| is_most) {
            Some(body) => Content::Shared(Box::new((new.unique.into(), body))),
            None => Content::Packed(pack(new.unique, new.body.bytes())),
        };
        let key = self.slots.insert(Job {
            number,
            links: Links::default(),
            content,
            waiters: Waiters::Nobody,
            state: State::Queued,
            function: new.function,
            extra: new.reducer.map(|reducer| {
                Box::new(Extra {
                    reducer: Some(reducer.into()),
                    ..Extra::default()
                })
            }),
            // Requests with a longer unique are refused before they come here.
            unique_len: new.unique.len() as u8,
            priority: new.priority,
            kept: match new.background {
                true => Kept::InMemory,
                false => Kept::No,
            },
            attempts: 0,
        });
        self.bytes += cost(new.unique, new.body.bytes());
        let slots = &self.slots;
        let position = Position::of(key);
        self.by_number
            .insert_unique(hash_number(number), position, |&at| {
                hash_number(slots.at(at).1.number)
            });
        if let Some(identity) = Identity::new(new.function, new.unique, new.body.bytes()) {
            let hash = self.hasher.hash_one(identity.key);
            let hasher = &self.hasher;
            let rehash = |&at: &Position| slots.at(at).1.identity_hash(hasher);
            self.by_identity.insert_unique(hash, position, rehash);
        }
        key
    }

    /// Takes a job out of the world. It must be in no list any more.
    pub(super) fn remove(&mut self, key: JobKey) -> Option<Job> {
        let job = self.slots.remove(key)?;
        self.bytes -= job.cost();
        let position = Position::of(key);
        if let Ok(entry) = self
            .by_number
            .find_entry(hash_number(job.number), |&other| other == position)
        {
            entry.remove();
        }
        let slots = &self.slots;
        shrink(&mut self.by_number, |&at| {
            hash_number(slots.at(at).1.number)
        });
        if let Some(identity) = job.identity() {
            let hash = self.hasher.hash_one(identity.key);
            if let Ok(entry) = self
                .by_identity
                .find_entry(hash, |&other| other == position)
            {
                entry.remove();
            }
            let hasher = &self.hasher;
            shrink(&mut self.by_identity, |&at| {
                slots.at(at).1.identity_hash(hasher)
            });
        }
        Some(job)
    }

    /// Puts a job behind all that are here.
    pub(super) fn renew(&mut self, key: JobKey) {
        self.slots[key].extra().turn = Some(self.next_number);
    }

    pub(super) fn get_mut(&mut self, key: JobKey) -> Option<&mut Job> {
        self.slots.get_mut(key)
    }

    pub(super) fn contains(&self, key: JobKey) -> bool {
        self.slots.contains_key(key)
    }

    pub(super) fn by_number(&self, number: u64) -> Option<JobKey> {
        self.by_number
            .find(hash_number(number), |&at| {
                self.slots.at(at).1.number == number
            })
            .map(|&at| self.slots.at(at).0)
    }

    pub(super) fn by_identity(&self, identity: Identity<'_>) -> Option<JobKey> {
        if self.by_identity.is_empty() {
            return None;
        }
        let hash = self.hasher.hash_one(identity.key);
        self.by_identity
            .find(hash, |&at| self.slots.at(at).1.identity() == Some(identity))
            .map(|&at| self.slots.at(at).0)
    }

    /// The newest job with that unique, of whatever function; as in gearmand, `-` names none.
    pub(super) fn newest_with_unique(&self, unique: &[u8]) -> Option<JobKey> {
        let names_one = !unique.is_empty() && unique != b"-";
        let hash = self.hasher.hash_one(unique);
        let same_hash = self.by_identity.iter_hash(hash);
        same_hash
            .map(|&at| self.slots.at(at))
            .filter(|(_, job)| names_one && job.unique() == unique)
            .max_by_key(|(_, job)| job.number)
            .map(|(key, _)| key)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (JobKey, &Job)> {
        self.slots.iter()
    }

    /// Bytes that all count for.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether the ways to find a job agree.
    pub(super) fn check_invariants(&self) {
        assert_eq!(self.by_number.len(), self.slots.len());
        let mut identities = 0;
        for (key, job) in self.slots.iter() {
            assert_eq!(self.by_number(job.number), Some(key));
            if let Some(identity) = job.identity() {
                identities += 1;
                assert_eq!(self.by_identity(identity), Some(key));
            }
        }
        assert_eq!(self.by_identity.len(), identities);
        let costs = self.slots.iter().map(|(_, job)| job.cost());
        assert_eq!(self.bytes, costs.sum::<u64>());
    }
}

impl Linked<JobKey> for Jobs {
    fn links(&mut self, key: JobKey) -> &mut Links<JobKey> {
        &mut self.slots[key].links
    }
}

impl std::ops::Index<JobKey> for Jobs {
    type Output = Job;
    fn index(&self, key: JobKey) -> &Job {
        &self.slots[key]
    }
}

impl std::ops::IndexMut<JobKey> for Jobs {
    fn index_mut(&mut self, key: JobKey) -> &mut Job {
        &mut self.slots[key]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queued_job_is_small() {
        assert!(size_of::<Job>() <= 88, "{}", size_of::<Job>());
    }

    #[test]
    fn a_small_body_does_not_keep_the_packet_it_came_in() {
        let packet = Bytes::from(vec![b'x'; 4 * LARGE]);
        let mut jobs = Jobs::new(0, 1);
        for (at, shared) in [(0, true), (4 * LARGE - 10, false)] {
            let new = NewJob {
                function: FunctionId::default(),
                unique: b"u",
                body: Body::shared(&packet).tail(at),
                priority: Priority::Normal,
                background: true,
                reducer: None,
            };
            let key = jobs.insert(&new, None);
            assert_eq!(jobs[key].body().to_shared().is_some(), shared);
            assert_eq!(jobs[key].body(), new.body);
            jobs.remove(key);
        }
    }
}
