//! A campaign: session after session on a live server, each judged by the model; what fails is
//! shrunk and written down as a conformance case.
//!
//! A server that was started for the campaign is started again after each failure: what went wrong
//! in one session must not be charged to the next. A failure counts as the same one when the same
//! rule is broken by the same kind of act with the same kind of answer; the first of each is shrunk,
//! the others are counted, and what is the same when it is shrunk is counted together.
//!
//! What a profile knows of the server is left out of the sessions, followed by the model, or ends
//! the session and is counted.

mod finding;
mod known;
pub mod raw;
mod seat;
mod settings;

pub use finding::{Failing, Finding};
pub use known::{Knowledge, Met};

use super::generate::{Op, Played, Shrink, Weights, draw};
use super::launch::Memory;
use super::profile::Templates;
use super::runner::Place;
use crate::model::Rules;
use seat::{Gone, Seat};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// How often a shrunk failure is played to say how often it comes.
const CONFIRMATIONS: u32 = 5;
/// How often a candidate may pass before it counts as passing: failures may depend on timing.
const TRIES: u32 = 2;
/// Candidates that are played for one failure at the most.
const MAX_CANDIDATES: u32 = 400;

/// What is played.
#[derive(Clone, Debug)]
pub struct Options {
    /// Sessions at the most.
    pub sessions: u64,
    /// Steps of a session.
    pub steps: usize,
    /// The first session's seed; each has one more than the one before.
    pub seed: u64,
    /// No session begins after this time.
    pub duration: Option<Duration>,
    /// Whether packets that can kill or wedge a faulty server are sent.
    pub hazardous: bool,
    /// How the server was started, as far as the model has to know.
    pub rules: Rules,
    /// What all names begin with.
    pub namespace: String,
    /// What is known of the server.
    pub knowledge: Knowledge,
    /// How a server is started with settings, where they are to be drawn.
    pub draw_settings: Option<Templates>,
    /// How long the server may take to accept, or to take what is sent.
    pub patience: Duration,
}

/// What one wants of a campaign while it goes on.
pub trait Watch {
    /// Whether it is to end.
    fn stopped(&self) -> bool;
    /// How far it is.
    fn progress(&self, outcome: &Outcome, doing: &str);
}

/// What came of a campaign.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Sessions that were played.
    pub sessions: u64,
    /// Those that came to their end.
    pub passed: u64,
    /// Steps that were judged.
    pub steps: u64,
    /// Jobs that were handed out.
    pub jobs: u64,
    /// What is known, and how often it was met.
    pub met: Vec<Met>,
    /// Sessions that ended with something known.
    pub known: u64,
    /// What was found, each once.
    pub findings: Vec<Finding>,
    /// How often the server has died.
    pub deaths: u64,
    /// Memory of the launched server that grew most.
    pub memory: Option<Memory>,
    /// Why it ended before its time.
    pub gone: Option<String>,
}

/// Plays a campaign.
pub fn campaign(place: &Place, options: &Options, watch: &dyn Watch) -> Outcome {
    let started = Instant::now();
    let mut outcome = Outcome {
        met: Met::all(&options.knowledge),
        ..Outcome::default()
    };
    let weights = Weights {
        time: false,
        hazardous: options.hazardous,
        without: options.knowledge.without(),
    };
    let mut seat = Seat::new(place, options);
    for number in 0..options.sessions {
        let late = options
            .duration
            .is_some_and(|limit| started.elapsed() >= limit);
        if late || watch.stopped() {
            break;
        }
        let seed = options.seed.wrapping_add(number);
        let ops = draw(seed, options.steps, weights);
        seat.turn_over(number);
        if let Err(Gone(why)) = session(&mut seat, seed, ops, &mut outcome, watch) {
            outcome.gone = Some(why);
            break;
        }
        watch.progress(&outcome, "playing");
    }
    outcome.memory = seat.memory();
    outcome
}

