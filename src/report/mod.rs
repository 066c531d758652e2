//! What a run found, as plain data: made once, rendered for people and for machines.
//!
//! [`Report`] is that of a load run, [`conform`] that of the conformance cases. Both know nothing
//! of the protocol or of how the figures came about. Every number names its unit.

#[cfg(feature = "load")]
mod balance;
#[cfg(feature = "load")]
pub mod compare;
#[cfg(feature = "conform")]
pub mod conform;
#[cfg(feature = "load")]
pub mod csv;
pub mod document;
#[cfg_attr(
    not(feature = "conform"),
    allow(dead_code, reason = "runs alone need less of it")
)]
pub(crate) mod escape;
#[cfg(feature = "load")]
pub mod hgrm;
#[cfg(feature = "load")]
pub mod histogram;
#[cfg(feature = "load")]
pub mod hlog;
#[cfg(all(feature = "load", feature = "conform"))]
pub mod html;
#[cfg(feature = "load")]
pub mod json;
#[cfg(feature = "load")]
pub mod junit;
#[cfg(feature = "load")]
pub mod markdown;
#[cfg(feature = "load")]
pub mod merge;
pub mod metrics;
#[cfg(feature = "load")]
mod order;
#[cfg(feature = "load")]
pub mod origin;
#[cfg(feature = "conform")]
mod page;
pub mod quantity;
#[cfg(feature = "load")]
mod run;
#[cfg(feature = "load")]
pub mod saturation;
#[cfg(feature = "load")]
pub mod series;
pub mod strict;
#[cfg(feature = "load")]
mod sums;
#[cfg(feature = "load")]
pub mod sweep;
#[cfg(feature = "load")]
#[cfg(test)]
mod tests;
#[cfg(feature = "load")]
pub mod text;
pub mod verdict;
mod wrap;

#[cfg(feature = "load")]
pub use balance::{Balance, Band, Bands, FunctionBalance, Spread};
#[cfg(feature = "load")]
pub use histogram::Histogram;
#[cfg(feature = "load")]
pub use order::{Inversions, Order};
#[cfg(feature = "load")]
pub use origin::Origin;
#[cfg(feature = "load")]
pub use run::Document as LoadDocument;
#[cfg(feature = "load")]
pub use run::{
    Environment, Fault, Generator, Interval, Late, Ledger, LoopKind, Phase, Polls, Report,
    SCHEMA_VERSION, Sample, ServerUse, ServiceLevel, Stage, Target, Updates, Wakeups,
};
pub use verdict::{Finding, Kind, Verdict};
