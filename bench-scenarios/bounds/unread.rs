//! Peers that send and do not read.

use crate::peers::{self, bytes, connect, pour, receive, submit};
use crate::watch::{Promise, Row, Watched};
use crate::{Result, Setting};
use gearbench::protocol::{Body, GrabKind, Request, Work};
use std::io::Write;
use std::time::Duration;

const MIB: usize = 1 << 20;
/// What is sent to nobody.
const FLOOD: usize = 300 * MIB;
/// What may wait for a peer before it is not read from any more, and slack for buffers.
const OUTPUT: u64 = 16 << 20;
/// What may wait for a peer that is sent results by another: one packet of the largest size more.
const RESULTS: u64 = 80 << 20;

/// A client that sends 300 MB of ECHO_REQ and never reads.
pub(crate) fn echo(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let mut client = connect(&watched.server.address())?;
    let piece = peers::echo(64 * 1024);
    let sent = pour(&mut client, &piece, FLOOD, || watched.look())?;
    watched.look_for(Duration::from_millis(200))?;
    drop(client);
    let seen = format!("{} of 300 MiB taken", sent / MIB);
    watched.row(seen, |_| Promise::Memory { above: OUTPUT })
}

/// A worker that streams 300 MB of results to a client that does not read.
pub(crate) fn results(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let address = watched.server.address();
    let mut client = connect(&address)?;
    client.write_all(&submit("stream", false, b"go"))?;
    let handle = receive(&mut client)?;
    let mut worker = connect(&address)?;
    let function = b"stream".as_slice();
    worker.write_all(&bytes(Request::CanDo {
        function,
        timeout_ms: None,
    }))?;
    worker.write_all(&bytes(Request::Grab(GrabKind::Classic)))?;
    receive(&mut worker)?;
    let body = vec![b'r'; 64 * 1024];
    let work = Work::Data(Body::new(&body));
    let handle = handle.as_slice();
    let piece = bytes(Request::Work { handle, work });
    let sent = pour(&mut worker, &piece, FLOOD, || watched.look())?;
    watched.look_for(Duration::from_millis(200))?;
    drop((client, worker));
    let seen = format!("{} of 300 MiB taken", sent / MIB);
    watched.row(seen, |_| Promise::Memory { above: RESULTS })
}
