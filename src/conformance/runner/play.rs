//! One case on one server, and its verdict.

use super::group::Group;
use super::{Place, Run, policy, sanity, tidy};
use crate::conformance::Namespace;
use crate::conformance::arm::{Arm, ArmError, Process};
use crate::conformance::case::{Case, Level};
use crate::conformance::launch::{Launched, Launcher};
use crate::conformance::memory::MemoryArm;
use crate::conformance::player::{self, Barrier, Cause, Delivery, Failure, Player};
use crate::conformance::profile::{Known, Profile};
use crate::conformance::requirements::Catalogue;
use crate::conformance::tcp::TcpArm;
use crate::conformance::trace::Trace;
use crate::report::conform::{CaseResult, FailureDetail, Verdict};
use std::time::{Duration, Instant};

/// How long a server that answers no more may take to end.
const LAST_BREATH: Duration = Duration::from_secs(1);
/// Lines of its log that tell how a server died.
const LAST_WORDS: usize = 8;

/// What came of playing a case.
enum Played {
    Passed(Trace),
    Failed {
        failure: Box<Failure>,
        /// How the server fared, where it did not survive.
        server: Option<String>,
    },
    /// It could not be played, and that is not the server's fault.
    Unable(String),
}

/// Where the cases of a group are played, one after the other.
pub(super) struct Seat<'r> {
    run: &'r Run<'r>,
    group: &'r Group<'r>,
    /// The server that was launched for them, while it lives.
    server: Option<Launched>,
}

impl<'r> Seat<'r> {
    pub(super) fn new(run: &'r Run<'_>, group: &'r Group<'_>) -> Self {
        Seat {
            run,
            group,
            server: None,
        }
    }

    /// Plays the case and judges.
    pub(super) fn play(&mut self, case: &Case) -> CaseResult {
        let start = Instant::now();
        let played = match self.run.place {
            Place::Memory => self.in_memory(case),
            Place::Target(target) => self.on_target(case, target),
            Place::Launch(launcher) => self.on_launched(case, launcher),
        };
        let mut result = self.judge(case, played);
        result.took_ms = start.elapsed().as_secs_f64() * 1e3;
        result
    }

    fn options(&self, case: &Case) -> player::Options {
        let options = self.run.options;
        let number = self
            .run
            .numbers
            .get(case.id.as_str())
            .copied()
            .unwrap_or_default();
        player::Options {
            namespace: Namespace::new(format!("{}{number}-", options.namespace)),
            timeout: options.timeout,
            delivery: self.group.split,
            barrier: barrier(&options.profile),
            ..player::Options::default()
        }
    }

    /// Plays the script on an arm.
    fn script(&self, case: &Case, arm: &mut impl Arm) -> Played {
        let outcome = Player::new(arm, self.options(case)).play(&case.script);
        let trace = match &outcome {
            Ok(trace) => trace,
            Err(failure) => &failure.trace,
        };
        self.run.keep(case, self.group.split, trace);
        match outcome {
            Ok(trace) => Played::Passed(trace),
            Err(failure) => Played::Failed {
                failure,
                server: None,
            },
        }
    }

    fn in_memory(&self, case: &Case) -> Played {
        match policy::policy(&self.group.settings) {
            Ok(policy) => self.script(case, &mut MemoryArm::new(policy)),
            Err(reason) => Played::Unable(reason),
        }
    }

    fn on_target(&self, case: &Case, target: &str) -> Played {
        let timeout = self.run.options.timeout;
        let mut arm = match TcpArm::new(target, timeout) {
            Ok(arm) => arm,
            Err(error) => return Played::Unable(error.to_string()),
        };
        let namespace = self.options(case).namespace;
        let mut played = self.script(case, &mut arm);
        let doubtful = case.hazardous || matches!(played, Played::Failed { .. });
        if doubtful && let Err(error) = sanity::round_trip(target, timeout) {
            self.run.lose(case, &error.to_string());
            played.blame(error.to_string());
            return played;
        }
        // A server that failed once may fail here too; more cannot be done.
        let _ = tidy::tidy(&mut arm, &namespace, &case.script, timeout);
        played
    }

    fn on_launched(&mut self, case: &Case, launcher: &Launcher) -> Played {
        let mut server = match self.server(launcher) {
            Ok(server) => server,
            Err(reason) => return Played::Unable(reason),
        };
        let timeout = self.run.options.timeout;
        let target = server.address().to_string();
        let arm = TcpArm::new(&target, timeout);
        let mut arm = match arm {
            Ok(arm) => arm.with_process(Box::new(server.clone())),
            Err(error) => return Played::Unable(error.to_string()),
        };
        let mut played = self.script(case, &mut arm);
        if case.script.needs_process() {
            // The script may have ended it in any way, so it is of no use to others.
            self.server = None;
            return played;
        }
        if let Some(ended) = server.ended() {
            played.blame(format!(
                "the server ended: {ended}\n{}",
                server.log_tail(LAST_WORDS).join("\n")
            ));
            self.server = None;
            return played;
        }
        let doubtful = case.hazardous || matches!(played, Played::Failed { .. });
        if doubtful && let Err(error) = sanity::round_trip(&target, timeout) {
            // It refuses connections before its process has come to its end.
            let ended = server.wait(LAST_BREATH).ok().flatten();
            let log = server.log_tail(LAST_WORDS).join("\n");
            played.blame(match ended {
                Some(ended) => format!("the server ended: {ended}\n{log}"),
                None => format!("the server hangs: {error}\n{log}"),
            });
            self.server = None;
        }
        played
    }

