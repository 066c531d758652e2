//! From the command line to one plan: the flags over the scenario file over the defaults.

use super::Args;
use crate::cli::exit;
use crate::cli::target::{LOCAL, Target, TargetError};
use crate::diagnose::FileError;
use crate::load::scenario::file::{ScenarioError, Written};
use crate::load::{Plan, PlanError, RunId, Scenario};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChoiceError {
    /// There is no scenario.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// The scenario contradicts itself, or cannot be carried out.
    #[error(transparent)]
    Wrong(#[from] Box<FileError>),
    /// So do the flags, or both together.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The target is none.
    #[error(transparent)]
    Target(#[from] TargetError),
}

impl ChoiceError {
    /// The exit code of a command that has no plan.
    pub(crate) fn code(&self) -> u8 {
        match self {
            ChoiceError::Target(error) => error.code(),
            ChoiceError::Scenario(_) | ChoiceError::Wrong(_) | ChoiceError::Plan(_) => exit::USAGE,
        }
    }
}

/// What is run against whom.
#[derive(Debug)]
pub(crate) struct Chosen {
    /// The plan.
    pub plan: Plan,
    /// Its target.
    pub(crate) target: Target,
}

impl Args {
    /// The plan of this command line.
    pub(crate) fn choose(&self) -> Result<Chosen, ChoiceError> {
        let mut chosen = choose(
            self.scenario.as_deref(),
            self.flags.scenario(),
            self.driven.target.as_ref(),
        )?;
        chosen.plan.server_pid = self.server_pid;
        Ok(chosen)
    }
}

/// The plan of flags laid over a scenario, a file or the name of one.
pub(crate) fn choose(
    scenario: Option<&str>,
    flags: Scenario,
    target: Option<&Target>,
) -> Result<Chosen, ChoiceError> {
    let written = scenario.map(Written::open).transpose()?;
    let base = written
        .as_ref()
        .map_or_else(Scenario::default, |written| written.scenario.clone());
    let mut scenario = flags.over(base);
    let target = match (target, &scenario.target) {
        (Some(target), _) => target.clone(),
        (None, Some(named)) => named.parse()?,
        (None, None) => LOCAL.parse()?,
    };
    scenario.target = Some(target.to_string());
    let seed = rand::random::<u32>().into();
    let plan = scenario
        .plan(LOCAL, RunId::fresh(), seed)
        .map_err(
            |error| match written.and_then(|written| written.place(&error)) {
                Some(placed) => ChoiceError::Wrong(Box::new(placed)),
                None => ChoiceError::Plan(error),
            },
        )?;
    Ok(Chosen { plan, target })
}
