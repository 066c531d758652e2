//! Background jobs that are on disk before they are acknowledged.

use crate::generator::{Ask, Load, play};
use crate::server::{Anchor, Recipe, Server};
use crate::table::{Row, Target};
use crate::{Result, Wanted};
use std::path::PathBuf;

/// Jobs of ours, and of gearmand, which syncs each by itself.
const JOBS: u64 = 100_000;
const JOBS_THEIRS: u64 = 500;

pub(crate) fn measure(_: &str, wanted: &Wanted) -> Result<()> {
    let anchor = Anchor::Tuned;
    if !wanted.anchors.contains(&anchor) {
        return Ok(());
    }
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for pair in 0..wanted.pairs {
        let file = fresh_file(&format!("ours-{pair}"))?;
        let store = format!("sqlite:{}", file.display());
        let server = Recipe::ours().with(&["--store", &store]).start()?;
        ours.push(rate(&server, JOBS)?);
        drop(server);
        std::fs::remove_file(file)?;

        let file = fresh_file(&format!("theirs-{pair}"))?;
        let path = file.to_string_lossy();
        let store = ["--queue-type", "libsqlite3", "--libsqlite3-db", &path];
        theirs.push(rate(
            &Recipe::gearmand(anchor).with(&store).start()?,
            JOBS_THEIRS,
        )?);
        std::fs::remove_file(&file)?;
    }
    let row = Row {
        name: "durable submits, 64 in flight",
        unit: "jobs/s",
        beside: anchor,
        ours,
        theirs,
        rates: Default::default(),
        target: Target::Times(50.0),
    };
    row.print();
    Ok(())
}

/// Jobs a second of one client; each has a unique, by which gearmand's table keeps them.
fn rate(server: &Server, total: u64) -> Result<f64> {
    let load = Load {
        ask: Ask::Background { unique: Some(0) },
        clients: 1,
        in_flight: 64,
        total,
        ..Load::default()
    };
    Ok(play(server, load)?.per_second)
}

/// A path on the disk that this is built on; what is in memory only is synced at once.
fn fresh_file(name: &str) -> Result<PathBuf> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("paired-{name}.db"));
    for suffix in ["", "-wal", "-shm", ".lock"] {
        let mut path = file.clone().into_os_string();
        path.push(suffix);
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
    }
    Ok(file)
}
