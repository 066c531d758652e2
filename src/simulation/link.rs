//! One connection on its way between a peer and the server: bytes come late and in pieces, but in
//! order.

use super::Draws;
use super::worker::Worker;
use crate::protocol::ConnId;

/// A connection, as the network and its peer see it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: u8,
    /// The server's side, once it is reached.
    pub(super) conn: Option<ConnId>,
    /// Nothing of the peer reaches the server any more, nor the other way.
    pub(super) silent: bool,
    /// The peer has left it.
    pub(super) gone: bool,
    /// Until when the peer reads nothing, in microseconds.
    pub(super) deaf_until: u64,
    /// Bytes that were written and have not come to the peer.
    pub(super) untaken: usize,
    /// What the peer does with what it hears, if it is a steady worker.
    pub(super) worker: Worker,
    arrival: u64,
    delivery: u64,
    /// Microseconds that a piece takes at the most.
    delay: u64,
    /// Bytes of a piece at the most.
    cut: usize,
    draws: Draws,
}

impl Link {
    pub(super) fn new(peer: u8, seed: u64) -> Self {
        let mut draws = Draws::new(seed);
        Link {
            peer,
            conn: None,
            silent: false,
            gone: false,
            deaf_until: 0,
            untaken: 0,
            worker: Worker::new(seed),
            arrival: 0,
            delivery: 0,
            delay: draws.of(&[1, 100, 3000, 100_000]).unwrap_or(1),
            cut: draws.of(&[1, 20, 1000, usize::MAX]).unwrap_or(1),
            draws,
        }
    }

    fn late(&mut self) -> u64 {
        1 + self.draws.next() % self.delay
    }

    /// When what is sent now comes to the server: after all that was sent before.
    pub(super) fn next_arrival(&mut self, now: u64) -> u64 {
        self.arrival = self.arrival.max(now + self.late());
        self.arrival
    }

    /// The same for what the server sends.
    pub(super) fn next_delivery(&mut self, now: u64) -> u64 {
        let from = now.max(self.deaf_until);
        self.delivery = self.delivery.max(from + self.late());
        self.delivery
    }

    /// Nothing arrives before that time.
    pub(super) fn jam(&mut self, until: u64) {
        self.arrival = self.arrival.max(until);
    }

    pub(super) fn reads(&self, now: u64) -> bool {
        !self.silent && self.deaf_until <= now
    }

    /// Bytes of the next piece.
    pub(super) fn piece(&mut self) -> usize {
        match self.cut {
            0..=1 => 1,
            cut => 1 + (self.draws.next() >> 1) as usize % cut,
        }
    }

    /// Cuts what is sent into pieces, each with the time when it comes.
    pub(super) fn tear(&mut self, now: u64, mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut pieces = Vec::new();
        while !bytes.is_empty() {
            // A large packet in single bytes takes long and shows nothing more.
            let least = bytes.len() / 20;
            let count = self.piece().max(least).min(bytes.len());
            let (piece, rest) = bytes.split_at(count);
            pieces.push((self.next_arrival(now), piece.to_vec()));
            bytes = rest;
        }
        pieces
    }
}
