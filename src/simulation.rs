//! A job server, its disk, its network and its peers under one seed: nothing runs in parallel, no
//! clock is read, and what happened once happens again.
//!
//! The engine is the real one, and so are the rules of its store and the buffers of its
//! connections. Time, network and disk are simulated: bytes come late and in pieces, peers vanish,
//! read nothing or are reset, commits take long or fail, the server is killed or loses its power
//! and starts again, and its clock may be set in between.
//!
//! Every event is judged by the [`model`](crate::model). In the end nothing goes wrong any more:
//! then every job has to end, and nothing may be left on the disk.

mod calm;
mod campaign;
mod disk;
mod link;
mod plan;
mod server;
#[cfg(test)]
mod tests;
mod trace;
mod worker;
mod world;

pub use campaign::{Found, Options, Outcome, Watch, campaign};
pub use disk::DiskFault;
pub use plan::{Plan, Setup, Step, What, draw};
pub use world::Tally;

use crate::conformance::generate::{Draws, PEERS};
use std::panic::{AssertUnwindSafe, catch_unwind};
use trace::Trace;
use world::World;

/// Peers that do anything.
const CHAOTIC: u8 = PEERS;
/// Peers that are workers and do what workers do.
const STEADY: u8 = 2;

/// Why a simulation failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The rule that was broken; or `panic`.
    pub rule: String,
    /// How.
    pub text: String,
    /// The step of the plan that was played last, from 0.
    pub step: usize,
    /// When, in microseconds since the start.
    pub time: u64,
}

/// How a simulation went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Played {
    /// What came of it.
    pub tally: Tally,
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// What happened, where that was asked for.
    pub trace: Vec<String>,
}

/// Plays a plan; the same one goes the same way.
pub fn play(plan: &Plan) -> Played {
    play_with(plan, Trace::default())
}

/// Plays a plan, and writes down what happens.
pub fn play_and_tell(plan: &Plan) -> Played {
    play_with(plan, Trace::kept())
}

fn play_with(plan: &Plan, trace: Trace) -> Played {
    let mut world = World::new(plan.setup, trace);
    let failure = catch(|| world.run(plan)).err();
    Played {
        tally: world.tally,
        failure,
        trace: world.trace.into_lines(),
    }
}

/// A broken invariant panics: that is a failure like any other.
fn catch(run: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        Err(Failure {
            rule: "panic".to_owned(),
            text: said_by(panic.as_ref()),
            step: usize::MAX,
            time: 0,
        })
    })
}

/// What a panic said.
fn said_by(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
    text.unwrap_or_else(|| "a panic".to_owned())
}
