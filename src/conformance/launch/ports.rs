//! Ports that nobody uses.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// Where ports are looked for: below those that systems give to outgoing connections, which would
/// otherwise take the port away before the server has it.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

/// A free loopback port that was never given out before in this process.
pub(super) fn free() -> io::Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Every process begins elsewhere, so that two of them seldom meet.
    let start = RandomState::new().build_hasher().finish();
    let start = usize::try_from(start % RANGE.len() as u64).unwrap_or_default();
    for port in RANGE.skip(start).chain(RANGE.take(start)) {
        if !given.contains(&port) && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            given.insert(port);
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrNotAvailable,
        format!("no port from {} to {} is free", RANGE.start, RANGE.end - 1),
    ))
}

/// Whether somebody listens there.
pub(super) fn is_taken(port: u16) -> bool {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}
