//! How long a question about a long queue keeps everybody else waiting.

use crate::queued::flood;
use crate::server::{Anchor, Recipe, Server};
use crate::table::{Row, Target};
use crate::{Result, Wanted};
use gearbench::protocol::{Body, Request};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Jobs that wait.
const JOBS: u64 = 1_000_000;
/// Questions.
const QUESTIONS: usize = 20;

pub(crate) fn measure(name: &str, wanted: &Wanted) -> Result<()> {
    let anchor = Anchor::Tuned;
    if !wanted.anchors.contains(&anchor) {
        return Ok(());
    }
    let row = Row {
        name,
        unit: "echo behind prioritystatus, ms",
        beside: anchor,
        ours: stalls(&Recipe::ours().start()?)?,
        theirs: stalls(&Recipe::gearmand(anchor).start()?)?,
        rates: Default::default(),
        target: Target::AtMost(1.0),
    };
    row.print();
    Ok(())
}

/// The time that an echo takes which is sent right behind the question of another, in ms.
fn stalls(server: &Server) -> Result<Vec<f64>> {
    flood(server, JOBS, None)?;
    let mut asker = TcpStream::connect(server.address())?;
    let mut other = TcpStream::connect(server.address())?;
    for stream in [&asker, &other] {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    }
    let body = Body::new(b"hello");
    let mut echo = Vec::new();
    Request::Echo { body }.encode(&mut echo);
    let mut answer = echo.clone();
    // Both are taken in.
    for stream in [&mut asker, &mut other] {
        stream.write_all(&echo)?;
        stream.read_exact(&mut answer)?;
    }
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        asker.write_all(b"prioritystatus\n")?;
        let asked = Instant::now();
        other.write_all(&echo)?;
        other.read_exact(&mut answer)?;
        times.push(asked.elapsed().as_secs_f64() * 1e3);
        read_list(&mut asker)?;
    }
    Ok(times)
}

/// Reads a list of the text protocol to its end.
fn read_list(stream: &mut TcpStream) -> Result<()> {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    while !text.ends_with(b"\n.\n") && text != b".\n" {
        match stream.read(&mut buffer)? {
            0 => return Err("the list does not end".into()),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(())
}
