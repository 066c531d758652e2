//! Whether a server answers.

use crate::protocol::{Body, Request};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What every answer begins with.
const MAGIC: &[u8; 4] = b"\0RES";

/// Whether the server at `address` accepts a connection and, unless that is all, answers. Takes
/// some `limit`s at the most.
///
/// An accepted connection proves nothing: the system accepts before the server does. One server
/// (Python's geard) ignores ECHO_REQ, so GET_STATUS is asked as well; neither changes anything.
pub(super) fn answers(address: SocketAddr, limit: Duration, only_accepts: bool) -> bool {
    let limit = limit.max(Duration::from_millis(1));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, limit) else {
        return false;
    };
    if only_accepts {
        return true;
    }
    let mut questions = Vec::new();
    let word = b"gearbench";
    let body = Body::new(word);
    Request::Echo { body }.encode(&mut questions);
    Request::GetStatus { handle: word }.encode(&mut questions);
    let mut answer = [0; 4];
    let limited = stream.set_read_timeout(Some(limit));
    limited
        .and_then(|()| stream.set_write_timeout(Some(limit)))
        .and_then(|()| stream.write_all(&questions))
        .and_then(|()| stream.read_exact(&mut answer))
        .is_ok_and(|()| answer == *MAGIC)
}
