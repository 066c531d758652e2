//! The server that sessions are played on.

use super::finding::Failing;
use super::{Options, settings};
use crate::conformance::Namespace;
use crate::conformance::arm::ArmError;
use crate::conformance::features::Settings;
use crate::conformance::generate::{Failure, Op, Played, play};
use crate::conformance::launch::{Launched, Memory, MemoryWatch};
use crate::conformance::memory::MemoryArm;
use crate::conformance::runner::Place;
use crate::conformance::runner::tidy::tidy;
use crate::conformance::tcp::TcpArm;
use crate::engine::Policy;
use crate::model::Deviation;
use std::time::Duration;

/// How long a server that answers no more may take to end.
const LAST_BREATH: Duration = Duration::from_secs(1);
/// Lines of its log that tell how a server died.
const LAST_WORDS: usize = 8;
/// How often the process is looked at within its last breath.
const LOOKS: u32 = 20;

/// Sessions on a server with drawn settings, before another is started.
const TERM: u64 = 20;

/// There is no server to go on with; why.
pub(super) struct Gone(pub(super) String);

/// Where sessions are played.
pub(super) struct Seat<'a> {
    place: &'a Place,
    options: &'a Options,
    /// The server that was launched, while it lives and is clean.
    server: Option<Launched>,
    memory: MemoryWatch,
    /// Counts the sessions, for names of their own.
    played: u64,
    /// What the server is started with.
    settings: Settings,
    /// Counts the drawn settings.
    drawn: u64,
}

impl<'a> Seat<'a> {
    pub(super) fn new(place: &'a Place, options: &'a Options) -> Self {
        Seat {
            place,
            options,
            server: None,
            memory: MemoryWatch::default(),
            played: 0,
            settings: Settings::default(),
            drawn: 0,
        }
    }

    pub(super) fn options(&self) -> &'a Options {
        self.options
    }

    /// What the server is started with.
    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Before a session that is not one of a failure again: another server with other settings,
    /// where they are drawn.
    pub(super) fn turn_over(&mut self, number: u64) {
        let Some(templates) = &self.options.draw_settings else {
            return;
        };
        if number.is_multiple_of(TERM) {
            let seed = self.options.seed.wrapping_add(self.drawn);
            self.settings = settings::draw(seed, templates);
            self.drawn += 1;
            self.close();
        }
    }

    /// Plays a session; with it, what its names began with.
    pub(super) fn play(&mut self, ops: &[Op]) -> Result<(Played, String), Gone> {
        self.played += 1;
        let prefix = format!("{}{}-", self.options.namespace, self.played);
        let rules = self.options.knowledge.rules(self.options.rules);
        let rules = settings::rules(&self.settings, rules);
        let played = match self.place {
            Place::Memory => {
                let mut arm = MemoryArm::new(Policy {
                    job_retries: rules.job_retries,
                    exceptions: rules.exceptions,
                    ..Policy::default()
                });
                play(&mut arm, rules, &prefix, ops)
            }
            Place::Target(_) | Place::Launch(_) => {
                let mut arm = self.arm()?;
                play(&mut arm, rules, &prefix, ops)
            }
        };
        if let Some(server) = &self.server {
            self.memory.look(server);
        }
        if played.met.contains_key(&Deviation::DropForgetsJobs) {
            // They are there for ever, also in the lists of the next session.
            self.server = None;
        }
        Ok((played, prefix))
    }

    /// What came of the memory of launched servers: of the one that grew most.
    pub(super) fn memory(&mut self) -> Option<Memory> {
        self.close();
        self.memory.worst()
    }

    /// The server's time is over.
    fn close(&mut self) {
        if let Some(server) = self.server.take() {
            self.memory.settle(&server);
        }
    }

    /// An arm of the server, which is started where there is none.
    fn arm(&mut self) -> Result<TcpArm, Gone> {
        let target = match self.place {
            Place::Target(target) => target.clone(),
            Place::Launch(launcher) => match &self.server {
                Some(server) => server.address().to_string(),
                None => {
                    let templates = self.options.draw_settings.as_ref();
                    let arguments = templates.map(|all| all.arguments(&self.settings));
                    let arguments = arguments.transpose().unwrap_or_default();
                    let server = launcher
                        .start(&arguments.unwrap_or_default())
                        .map_err(|error| Gone(error.to_string()))?;
                    self.memory.begin(&server);
                    self.server.insert(server).address().to_string()
                }
            },
            Place::Memory => return Err(Gone("the engine has no address".to_owned())),
        };
        TcpArm::new(&target, self.options.patience).map_err(|error| Gone(error.to_string()))
    }

    /// How the session failed, if it did.
    pub(super) fn failing(&mut self, played: &Played) -> Option<Failing> {
        let failure = played.result.as_ref().err()?;
        let act = failure.op().map_or_else(String::new, Op::name);
        let rule = match failure {
            Failure::Divergence { divergence, .. } => divergence.rule,
            Failure::Silent { .. } | Failure::Arm(ArmError::NotTaken { .. }) => "silence",
            Failure::Arm(_) => "unreachable",
        };
        let mut failing = Failing::new(rule, act, failure.to_string());
        if let Some(death) = self.death(failure) {
            failing.rule = "death".to_owned();
            failing.text = format!("{death}; {}", failing.text);
            failing.died = true;
        }
        Some(failing)
    }

    /// How the launched server has ended, if it has: a server that no more answers may still be
    /// about to.
    fn death(&self, failure: &Failure) -> Option<String> {
        let server = self.server.as_ref()?;
        let may_be_dying = match failure {
            Failure::Divergence { divergence, .. } => divergence.found.contains("closed"),
            Failure::Silent { .. } | Failure::Arm(_) => true,
        };
        let looks = if may_be_dying { LOOKS } else { 1 };
        for look in 0..looks {
            if look > 0 {
                std::thread::sleep(LAST_BREATH / LOOKS);
            }
            if let Some(ended) = server.ended() {
                let log = server.log_tail(LAST_WORDS).join("\n  ");
                return Some(format!("the server ended with {ended}\n  {log}"));
            }
        }
        None
    }

    /// After a failure: a server of ours is started afresh for the next session, another's is
    /// left as it was found, as far as it lets us.
    pub(super) fn clean_up(&mut self, played: &Played, prefix: &str) {
        self.server = None;
        let Place::Target(target) = self.place else {
            return;
        };
        let Ok(mut arm) = TcpArm::new(target, self.options.patience) else {
            return;
        };
        let namespace = Namespace::new(prefix);
        // A server that is broken may refuse even this; the next session will tell.
        let _ = tidy(
            &mut arm,
            &namespace,
            &played.script(prefix),
            self.options.patience,
        );
    }
}
