//! Where jobs, functions and sets of abilities lie: in blocks, so that a server that was full once
//! gives the memory back when it is not any more, and nothing is moved when it grows.

use hashbrown::HashTable;
use slotmap::{Key, KeyData};
use std::marker::PhantomData;

/// Members of a block. With so few, one of jobs leaves little of an allocator's page unused.
const BLOCK: usize = 32;

/// Ends the list of a block's vacant slots.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
enum Entry<V> {
    /// With the next vacant slot of the block.
    Vacant(u32),
    Taken(V),
}

#[derive(Debug)]
struct Slot<V> {
    /// Of the member that lies here, or lay here last.
    version: u32,
    entry: Entry<V>,
}

/// Some slots that come and go together.
#[derive(Debug)]
struct Block<V> {
    /// None while the memory is given back.
    slots: Box<[Slot<V>]>,
    vacant: u32,
    taken: usize,
    /// Of the member that came last, in this life or an earlier one.
    version: u32,
}

/// A store whose keys never name a later member.
#[derive(Debug)]
pub(super) struct Arena<K, V> {
    blocks: Vec<Block<V>>,
    /// Blocks with room. Those whose memory was given back in the meantime go to `absent` when
    /// their turn comes.
    open: Vec<u32>,
    /// Blocks without memory.
    absent: Vec<u32>,
    /// Whether a block is kept though nothing lies in it, for what comes next.
    has_spare: bool,
    len: usize,
    keys: PhantomData<fn() -> K>,
}

impl<V> Block<V> {
    fn new() -> Self {
        Block {
            slots: Box::default(),
            vacant: NONE,
            taken: 0,
            version: 1,
        }
    }

    fn get_memory(&mut self) {
        let slots = (1..).map(|next| Slot {
            version: 0,
            entry: Entry::Vacant(next),
        });
        self.slots = slots.take(BLOCK).collect();
        if let Some(last) = self.slots.last_mut() {
            last.entry = Entry::Vacant(NONE);
        }
        self.vacant = 0;
    }

    fn give_memory_back(&mut self) {
        self.slots = Box::default();
        self.vacant = NONE;
    }
}

