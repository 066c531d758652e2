//! Becoming somebody with fewer rights.

use anyhow::{Context, bail};
use nix::unistd::{Uid, User, geteuid, initgroups, setgid, setuid};
use std::ffi::CString;

/// Finds a user; it is to be known, and we to be root or that user already.
pub(super) fn find(name: &str) -> anyhow::Result<User> {
    let found =
        User::from_name(name).with_context(|| format!("--user: cannot look up {name:?}"))?;
    let Some(user) = found else {
        bail!("--user: there is no user {name:?} on this system");
    };
    if !geteuid().is_root() && geteuid() != user.uid {
        bail!("--user: only root can become {name:?}; start as root, or without --user");
    }
    Ok(user)
}

/// Becomes that user, with its groups and no others, for good. To be called while the process has
/// a single thread.
pub(super) fn become_user(user: &User) -> anyhow::Result<()> {
    if !geteuid().is_root() {
        return Ok(());
    }
    let failed = || format!("--user: cannot become {:?}", user.name);
    let name = CString::new(user.name.as_str()).with_context(failed)?;
    // In this order: with the user's rights the groups could not be changed any more.
    initgroups(&name, user.gid).with_context(failed)?;
    setgid(user.gid).with_context(failed)?;
    setuid(user.uid).with_context(failed)?;
    if !user.uid.is_root() && setuid(Uid::from_raw(0)).is_ok() {
        bail!("{}: the way back to root is open", failed());
    }
    Ok(())
}
