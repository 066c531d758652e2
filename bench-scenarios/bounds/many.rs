//! Many peers, many names, many half-sent packets.

use crate::peers::{ask, bytes, connect, submit};
use crate::watch::{Promise, Row, Watched};
use crate::{Result, Setting};
use gearbench::protocol::Request;
use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Headers that claim 4 GiB.
const CLAIMS: usize = 200;
/// Headers that do not come to their end.
const HEADERS: usize = 2_000;
/// Foreground jobs whose clients leave, and how many clients there are.
const ABANDONED: usize = 10_000;
const CLIENTS: usize = 100;
const FUNCTIONS: usize = 100_000;
const IDLE: usize = 9_900;
/// Connections made and ended, one after the other on each of some threads.
const CONNECTS: u32 = 100_000;
const THREADS: u32 = 4;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
/// An idle connection may take so much.
const PER_CONNECTION: u64 = 16 * KIB;

fn all(address: &str, count: usize) -> Result<Vec<TcpStream>> {
    (0..count).map(|_| connect(address)).collect()
}

/// 200 packets that claim 4 GiB, and one byte of each.
pub(crate) fn claims(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let mut peers = all(&watched.server.address(), CLAIMS)?;
    for peer in &mut peers {
        peer.write_all(b"\0REQ\0\0\0\x10\xff\xff\xff\xffx")?;
    }
    watched.look_for(Duration::from_secs(1))?;
    drop(peers);
    let seen = format!("{CLAIMS} × 4 GiB claimed");
    watched.row(seen, |_| Promise::Memory { above: 8 * MIB })
}

/// 2,000 headers of which six bytes come.
pub(crate) fn headers(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let mut peers = all(&watched.server.address(), HEADERS)?;
    for peer in &mut peers {
        peer.write_all(b"\0REQ\0\0")?;
    }
    watched.look_for(Duration::from_secs(1))?;
    drop(peers);
    let above = HEADERS as u64 * PER_CONNECTION;
    watched.row(format!("{HEADERS} headers begun"), |_| Promise::Memory {
        above,
    })
}

/// 10,000 foreground jobs whose clients leave; nobody works.
pub(crate) fn abandoned(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let mut peers = all(&watched.server.address(), CLIENTS)?;
    let job = submit("nobody", false, &[b'x'; 100]);
    for peer in &mut peers {
        peer.write_all(&job.repeat(ABANDONED / CLIENTS))?;
    }
    watched.look_for(Duration::from_millis(500))?;
    drop(peers);
    let seen = format!("{ABANDONED} jobs left behind");
    watched.row(seen, |_| Promise::Memory { above: 16 * MIB })
}

/// A worker that can do 100,000 functions.
pub(crate) fn functions(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let mut worker = connect(&watched.server.address())?;
    worker.set_write_timeout(Some(Duration::from_secs(30)))?;
    let mut all = Vec::new();
    for number in 0..FUNCTIONS {
        let function = format!("function-{number}");
        let function = function.as_bytes();
        all.extend(bytes(Request::CanDo {
            function,
            timeout_ms: None,
        }));
    }
    worker.write_all(&all)?;
    ask(&mut worker)?;
    watched.look_for(Duration::from_millis(500))?;
    drop(worker);
    let seen = format!("{FUNCTIONS} functions");
    watched.row(seen, |_| Promise::Memory { above: 64 * MIB })
}

/// As many idle connections as are taken by default, but for a few.
pub(crate) fn idle(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&["--backlog", "1024"]).start()?)?;
    let mut peers = all(&watched.server.address(), IDLE)?;
    for peer in &mut peers {
        ask(peer)?;
    }
    watched.look()?;
    let made = watched.grown();
    watched.look_for(setting.idle)?;
    let grown = watched.grown();
    drop(peers);
    let each = grown / IDLE as u64;
    let seen = format!(
        "{IDLE} connections for {} s, {:.1} KiB each; {} KiB more than when they were made",
        setting.idle.as_secs(),
        each as f64 / KIB as f64,
        (grown - made) / KIB
    );
    watched.row(seen, |_| {
        Promise::Of(
            "≤ 16 KiB each, flat".to_owned(),
            each <= PER_CONNECTION && grown - made <= MIB,
        )
    })
}

/// 100,000 connections one after the other, each answered once.
pub(crate) fn connects(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&["--backlog", "1024"]).start()?)?;
    let (address, failed) = (watched.server.address(), AtomicU32::new(0));
    let started = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for _ in 0..CONNECTS / THREADS {
                    let answered = connect(&address).and_then(|mut peer| ask(&mut peer));
                    failed.fetch_add(u32::from(answered.is_err()), Relaxed);
                }
            });
        }
    });
    let failed = failed.into_inner();
    let seen = format!(
        "{CONNECTS} connects in {:.0} s, {failed} not answered",
        started.elapsed().as_secs_f64()
    );
    watched.look()?;
    watched.row(seen, |_| {
        Promise::Of("every one answered, fds back".to_owned(), failed == 0)
    })
}
