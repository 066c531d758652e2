//! What waits to be written to one connection.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;

/// Chunks handed to the kernel by one `writev` at the most.
const SLICES: usize = 16;

/// Bytes waiting for one connection: small packets gathered in `tail`, large bodies by reference.
#[derive(Debug, Default)]
pub(crate) struct Out {
    /// Chunks to be written before `tail`.
    head: VecDeque<Bytes>,
    tail: Vec<u8>,
    /// Bytes of `tail` that are written already.
    written: usize,
    head_len: usize,
    /// What waits behind each hole, the oldest first; nearly always there is none.
    behind: VecDeque<Behind>,
    /// Bytes in `behind`.
    behind_len: usize,
}

/// What is to be written once a hole before it is filled.
#[derive(Debug, Default)]
struct Behind {
    chunks: Vec<Bytes>,
    tail: Vec<u8>,
}

impl Out {
    /// Bytes waiting.
    pub(crate) fn len(&self) -> usize {
        self.writable() + self.behind_len
    }

    /// Bytes that may be written now.
    fn writable(&self) -> usize {
        self.head_len + self.tail.len() - self.written
    }

    /// Whether nothing may be written now.
    pub(crate) fn is_empty(&self) -> bool {
        self.writable() == 0
    }

    /// Whether something is still to be filled in.
    pub(crate) fn has_holes(&self) -> bool {
        !self.behind.is_empty()
    }

    /// Leaves a hole: what is appended from now on waits until it is filled.
    pub(crate) fn hold(&mut self) {
        self.behind.push_back(Behind::default());
    }

    /// Appends what `write` writes, behind the last hole.
    #[inline]
    pub(crate) fn append<R>(
        &mut self,
        pool: &mut Pool,
        write: impl FnOnce(&mut Vec<u8>) -> R,
    ) -> R {
        let Some(last) = self.behind.back_mut() else {
            return write(self.tail(pool));
        };
        let before = last.tail.len();
        let result = write(&mut last.tail);
        self.behind_len += last.tail.len() - before;
        result
    }

    /// Writes into the oldest hole; what waited behind it follows.
    pub(crate) fn fill(&mut self, pool: &mut Pool, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(behind) = self.behind.pop_front() else {
            return;
        };
        write(self.tail(pool));
        for chunk in behind.chunks {
            self.behind_len -= chunk.len();
            self.share_now(chunk);
        }
        self.behind_len -= behind.tail.len();
        self.tail(pool).extend_from_slice(&behind.tail);
    }

    /// Where to append; takes a used buffer from `pool` when there is none yet.
    fn tail(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        if self.tail.capacity() == 0 {
            self.tail = pool.take();
        }
        &mut self.tail
    }

    /// Appends `body` without copying it, behind the last hole.
    pub(crate) fn share(&mut self, body: Bytes) {
        let Some(last) = self.behind.back_mut() else {
            return self.share_now(body);
        };
        self.behind_len += body.len();
        if !last.tail.is_empty() {
            last.chunks.push(std::mem::take(&mut last.tail).into());
        }
        last.chunks.push(body);
    }

    fn share_now(&mut self, body: Bytes) {
        self.close_tail();
        self.head_len += body.len();
        self.head.push_back(body);
    }

    fn close_tail(&mut self) {
        let mut chunk = Bytes::from(std::mem::take(&mut self.tail));
        chunk.advance(std::mem::take(&mut self.written));
        if !chunk.is_empty() {
            self.head_len += chunk.len();
            self.head.push_back(chunk);
        }
    }

    /// The front chunk, when it is the only one.
    pub(crate) fn single(&self) -> Option<&[u8]> {
        self.head.is_empty().then(|| &self.tail[self.written..])
    }

    /// The first bytes, at most `most`.
    pub(crate) fn piece(&self, most: usize) -> &[u8] {
        let front = match self.head.front() {
            Some(chunk) => &chunk[..],
            None => &self.tail[self.written..],
        };
        &front[..front.len().min(most)]
    }

    /// The front chunks.
    pub(crate) fn slices(&self) -> ([IoSlice<'_>; SLICES], usize) {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let chunks = self.head.iter().map(|chunk| &chunk[..]);
        let mut count = 0;
        for chunk in chunks.chain(std::iter::once(&self.tail[self.written..])) {
            if count == SLICES {
                break;
            }
            slices[count] = IoSlice::new(chunk);
            count += 1;
        }
        (slices, count)
    }

    /// Drops the first `count` bytes, which the kernel took.
    pub(crate) fn advance(&mut self, mut count: usize) {
        while let Some(front) = self.head.front_mut() {
            let step = count.min(front.len());
            front.advance(step);
            self.head_len -= step;
            count -= step;
            if !front.is_empty() {
                return;
            }
            self.head.pop_front();
        }
        self.written += count;
        // A tail that is never quite empty must not keep what is written.
        if self.written >= Pool::CAPACITY && self.written > self.tail.len() / 2 {
            self.tail.drain(..std::mem::take(&mut self.written));
        }
    }

    /// Gives the memory back once everything is written.
    pub(crate) fn recycle(&mut self, pool: &mut Pool) {
        self.written = 0;
        if self.head.capacity() > 0 {
            self.head = VecDeque::new();
        }
        pool.give(std::mem::take(&mut self.tail));
    }
}

/// Used buffers, so that a connection holds none while nothing is pending and a busy one does not
/// allocate for each answer.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    buffers: Vec<Vec<u8>>,
    /// Buffers that nobody has needed since the last [`Pool::tidy`].
    unneeded: usize,
}

