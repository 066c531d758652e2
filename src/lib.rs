//! gearbench tests, benchmarks and stresses any server that speaks the Gearman protocol, and is
//! itself a compact, fast job server.
//!
//! One package, modules as layers; imports go one way:
//!
//! ```text
//! protocol  <-  engine                     pure: no runtime, no sockets, no clock, no randomness
//! protocol  <-  wire                       tokio: many connections on one thread
//! protocol, engine, wire  <-  server       the job server: the engine driven by the wire
//! protocol, wire, report  <-  load         the load generator; it never knows whom it drives
//! protocol, engine  <-  conformance        scripts, played in memory or over TCP
//! everything  <-  cli  <-  main
//! ```
//!
//! A test reads the `use crate::` lines of all files and holds them against this picture.

#[cfg(feature = "cli")]
pub mod cli;
pub mod conformance;
pub mod engine;
#[cfg(feature = "load")]
pub mod load;
pub mod protocol;
#[cfg(feature = "load")]
pub mod report;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "net")]
pub mod wire;
