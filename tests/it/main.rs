//! The integration tests: one binary, one module a subject.

mod property;
mod server;
