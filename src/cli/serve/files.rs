//! How many files and connections the process may have open.

use crate::wire;
use anyhow::{Context, bail};
use rustix::process::{Resource, getrlimit, setrlimit};

/// Whether so many can be had.
pub(super) fn check(wanted: Option<u64>) -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile).maximum;
    match (wanted, limit) {
        (Some(wanted), Some(limit)) if wanted > limit => bail!(
            "--file-descriptors {wanted}: the system allows this process at most {limit}; \
             `ulimit -Hn` or the service's own limits (LimitNOFILE) raise it"
        ),
        _ => Ok(()),
    }
}

/// Allows so many, or all that can be had.
pub(super) fn limit(wanted: Option<u64>) -> anyhow::Result<()> {
    let Some(wanted) = wanted else {
        wire::raise_file_limit();
        return Ok(());
    };
    check(Some(wanted))?;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = Some(wanted);
    setrlimit(Resource::Nofile, limit)
        .with_context(|| format!("--file-descriptors {wanted}: the system refuses"))
}
