//! What happens in a simulation, drawn before it begins: plain data that can be shrunk.

use super::disk::DiskFault;
use super::{CHAOTIC, Draws, STEADY};
use crate::conformance::generate::{Acts, Kind, Op, Weights};
use std::num::NonZeroU32;

/// How the server is started, and what is always so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Jobs are written to the disk, and the server may be killed.
    pub durable: bool,
    /// Grabs wait for a job, as those of a real server do.
    pub hold_grabs: bool,
    /// How often a job may be handed out.
    pub job_retries: Option<u8>,
    /// Sleepers woken for a job.
    pub worker_wakeup: Option<NonZeroU32>,
    /// Connections begin with the option `exceptions`.
    pub exceptions: bool,
    /// Bytes that may wait for the disk.
    pub max_waiting: u64,
    /// Bytes that may wait for a peer.
    pub out_limit: usize,
    /// Workers that do what workers do, from the beginning on.
    pub steady: u8,
    /// Seed of delays and cuts.
    pub salt: u64,
}

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Microseconds since the step before.
    pub after: u32,
    /// What.
    pub what: What,
}

/// What happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A peer, which connects when it first acts, sends something, or leaves.
    Act(u8, Kind),
    /// It sends the beginning of something, so many hundredths of it, and is gone.
    Torn(u8, Kind, u8),
    /// It is cut off without a word; the server learns of it so many milliseconds later.
    Vanish(u8, u16),
    /// It reads nothing for so many milliseconds.
    Deaf(u8, u16),
    /// What it sends in so many milliseconds comes at their end.
    Jam(u8, u16),
    /// Nothing for so many milliseconds.
    Pass(u32),
    /// The next commit fails so.
    Disk(DiskFault),
    /// The server is killed, or the whole machine loses its power, and starts again so many
    /// milliseconds later.
    Crash {
        /// All that is not synced may be lost.
        power: bool,
        /// Milliseconds until it is there again.
        down: u16,
    },
    /// The server ends in order, and starts again so many milliseconds later.
    Stop(u16),
    /// The wall clock is set so many seconds on, or back. A server looks at it when it starts.
    Clock(i16),
}

/// A simulation to be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What is always so.
    pub setup: Setup,
    /// What happens, in this order.
    pub steps: Vec<Step>,
}

/// What may happen besides acts, and how often among all such things.
type Row = (u8, fn(&mut Draws) -> What);

const NETWORK: &[Row] = &[
    (3, |draws| What::Vanish(peer(draws), 500 + ms(draws))),
    (3, |draws| What::Deaf(peer(draws), ms(draws))),
    (3, |draws| What::Jam(peer(draws), ms(draws))),
];

const DISK: &[Row] = &[
    (3, |_| What::Disk(DiskFault::Full)),
    (1, |_| What::Disk(DiskFault::QuiteFull)),
    (1, |_| What::Disk(DiskFault::Locked)),
    (1, |_| What::Disk(DiskFault::TooBig)),
    (1, |_| What::Disk(DiskFault::Write)),
    (2, |_| What::Disk(DiskFault::Sync)),
    (3, |draws| What::Disk(DiskFault::Slow(ms(draws)))),
];

const ENDS: &[Row] = &[
    (3, |draws| What::Crash {
        power: false,
        down: ms(draws),
    }),
    (4, |draws| What::Crash {
        power: true,
        down: ms(draws),
    }),
    (2, |draws| What::Stop(ms(draws))),
    (1, |draws| What::Clock(i16::from(draws.below(120)) - 60)),
];

fn peer(draws: &mut Draws) -> u8 {
    draws.below(CHAOTIC + STEADY)
}

/// Up to five seconds, short times more often.
fn ms(draws: &mut Draws) -> u16 {
    let most = draws.of(&[1, 20, 250, 1000, 5000]).unwrap_or(1);
    (draws.next() >> 33) as u16 % most
}

fn pick(draws: &mut Draws, rows: &[Row]) -> What {
    let total = rows.iter().map(|(weight, _)| *weight).sum();
    let mut at = draws.below(total);
    for (weight, make) in rows {
        match at.checked_sub(*weight) {
            Some(left) => at = left,
            None => return make(draws),
        }
    }
    What::Pass(1)
}

/// A plan of `steps` steps; the same seed draws the same one. Whole kinds of faults are left out at
/// random, and so are kinds of acts.
pub fn draw(seed: u64, steps: usize) -> Plan {
    let mut draws = Draws::new(seed);
    let setup = setup(&mut draws);
    let acts = Acts::new(&mut draws, Weights::ALL);
    let mut kinds: Vec<(u8, &[Row])> = Vec::new();
    for (rows, possible) in [
        (NETWORK, true),
        (DISK, setup.durable),
        (ENDS, setup.durable),
    ] {
        if possible && !draws.once_in(3) {
            kinds.push((draws.of(&[10, 20, 60]).unwrap_or(20), rows));
        }
    }
    // From one after the other to all at once.
    let pace = draws.of(&[50, 2000, 100_000]).unwrap_or(2000);
    let steps = (0..steps).map(|_| Step {
        after: (draws.next() >> 33) as u32 % pace,
        what: what(&mut draws, &acts, &kinds),
    });
    let steps = steps.collect();
    Plan { setup, steps }
}

fn what(draws: &mut Draws, acts: &Acts, kinds: &[(u8, &[Row])]) -> What {
    for (times, rows) in kinds {
        if draws.once_in(*times) {
            return pick(draws, rows);
        }
    }
    match acts.draw(draws) {
        Op::Pass(ms) => What::Pass(ms),
        Op::Act { peer, kind } => match kinds.is_empty() || !draws.once_in(60) {
            true => What::Act(peer, kind),
            false => What::Torn(peer, kind, draws.below(100)),
        },
    }
}

fn setup(draws: &mut Draws) -> Setup {
    Setup {
        durable: !draws.once_in(8),
        hold_grabs: draws.once_in(2),
        job_retries: draws.of(&[None, None, Some(0), Some(1), Some(3)]).flatten(),
        worker_wakeup: draws
            .of(&[NonZeroU32::new(1), NonZeroU32::new(2), None])
            .flatten(),
        exceptions: draws.once_in(2),
        max_waiting: draws.of(&[u64::MAX, u64::MAX, 50_000, 1000]).unwrap_or(1),
        out_limit: draws.of(&[usize::MAX, 1 << 20, 60_000]).unwrap_or(1),
        steady: draws.below(STEADY + 1),
        salt: draws.next(),
    }
}
