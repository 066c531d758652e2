//! Our generator beside the simple one, on the same server in turn.

use crate::raw::{Cost, Length, Load};
use crate::server::{Anchor, Recipe, Server};
use crate::table::{Pairs, median, print_alone};
use crate::{Result, ours, raw};
use std::time::Duration;

const fn foreground(clients: usize, in_flight: usize, workers: usize, jobs: u64) -> Load {
    Load {
        background: false,
        clients,
        in_flight,
        rate: None,
        workers,
        service: None,
        payload: 100,
        result: 24,
        length: Length::Jobs(jobs),
    }
}

const LOADS: [(&str, Load); 3] = [
    ("fgw", foreground(4, 32, 8, 300_000)),
    ("fg8", foreground(8, 1, 8, 120_000)),
    (
        "flood",
        Load {
            background: true,
            ..foreground(4, 64, 0, 800_000)
        },
    ),
];

/// What our books, checks and histograms may cost beside none.
const TIMES: f64 = 1.3;
/// Jobs and submissions a second that one thread is to get out of C gearmand.
const ENOUGH: [(&str, f64); 2] = [("fgw", 110_000.0), ("flood", 800_000.0)];

/// A server, and how it is started.
type Beside = (&'static str, fn() -> Recipe);

const SERVERS: [Beside; 2] = [
    ("serve", Recipe::ours),
    ("gearmand tuned", || Recipe::gearmand(Anchor::Tuned)),
];
/// The same, with gearmand as it comes.
const USUAL: [Beside; 2] = [
    ("serve", Recipe::ours),
    ("gearmand", || Recipe::gearmand(Anchor::Default)),
];

/// Runs of both generators in turn, on a server of their own each time: a queue that one of them
/// has left would be the other's.
fn pairs(recipe: fn() -> Recipe, load: Load, count: usize) -> Result<(Vec<Cost>, Vec<Cost>)> {
    let fresh = |play: fn(&Server, Load) -> Result<Cost>| {
        let server = recipe().start()?;
        play(&server, load)
    };
    let (mut own, mut simple) = (Vec::new(), Vec::new());
    for pair in 0..count {
        // Who comes first alternates.
        if pair % 2 == 0 {
            own.push(fresh(ours::play)?);
        }
        simple.push(fresh(raw::play)?);
        if pair % 2 == 1 {
            own.push(fresh(ours::play)?);
        }
    }
    Ok((own, simple))
}

fn figures(costs: &[Cost], figure: fn(&Cost) -> f64) -> Vec<f64> {
    costs.iter().map(figure).collect()
}

/// Processor time for each job.
pub(crate) fn measure(count: usize) -> Result<()> {
    for (server, recipe) in SERVERS {
        for (name, load) in LOADS {
            let (own, simple) = pairs(recipe, load, count)?;
            let what = format!("{name}, {server}");
            Pairs {
                what: &what,
                figure: "CPU of the generator, µs/job",
                ours: figures(&own, |cost| cost.own_us),
                theirs: figures(&simple, |cost| cost.own_us),
                ratio: [0.0, TIMES],
            }
            .print();
            Pairs {
                what: &what,
                figure: "jobs/s",
                ours: figures(&own, |cost| cost.per_second),
                theirs: figures(&simple, |cost| cost.per_second),
                ratio: [0.7, 10.0],
            }
            .print();
            let enough = ENOUGH
                .iter()
                .find(|(of, _)| *of == name && server != "serve");
            if let Some((_, least)) = enough {
                let found = median(&figures(&own, |cost| cost.per_second));
                let (found_text, wanted) = (format!("{found:.0}"), format!("≥ {least:.0}"));
                print_alone(
                    &what,
                    "jobs/s of one thread",
                    &found_text,
                    &wanted,
                    found >= *least,
                );
                let own_cpu = median(&figures(&own, |cost| cost.own_us));
                let its_cpu = median(&figures(&own, |cost| cost.server_us));
                let text = format!("{own_cpu:.2} beside {its_cpu:.2}");
                print_alone(
                    &what,
                    "CPU of generator and server, µs/job",
                    &text,
                    "less",
                    own_cpu < its_cpu,
                );
            }
        }
    }
    Ok(())
}

/// The two scenarios whose figures both generators are to agree on.
const AGREED: [(&str, Load); 2] = [
    (
        "fifo-throughput",
        Load {
            result: 0,
            length: LENGTH,
            ..foreground(50, 4, 50, 0)
        },
    ),
    (
        "load-balancing",
        Load {
            rate: Some(1_000.0),
            service: Some(Duration::from_millis(5)),
            length: LENGTH,
            ..foreground(20, 0, 10, 0)
        },
    ),
];
const LENGTH: Length = Length::Time(Duration::from_secs(1), Duration::from_secs(5));
/// How far apart the figures of two generators may be.
const AGREE: [f64; 2] = [0.95, 1.05];

pub(crate) fn agree(count: usize) -> Result<()> {
    for (server, recipe) in USUAL {
        for (name, load) in AGREED {
            let (own, simple) = pairs(recipe, load, count)?;
            let what = format!("{name}, {server}");
            let row = |figure, of: fn(&Cost) -> f64| {
                Pairs {
                    what: &what,
                    figure,
                    ours: figures(&own, of),
                    theirs: figures(&simple, of),
                    ratio: AGREE,
                }
                .print();
            };
            row("jobs/s", |cost| cost.per_second);
            row("response p50, µs", |cost| cost.p50_us);
            row("CPU of the server, µs/job", |cost| cost.server_us);
        }
    }
    Ok(())
}
