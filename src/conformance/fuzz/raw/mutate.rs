//! Bytes of a valid session, damaged.

use crate::conformance::generate::{Draws, Move};
use crate::protocol::PACKETS;
use crate::protocol::packet::HEADER;
use crate::protocol::request::number;

/// Damages of one session at the most.
const MOST: usize = 8;
/// Sizes at which servers change their mind, for headers and for runs of bytes.
const SIZES: [u32; 14] = [
    0,
    1,
    11,
    12,
    63,
    64,
    65,
    512,
    513,
    8191,
    8193,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];
/// The longest run of bytes that is put in.
const LONGEST_RUN: u32 = 8193;
/// Packet types that nobody has, or that only some have.
const TYPES: [u32; 8] = [0, 5, 35, 43, 255, 65_536, 0x7fff_ffff, 0x8000_0001];
/// Words that mean something.
const WORDS: [&[u8]; 8] = [
    b"\0REQ",
    b"\0RES",
    b"\0",
    b"\n",
    b"status\n",
    b"%s%n",
    b"../../",
    b"\xff\xfe",
];

/// One way to damage what is written.
type Damage = fn(&mut Draws, &mut Vec<Move>);

const DAMAGES: [Damage; 13] = [
    |draws, moves| with_bytes(draws, moves, |draws, bytes| flip(draws, bytes)),
    |draws, moves| with_bytes(draws, moves, cut),
    |draws, moves| with_bytes(draws, moves, insert),
    |draws, moves| with_bytes(draws, moves, run),
    |draws, moves| with_bytes(draws, moves, |draws, bytes| size(draws, bytes)),
    |draws, moves| with_bytes(draws, moves, |draws, bytes| size(draws, bytes)),
    |draws, moves| with_bytes(draws, moves, |draws, bytes| kind(draws, bytes)),
    |draws, moves| with_bytes(draws, moves, |draws, bytes| magic(draws, bytes)),
    |draws, moves| with_bytes(draws, moves, separators),
    duplicate,
    |draws, moves| swap(draws, moves),
    split,
    leave,
];

/// The session, damaged in a few places; the same draws damage it in the same way.
pub(super) fn damaged(draws: &mut Draws, mut moves: Vec<Move>) -> Vec<Move> {
    let times = 1 + draws.index(MOST);
    for _ in 0..times {
        if let Some(damage) = draws.of(&DAMAGES) {
            damage(draws, &mut moves);
        }
    }
    moves
}

/// Lets no packet have a type from 2^31 up, which is known to kill servers, as far as the streams
/// of the peers can be followed.
pub(super) fn tamed(mut moves: Vec<Move>) -> Vec<Move> {
    const TYPE: usize = 4;
    for of in 0..=u8::MAX {
        // Where the next packet begins, counted from here; nothing once that is unknown.
        let mut next = Some(0_usize);
        for step in &mut moves {
            match step {
                Move::Leaves { peer, .. } if *peer == of => next = Some(0),
                Move::Writes { peer, bytes } if *peer == of => {
                    while let Some(at) = next.filter(|at| at + TYPE < bytes.len()) {
                        next = match bytes.get(at) {
                            Some(0) => {
                                if let Some(highest) = bytes.get_mut(at + TYPE) {
                                    *highest &= 0x7f;
                                }
                                let size = bytes.get(at + 8..at + HEADER);
                                let size = size.and_then(|size| size.try_into().ok());
                                size.map(|size| at + HEADER + u32::from_be_bytes(size) as usize)
                            }
                            _ => {
                                let rest = bytes.get(at..).unwrap_or_default();
                                let end = rest.iter().position(|byte| *byte == b'\n');
                                end.map(|end| at + end + 1)
                            }
                        };
                    }
                    next = next.map(|at| at.saturating_sub(bytes.len()));
                }
                _ => {}
            }
        }
    }
    moves
}

