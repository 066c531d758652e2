//! A server between a real one and its peers, which spoils what the real one says.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// How answers are spoilt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoil {
    /// Bits are flipped.
    Flips,
    /// The size in a header is another.
    Lies,
    /// Bytes are missing, or the connection ends.
    Cuts,
    /// Packets come again.
    Repeats,
    /// Random bytes come between them.
    Noise,
    /// Nothing comes any more.
    Silence,
    /// The same packet comes again and again.
    Floods,
    /// Texts and names are made of control characters.
    Controls,
}

/// All of them.
pub(super) const SPOILS: [Spoil; 8] = [
    Spoil::Flips,
    Spoil::Lies,
    Spoil::Cuts,
    Spoil::Repeats,
    Spoil::Noise,
    Spoil::Silence,
    Spoil::Floods,
    Spoil::Controls,
];

/// Bytes of a header.
const HEADER: usize = 12;
/// Packets of a flood.
const FLOOD: usize = 20_000;

/// A spoiling server. It ends with the test; its threads end with their connections.
#[derive(Debug)]
pub(super) struct Spoiler {
    address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Spoiler {
    /// Stands in front of the server at `real`.
    pub(super) fn unleash(real: SocketAddr, spoil: Spoil, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&over);
        thread::spawn(move || {
            for (number, peer) in (0..).zip(listener.incoming().flatten()) {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let draws = Draws(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number | 1);
                thread::spawn(move || relay(real, &peer, spoil, draws));
            }
        });
        Spoiler { address, over }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Spoiler {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        // Wakes it up.
        let _ = TcpStream::connect(self.address);
    }
}

/// Numbers that follow from a seed (xorshift).
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % limit.max(1)
    }
}

/// Has the real server answer the peer, and spoils that.
fn relay(real: SocketAddr, peer: &TcpStream, spoil: Spoil, mut draws: Draws) {
    let Ok(server) = TcpStream::connect(real) else {
        return;
    };
    let forth = (peer.try_clone(), server.try_clone());
    if let (Ok(from), Ok(to)) = forth {
        thread::spawn(move || pass_on(&from, &to));
    }
    let _ = answer(&server, peer, spoil, &mut draws);
    // Whatever ends one side ends the other.
    for stream in [&server, peer] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}

fn pass_on(mut from: &TcpStream, mut to: &TcpStream) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

fn answer(
    mut server: &TcpStream,
    mut peer: &TcpStream,
    spoil: Spoil,
    draws: &mut Draws,
) -> std::io::Result<()> {
    // Every few answers, so that commands get somewhere.
    let often = 1 + draws.below(12);
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = server.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut bytes = buffer[..count].to_vec();
        if draws.below(often) == 0 {
            match spoil {
                Spoil::Silence => {
                    // Until the peer has had enough.
                    return peer.read(&mut buffer).map(drop);
                }
                Spoil::Floods => {
                    let flood = bytes.repeat(FLOOD.min((8 << 20) / count));
                    peer.write_all(&flood)?;
                }
                _ => spoilt(spoil, &mut bytes, draws),
            }
        }
        peer.write_all(&bytes)?;
        if bytes.len() < count && draws.below(2) == 0 {
            return Ok(());
        }
    }
}

fn spoilt(spoil: Spoil, bytes: &mut Vec<u8>, draws: &mut Draws) {
    match spoil {
        Spoil::Flips => {
            for _ in 0..=draws.below(4) {
                let at = draws.below(bytes.len());
                bytes[at] ^= 1 << draws.below(8);
            }
        }
        Spoil::Lies => {
            let sizes = [0, 1, 11, 255, 0xffff, 0x00ff_ffff, 0x7fff_ffff, u32::MAX];
            let size = sizes[draws.below(sizes.len())];
            if let Some(place) = bytes.get_mut(8..HEADER) {
                place.copy_from_slice(&size.to_be_bytes());
            }
        }
        Spoil::Cuts => {
            let from = draws.below(bytes.len());
            let to = from + 1 + draws.below(bytes.len() - from);
            bytes.drain(from..to);
        }
        Spoil::Repeats => {
            let again = bytes.clone();
            (0..=draws.below(3)).for_each(|_| bytes.extend_from_slice(&again));
        }
        Spoil::Noise => {
            let at = draws.below(bytes.len() + 1);
            let noise: Vec<u8> = (0..=draws.below(40))
                .map(|_| draws.below(256) as u8)
                .collect();
            bytes.splice(at..at, noise);
        }
        Spoil::Controls => {
            let start = if bytes.first() == Some(&0) { HEADER } else { 0 };
            let words = b"\x1b[2J\x07\x9b\x08";
            for (at, byte) in bytes.iter_mut().enumerate().skip(start) {
                // NULs part arguments, and line ends lines: these stay.
                if !matches!(*byte, 0 | b'\n' | b'\t' | b'.') && draws.below(3) > 0 {
                    *byte = words[at % words.len()];
                }
            }
        }
        Spoil::Silence | Spoil::Floods => {}
    }
}
