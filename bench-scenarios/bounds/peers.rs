//! Peers as plain sockets.

use crate::Result;
use gearbench::protocol::{Body, Priority, Request, Submit};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a peer that is not read from may block.
const STUCK: Duration = Duration::from_secs(1);

pub(crate) fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(STUCK))?;
    Ok(stream)
}

pub(crate) fn bytes(request: Request<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    request.encode(&mut out);
    out
}

pub(crate) fn echo(size: usize) -> Vec<u8> {
    let body = vec![b'e'; size];
    bytes(Request::Echo {
        body: Body::new(&body),
    })
}

pub(crate) fn submit(function: &str, background: bool, body: &[u8]) -> Vec<u8> {
    bytes(Request::Submit(Submit {
        function: function.as_bytes(),
        unique: b"",
        priority: Priority::Normal,
        background,
        epoch: None,
        reducer: None,
        body: Body::new(body),
    }))
}

/// Sends a question and waits for the answer: everything before it has been taken in.
pub(crate) fn ask(stream: &mut TcpStream) -> Result<()> {
    let question = echo(16);
    stream.write_all(&question)?;
    let mut answer = vec![0; question.len()];
    Ok(stream.read_exact(&mut answer)?)
}

/// Reads one response; its data.
pub(crate) fn receive(stream: &mut TcpStream) -> Result<Vec<u8>> {
    let mut header = [0; 12];
    stream.read_exact(&mut header)?;
    let [.., a, b, c, d] = header;
    let mut data = vec![0; u32::from_be_bytes([a, b, c, d]) as usize];
    stream.read_exact(&mut data)?;
    Ok(data)
}

/// Sends `piece` until so many bytes have left or nothing is taken any more; how many.
pub(crate) fn pour(
    stream: &mut TcpStream,
    piece: &[u8],
    bytes: usize,
    mut each: impl FnMut() -> Result<()>,
) -> Result<usize> {
    let mut sent = 0;
    while sent < bytes {
        match stream.write(&piece[sent % piece.len()..]) {
            Ok(size) => sent += size,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                break;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The server has ended the connection: no more is taken.
            Err(_) => break,
        }
        if sent / (4 << 20) != (sent.saturating_sub(piece.len())) / (4 << 20) {
            each()?;
        }
    }
    Ok(sent)
}