/// Puts something else in the place of every `mark` and the number behind it, which it is made
/// from, and has the header agree.
pub(super) fn replace(bytes: &mut Vec<u8>, mark: &[u8], other: impl Fn(u64) -> Vec<u8>) {
    let mut from = 0;
    while let Some(at) = find(bytes, mark, from) {
        let digits = bytes.get(at + mark.len()..).unwrap_or_default();
        let count = digits
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        let number = digits.get(..count).and_then(number).unwrap_or_default();
        let new = other(number);
        from = at + new.len();
        bytes.splice(at..at + mark.len() + count, new);
        if bytes.first() == Some(&0) {
            agree(bytes);
        }
    }
}

/// Where `mark` stands at or behind `from`.
fn find(bytes: &[u8], mark: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let at = rest.windows(mark.len()).position(|window| window == mark)?;
    Some(from + at)
}

/// Damages one of the writes.
fn with_bytes(draws: &mut Draws, moves: &mut [Move], damage: fn(&mut Draws, &mut Vec<u8>)) {
    if let Some(at) = a_write(draws, moves)
        && let Some(Move::Writes { bytes, .. }) = moves.get_mut(at)
    {
        damage(draws, bytes);
    }
}

/// The index of one of the writes.
fn a_write(draws: &mut Draws, moves: &[Move]) -> Option<usize> {
    let is_write = |(_, step): &(usize, &Move)| matches!(step, Move::Writes { .. });
    let writes: Vec<usize> = moves
        .iter()
        .enumerate()
        .filter(is_write)
        .map(|(at, _)| at)
        .collect();
    draws.of(&writes)
}

fn flip(draws: &mut Draws, bytes: &mut [u8]) {
    let at = draws.index(bytes.len());
    let bit = draws.index(8);
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
    }
}

fn cut(draws: &mut Draws, bytes: &mut Vec<u8>) {
    let from = draws.index(bytes.len());
    let to = from + 1 + draws.index(bytes.len() - from.min(bytes.len()));
    bytes.drain(from..to.min(bytes.len()));
}

fn insert(draws: &mut Draws, bytes: &mut Vec<u8>) {
    let at = draws.index(bytes.len() + 1);
    let word: Vec<u8> = match draws.of(&WORDS).filter(|_| draws.once_in(2)) {
        Some(word) => word.to_vec(),
        None => (0..=draws.index(20))
            .map(|_| draws.index(256) as u8)
            .collect(),
    };
    bytes.splice(at..at, word);
}

/// The same byte again and again.
fn run(draws: &mut Draws, bytes: &mut Vec<u8>) {
    let at = draws.index(bytes.len() + 1);
    let count = draws.of(&SIZES).unwrap_or_default().min(LONGEST_RUN);
    let byte = draws.of(b"a\0\n \xff").unwrap_or_default();
    bytes.splice(at..at, vec![byte; count as usize]);
    if draws.once_in(2) {
        agree(bytes);
    }
}

/// A header that lies about how much follows.
fn size(draws: &mut Draws, bytes: &mut [u8]) {
    let actual = u32::try_from(bytes.len().saturating_sub(HEADER)).unwrap_or_default();
    let lie = match draws.index(3) {
        0 => actual.wrapping_add(1),
        1 => actual.wrapping_sub(1),
        _ => draws.of(&SIZES).unwrap_or_default(),
    };
    put(bytes, 8, lie);
}

fn kind(draws: &mut Draws, bytes: &mut [u8]) {
    let kind = match draws.index(2) {
        0 => draws.of(&TYPES).unwrap_or_default(),
        _ => draws.index(PACKETS.len() + 2) as u32,
    };
    put(bytes, 4, kind);
}

fn magic(draws: &mut Draws, bytes: &mut [u8]) {
    let magics = [*b"\0RES", *b"\0req", *b"\0\0\0\0", *b"REQ\0", *b"\0RE\0"];
    put(bytes, 0, draws.of(&magics).map_or(0, u32::from_be_bytes));
}

