//! Ports that nobody uses.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

/// How many ports the system may offer before it counts as out of them.
const OFFERS: usize = 1000;

/// A free loopback port that was never given out before in this process.
pub(super) fn free() -> io::Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Held until the end, so that the system offers another one each time.
    let mut offers = Vec::new();
    while offers.len() < OFFERS {
        let offer = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = offer.local_addr()?.port();
        offers.push(offer);
        if given.insert(port) {
            return Ok(port);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrNotAvailable,
        format!("all {OFFERS} ports that the system offered had been used before"),
    ))
}

/// Whether somebody listens there.
pub(super) fn is_taken(port: u16) -> bool {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    bound.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse)
}
