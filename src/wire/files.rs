//! How many connections this process may have.

/// Raises the limit of open files as far as it goes without privileges; returns it.
#[cfg(unix)]
pub fn raise_file_limit() -> u64 {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    let soft = limit.current;
    limit.current = limit.maximum;
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current.unwrap_or(u64::MAX),
        Err(_) => soft.unwrap_or(u64::MAX),
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
pub fn raise_file_limit() -> u64 {
    u64::MAX
}
