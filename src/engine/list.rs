//! First in, first out, with removal from anywhere: links live in the members themselves.

/// The neighbours of a member.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links<K> {
    previous: Option<K>,
    next: Option<K>,
}

impl<K> Default for Links<K> {
    fn default() -> Self {
        Links {
            previous: None,
            next: None,
        }
    }
}

/// A store whose members can be linked.
pub(super) trait Linked<K> {
    /// The links of a member, which must exist.
    fn links(&mut self, key: K) -> &mut Links<K>;
}

/// A list of keys in the order they were pushed. A key is in one list of its store at the most.
#[derive(Clone, Copy, Debug)]
pub(super) struct List<K> {
    head: Option<K>,
    tail: Option<K>,
    len: usize,
}

impl<K> Default for List<K> {
    fn default() -> Self {
        List {
            head: None,
            tail: None,
            len: 0,
        }
    }
}

impl<K: Copy> List<K> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head.is_none()
    }

    pub(super) fn push(&mut self, store: &mut impl Linked<K>, key: K) {
        *store.links(key) = Links {
            previous: self.tail,
            next: None,
        };
        match self.tail {
            Some(tail) => store.links(tail).next = Some(key),
            None => self.head = Some(key),
        }
        self.tail = Some(key);
        self.len += 1;
    }

    /// Adds a member before those at the end that are `later` than it.
    pub(super) fn push_before<S: Linked<K>>(
        &mut self,
        store: &mut S,
        key: K,
        later: impl Fn(&S, K) -> bool,
    ) {
        let (mut previous, mut next) = (self.tail, None);
        while let Some(at) = previous.filter(|&at| later(store, at)) {
            (previous, next) = (store.links(at).previous, Some(at));
        }
        let Some(next) = next else {
            return self.push(store, key);
        };
        *store.links(key) = Links {
            previous,
            next: Some(next),
        };
        store.links(next).previous = Some(key);
        match previous {
            Some(previous) => store.links(previous).next = Some(key),
            None => self.head = Some(key),
        }
        self.len += 1;
    }

    /// Removes a member. The key must be in this list.
    pub(super) fn unlink(&mut self, store: &mut impl Linked<K>, key: K) {
        let Links { previous, next } = std::mem::take(store.links(key));
        match previous {
            Some(previous) => store.links(previous).next = next,
            None => self.head = next,
        }
        match next {
            Some(next) => store.links(next).previous = previous,
            None => self.tail = previous,
        }
        self.len -= 1;
    }

    /// Removes the oldest member.
    pub(super) fn pop(&mut self, store: &mut impl Linked<K>) -> Option<K> {
        let head = self.head?;
        self.unlink(store, head);
        Some(head)
    }

    /// The members, the oldest first.
    pub(super) fn collect(&self, store: &mut impl Linked<K>) -> Vec<K> {
        let mut keys = Vec::with_capacity(self.len);
        let mut at = self.head;
        while let Some(key) = at {
            keys.push(key);
            at = store.links(key).next;
        }
        keys
    }
}
