//! The functions: their queues, their limits, who can run them.

use super::arena::{Arena, shrink};
use super::keys::{FunctionId, JobKey, Place, SetId};
use super::list::List;
use crate::mutants::{Mutant, on};
use crate::protocol::Priority;
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::collections::VecDeque;
use std::hash::BuildHasher;
use std::num::NonZeroU32;

/// One function.
#[derive(Debug, Default)]
pub(super) struct Function {
    pub(super) name: Box<[u8]>,
    /// Jobs waiting for a worker, by priority.
    pub(super) queues: [List<JobKey>; 3],
    /// Jobs that a worker holds.
    pub(super) running: usize,
    /// Jobs whose time has not come.
    pub(super) delayed: usize,
    /// Jobs that wait for the disk.
    pub(super) storing: usize,
    /// Connections that can run it.
    pub(super) workers: usize,
    /// Workers that were woken for a job of it and have yet to grab.
    pub(super) woken: usize,
    /// Jobs at the most, by priority of the newcomer.
    pub(super) limits: [Option<NonZeroU32>; 3],
    /// Stays listed though nobody uses it.
    pub(super) pinned: bool,
    /// Its places in the sets of abilities that do not know of its next job, by priority.
    pub(super) unlisted: [Vec<Place>; 3],
    /// Its places in the sets that may have sleepers, whose turn is next first. All that have are
    /// here.
    pub(super) sleepy: VecDeque<Place>,
}

impl Function {
    pub(super) fn queued(&self) -> usize {
        self.queues.iter().map(List::len).sum()
    }

    /// All its jobs.
    pub(super) fn total(&self) -> usize {
        self.queued() + self.running + self.delayed + self.storing
    }

    /// Whether one more job of `priority` is too many.
    pub(super) fn is_full(&self, priority: Priority) -> bool {
        let total = match on(Mutant::QueueLimitIgnoresRunning) {
            true => self.queued(),
            false if on(Mutant::QueueLimitOffByOne) => self.total().saturating_sub(1),
            false => self.total(),
        };
        self.limits[priority as usize].is_some_and(|limit| total >= limit.get() as usize)
    }

    /// A set that held it is gone.
    pub(super) fn forget_set(&mut self, id: SetId) {
        let is_other = |place: &Place| place.set != id;
        self.unlisted
            .iter_mut()
            .for_each(|places| places.retain(is_other));
        self.sleepy.retain(is_other);
    }

    fn is_idle(&self) -> bool {
        self.total() == 0 && self.workers == 0 && !self.is_kept()
    }

    /// A command has it stay though nobody uses it.
    pub(super) fn is_kept(&self) -> bool {
        self.pinned || self.limits != [None; 3]
    }
}

/// All functions.
#[derive(Debug)]
pub(super) struct Functions {
    slots: Arena<FunctionId, Function>,
    by_name: HashTable<FunctionId>,
    hasher: FixedState,
}

impl Functions {
    pub(super) fn new(seed: u64) -> Self {
        Functions {
            slots: Arena::new(),
            by_name: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    pub(super) fn find(&self, name: &[u8]) -> Option<FunctionId> {
        let hash = self.hasher.hash_one(name);
        self.by_name
            .find(hash, |&id| &*self.slots[id].name == name)
            .copied()
    }

    /// The function of that name, made if there is none.
    pub(super) fn intern(&mut self, name: &[u8]) -> FunctionId {
        if let Some(id) = self.find(name) {
            return id;
        }
        let id = self.slots.insert(Function {
            name: name.into(),
            ..Function::default()
        });
        let (slots, hasher) = (&self.slots, &self.hasher);
        let hash = hasher.hash_one(name);
        let rehash = |&id: &FunctionId| hasher.hash_one(&*slots[id].name);
        self.by_name.insert_unique(hash, id, rehash);
        id
    }

    /// Forgets a function that nobody uses, where more than `kept` are known.
    pub(super) fn forget_if_idle(&mut self, id: FunctionId, kept: usize) {
        if self.slots.len() > kept && self.slots.get(id).is_some_and(Function::is_idle) {
            self.remove(id);
        }
    }

    pub(super) fn remove(&mut self, id: FunctionId) {
        if let Some(function) = self.slots.remove(id) {
            let hash = self.hasher.hash_one(&*function.name);
            if let Ok(entry) = self.by_name.find_entry(hash, |&other| other == id) {
                entry.remove();
            }
            let (slots, hasher) = (&self.slots, &self.hasher);
            shrink(&mut self.by_name, |&id| hasher.hash_one(&*slots[id].name));
        }
    }

    pub(super) fn get(&self, id: FunctionId) -> Option<&Function> {
        self.slots.get(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (FunctionId, &Function)> {
        self.slots.iter()
    }
}

impl std::ops::Index<FunctionId> for Functions {
    type Output = Function;
    fn index(&self, id: FunctionId) -> &Function {
        &self.slots[id]
    }
}

impl std::ops::IndexMut<FunctionId> for Functions {
    fn index_mut(&mut self, id: FunctionId) -> &mut Function {
        &mut self.slots[id]
    }
}