    /// The server of the group; a fresh one if there is none, or none any more.
    fn server(&mut self, launcher: &Launcher) -> Result<Launched, String> {
        if let Some(server) = &self.server {
            return Ok(server.clone());
        }
        let arguments = self.run.options.profile.arguments(&self.group.settings);
        let arguments = arguments.map_err(|setting| format!("no way to set {setting}"))?;
        let server = launcher
            .start(&arguments)
            .map_err(|error| error.to_string())?;
        self.server = Some(server.clone());
        Ok(server)
    }

    fn judge(&self, case: &Case, played: Played) -> CaseResult {
        let profile = &self.run.options.profile;
        let split = self.group.split.to_string();
        let known = profile
            .known
            .iter()
            .find(|known| known.covers(&case.id, &split));
        let (failure, server) = match played {
            Played::Unable(reason) => return self.unable(case, reason),
            Played::Passed(_) => return self.passed(case, known),
            Played::Failed { failure, server } => (failure, server),
        };
        if let Some(reason) = ours(&failure.cause) {
            return self.unable(case, reason);
        }
        let told = format!(
            "{}\n{}",
            failure.cause,
            server.as_deref().unwrap_or_default()
        );
        let (verdict, reason) = match known {
            Some(known) if known.explains(&told) => (Verdict::Known, Some(known.reason.clone())),
            Some(known) => {
                let expected = known.symptom.join("\" or \"");
                let reason = format!("known to fail, but with \"{expected}\": {}", known.reason);
                (Verdict::Fail, Some(reason))
            }
            None if case.level == Level::Observed && !profile.quirks => {
                (Verdict::Note, Some(failure.cause.to_string()))
            }
            None => (Verdict::Fail, None),
        };
        CaseResult {
            reason,
            failure: Some(detail(case, &failure, server)),
            repeat: Some(self.repeat(case)),
            ..blank(case, self.group.split, verdict)
        }
    }

    fn passed(&self, case: &Case, known: Option<&Known>) -> CaseResult {
        let (verdict, reason) = match known {
            None => (Verdict::Pass, None),
            Some(known) if known.sometimes => (
                Verdict::Known,
                Some(format!("passed this time: {}", known.reason)),
            ),
            Some(known) => {
                let reason = format!(
                    "it passes, but the profile lists it as a known failure: {}",
                    known.reason
                );
                (Verdict::Fixed, Some(reason))
            }
        };
        CaseResult {
            reason,
            ..blank(case, self.group.split, verdict)
        }
    }

    fn unable(&self, case: &Case, reason: String) -> CaseResult {
        CaseResult {
            reason: Some(reason),
            repeat: Some(self.repeat(case)),
            ..blank(case, self.group.split, Verdict::Error)
        }
    }

    fn repeat(&self, case: &Case) -> String {
        let mut command = format!("gearbench conform {}", case.id);
        if self.group.split != Delivery::Whole {
            command.push_str(&format!(" --split {}", self.group.split));
        }
        if case.hazardous {
            command.push_str(" --hazardous");
        }
        if case.level == Level::Observed {
            command.push_str(" --level all");
        }
        format!("{command} {}", self.run.options.repeat)
    }
}

impl Played {
    /// Charges the case with the end of the server, whatever its script came to.
    fn blame(&mut self, what: String) {
        match self {
            Played::Failed { server, .. } => *server = Some(what),
            Played::Passed(trace) => {
                let failure = Failure {
                    line: 0,
                    step: "after the end of the script".to_owned(),
                    round: None,
                    cause: Cause::ServerLost,
                    trace: std::mem::take(trace),
                };
                *self = Played::Failed {
                    failure: Box::new(failure),
                    server: Some(what),
                };
            }
            Played::Unable(_) => {}
        }
    }
}

/// What such a server answers at once.
fn barrier(profile: &Profile) -> Barrier {
    match profile.lacks.iter().any(|feature| feature.name == "echo") {
        true => Barrier::Status,
        false => Barrier::Echo,
    }
}

/// What went wrong on our side, if it did.
fn ours(cause: &Cause) -> Option<String> {
    match cause {
        Cause::Unbound(_) | Cause::NotConnected { .. } => Some(cause.to_string()),
        Cause::Arm(ArmError::Unsupported(_) | ArmError::Io(_)) => Some(cause.to_string()),
        _ => None,
    }
}

/// A result without an outcome.
pub(super) fn blank(case: &Case, split: Delivery, verdict: Verdict) -> CaseResult {
    CaseResult {
        id: case.id.clone(),
        area: case.area.clone(),
        split: split.to_string(),
        level: case.level,
        requirements: case.shows.clone(),
        rule: case.rule.clone(),
        source: case.source.clone(),
        verdict,
        reason: None,
        took_ms: 0.0,
        failure: None,
        repeat: None,
    }
}

fn detail(case: &Case, failure: &Failure, server: Option<String>) -> FailureDetail {
    let catalogue = Catalogue::builtin().ok();
    let requirement = |id: &String| {
        let found = catalogue.as_ref().and_then(|catalogue| catalogue.get(id));
        found.map(|row| format!("{id} ({}): {} — {}", row.level, row.stimulus, row.expected))
    };
    FailureDetail {
        file: case.file.clone(),
        line: case.line(failure.line),
        step: failure.step.clone(),
        cause: failure.cause.to_string(),
        expected: failure.cause.expected(),
        found: failure.cause.found(),
        trace: failure.trace.to_string(),
        server,
        requirement_text: case.shows.iter().filter_map(requirement).collect(),
    }
}