/// Plays one session, and shrinks it if it fails in a new way.
fn session(
    seat: &mut Seat<'_>,
    seed: u64,
    ops: Vec<Op>,
    outcome: &mut Outcome,
    watch: &dyn Watch,
) -> Result<(), Gone> {
    let (played, prefix) = seat.play(&ops)?;
    outcome.sessions += 1;
    outcome.steps += played.steps as u64;
    outcome.jobs += played.assigned as u64;
    Met::count(&mut outcome.met, &played);
    let Some(failing) = seat.failing(&played) else {
        outcome.passed += 1;
        return Ok(());
    };
    outcome.deaths += u64::from(failing.died);
    seat.clean_up(&played, &prefix);
    if let Some(known) = seat.options().knowledge.explains(&failing) {
        outcome.known += 1;
        outcome.met[known].times += 1;
        return Ok(());
    }
    let mut findings = outcome.findings.iter_mut();
    if let Some(finding) = findings.find(|finding| finding.covers(&failing)) {
        finding.times += 1;
        return Ok(());
    }
    let shapes = BTreeSet::from([failing.shape()]);
    let shrunk = shrink(seat, ops, (played, prefix, failing), outcome, watch)?;
    let finding = Finding {
        seed,
        times: 1,
        shapes,
        settings: seat.settings().clone(),
        ops: shrunk.ops,
        script: shrunk.script,
        failing: shrunk.failing,
        confirmed: shrunk.confirmed,
    };
    let mut findings = outcome.findings.iter_mut();
    match findings.find(|other| other.is_same(&finding)) {
        Some(same) => {
            same.times += 1;
            same.shapes.extend(finding.shapes);
        }
        None => outcome.findings.push(finding),
    }
    Ok(())
}

/// The shortest session that fails in the same way.
struct Shrunk {
    ops: Vec<Op>,
    script: super::Script,
    failing: Failing,
    /// How often it failed, and how often it was played for that.
    confirmed: (u32, u32),
}

impl Shrunk {
    fn whole(ops: Vec<Op>, played: &Played, prefix: &str, failing: Failing) -> Self {
        Shrunk {
            ops,
            script: played.script(prefix),
            failing,
            confirmed: (1, 1),
        }
    }
}

fn shrink(
    seat: &mut Seat<'_>,
    ops: Vec<Op>,
    (played, prefix, failing): (Played, String, Failing),
    outcome: &mut Outcome,
    watch: &dyn Watch,
) -> Result<Shrunk, Gone> {
    // Nothing after the step that failed matters.
    let mut reached = ops;
    reached.truncate(played.steps);
    let original = failing.clone();
    let mut best = Shrunk::whole(reached.clone(), &played, &prefix, failing);
    let mut shrinking = Shrink::new(reached);
    let mut goes_on = shrinking.fails();
    for candidate in 0..MAX_CANDIDATES {
        if !goes_on || watch.stopped() {
            break;
        }
        let doing = format!(
            "shrinking {}: {} steps, candidate {candidate}",
            original.rule,
            best.ops.len()
        );
        watch.progress(outcome, &doing);
        let ops = shrinking.candidate();
        goes_on = match fails_again(seat, &ops, &original, outcome, TRIES)? {
            Some(shrunk) => {
                best = shrunk;
                shrinking.fails()
            }
            None => shrinking.passes(),
        };
    }
    let ops = best.ops.clone();
    let mut failed = 0;
    for _ in 0..CONFIRMATIONS {
        failed += u32::from(fails_again(seat, &ops, &original, outcome, 1)?.is_some());
    }
    best.confirmed = (failed, CONFIRMATIONS);
    Ok(best)
}

/// Plays a candidate until it breaks the rule, but not more often than `tries`.
fn fails_again(
    seat: &mut Seat<'_>,
    ops: &[Op],
    original: &Failing,
    outcome: &mut Outcome,
    tries: u32,
) -> Result<Option<Shrunk>, Gone> {
    for _ in 0..tries {
        let (played, prefix) = seat.play(ops)?;
        let failing = seat.failing(&played);
        if let Some(failing) = failing {
            outcome.deaths += u64::from(failing.died);
            seat.clean_up(&played, &prefix);
            if failing.is(original) {
                let shrunk = Shrunk::whole(ops.to_vec(), &played, &prefix, failing);
                return Ok(Some(shrunk));
            }
        }
    }
    Ok(None)
}
