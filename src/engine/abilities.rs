//! What workers can do.
//!
//! Workers of one kind register the same functions, so each distinct *set* of functions is kept
//! once and shared by the workers that have it. A set knows which of its functions have jobs and
//! which of its workers sleep: a worker finds a job without a look at its other functions, and a
//! job a worker with a look at the sets that hold its function, however many workers there are.

use super::arena::{Arena, shrink};
use super::functions::Functions;
use super::keys::{FunctionId, Place, SetId};
use super::list::List;
use super::peers::Peers;
use crate::mutants::{Mutant, on};
use crate::protocol::{ConnId, Priority};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
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
    /// Workers whose grab is held.
    askers: List<ConnId>,
    /// Members whose functions do not look here for sleepers: there were none when they did.
    forsaken: Vec<u32>,
    workers: usize,
    hash: u64,
}

/// All sets.
#[derive(Debug)]
pub(super) struct Sets {
    slots: Arena<SetId, Set>,
    by_members: HashTable<SetId>,
    hasher: FixedState,
}

impl Sets {
    pub(super) fn new(seed: u64) -> Self {
        Sets {
            slots: Arena::new(),
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
            askers: List::default(),
            forsaken: (0..).take(abilities.len()).collect(),
            workers: 0,
            hash,
        });
        let slots = &self.slots;
        let rehash = |&id: &SetId| slots[id].hash;
        self.by_members.insert_unique(hash, id, rehash);
        for (index, &function) in (0..).zip(abilities.keys()) {
            let place = Place { set: id, index };
            let function = &mut functions[function];
            for priority in Priority::ALL {
                match function.queues[priority as usize].is_empty() {
                    true => function.unlisted[priority as usize].push(place),
                    false => self.slots[id].list(place, priority),
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
            functions[member.function].forget_set(id);
        }
        if let Ok(entry) = self.by_members.find_entry(set.hash, |&other| other == id) {
            entry.remove();
        }
        self.slots.remove(id);
        let slots = &self.slots;
        shrink(&mut self.by_members, |&id| slots[id].hash);
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

    /// A worker of the set falls asleep; the functions that did not look here look again.
    pub(super) fn fall_asleep(
        &mut self,
        id: SetId,
        conn: ConnId,
        peers: &mut Peers,
        functions: &mut Functions,
    ) {
        let set = &mut self.slots[id];
        set.sleepers.push(peers, conn);
        set.be_seen(id, functions);
    }

    /// The grab of a worker of the set is held.
    pub(super) fn ask(
        &mut self,
        id: SetId,
        conn: ConnId,
        peers: &mut Peers,
        functions: &mut Functions,
    ) {
        let set = &mut self.slots[id];
        set.askers.push(peers, conn);
        set.be_seen(id, functions);
    }

    /// It is not any more.
    pub(super) fn stop_asking(&mut self, id: SetId, conn: ConnId, peers: &mut Peers) {
        self.slots[id].askers.unlink(peers, conn);
    }

    /// A sleeper of the set gets up by itself.
    pub(super) fn get_up(&mut self, id: SetId, conn: ConnId, peers: &mut Peers) {
        self.slots[id].sleepers.unlink(peers, conn);
    }

    /// Takes the worker that has asked, or else slept, longest in the set whose turn it is among
    /// those of a function. A set without any is not looked at again before it has one, so that
    /// what a call costs is paid by those who asked or fell asleep.
    pub(super) fn next_sleeper(
        &mut self,
        sleepy: &mut VecDeque<Place>,
        peers: &mut Peers,
    ) -> Option<ConnId> {
        while let Some(place) = sleepy.pop_front() {
            let set = &mut self.slots[place.set];
            if let Some(conn) = set.askers.pop(peers).or_else(|| set.sleepers.pop(peers)) {
                sleepy.push_back(place);
                return Some(conn);
            }
            set.forsaken.push(place.index);
        }
        None
    }

    /// A queue of the function got its first job: the sets that do not know of it must.
    pub(super) fn function_ready(&mut self, unlisted: &mut Vec<Place>, priority: Priority) {
        for place in unlisted.drain(..) {
            self.slots[place.set].list(place, priority);
        }
    }

    /// The function whose turn it is among those of the highest priority that has jobs. Its turn
    /// is over with that; the next has another of the same priority.
    pub(super) fn next_ready(
        &mut self,
        id: SetId,
        functions: &mut Functions,
    ) -> Option<(FunctionId, Priority)> {
        let set = &mut self.slots[id];
        if on(Mutant::PriorityWithinFunctions) {
            let best = |function: FunctionId| {
                let queues = &functions[function].queues;
                let mut priorities = Priority::ALL.into_iter();
                priorities.find(|&priority| !queues[priority as usize].is_empty())
            };
            let members = set.members.iter().map(|member| member.function);
            let mut found = members.filter_map(|function| Some((function, best(function)?)));
            return found.next();
        }
        let mut order = Priority::ALL;
        if on(Mutant::HighAfterNormal) {
            order.swap(0, 1);
        }
        for priority in order {
            let level = priority as usize;
            let ready = &mut set.ready[level];
            while let Some(&index) = ready.front() {
                let member = &mut set.members[index as usize];
                let function = &mut functions[member.function];
                let jobs = function.queues[level].len();
                if jobs > 1 {
                    // One that is alone has each turn.
                    if ready.len() > 1 && !on(Mutant::NoTurns) {
                        ready.rotate_left(1);
                    }
                } else {
                    // With its last job taken it leaves, and comes back with the next.
                    ready.pop_front();
                    member.listed[level] = false;
                    function.unlisted[level].push(Place { set: id, index });
                }
                if jobs > 0 {
                    return Some((member.function, priority));
                }
            }
        }
        None
    }

    /// Whether any function of the set has a job.
    pub(super) fn has_ready(&mut self, id: SetId, functions: &mut Functions) -> bool {
        let set = &mut self.slots[id];
        for (level, ready) in set.ready.iter_mut().enumerate() {
            while let Some(&index) = ready.front() {
                let member = &mut set.members[index as usize];
                let function = &mut functions[member.function];
                if !function.queues[level].is_empty() {
                    return true;
                }
                member.listed[level] = false;
                function.unlisted[level].push(Place { set: id, index });
                ready.pop_front();
            }
        }
        false
    }

    /// Whether sets and functions agree.
    pub(super) fn check_invariants(&self, functions: &Functions) {
        for (id, set) in self.slots.iter() {
            assert!(set.workers > 0);
            let has_none = set.sleepers.is_empty() && set.askers.is_empty();
            assert!(has_none || set.forsaken.is_empty());
            for (index, member) in (0..).zip(&set.members) {
                let function = &functions[member.function];
                let place = Place { set: id, index };
                let here = |places: usize, elsewhere: usize| assert_eq!(places + elsewhere, 1);
                let count = |places: &mut dyn Iterator<Item = &Place>| {
                    places.filter(|&&other| other == place).count()
                };
                let forsaken = set.forsaken.iter().filter(|&&at| at == index).count();
                here(forsaken, count(&mut function.sleepy.iter()));
                for priority in Priority::ALL {
                    let level = priority as usize;
                    let listed = set.ready[level].iter().filter(|&&at| at == index).count();
                    assert_eq!(listed, usize::from(member.listed[level]));
                    assert!(listed == 1 || function.queues[level].is_empty());
                    here(listed, count(&mut function.unlisted[level].iter()));
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

    /// Somebody waits here for a job: the functions that did not look here look again.
    fn be_seen(&mut self, id: SetId, functions: &mut Functions) {
        for index in self.forsaken.drain(..) {
            let function = self.members[index as usize].function;
            let place = Place { set: id, index };
            functions[function].sleepy.push_back(place);
        }
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
