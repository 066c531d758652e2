//! The settings of a case, as the engine in memory takes them.

use crate::conformance::features::{Setting, Settings};
use crate::engine::Policy;
use crate::protocol::handle::HandlePrefix;
use std::num::NonZeroU32;

/// The policy of an engine that was started with `settings`; or why there is none.
pub(super) fn policy(settings: &Settings) -> Result<Policy, String> {
    let mut policy = Policy::default();
    for setting in settings.iter() {
        match setting {
            Setting::JobRetries(retries) => policy.job_retries = u8::try_from(*retries).ok(),
            Setting::WorkerWakeup(count) => policy.worker_wakeup = NonZeroU32::new(*count),
            // The engine's functions always take turns.
            Setting::RoundRobin => {}
            Setting::Exceptions => policy.exceptions = true,
            Setting::HandlePrefix(prefix) => {
                let prefix = HandlePrefix::new(prefix.as_bytes());
                policy.handle_prefix = prefix.map_err(|error| error.to_string())?;
            }
            Setting::Store | Setting::Http | Setting::Ssl => {
                return Err(format!("the engine in memory has no {}", setting.name()));
            }
        }
    }
    Ok(policy)
}
