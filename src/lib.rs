//! gearbench tests, benchmarks and stresses any server that speaks the Gearman protocol, and is
//! itself a compact, fast job server.
//!
//! # Layers
//!
//! One package, modules as layers; imports go one way:
//!
//! ```text
//! protocol  <-  engine                     pure: no runtime, no sockets, no clock, no randomness
//! protocol  <-  model                      pure: the same rules, read once more and naively; never imports engine
//! protocol  <-  wire                       tokio: many connections on one thread
//! protocol  <-  client                     blocking: one connection of a small client or worker
//! protocol, engine, wire  <-  server       the job server: the engine driven by the wire
//! protocol, wire, report  <-  load         the load generator; it never knows whom it drives
//! protocol, engine, model, report  <-  conformance   cases and sessions, played in memory or over TCP
//! diagnose  <-  load, conformance          what is wrong in a file, where, and what was meant
//! process  <-  server, load, conformance   memory and processor time of a process, as the system tells them
//! all of these, cli  <-  fuzzing           bodies of the fuzz targets: bytes from anywhere, promises that hold
//! mutants  <-  wherever a defect can be    switches to break it on purpose; none in a usual build
//! protocol, engine, model, conformance, server, wire  <-  simulation   all of it under one seed, without a clock
//! everything  <-  cli  <-  main
//! ```
//!
//! A test reads the `use crate::` lines of all files and holds them against this picture. The job
//! server and the load generator share the wire: both are thousands of connections on a thread,
//! and what makes one of them fast makes both.
//!
//! # What always holds
//!
//! * The engine reads no clock and opens no socket; it cannot fail, and peers' bytes cannot make
//!   it panic.
//! * A size that a peer claims reserves no memory; only what arrives does.
//! * The generator prints no figures whose sums do not hold.
//!
//! # The rules of a job server, in memory
//!
//! ```
//! gearbench::conformance::check(r#"
//!     worker > CAN_DO reverse
//!     client > SUBMIT_JOB reverse "" "abc"
//!     client < JOB_CREATED $h
//!     worker > GRAB_JOB
//!     worker < JOB_ASSIGN $h reverse "abc"
//!     worker > WORK_COMPLETE $h "cba"
//!     client < WORK_COMPLETE $h "cba"
//! "#);
//! ```
//!
//! # A job server, and load on it
//!
//! ```
//! # #[cfg(all(feature = "server", feature = "load"))]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use gearbench::engine::Policy;
//! use gearbench::load::{self, Control, Plan, RunId};
//! use gearbench::server::{Background, Listener};
//!
//! let server = Background::start(Listener::bind("127.0.0.1", 0, 128)?, Policy::default())?;
//! let mut plan = Plan::new(server.address().to_string(), RunId::fresh(), 42);
//! plan.jobs = Some(100);
//! let report = load::run(plan, Control::default())?.report;
//! assert_eq!(report.ledger.ok, 100);
//! # Ok(())
//! # }
//! # #[cfg(not(all(feature = "server", feature = "load")))]
//! # fn main() {}
//! ```

#[cfg(feature = "cli")]
pub mod cli;
pub mod client;
pub mod conformance;
pub mod diagnose;
pub mod engine;
#[cfg(feature = "cli")]
pub mod fuzzing;
#[cfg(feature = "load")]
pub mod load;
pub mod model;
mod mutants;
#[cfg(feature = "net")]
pub mod process;
pub mod protocol;
#[cfg(any(feature = "load", feature = "conform"))]
pub mod report;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub mod simulation;
#[cfg(feature = "net")]
pub mod wire;
