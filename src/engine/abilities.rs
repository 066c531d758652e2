//! What workers can do.
//!
//! Workers of one kind register the same functions, so each distinct *set* of functions is kept
//! once and shared by the workers that have it. A set knows which of its functions have jobs and
//! which of its workers sleep: a worker finds a job without a look at its other functions, and a
//! job a worker with a look at the sets that hold its function, however many workers there are.

use super::functions::Functions;
use super::keys::{FunctionId, Place, SetId};
use super::list::List;
use crate::protocol::{ConnId, Priority};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use slotmap::SlotMap;
use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::num::NonZeroU32;

/// How long a worker lets one job of a function run, in milliseconds.
pub(super) type Limit = Option<NonZeroU32>;

/// What one worker can do.
#[derive(Clone, Debug, Default)]
pub(super) enum Abilities {
    #[default]
    None,
    /// Being told: workers register function by function, and each step would be a set.
    Building(BTreeMap<FunctionId, Limit>),
    /// Known, since it asked for a job.
    Set(SetId),
}

#[derive(Debug)]
struct Member {
    function: FunctionId,
    limit: Limit,
    /// Whether it stands in the set's `ready` queue of each priority.
    listed: [bool; 3],
}

/// One set.
#[derive(Debug)]
struct Set {
    /// Sorted by function.
    members: Box<[Member]>,
    /// Members that may have jobs, by priority, whose turn is next first. All that have are
    /// here; one that has none any more leaves when its turn comes.
    ready: [VecDeque<u32>; 3],
    sleepers: List<ConnId>,
    workers: usize,
}

/// All sets.
#[derive(Debug)]
pub(super) struct Sets {
    slots: SlotMap<SetId, Set>,
    by_members: HashTable<SetId>,
    hasher: FixedState,
}

impl Sets {
    pub(super) fn new(seed: u64) -> Self {
        Sets {
            slots: SlotMap::with_key(),
            by_members: HashTable::new(),
            hasher: FixedState::with_seed(seed),
        }
    }

    /// The set of these functions, with one worker more.
    pub(super) fn join(
        &mut self,
        abilities: &BTreeMap<FunctionId, Limit>,
        functions: &mut Functions,
    ) -> SetId {
        let hash = self.hasher.hash_one(abilities);
        let slots = &self.slots;
        let found = self.by_members.find(hash, |&id| {
            let members = &slots[id].members;
            members.len() == abilities.len()
                && members
                    .iter()
                    .map(|m| (&m.function, &m.limit))
                    .eq(abilities)
        });
        let id = match found {
            Some(&id) => id,
            None => self.create(hash, abilities, functions),
        };
        self.slots[id].workers += 1;
        id
    }

    fn create(
        &mut self,
        hash: u64,
        abilities: &BTreeMap<FunctionId, Limit>,
        functions: &mut Functions,
    ) -> SetId {
        let members = abilities.iter().map(|(&function, &limit)| Member {
            function,
            limit,
            listed: [false; 3],
        });
        let id = self.slots.insert(Set {
            members: members.collect(),
            ready: Default::default(),
            sleepers: List::default(),
            workers: 0,
        });
        let (slots, hasher) = (&self.slots, &self.hasher);
        let rehash = |&id: &SetId| hasher.hash_one(slots[id].abilities());
        self.by_members.insert_unique(hash, id, rehash);
        for (index, &function) in (0..).zip(abilities.keys()) {
            let place = Place { set: id, index };
            functions[function].sets.push(place);
            for priority in Priority::ALL {
                if !functions[function].queues[priority as usize].is_empty() {
                    self.slots[id].list(place, priority);
                }
            }
        }
        id
    }

    /// One worker less; a set without workers goes.
    pub(super) fn leave(&mut self, id: SetId, functions: &mut Functions) {
        let set = &mut self.slots[id];
        set.workers -= 1;
        if set.workers > 0 {
            return;
        }
        for member in &set.members {
            functions[member.function]
                .sets
                .retain(|place| place.set != id);
        }
        let hash = self.hasher.hash_one(set.abilities());
        if let Ok(entry) = self.by_members.find_entry(hash, |&other| other == id) {
            entry.remove();
        }
        self.slots.remove(id);
    }

