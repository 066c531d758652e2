//! What hostile and many peers cost `gearbench serve`: memory, open files, and the patience of
//! others. Each row prints the server's figures before, at the worst and five seconds after, beside
//! the bound that is promised.
//!
//! `cargo bench --bench bounds` (all rows), `cargo bench --bench bounds -- idle fair` (two of them),
//! `cargo bench --bench bounds -- idle 10m` (idle connections for ten minutes), and with the word
//! `gearmand` the same on C gearmand, which promises nothing.

#![allow(clippy::print_stdout, reason = "a table on stdout is what this is for")]

mod latency;
mod many;
mod peers;
#[path = "../paired/server.rs"]
#[allow(dead_code, reason = "its other callers measure speed")]
mod server;
mod unread;
mod watch;

use gearbench::load::units;
use server::{Anchor, Recipe};
use std::time::Duration;
use watch::Row;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What all rows need to know.
pub(crate) struct Setting {
    /// On C gearmand instead of `gearbench serve`.
    gearmand: bool,
    /// How long the idle connections stay.
    idle: Duration,
}

impl Setting {
    /// The server of one row; `options` are those of `gearbench serve`.
    fn recipe(&self, options: &[&str]) -> Recipe {
        match self.gearmand {
            true => Recipe::gearmand(Anchor::Default),
            false => Recipe::ours().with(options),
        }
    }
}

/// A row: its name, and how it comes about.
type Entry = (&'static str, fn(&Setting) -> Result<Row>);

const ROWS: &[Entry] = &[
    ("unread-echo", unread::echo),
    ("unread-results", unread::results),
    ("claims", many::claims),
    ("headers", many::headers),
    ("abandoned", many::abandoned),
    ("functions", many::functions),
    ("idle", many::idle),
    ("connects", many::connects),
    ("pipelining", latency::beside_pipelining),
    ("stalled", latency::beside_a_stalled_reader),
    ("disk", latency::beside_a_stalled_disk),
];

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let mut setting = Setting {
        gearmand: false,
        idle: Duration::from_secs(20),
    };
    let mut wanted = Vec::new();
    for word in words {
        match word.as_str() {
            "gearmand" => setting.gearmand = true,
            word if ROWS.iter().any(|(name, _)| *name == word) => wanted.push(word.to_owned()),
            word => setting.idle = units::duration(word).map_err(|error| error.to_string())?,
        }
    }
    gearbench::wire::raise_file_limit();
    println!("{}", watch::HEAD);
    for (name, row) in ROWS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            println!("{}", row(&setting)?.line(name));
        }
    }
    Ok(())
}