/// An argument more or less.
fn separators(draws: &mut Draws, bytes: &mut Vec<u8>) {
    let data = bytes.iter().enumerate().skip(HEADER);
    let nuls: Vec<usize> = data
        .filter(|(_, byte)| **byte == 0)
        .map(|(at, _)| at)
        .collect();
    match draws.of(&nuls) {
        Some(at) if draws.once_in(2) => drop(bytes.remove(at)),
        Some(at) => bytes.insert(at, 0),
        None => bytes.push(0),
    }
    if draws.once_in(2) {
        agree(bytes);
    }
}

/// Has the header say how much follows.
fn agree(bytes: &mut [u8]) {
    let actual = u32::try_from(bytes.len().saturating_sub(HEADER)).unwrap_or_default();
    put(bytes, 8, actual);
}

/// Puts a number into a header, where there is one.
fn put(bytes: &mut [u8], at: usize, number: u32) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&number.to_be_bytes());
    }
}

fn duplicate(draws: &mut Draws, moves: &mut Vec<Move>) {
    let Some(at) = a_write(draws, moves) else {
        return;
    };
    let times = draws.of(&[1, 1, 2, 30]).unwrap_or(1);
    let again = moves.get(at).cloned().into_iter().cycle().take(times);
    let again: Vec<Move> = again.collect();
    moves.splice(at..at, again);
}

fn swap(draws: &mut Draws, moves: &mut [Move]) {
    let [one, other] = [draws.index(moves.len()), draws.index(moves.len())];
    if one.max(other) < moves.len() {
        moves.swap(one, other);
    }
}

/// In two writes, others between them.
fn split(draws: &mut Draws, moves: &mut Vec<Move>) {
    let Some(at) = a_write(draws, moves) else {
        return;
    };
    let Some(Move::Writes { peer, bytes }) = moves.get_mut(at) else {
        return;
    };
    let tail = bytes.split_off(draws.index(bytes.len()));
    let rest = Move::Writes {
        peer: *peer,
        bytes: tail,
    };
    let later = at + 1 + draws.index(4);
    moves.insert(later.min(moves.len()), rest);
}

/// Somebody leaves, perhaps inside a packet.
fn leave(draws: &mut Draws, moves: &mut Vec<Move>) {
    let peers = moves.iter().map(|step| match step {
        Move::Writes { peer, .. } | Move::Leaves { peer, .. } => *peer,
    });
    let peers: Vec<u8> = peers.collect();
    if let Some(peer) = draws.of(&peers) {
        let reset = draws.once_in(2);
        let at = draws.index(moves.len());
        moves.insert(at, Move::Leaves { peer, reset });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> Vec<Move> {
        let write = |peer, bytes: &[u8]| Move::Writes {
            peer,
            bytes: bytes.to_vec(),
        };
        vec![
            write(0, b"\0REQ\0\0\0\x01\0\0\0\x01f"),
            write(1, b"\0REQ\0\0\0\x07\0\0\0\x05f\0u\0x"),
            write(1, b"status\n"),
            Move::Leaves {
                peer: 0,
                reset: false,
            },
        ]
    }

    #[test]
    fn the_same_draws_damage_in_the_same_way_and_most_do() {
        let damage = |seed| damaged(&mut Draws::new(seed), session());
        let mut changed = 0;
        for seed in 0..1000 {
            let once = damage(seed);
            assert_eq!(once, damage(seed));
            changed += u32::from(once != session());
        }
        assert!(changed > 900, "{changed}");
    }

    #[test]
    fn a_tame_session_has_no_type_that_kills_and_is_else_the_same() {
        let write = |bytes: &[u8]| Move::Writes {
            peer: 0,
            bytes: bytes.to_vec(),
        };
        let wild = [
            // In two writes, behind a line, behind data that looks like it.
            b"\0REQ\0\0\0\x10\0\0\0\x06\0REQ\x80".as_slice(),
            b"zstatus\n\0REQ\x80\0\0\x01\0\0\0\0",
        ];
        let tame = [wild[0], b"zstatus\n\0REQ\0\0\0\x01\0\0\0\0"];
        assert_eq!(tamed(wild.map(write).to_vec()), tame.map(write).to_vec());
        assert_eq!(tamed(session()), session());
    }
}
