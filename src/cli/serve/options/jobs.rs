//! The rules of jobs.

use crate::engine::Policy;
use crate::protocol::handle::HandlePrefix;
use clap::Args;
use clap::builder::BoolishValueParser;
use std::num::NonZeroU32;

#[derive(Args, Debug)]
#[command(next_help_heading = "Jobs")]
pub(in crate::cli::serve) struct Jobs {
    /// How often a job may be handed out before it fails: -1 no limit, 0 and 1 once, up to 255.
    #[arg(short, long, env = "GEARBENCH_JOB_RETRIES", value_name = "N", default_value_t = -1, allow_negative_numbers = true,
          value_parser = clap::value_parser!(i16).range(-1..=255))]
    job_retries: i16,
    /// Sleeping workers to wake for a new job; 0 is all of them.
    #[arg(
        short,
        long,
        env = "GEARBENCH_WORKER_WAKEUP",
        value_name = "N",
        default_value_t = 1
    )]
    worker_wakeup: u32,
    /// Functions of a worker take turns. They always do here.
    #[arg(short = 'R', long, env = "GEARBENCH_ROUND_ROBIN", value_parser = BoolishValueParser::new())]
    round_robin: bool,
    /// Send exceptions to every client, as if it had asked for them.
    #[arg(long, env = "GEARBENCH_EXCEPTIONS", value_parser = BoolishValueParser::new())]
    exceptions: bool,
    /// What handles begin with [default: H: and the name of this host].
    #[arg(long, env = "GEARBENCH_JOB_HANDLE_PREFIX", value_name = "TEXT", value_parser = handle_prefix)]
    job_handle_prefix: Option<HandlePrefix>,
}

fn handle_prefix(text: &str) -> Result<HandlePrefix, String> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a handle prefix is printable ASCII without spaces, and not empty".to_owned());
    }
    HandlePrefix::new(text.as_bytes()).map_err(|error| error.to_string())
}

impl Jobs {
    /// `local`, with what was asked for.
    pub(in crate::cli::serve) fn policy(&self, local: Policy) -> Policy {
        Policy {
            job_retries: u8::try_from(self.job_retries).ok(),
            worker_wakeup: NonZeroU32::new(self.worker_wakeup),
            exceptions: self.exceptions,
            handle_prefix: self
                .job_handle_prefix
                .clone()
                .unwrap_or(local.handle_prefix),
            ..local
        }
    }
}
