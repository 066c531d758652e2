//! Sessions that nobody wrote: random acts of several peers on few names, judged by the
//! [`model`](crate::model) after every one of them, on the engine in memory or on any server.
//!
//! A session is plain data, so it can be drawn, shrunk, printed and played again.

mod draw;
mod log;
mod op;
mod session;
mod shrink;
pub(in crate::conformance) mod subject;
#[cfg(test)]
mod tests;
mod words;

#[cfg(feature = "server")]
pub(crate) use draw::Acts;
#[cfg(any(feature = "server", feature = "conform"))]
pub(crate) use draw::Draws;
pub use draw::{Weights, draw};
pub use log::Move;
pub(in crate::conformance) use log::{bytes, name};
pub use op::{Admin, Kind, Malformed, Op, WorkKind};
#[cfg(feature = "server")]
pub(crate) use op::{FUNCTIONS, PEERS};
pub use session::{Failure, Played, play};
pub use shrink::Shrink;
pub use subject::Subjects;
#[cfg(feature = "server")]
pub(crate) use words::{Words, encoded, packet_of, work};
