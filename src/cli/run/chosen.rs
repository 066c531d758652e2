//! From the command line to one plan: the flags over the scenario file over the defaults.

use super::Args;
use super::flags::Flags;
use crate::cli::target::{Target, TargetError};
use crate::diagnose::FileError;
use crate::load::scenario::file::{ScenarioError, Written};
use crate::load::{Plan, PlanError, RunId, Scenario};

/// The target of a run that names none.
const LOCAL: &str = "127.0.0.1:4730";

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
        let mut chosen = choose(self.scenario.as_deref(), &self.flags, self.target.as_ref())?;
        chosen.plan.server_pid = self.server_pid;
        Ok(chosen)
    }
}

/// The plan of flags over a scenario, a file or the name of one.
pub(crate) fn choose(
    scenario: Option<&str>,
    flags: &Flags,
    target: Option<&Target>,
) -> Result<Chosen, ChoiceError> {
    let written = scenario.map(Written::open).transpose()?;
    let base = written
        .as_ref()
        .map_or_else(Scenario::default, |written| written.scenario.clone());
    let mut scenario = flags.scenario().over(base);
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
