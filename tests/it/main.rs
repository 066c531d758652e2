//! The integration tests: one binary, one module a subject.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "helpers of tests are tests too; clippy.toml only knows functions marked as such"
)]

mod actors;
mod architecture;
mod bounds;
mod cli;
mod conformance;
mod corpus;
mod durable;
mod faults;
mod hostile;
mod http;
mod interop;
mod metrics;
mod metronome;
mod promises;
mod property;
mod readme;
mod scenarios;
mod server;
mod support;
mod tls;
mod zoo;
