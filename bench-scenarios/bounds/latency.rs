//! What others do to an uninvolved client, whose ECHO_REQ must be answered within 10 ms.

use crate::peers::{ask, connect, echo, pour, submit};
use crate::watch::{Promise, Row, Watched};
use crate::{Result, Setting};
use hdrhistogram::Histogram;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How long is looked.
const WINDOW: Duration = Duration::from_secs(5);
/// What is promised of the 99th percentile, in nanoseconds.
const PROMISED: u64 = 10_000_000;

/// Asks again and again, for as long as `busy` says; the latencies in nanoseconds.
fn latencies(address: &str, busy: impl Fn() -> bool) -> Result<Histogram<u64>> {
    let mut histogram = Histogram::new_with_bounds(1, 60_000_000_000, 3)?;
    let mut client = connect(address)?;
    while busy() {
        let asked = Instant::now();
        ask(&mut client)?;
        histogram.saturating_record(asked.elapsed().as_nanos() as u64);
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(histogram)
}

fn row(watched: Watched, histogram: &Histogram<u64>, more: &str) -> Result<Row> {
    let ms = |ns: u64| ns as f64 / 1e6;
    let p99 = histogram.value_at_quantile(0.99);
    let seen = format!(
        "{more}ECHO p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms of {}",
        ms(histogram.value_at_quantile(0.5)),
        ms(p99),
        ms(histogram.max()),
        histogram.len()
    );
    watched.row(seen, |_| {
        Promise::Of("p99 ≤ 10 ms".to_owned(), p99 <= PROMISED)
    })
}

fn for_a_while() -> impl Fn() -> bool {
    let until = Instant::now() + WINDOW;
    move || Instant::now() < until
}

/// Beside one client that sends and reads as fast as it can.
pub(crate) fn beside_pipelining(setting: &Setting) -> Result<Row> {
    let watched = Watched::new(setting.recipe(&[]).start()?)?;
    let address = watched.server.address();
    let over = AtomicBool::new(false);
    let histogram = std::thread::scope(|scope| -> Result<_> {
        let mut sending = connect(&address)?;
        let mut reading = sending.try_clone()?;
        let piece = echo(100).repeat(500);
        let over = &over;
        scope.spawn(move || {
            let mut buffer = vec![0; 1 << 20];
            while matches!(reading.read(&mut buffer), Ok(1..)) {}
        });
        scope.spawn(move || {
            while !over.load(Relaxed) && sending.write_all(&piece).is_ok() {}
            // Ends the reading thread, too.
            let _ = sending.shutdown(std::net::Shutdown::Both);
        });
        let histogram = latencies(&address, for_a_while());
        over.store(true, Relaxed);
        histogram
    })?;
    row(watched, &histogram, "")
}

/// Beside one client that never reads what it asked for.
pub(crate) fn beside_a_stalled_reader(setting: &Setting) -> Result<Row> {
    let mut watched = Watched::new(setting.recipe(&[]).start()?)?;
    let address = watched.server.address();
    let mut stalled = connect(&address)?;
    pour(&mut stalled, &echo(64 * 1024), 64 << 20, || watched.look())?;
    let histogram = latencies(&address, for_a_while())?;
    drop(stalled);
    row(watched, &histogram, "")
}

/// While the store's disk does nothing for five seconds: another process holds the database.
pub(crate) fn beside_a_stalled_disk(setting: &Setting) -> Result<Row> {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("jobs.db");
    let path = file.to_string_lossy();
    let recipe = match setting.gearmand {
        true => setting
            .recipe(&[])
            .with(&["--queue-type", "libsqlite3", "--libsqlite3-db", &path]),
        false => setting.recipe(&["--store", &format!("sqlite:{path}")]),
    };
    let watched = Watched::new(recipe.start()?)?;
    let address = watched.server.address();
    let mut submitter = connect(&address)?;
    submitter.write_all(&submit("stored", true, b"before"))?;
    let mut first = [0; 12];
    submitter.read_exact(&mut first)?;

    let disk = rusqlite::Connection::open(&file)?;
    disk.execute_batch("BEGIN EXCLUSIVE")?;
    submitter.write_all(&submit("stored", true, b"meanwhile"))?;
    let histogram = latencies(&address, for_a_while())?;
    disk.execute_batch("ROLLBACK")?;
    row(watched, &histogram, "disk held for 5 s: ")
}
