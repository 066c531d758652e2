//! What a run found, as plain data: made once, rendered for people and for machines.
//!
//! [`Report`] is that of a load run, [`conform`] that of the conformance cases. Both know nothing
//! of the protocol or of how the figures came about. Every number names its unit.

#[cfg(feature = "conform")]
pub mod conform;
pub mod document;
mod escape;
#[cfg(feature = "load")]
pub mod hgrm;
#[cfg(feature = "load")]
pub mod histogram;
#[cfg(feature = "load")]
pub mod json;
pub mod quantity;
#[cfg(feature = "load")]
mod run;
pub mod strict;
#[cfg(feature = "load")]
#[cfg(test)]
mod tests;
#[cfg(feature = "load")]
pub mod text;
pub mod verdict;

#[cfg(feature = "load")]
pub use histogram::Histogram;
#[cfg(feature = "load")]
pub use run::Document as LoadDocument;
#[cfg(feature = "load")]
pub use run::{
    Balance, Environment, Generator, Interval, Ledger, LoopKind, Phase, Report, SCHEMA_VERSION,
    Sample, ServerUse, Stage, Target, Wakeups,
};
pub use verdict::{Finding, Kind, Verdict};
