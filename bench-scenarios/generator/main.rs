//! What the load generator costs, and whether its figures are true.
//!
//! `cargo bench --bench generator` prints every row; `-- metronome` or `-- cost agree 5` some of
//! them, in five pairs. It is held against a simple generator on a bare epoll, on the same server in
//! turn, and against a server of which it is known what clients should see. C gearmand must be in
//! `/usr/sbin`. `bench-scenarios/README.md` says what each row is.

#![allow(clippy::print_stdout, reason = "a table on stdout is what this is for")]

mod cost;
mod many;
mod metronome;
mod ours;
mod pacing;
mod raw;
#[path = "../paired/server.rs"]
#[allow(dead_code, reason = "its other callers look at more")]
mod server;
mod sockets;
mod table;
mod truth;

use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Pairs of each row unless told otherwise.
const PAIRS: usize = 5;

/// A row: its name, and how it comes about, in so many pairs.
type Entry = (&'static str, fn(usize) -> Result<()>);

const ROWS: &[Entry] = &[
    ("cost", cost::measure),
    ("agree", cost::agree),
    ("metronome", |_| truth::metronome()),
    ("starved", |_| truth::starved()),
    ("pacing", |_| pacing::measure()),
    ("recording", |_| pacing::recording()),
    ("memory", |_| many::memory()),
    ("many", |_| many::measure()),
];

fn main() -> Result<()> {
    gearbench::wire::raise_file_limit();
    // `cargo bench` passes options of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let named = |name: &str| words.iter().any(|word| word == name);
    let pairs = words.iter().find_map(|word| word.parse().ok());
    let all = !ROWS.iter().any(|(name, _)| named(name));
    table::print_head();
    for (name, measure) in ROWS {
        if all || named(name) {
            measure(pairs.unwrap_or(PAIRS))?;
        }
    }
    Ok(())
}