impl<K: Key, V> Arena<K, V> {
    pub(super) fn new() -> Self {
        Arena {
            blocks: Vec::new(),
            open: Vec::new(),
            absent: Vec::new(),
            has_spare: false,
            len: 0,
            keys: PhantomData,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn insert(&mut self, value: V) -> K {
        let index = self.open_block();
        let block = &mut self.blocks[index as usize];
        let at = block.vacant;
        let slot = &mut block.slots[at as usize];
        // Versions are odd, as those of all keys of this kind.
        block.version = block.version.wrapping_add(2);
        if let Entry::Vacant(next) = slot.entry {
            block.vacant = next;
        }
        *slot = Slot {
            version: block.version,
            entry: Entry::Taken(value),
        };
        if block.taken == 0 {
            self.has_spare = false;
        }
        block.taken += 1;
        if block.vacant == NONE {
            self.open.pop();
        }
        self.len += 1;
        Position(index * BLOCK as u32 + at).key(block.version)
    }

    /// A block with room, which is then the last of `open`.
    #[inline]
    fn open_block(&mut self) -> u32 {
        while let Some(&index) = self.open.last() {
            if !self.blocks[index as usize].slots.is_empty() {
                return index;
            }
            self.open.pop();
            self.absent.push(index);
        }
        self.new_block()
    }

    #[cold]
    fn new_block(&mut self) -> u32 {
        let index = self.absent.pop().unwrap_or_else(|| {
            self.blocks.push(Block::new());
            // A key has no room for more, and no machine memory.
            (self.blocks.len() - 1) as u32
        });
        self.blocks[index as usize].get_memory();
        self.open.push(index);
        index
    }

    pub(super) fn remove(&mut self, key: K) -> Option<V> {
        let (index, at, version) = split(key);
        let block = self.blocks.get_mut(index)?;
        let slot = block.slots.get_mut(at)?;
        if slot.version != version || matches!(slot.entry, Entry::Vacant(_)) {
            return None;
        }
        let entry = std::mem::replace(&mut slot.entry, Entry::Vacant(block.vacant));
        if block.vacant == NONE {
            self.open.push(index as u32);
        }
        block.vacant = at as u32;
        block.taken -= 1;
        if block.taken == 0 && std::mem::replace(&mut self.has_spare, true) {
            block.give_memory_back();
        }
        self.len -= 1;
        match entry {
            Entry::Taken(value) => Some(value),
            Entry::Vacant(_) => None,
        }
    }

    #[inline]
    pub(super) fn get(&self, key: K) -> Option<&V> {
        let (index, at, version) = split(key);
        match self.blocks.get(index)?.slots.get(at)? {
            Slot {
                version: found,
                entry: Entry::Taken(value),
            } if *found == version => Some(value),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let (index, at, version) = split(key);
        match self.blocks.get_mut(index)?.slots.get_mut(at)? {
            Slot {
                version: found,
                entry: Entry::Taken(value),
            } if *found == version => Some(value),
            _ => None,
        }
    }

    /// The member at a position, which must be taken.
    #[inline]
    pub(super) fn at(&self, position: Position) -> (K, &V) {
        let (block, at) = position.split();
        match &self.blocks[block].slots[at] {
            Slot {
                version,
                entry: Entry::Taken(value),
            } => (position.key(*version), value),
            Slot { .. } => panic!("{position:?} is vacant"),
        }
    }

    pub(super) fn contains_key(&self, key: K) -> bool {
        self.get(key).is_some()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        (0..).zip(&self.blocks).flat_map(|(index, block)| {
            let slots = (index * BLOCK as u32..).zip(&block.slots);
            slots.filter_map(|(position, slot)| match &slot.entry {
                Entry::Taken(value) => Some((Position(position).key(slot.version), value)),
                Entry::Vacant(_) => None,
            })
        })
    }
}

/// Where a member lies: a key without what tells it from an older one. Half as large, for tables
/// of all that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Position(u32);

impl Position {
    #[inline]
    pub(super) fn of(key: impl Key) -> Self {
        Position(key.data().as_ffi() as u32)
    }

    /// Block and slot.
    #[inline]
    fn split(self) -> (usize, usize) {
        let position = self.0 as usize;
        (position / BLOCK, position % BLOCK)
    }

    #[inline]
    fn key<K: Key>(self, version: u32) -> K {
        KeyData::from_ffi(u64::from(version) << 32 | u64::from(self.0)).into()
    }
}

/// Block, slot and version.
#[inline]
fn split(key: impl Key) -> (usize, usize, u32) {
    let (block, at) = Position::of(key).split();
    (block, at, (key.data().as_ffi() >> 32) as u32)
}

impl<K: Key, V> std::ops::Index<K> for Arena<K, V> {
    type Output = V;
    #[inline]
    fn index(&self, key: K) -> &V {
        match self.get(key) {
            Some(value) => value,
            None => stale(key),
        }
    }
}

impl<K: Key, V> std::ops::IndexMut<K> for Arena<K, V> {
    #[inline]
    fn index_mut(&mut self, key: K) -> &mut V {
        match self.get_mut(key) {
            Some(value) => value,
            None => stale(key),
        }
    }
}

/// Has a table of keys that has become nearly empty give its memory back. Amortised over the
/// removals that went before, it costs nothing.
#[inline]
pub(super) fn shrink<K>(table: &mut HashTable<K>, hash: impl Fn(&K) -> u64) {
    const SMALL: usize = 1024;
    let (len, capacity) = (table.len(), table.capacity());
    if capacity > SMALL && len < capacity / 8 {
        table.shrink_to(2 * len, hash);
    }
}

#[cold]
fn stale(key: impl Key) -> ! {
    panic!("{key:?} names nothing any more")
}

#[cfg(test)]
mod tests {
    use super::super::keys::JobKey;
    use super::*;
    use std::collections::{HashMap, HashSet};

    fn blocks_in_memory<V>(arena: &Arena<JobKey, V>) -> usize {
        let has_memory = |block: &&Block<V>| !block.slots.is_empty();
        arena.blocks.iter().filter(has_memory).count()
    }

    /// Walks to and fro between few members and many, and compares with a map at each step.
    #[test]
    fn members_are_found_by_their_keys_and_by_no_older_ones() {
        let mut arena = Arena::<JobKey, u64>::new();
        let (mut alive, mut gone) = (HashMap::new(), HashSet::new());
        let mut dice = 12345_u64;
        for step in 0..20_000_u64 {
            dice = dice.wrapping_mul(6364136223846793005).wrapping_add(1);
            let grows = (dice >> 33) % 100 < if step / 1000 % 2 == 0 { 70 } else { 30 };
            if grows || alive.is_empty() {
                let key = arena.insert(step);
                assert_eq!(alive.insert(key, step), None);
                assert!(!gone.contains(&key));
            } else {
                let nth = (dice >> 40) as usize % alive.len();
                let (&key, &value) = alive.iter().nth(nth).unwrap();
                alive.remove(&key);
                assert_eq!(arena.remove(key), Some(value));
                assert_eq!((arena.remove(key), arena.get(key)), (None, None));
                gone.insert(key);
            }
            assert_eq!(arena.len(), alive.len());
        }
        assert!(
            alive
                .iter()
                .all(|(&key, value)| arena.get(key) == Some(value))
        );
        assert!(gone.iter().all(|&key| !arena.contains_key(key)));
        let listed: HashMap<JobKey, u64> = arena.iter().map(|(key, &value)| (key, value)).collect();
        assert_eq!(listed, alive);
    }

    #[test]
    fn memory_is_given_back_but_for_one_block() {
        let mut arena = Arena::<JobKey, [u8; 100]>::new();
        let stays = arena.insert([1; 100]);
        for _ in 0..3 {
            let keys: Vec<_> = (0..10 * BLOCK).map(|_| arena.insert([0; 100])).collect();
            assert_eq!(blocks_in_memory(&arena), 11);
            for key in keys {
                assert!(arena.remove(key).is_some());
            }
            assert!(blocks_in_memory(&arena) <= 2);
        }
        assert_eq!(arena.blocks.len(), 11);
        assert_eq!(arena[stays], [1; 100]);
    }

    #[test]
    #[should_panic(expected = "names nothing any more")]
    fn a_stale_key_does_not_pass_unnoticed() {
        let mut arena = Arena::<JobKey, u8>::new();
        let key = arena.insert(7);
        arena.remove(key);
        arena.insert(7);
        assert_eq!(arena[key], 7);
    }
}
