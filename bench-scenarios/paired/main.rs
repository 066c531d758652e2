//! `gearbench serve` beside C gearmand: the same load on both in turn, again and again.
//!
//! `cargo bench --bench paired` prints every row; `-- fgw flood 9` two scenarios of nine pairs,
//! `-- fg8 tuned` one beside one kind of gearmand. Single runs on one machine differ by a factor;
//! the ratio of two runs one after the other does not. The server's processor time per job is the
//! figure that survives noise. `bench-scenarios/README.md` says what each scenario is.

#![allow(clippy::print_stdout, reason = "a table on stdout is what this is for")]

mod counted;
mod generator;
mod loads;
mod memory;
mod queued;
mod server;
mod stall;
mod stored;
mod table;

use server::Anchor;
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Pairs of each scenario unless told otherwise.
const PAIRS: usize = 3;

/// What was asked for.
struct Wanted {
    pairs: usize,
    anchors: Vec<Anchor>,
}

type Measure = fn(&str, &Wanted) -> Result<()>;

/// All scenarios, in the order of the table.
const SCENARIOS: &[(&str, Measure)] = &[
    ("fg1", loads::measure),
    ("fg8", loads::measure),
    ("fg50", loads::measure),
    ("fgw", loads::measure),
    ("fgw256", loads::measure),
    ("flood", queued::measure),
    ("draing", queued::measure),
    ("floodu", queued::measure),
    ("million", queued::measure_million),
    ("sleepers1k", loads::measure),
    ("sleepers9k", loads::measure),
    ("functions", loads::measure),
    ("payload64k", loads::measure),
    ("payload1m", loads::measure),
    ("echo64", loads::measure),
    ("instructions", counted::measure_instructions),
    ("calls", counted::measure_calls),
    ("memory", memory::measure_jobs),
    ("idle", memory::measure_connections),
    ("stall", stall::measure),
    ("stored", stored::measure),
];

fn main() -> Result<()> {
    gearbench::wire::raise_file_limit();
    // `cargo bench` passes options of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with('-'))
        .collect();
    let named = |name: &str| words.iter().any(|word| word == name);
    let number = words.iter().find_map(|word| word.parse().ok());
    let mut anchors = Anchor::BOTH.to_vec();
    if Anchor::BOTH.iter().any(|anchor| named(anchor.name())) {
        anchors.retain(|anchor| named(anchor.name()));
    }
    let wanted = Wanted {
        pairs: number.unwrap_or(PAIRS).max(1),
        anchors,
    };
    let all = !SCENARIOS.iter().any(|(name, _)| named(name));
    table::print_head(wanted.pairs);
    for (name, measure) in SCENARIOS {
        if all || named(name) {
            measure(name, &wanted)?;
        }
    }
    Ok(())
}
