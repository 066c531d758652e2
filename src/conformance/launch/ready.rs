//! Whether a server answers.

use crate::protocol::{Body, Request};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What every answer begins with.
const MAGIC: &[u8; 4] = b"\0RES";

/// Whether somebody accepts connections at `address`.
pub(super) fn accepts(address: SocketAddr, limit: Duration) -> bool {
    connect(address, limit).is_ok()
}

fn connect(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let limit = limit.max(Duration::from_millis(1));
    let stream = TcpStream::connect_timeout(&address, limit)?;
    // Where nobody listens, the system may connect a socket with itself.
    if stream.local_addr()? == address {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    Ok(stream)
}

/// Whether the server at `address` answers; it is given some `limit`s at the most.
///
/// An accepted connection proves nothing: the system accepts before the server does. One server
/// (Python's geard) ignores ECHO_REQ, so GET_STATUS is asked as well; neither changes anything.
pub(super) fn answers(address: SocketAddr, limit: Duration) -> bool {
    ask(address, limit).is_ok_and(|answer| answer == *MAGIC)
}

/// The first bytes of the answer.
fn ask(address: SocketAddr, limit: Duration) -> io::Result<[u8; 4]> {
    let mut stream = connect(address, limit)?;
    let mut questions = Vec::new();
    let word = b"gearbench";
    let body = Body::new(word);
    Request::Echo { body }.encode(&mut questions);
    Request::GetStatus { handle: word }.encode(&mut questions);
    stream.write_all(&questions)?;
    let mut answer = [0; 4];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Asks a server that gives the connection to `deed`.
    fn asked(deed: impl FnOnce(TcpStream) + Send + 'static, limit: Duration) -> bool {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || deed(listener.accept().unwrap().0));
        answers(address, limit)
    }

    #[test]
    fn only_an_answer_is_an_answer() {
        const LONG: Duration = Duration::from_secs(60);
        let say = |bytes: &'static [u8]| {
            move |mut stream: TcpStream| {
                let _ = stream.write_all(bytes);
                std::mem::forget(stream);
            }
        };
        // geard's, to GET_STATUS only.
        let status = b"\0RES\0\0\0\x14\0\0\0\x0fgearbench\x000\x000\0\0";
        assert!(asked(say(status), LONG));
        assert!(!asked(say(b"HTTP/1.0 400"), LONG));
        assert!(!asked(drop, LONG));
        assert!(!asked(std::mem::forget, Duration::from_millis(50)));
    }
}
