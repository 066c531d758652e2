//! What the server holds at the most.

use crate::load::units::{UnitError, bytes, count};
use crate::protocol::Limits;
use crate::wire;
use clap::Args;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(next_help_heading = "Limits")]
pub(in crate::cli::serve) struct LimitOptions {
    /// Bytes of one packet.
    #[arg(long, env = "GEARBENCH_MAX_PACKET", value_name = "SIZE", default_value = "64MiB", value_parser = packet)]
    pub(in crate::cli::serve) max_packet: u32,
    /// Connections; more are closed at once.
    #[arg(long, env = "GEARBENCH_MAX_CONNECTIONS", value_name = "N", default_value = "10000", value_parser = number)]
    pub(in crate::cli::serve) max_connections: usize,
    /// Jobs queued and running; more are refused.
    #[arg(long, env = "GEARBENCH_MAX_JOBS", value_name = "N", default_value = "1M", value_parser = number)]
    pub(in crate::cli::serve) max_jobs: usize,
    /// Bytes of all jobs; more are refused.
    #[arg(long, env = "GEARBENCH_MAX_BYTES", value_name = "SIZE", default_value = "1GiB", value_parser = size)]
    pub(in crate::cli::serve) max_bytes: usize,
    /// Bytes waiting for a peer above which it is not read from.
    #[arg(long, env = "GEARBENCH_OUTPUT_LIMIT", value_name = "SIZE", default_value = "8MiB", value_parser = size)]
    pub(in crate::cli::serve) output_limit: usize,
    /// Seconds that a handshake or the header of a packet may take, once begun.
    #[arg(long, env = "GEARBENCH_HEADER_TIMEOUT", value_name = "SECONDS", default_value = "10", value_parser = timeout)]
    pub(in crate::cli::serve) header_timeout: Duration,
}

impl LimitOptions {
    /// The bounds of one connection: `default`, with what was asked for.
    pub(in crate::cli::serve) fn wire(&self, default: wire::Config) -> wire::Config {
        wire::Config {
            limits: Limits {
                packet: self.max_packet,
                ..default.limits
            },
            high_water: self.output_limit,
            header_timeout: Some(self.header_timeout),
            out_limit: default.out_limit.max(self.output_limit),
        }
    }
}

fn packet(text: &str) -> Result<u32, String> {
    let size = size(text)?;
    u32::try_from(size).map_err(|_| "a packet has less than 4g".to_owned())
}

pub(super) fn size(text: &str) -> Result<usize, String> {
    positive(bytes(text))
}

fn number(text: &str) -> Result<usize, String> {
    positive(count(text))
}

fn positive(number: Result<u64, UnitError>) -> Result<usize, String> {
    let number = number.map_err(|error| error.to_string())?;
    match usize::try_from(number) {
        Ok(0) => Err("expected more than 0".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("more than this machine can count".to_owned()),
    }
}

/// From a second to an hour.
fn timeout(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err("expected 1 to 3600 seconds".to_owned()),
    }
}
