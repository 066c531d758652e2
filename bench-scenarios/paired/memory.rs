//! Resident memory of what waits: a queued job, an idle connection.

use crate::queued::flood;
use crate::server::{Anchor, Recipe, Server};
use crate::table::{Row, Target};
use crate::{Result, Wanted};
use gearbench::protocol::{Body, Request};
use std::io::{Read, Write};
use std::net::TcpStream;

/// Jobs of 100 bytes that are queued.
const JOBS: u64 = 500_000;
/// Connections that are opened.
const CONNECTIONS: u32 = 9_000;

pub(crate) fn measure_jobs(_: &str, wanted: &Wanted) -> Result<()> {
    compare("queued job of 100 B", 220.0, wanted, |server| {
        let before = server.rss()?;
        flood(server, JOBS, None)?;
        Ok((server.rss()? - before) as f64 / JOBS as f64)
    })
}

pub(crate) fn measure_connections(_: &str, wanted: &Wanted) -> Result<()> {
    compare("idle connection", 1_500.0, wanted, |server| {
        // The first hundred grow what all share.
        let first = connect(server, 100)?;
        let before = server.rss()?;
        let more = connect(server, CONNECTIONS)?;
        let bytes = server.rss()?.saturating_sub(before) as f64 / f64::from(CONNECTIONS);
        drop((first, more));
        Ok(bytes)
    })
}

/// Connections that have spoken once.
fn connect(server: &Server, count: u32) -> Result<Vec<TcpStream>> {
    let body = Body::new(b"hello");
    let mut echo = Vec::new();
    Request::Echo { body }.encode(&mut echo);
    let mut answer = echo.clone();
    let mut open = Vec::new();
    for _ in 0..count {
        let mut stream = TcpStream::connect(server.address())?;
        stream.write_all(&echo)?;
        stream.read_exact(&mut answer)?;
        open.push(stream);
    }
    Ok(open)
}

fn compare(name: &str, most: f64, wanted: &Wanted, of: fn(&Server) -> Result<f64>) -> Result<()> {
    // Memory does not depend on the threads, and one run is like the next.
    let anchor = Anchor::Tuned;
    if !wanted.anchors.contains(&anchor) {
        return Ok(());
    }
    let row = Row {
        name,
        unit: "RSS, bytes",
        beside: anchor,
        ours: vec![of(&Recipe::ours().start()?)?],
        theirs: vec![of(&Recipe::gearmand(anchor).start()?)?],
        rates: Default::default(),
        target: Target::AtMost(most),
    };
    row.print();
    Ok(())
}
