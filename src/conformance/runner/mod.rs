//! Plays cases on a server and gives each a verdict.
//!
//! Cases that others depend on are played first. On a launched server cases with the same settings
//! share a process, and those that may kill it have one for themselves, so that a death has one
//! cause; on a server that others use every case keeps to names of its own and leaves nothing.

mod group;
mod play;
mod policy;
mod sanity;
pub(in crate::conformance) mod tidy;

use super::case::Case;
use super::launch::Launcher;
use super::player::Delivery;
use super::profile::Profile;
use super::trace::Trace;
use crate::mutants::Defect;
use crate::report::conform::{CaseResult, Verdict};
use group::Group;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub use sanity::{SanityError, round_trip};

/// Where cases are played.
#[derive(Debug)]
pub enum Place {
    /// On the engine, in memory.
    Memory,
    /// On the server at this address, which others may use too.
    Target(String),
    /// On servers that are started for the cases.
    Launch(Launcher),
}

/// How cases are played.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is known of the server.
    pub profile: Profile,
    /// How the bytes of a write are cut: all cases are played once for each.
    pub splits: Vec<Delivery>,
    /// Whether cases that may kill or wedge a faulty server are played.
    pub hazardous: bool,
    /// How long the server may take for one answer.
    pub timeout: Duration,
    /// Groups of cases that are played at the same time.
    pub parallel: usize,
    /// What all names begin with.
    pub namespace: String,
    /// The options with which a command plays on the same server again.
    pub repeat: String,
    /// Whether to keep what happened in cases that passed.
    pub keep_traces: bool,
}

/// What one wants of a run while it goes on.
pub trait Control: Sync {
    /// Why no more cases are to begin, if so: what has begun is played to its end.
    fn stopped(&self) -> Option<&'static str>;
    /// A case has its verdict; `left` are still without one.
    fn played(&self, result: &CaseResult, left: usize);
}

/// What came of a run.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One result for each case and split.
    pub results: Vec<CaseResult>,
    /// What is to be said of the run as a whole.
    pub notes: Vec<String>,
    /// Whether the server could not be reached any more.
    pub gone: bool,
    /// What happened, by the id of the case and the split, where it was to be kept.
    pub traces: BTreeMap<(String, String), Trace>,
}

/// Plays `cases`.
pub fn run(cases: &[&Case], place: &Place, options: &Options, control: &dyn Control) -> Outcome {
    let stages = group::stages(cases, place, options);
    let all = cases.len() * options.splits.len();
    let run = Run {
        place,
        options,
        control,
        state: Mutex::default(),
        gone: AtomicBool::new(false),
        all,
        numbers: cases
            .iter()
            .enumerate()
            .map(|(at, case)| (case.id.as_str(), at))
            .collect(),
    };
    for stage in stages {
        run.stage(stage);
    }
    let state = run
        .state
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    let mut results = Vec::with_capacity(all);
    let mut by_key = state.results;
    for split in &options.splits {
        for case in cases {
            results.extend(by_key.remove(&(case.id.clone(), split.to_string())));
        }
    }
    Outcome {
        results,
        notes: state.notes,
        gone: run.gone.into_inner(),
        traces: state.traces,
    }
}

/// What all threads of a run share.
struct Run<'a> {
    place: &'a Place,
    options: &'a Options,
    control: &'a dyn Control,
    state: Mutex<State>,
    /// Whether a server that others use has gone away; one that was launched is started again.
    gone: AtomicBool,
    /// Results that are to come in all.
    all: usize,
    /// A number for each case, for its names.
    numbers: BTreeMap<&'a str, usize>,
}

#[derive(Default)]
struct State {
    /// By the id of the case and the split.
    results: BTreeMap<(String, String), CaseResult>,
    notes: Vec<String>,
    traces: BTreeMap<(String, String), Trace>,
}

impl Run<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stage(&self, stage: group::Stage<'_>) {
        let threads = match stage.serial {
            true => 1,
            false => self.options.parallel.clamp(1, stage.groups.len().max(1)),
        };
        let queue = Mutex::new(VecDeque::from(stage.groups));
        let take = || {
            let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.pop_front()
        };
        let defect = Defect::of_thread();
        let work = || {
            while let Some(group) = take() {
                self.group(&group);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| defect.around(work));
            }
        });
    }

    fn group(&self, group: &Group<'_>) {
        let mut seat = play::Seat::new(self, group);
        for case in &group.cases {
            let result = match self.obstacle(case, group.split) {
                Some((verdict, reason)) => self.unplayed(case, group.split, verdict, reason),
                None => seat.play(case),
            };
            self.record(result);
        }
    }

    /// Why the case is not played, if it is not.
    fn obstacle(&self, case: &Case, split: Delivery) -> Option<(Verdict, String)> {
        if let Some(reason) = group::skip(case, self.place, self.options) {
            return Some((Verdict::Skip, reason));
        }
        if let Some(reason) = self.control.stopped() {
            return Some((Verdict::Blocked, reason.to_owned()));
        }
        if self.gone.load(Ordering::Relaxed) {
            return Some((Verdict::Blocked, "the server is gone".to_owned()));
        }
        let state = self.state();
        let failed = case.after.iter().find(|id| {
            let result = state.results.get(&((*id).clone(), split.to_string()));
            result.is_some_and(|result| !matches!(result.verdict, Verdict::Pass | Verdict::Fixed))
        });
        failed.map(|id| (Verdict::Blocked, format!("{id} did not pass")))
    }

    fn unplayed(
        &self,
        case: &Case,
        split: Delivery,
        verdict: Verdict,
        reason: String,
    ) -> CaseResult {
        CaseResult {
            reason: Some(reason),
            ..play::blank(case, split, verdict)
        }
    }

    fn record(&self, result: CaseResult) {
        let mut state = self.state();
        let key = (result.id.clone(), result.split.clone());
        state.results.insert(key, result.clone());
        let left = self.all.saturating_sub(state.results.len());
        drop(state);
        self.control.played(&result, left);
    }

    /// Keeps what happened, if that is wanted.
    fn keep(&self, case: &Case, split: Delivery, trace: &Trace) {
        if self.options.keep_traces {
            let key = (case.id.clone(), split.to_string());
            self.state().traces.insert(key, trace.clone());
        }
    }

    /// Says once that the server is gone.
    fn lose(&self, case: &Case, how: &str) {
        if !self.gone.swap(true, Ordering::Relaxed) {
            let note = format!(
                "{how} (seen after {}); the cases left were not played",
                case.id
            );
            self.state().notes.push(note);
        }
    }
}
