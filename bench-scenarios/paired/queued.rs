//! Background jobs that are queued, and then emptied by workers who come later.

use crate::generator::{Ask, Cost, Load, play};
use crate::loads::column;
use crate::server::{Anchor, Recipe, Server};
use crate::table::{Row, Target};
use crate::{Result, Wanted};

/// Jobs of a flood.
const FLOOD: u64 = 200_000;
/// Grabs ahead of `draing`.
const AHEAD: usize = 16;
/// Jobs that wait in the row of a million.
const MILLION: u64 = 1_000_000;
/// Jobs that are then submitted, and then taken: gearmand as it comes needs hundreds of
/// microseconds for each.
const MORE: u64 = 20_000;
const MORE_AS_IT_COMES: u64 = 2_000;

/// Submits background jobs from 4 clients, 64 in flight each.
pub(crate) fn flood(server: &Server, total: u64, unique: Option<u64>) -> Result<Cost> {
    let load = Load {
        ask: Ask::Background { unique },
        clients: 4,
        in_flight: 64,
        total,
        ..Load::default()
    };
    play(server, load)
}

/// Has 4 workers take so many of the jobs that wait.
fn drain(server: &Server, total: u64, ahead: usize) -> Result<Cost> {
    let load = Load {
        workers: 4,
        ahead,
        total,
        ..Load::default()
    };
    play(server, load)
}

type Play = fn(&Server) -> Result<Cost>;

/// What is done with a server, and what it is called.
struct Step {
    name: &'static str,
    wanted: [f64; 2],
    play: Play,
}

const FLOOD_STEP: Step = Step {
    name: "flood",
    wanted: [3.0, 6.0],
    play: |server| flood(server, FLOOD, None),
};

pub(crate) fn measure(name: &str, wanted: &Wanted) -> Result<()> {
    let (steps, printed): (Vec<Step>, _) = match name {
        "flood" => (
            vec![
                FLOOD_STEP,
                Step {
                    name: "drain",
                    wanted: [2.0, 10.0],
                    play: |server| drain(server, FLOOD, 1),
                },
            ],
            0,
        ),
        "draing" => (
            vec![
                FLOOD_STEP,
                Step {
                    name: "draing",
                    wanted: [2.0, 40.0],
                    play: |server| drain(server, FLOOD, AHEAD),
                },
            ],
            1,
        ),
        _ => (
            vec![Step {
                name: "floodu",
                wanted: [2.5, 50.0],
                play: |server| flood(server, FLOOD, Some(0)),
            }],
            0,
        ),
    };
    for &anchor in &wanted.anchors {
        compare(&steps, printed, anchor, wanted.pairs)?;
    }
    Ok(())
}

/// A queue of a million. gearmand as it comes needs a minute and more to get there, so that one
/// pair has to do.
pub(crate) fn measure_million(_: &str, wanted: &Wanted) -> Result<()> {
    for &anchor in &wanted.anchors {
        let (submit, take, pairs): (Play, Play, usize) = match anchor {
            Anchor::Tuned => (
                |server| flood(server, MORE, Some(MILLION)),
                |server| drain(server, MORE, 1),
                wanted.pairs,
            ),
            Anchor::Default => (
                |server| flood(server, MORE_AS_IT_COMES, Some(MILLION)),
                |server| drain(server, MORE_AS_IT_COMES, 1),
                1,
            ),
        };
        let steps = [
            Step {
                name: "fill",
                wanted: [0.0; 2],
                play: |server| flood(server, MILLION, Some(0)),
            },
            Step {
                name: "unique submit at 1 M",
                wanted: [2.0, 60.0],
                play: submit,
            },
            Step {
                name: "drain at 1 M",
                wanted: [2.0, 60.0],
                play: take,
            },
        ];
        compare(&steps, 1, anchor, pairs)?;
    }
    Ok(())
}

/// Goes through the steps on both servers in turn, and prints those from `printed` on.
fn compare(steps: &[Step], printed: usize, anchor: Anchor, pairs: usize) -> Result<()> {
    let mut runs: [Vec<Vec<Cost>>; 2] = [Vec::new(), Vec::new()];
    for _ in 0..pairs {
        for (runs, recipe) in runs
            .iter_mut()
            .zip([Recipe::ours(), Recipe::gearmand(anchor)])
        {
            let server = recipe.start()?;
            let costs: Result<Vec<Cost>> = steps.iter().map(|step| (step.play)(&server)).collect();
            runs.push(costs?);
        }
    }
    for (index, step) in steps.iter().enumerate().skip(printed) {
        let of_step = |runs: &Vec<Vec<Cost>>| runs.iter().map(|run| run[index]).collect::<Vec<_>>();
        let [ours, theirs] = [of_step(&runs[0]), of_step(&runs[1])];
        let row = Row {
            name: step.name,
            unit: "CPU, µs/job",
            beside: anchor,
            ours: column(&ours, |cost| cost.cpu_us),
            theirs: column(&theirs, |cost| cost.cpu_us),
            rates: [&ours, &theirs].map(|runs| column(runs, |cost| cost.per_second)),
            target: Target::Times(step.wanted[anchor as usize]),
        };
        row.print();
    }
    Ok(())
}