impl Pool {
    /// Buffers kept at the most.
    const BUFFERS: usize = 256;
    /// A buffer that grew beyond this is given back to the allocator.
    const CAPACITY: usize = 64 * 1024;

    fn take(&mut self) -> Vec<u8> {
        let buffer = self.buffers.pop().unwrap_or_default();
        self.unneeded = self.unneeded.min(self.buffers.len());
        buffer
    }

    fn give(&mut self, mut buffer: Vec<u8>) {
        let is_kept = (1..=Self::CAPACITY).contains(&buffer.capacity());
        if is_kept && self.buffers.len() < Self::BUFFERS {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }

    /// Gives back what was not needed since the last call.
    pub(crate) fn tidy(&mut self) {
        self.buffers.drain(..self.unneeded);
        self.unneeded = self.buffers.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_given_back_though_more_keeps_coming() {
        let (mut pool, mut out) = (Pool::default(), Out::default());
        out.tail(&mut pool).extend_from_slice(&[0; 1000]);
        for _ in 0..10_000 {
            out.tail(&mut pool).extend_from_slice(&[0; 1000]);
            out.advance(1000);
        }
        assert_eq!(out.len(), 1000);
        assert!(out.tail.capacity() < 4 * Pool::CAPACITY);
    }

    #[test]
    fn buffers_that_nobody_needs_are_given_back() {
        let mut pool = Pool::default();
        for _ in 0..10 {
            pool.give(vec![1]);
        }
        pool.tidy();
        let taken = [pool.take(), pool.take()];
        assert_eq!((taken[0].len(), taken[0].capacity()), (0, 1));
        taken.into_iter().for_each(|buffer| pool.give(buffer));
        assert_eq!(pool.buffers.len(), 10);
        pool.tidy();
        assert_eq!(pool.buffers.len(), 2);
        pool.tidy();
        assert_eq!(pool.buffers.len(), 0);
    }

    fn written(out: &mut Out) -> Vec<u8> {
        let mut seen = Vec::new();
        while !out.is_empty() {
            let (slices, count) = out.slices();
            let taken: usize = slices[..count].iter().map(|slice| slice.len()).sum();
            slices[..count]
                .iter()
                .for_each(|slice| seen.extend_from_slice(slice));
            out.advance(taken);
        }
        seen
    }

    #[test]
    fn what_comes_after_a_hole_waits_until_it_is_filled() {
        let (mut pool, mut out) = (Pool::default(), Out::default());
        let append = |out: &mut Out, pool: &mut Pool, text: &[u8]| {
            out.append(pool, |tail| tail.extend_from_slice(text));
        };
        append(&mut out, &mut pool, b"a");
        out.hold();
        append(&mut out, &mut pool, b"c");
        out.share(Bytes::from_static(b"d"));
        append(&mut out, &mut pool, b"e");
        out.hold();
        append(&mut out, &mut pool, b"g");
        assert_eq!((out.len(), written(&mut out)), (5, b"a".to_vec()));
        assert!(out.is_empty() && out.has_holes());

        out.fill(&mut pool, |tail| tail.push(b'b'));
        assert_eq!((out.len(), written(&mut out)), (5, b"bcde".to_vec()));
        out.fill(&mut pool, |tail| tail.push(b'f'));
        append(&mut out, &mut pool, b"h");
        assert_eq!((out.len(), written(&mut out)), (3, b"fgh".to_vec()));
        assert!(!out.has_holes());
        out.fill(&mut pool, |_| unreachable!("there is no hole"));
        assert_eq!(out.len(), 0);
    }

    #[test]
    fn chunks_leave_in_the_order_they_came_however_little_the_kernel_takes() {
        for step in [1, 2, 3, 5, 8, 100] {
            let mut pool = Pool::default();
            let mut out = Out::default();
            out.tail(&mut pool).extend_from_slice(b"abc");
            out.advance(1);
            out.share(Bytes::from_static(b"defg"));
            out.share(Bytes::from_static(b"hi"));
            out.tail(&mut pool).extend_from_slice(b"jk");
            assert_eq!(out.len(), 10);
            let mut seen = Vec::new();
            while !out.is_empty() {
                let (slices, count) = out.slices();
                let mut taken = 0;
                for slice in &slices[..count] {
                    let part = slice.len().min(step - taken);
                    seen.extend_from_slice(&slice[..part]);
                    taken += part;
                }
                out.advance(taken);
            }
            assert_eq!(seen, b"bcdefghijk");
        }
    }
}
