//! Loads with clients and workers at the same time, and echoes.

use crate::generator::{Ask, Cost, Load, play};
use crate::server::{Anchor, Recipe};
use crate::table::{Row, Target};
use crate::{Result, Wanted};

/// A load, and what is wanted of it.
struct Scenario {
    name: &'static str,
    load: Load,
    /// Times that ours is to be better than gearmand tuned, and as it comes.
    wanted: [f64; 2],
    /// Requests of the other's load, where it takes milliseconds for each; 0 is as many as ours.
    theirs: [u64; 2],
}

const KIB: usize = 1024;

pub(crate) const fn foreground(
    clients: usize,
    in_flight: usize,
    workers: usize,
    total: u64,
) -> Load {
    Load {
        ask: Ask::Foreground,
        clients,
        in_flight,
        workers,
        ahead: 1,
        functions: 1,
        payload: 100,
        result: 0,
        total,
    }
}

const fn scenario(name: &'static str, load: Load, wanted: [f64; 2], theirs: [u64; 2]) -> Scenario {
    Scenario {
        name,
        load,
        wanted,
        theirs,
    }
}

const fn of_size(size: usize, total: u64) -> Load {
    Load {
        payload: size,
        result: size,
        ..foreground(4, 1, 4, total)
    }
}

const SCENARIOS: &[Scenario] = &[
    scenario("fg1", foreground(1, 1, 1, 20_000), [1.0, 1.6], [0, 0]),
    scenario("fg8", foreground(8, 1, 8, 100_000), [1.3, 3.0], [0, 0]),
    scenario("fg50", foreground(50, 1, 50, 100_000), [1.4, 2.3], [0, 0]),
    scenario("fgw", foreground(4, 32, 8, 200_000), [1.7, 4.0], [0, 0]),
    scenario(
        "fgw256",
        foreground(16, 64, 32, 300_000),
        [1.8, 3.4],
        [0, 0],
    ),
    scenario(
        "sleepers1k",
        foreground(1, 1, 1000, 10_000),
        [1.0, 300.0],
        [0, 100],
    ),
    scenario(
        "sleepers9k",
        foreground(1, 1, 9000, 10_000),
        [1.0, 5000.0],
        [0, 10],
    ),
    scenario(
        "functions",
        Load {
            functions: 10_000,
            ..foreground(8, 1, 8, 50_000)
        },
        [10.0, 10.0],
        [10_000, 10_000],
    ),
    scenario("payload64k", of_size(64 * KIB, 20_000), [1.1, 1.4], [0, 0]),
    scenario("payload1m", of_size(KIB * KIB, 2_000), [1.1, 1.4], [0, 0]),
    scenario(
        "echo64",
        Load {
            ask: Ask::Echo,
            ..foreground(4, 64, 0, 1_000_000)
        },
        [3.0, 7.0],
        [0, 0],
    ),
];

pub(crate) fn measure(name: &str, wanted: &Wanted) -> Result<()> {
    for scenario in SCENARIOS.iter().filter(|scenario| scenario.name == name) {
        for &anchor in &wanted.anchors {
            compare(scenario, anchor, wanted.pairs)?;
        }
    }
    Ok(())
}

fn compare(scenario: &Scenario, anchor: Anchor, pairs: usize) -> Result<()> {
    let total = match scenario.theirs[anchor as usize] {
        0 => scenario.load.total,
        fewer => fewer,
    };
    let shorter = Load {
        total,
        ..scenario.load
    };
    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    for _ in 0..pairs {
        ours.push(play(&Recipe::ours().start()?, scenario.load)?);
        theirs.push(play(&Recipe::gearmand(anchor).start()?, shorter)?);
    }
    let [cpu, cpu_theirs] = [&ours, &theirs].map(|runs| column(runs, |cost| cost.cpu_us));
    let row = Row {
        name: scenario.name,
        unit: "CPU, µs/job",
        beside: anchor,
        ours: cpu,
        theirs: cpu_theirs,
        rates: [&ours, &theirs].map(|runs| column(runs, |cost| cost.per_second)),
        target: Target::Times(scenario.wanted[anchor as usize]),
    };
    row.print();
    if scenario.name == "fg1" && anchor == Anchor::Tuned {
        let [ours, theirs] = [&ours, &theirs].map(|runs| column(runs, |cost| cost.p50_us));
        let row = Row {
            unit: "p50, µs",
            ours,
            theirs,
            rates: Default::default(),
            // Within 5 %.
            target: Target::Times(0.95),
            ..row
        };
        row.print();
    }
    Ok(())
}

pub(crate) fn column(runs: &[Cost], of: fn(&Cost) -> f64) -> Vec<f64> {
    runs.iter().map(of).collect()
}