    /// The functions of a set, by themselves again.
    pub(super) fn abilities(&self, id: SetId) -> BTreeMap<FunctionId, Limit> {
        self.slots[id].abilities()
    }

    pub(super) fn functions(&self, id: SetId) -> impl Iterator<Item = FunctionId> {
        self.slots[id].members.iter().map(|member| member.function)
    }

    pub(super) fn contains(&self, id: SetId, function: FunctionId, limit: Limit) -> bool {
        self.slots[id]
            .find(function)
            .is_some_and(|member| member.limit == limit)
    }

    pub(super) fn limit(&self, id: SetId, function: FunctionId) -> Limit {
        self.slots[id].find(function)?.limit
    }

    pub(super) fn sleepers(&mut self, id: SetId) -> &mut List<ConnId> {
        &mut self.slots[id].sleepers
    }

    /// A queue of the function got its first job: its sets must know.
    pub(super) fn function_ready(&mut self, places: &[Place], priority: Priority) {
        for &place in places {
            self.slots[place.set].list(place, priority);
        }
    }

    /// The function whose turn it is among those of the highest priority that has jobs. Its turn
    /// is over with that; the next has another of the same priority.
    pub(super) fn next_ready(
        &mut self,
        id: SetId,
        functions: &Functions,
    ) -> Option<(FunctionId, Priority)> {
        let set = &mut self.slots[id];
        for priority in Priority::ALL {
            let level = priority as usize;
            while let Some(index) = set.ready[level].pop_front() {
                let member = &mut set.members[index as usize];
                let queue = &functions[member.function].queues[level];
                // With its last job taken it leaves, and comes back with the next.
                member.listed[level] = queue.len() > 1;
                if member.listed[level] {
                    set.ready[level].push_back(index);
                }
                if !queue.is_empty() {
                    return Some((member.function, priority));
                }
            }
        }
        None
    }

    /// Whether any function of the set has a job.
    pub(super) fn has_ready(&mut self, id: SetId, functions: &Functions) -> bool {
        let set = &mut self.slots[id];
        for (level, ready) in set.ready.iter_mut().enumerate() {
            while let Some(&index) = ready.front() {
                let member = &mut set.members[index as usize];
                if !functions[member.function].queues[level].is_empty() {
                    return true;
                }
                member.listed[level] = false;
                ready.pop_front();
            }
        }
        false
    }

    /// Whether sets and functions agree.
    pub(super) fn check_invariants(&self, functions: &Functions) {
        for (id, set) in &self.slots {
            assert!(set.workers > 0);
            for (index, member) in (0..).zip(&set.members) {
                let function = &functions[member.function];
                assert!(function.sets.contains(&Place { set: id, index }));
                for priority in Priority::ALL {
                    let level = priority as usize;
                    let listed = set.ready[level].iter().filter(|&&at| at == index).count();
                    assert_eq!(listed, usize::from(member.listed[level]));
                    assert!(listed == 1 || function.queues[level].is_empty());
                }
            }
        }
    }
}

impl Set {
    fn abilities(&self) -> BTreeMap<FunctionId, Limit> {
        let members = self.members.iter();
        members
            .map(|member| (member.function, member.limit))
            .collect()
    }

    fn find(&self, function: FunctionId) -> Option<&Member> {
        let index = self
            .members
            .binary_search_by_key(&function, |member| member.function)
            .ok()?;
        Some(&self.members[index])
    }

    fn list(&mut self, place: Place, priority: Priority) {
        let listed = &mut self.members[place.index as usize].listed[priority as usize];
        if !std::mem::replace(listed, true) {
            self.ready[priority as usize].push_back(place.index);
        }
    }
}
