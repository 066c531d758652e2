//! A server of this program, broken, at the other end of a connection: the same cases.

use super::super::signals::Interruption;
use super::kill::{Kill, Passed};
use super::{Delivery, Info, Suite, VARIABLE};
use crate::conformance::case::Case;
use crate::conformance::features::Setting;
use crate::conformance::launch::{LaunchError, Launcher};
use crate::conformance::profile::Profile;
use crate::conformance::runner::{self, Control, Options, Place};
use crate::report::conform::CaseResult;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

/// How long an answer may take. A broken server is silent often.
const PATIENCE: Duration = Duration::from_secs(2);
/// Groups of cases that are played at the same time.
const PARALLEL: usize = 8;
/// The cases that bring no store of their own are played with this one.
const WITH_STORE: &str = "--store sqlite:{dir}/kept.db";

/// What a server is started with, and the cases that are played on it.
#[derive(Clone, Copy, Debug)]
enum Arm {
    /// Nothing special; all cases but those of the next.
    Plain,
    /// Cases that need a store, which they bring.
    Restarts,
    /// A store, and what is played without one otherwise.
    Stored,
}

/// Who notices nothing with a store, since it is what the case speaks of.
const NOT_STORED: [&str; 2] = [
    "reduce/reducer-is-not-stored",
    "limits/limits-do-not-hold-at-a-restart",
];

impl Arm {
    const fn name(self) -> &'static str {
        match self {
            Arm::Plain => "server",
            Arm::Restarts => "restarts",
            Arm::Stored => "server with a store",
        }
    }

    fn has(self, case: &Case) -> bool {
        let needs_store = case
            .settings
            .iter()
            .any(|setting| matches!(setting, Setting::Store));
        match self {
            Arm::Plain => !needs_store,
            Arm::Restarts => needs_store,
            Arm::Stored => !needs_store && !NOT_STORED.contains(&case.id.as_str()),
        }
    }
}

/// The cases, and what of them passes without a defect.
pub(super) struct Live<'s> {
    suite: &'s Suite,
    program: String,
    stop: Arc<AtomicBool>,
    passed: [Passed; 3],
}

impl<'s> Live<'s> {
    pub(super) fn new(suite: &'s Suite, program: &Path, interruption: &Interruption) -> Self {
        Live {
            suite,
            program: program.display().to_string(),
            stop: interruption.stop(),
            passed: Default::default(),
        }
    }

    /// What fails without a defect.
    pub(super) fn baseline(&mut self) -> Result<Vec<String>, LaunchError> {
        let mut alarms = Vec::new();
        for arm in [Arm::Plain, Arm::Restarts, Arm::Stored] {
            let results = self.play(arm, None, |_| true)?;
            alarms.extend(self.passed[arm as usize].learn(&results));
        }
        Ok(alarms)
    }

    /// Who notices the defect in a plain server.
    pub(super) fn hunt(&self, info: &Info) -> Result<Vec<Kill>, LaunchError> {
        self.hunt_in(&[Arm::Plain], info)
    }

    /// Who notices the defect of a store.
    pub(super) fn hunt_stored(&self, info: &Info) -> Result<Vec<Kill>, LaunchError> {
        self.hunt_in(&[Arm::Restarts, Arm::Stored], info)
    }

    /// First the cases that are expected to, then all.
    fn hunt_in(&self, arms: &[Arm], info: &Info) -> Result<Vec<Kill>, LaunchError> {
        let expected = |case: &Case| {
            case.shows
                .iter()
                .any(|id| info.rules.contains(&id.as_str()))
        };
        for is_first in [true, false] {
            for &arm in arms {
                let results = self.play(arm, Some(info), |case| expected(case) == is_first)?;
                let kills = self.passed[arm as usize].kills(arm.name(), &results);
                if !kills.is_empty() {
                    return Ok(kills);
                }
            }
        }
        Ok(Vec::new())
    }

    fn play(
        &self,
        arm: Arm,
        info: Option<&Info>,
        wanted: impl Fn(&Case) -> bool,
    ) -> Result<Vec<CaseResult>, LaunchError> {
        let cases = self.suite.cases().iter();
        let cases: Vec<&Case> = cases.filter(|case| arm.has(case) && wanted(case)).collect();
        let options = Options {
            // The file is part of the program: without it the baseline says so.
            profile: Profile::builtin("gearbench").unwrap_or_else(|_| Profile::none()),
            splits: vec![Delivery::Whole],
            hazardous: true,
            timeout: PATIENCE,
            parallel: PARALLEL,
            namespace: "m-".to_owned(),
            repeat: String::new(),
            keep_traces: false,
        };
        let more = match arm {
            Arm::Stored => WITH_STORE,
            Arm::Plain | Arm::Restarts => "",
        };
        let place = Place::Launch(launcher(&self.program, info, more)?);
        Ok(runner::run(&cases, &place, &options, self).results)
    }
}

impl Control for Live<'_> {
    fn stopped(&self) -> Option<&'static str> {
        self.stop.load(Relaxed).then_some("interrupted")
    }

    fn played(&self, _: &CaseResult, _: usize) {}
}

/// Starts servers of this program that have the defect, if any.
pub(super) fn launcher(
    program: &str,
    info: Option<&Info>,
    more: &str,
) -> Result<Launcher, LaunchError> {
    let broken = info.map(|info| format!("{VARIABLE}={}", info.name()));
    let words = ["env"]
        .into_iter()
        .chain(broken.as_deref())
        .chain([program]);
    let words = shlex::try_join(words).map_err(|_| LaunchError::Command("holds a NUL"))?;
    Launcher::new(&format!(
        "{words} serve -L 127.0.0.1 -p {{port}} -l stderr {more}"
    ))
}
