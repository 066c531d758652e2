//! Conformance: scripts of what peers say and hear, and the arms they are played on.
//!
//! A [`script::Script`] is a transcript; a [`player`] sends its one side and holds the answers
//! against the other; an [`arm::Arm`] is the server under test, in memory or at an address.

pub mod arm;
#[cfg(feature = "conform")]
pub mod case;
#[cfg(feature = "conform")]
pub mod diff;
#[cfg(feature = "conform")]
pub mod features;
#[cfg(feature = "conform")]
pub mod fuzz;
pub mod generate;
#[cfg(feature = "conform")]
pub mod launch;
pub mod memory;
pub mod pattern;
pub mod player;
#[cfg(feature = "conform")]
pub mod profile;
#[cfg(feature = "conform")]
pub mod requirements;
#[cfg(feature = "conform")]
pub mod runner;
pub mod script;
#[cfg(feature = "conform")]
pub mod suite;
#[cfg(feature = "net")]
pub mod tcp;
pub mod trace;

pub use arm::{Arm, ArmError, Received};
pub use memory::{check, check_with};
pub use pattern::Namespace;
pub use player::{Cause, Failure, Player, play};
pub use script::{Script, ScriptError};
pub use trace::Trace;
