//! Running in the background.
//!
//! A process with threads or a runtime cannot fork safely, so the program starts itself again: the
//! child leaves the terminal and serves; the parent waits until the port answers. What the child
//! has to say until then (where it listens, why it cannot start) reaches whoever waits for the
//! parent.

use super::super::exit;
use anyhow::Context;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

/// Tells the child that it is one, by the id of its parent: an environment that is passed on to
/// others deceives nobody.
const PARENT: &str = "GEARBENCH_INTERNAL_DAEMON_OF";

/// Whether this process is the child.
pub(super) fn is_child() -> bool {
    let parent = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().to_string());
    let named = std::env::var(PARENT).ok();
    named.is_some() && named == parent
}

/// Starts the child; the exit code, once it serves or has failed.
pub(super) fn start() -> anyhow::Result<u8> {
    let program = std::env::current_exe().context("--daemon: cannot find the program itself")?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(PARENT, std::process::id().to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("--daemon: cannot start the program again")?;
    let mut said = Vec::new();
    if let Some(mut stdout) = child.stdout.take() {
        // Until the child has closed it: it serves then, or has ended.
        stdout
            .read_to_end(&mut said)
            .context("--daemon: lost the child")?;
    }
    if said.is_empty() {
        let status = child.wait().context("--daemon: lost the child")?;
        // It has said why on stderr, which is ours too.
        return Ok(match status.code() {
            Some(0) => exit::OK,
            _ => exit::INTERNAL,
        });
    }
    let mut stdout = std::io::stdout();
    // The server serves, whether or not somebody reads where.
    let _ = stdout.write_all(&said).and_then(|()| stdout.flush());
    Ok(exit::OK)
}

/// The child leaves the terminal and the directory it was started in.
pub(super) fn leave() -> anyhow::Result<()> {
    rustix::process::setsid().context("--daemon: cannot leave the terminal")?;
    std::env::set_current_dir("/").context("--daemon: cannot change to /")
}

/// The child has nothing more to tell its parent, nor its parent's terminal.
pub(super) fn detach() -> anyhow::Result<()> {
    let null = OpenOptions::new()
        .write(true)
        .open("/dev/null")
        .context("--daemon: cannot open /dev/null")?;
    rustix::stdio::dup2_stderr(&null).context("--daemon: cannot leave stderr")?;
    rustix::stdio::dup2_stdout(&null).context("--daemon: cannot leave stdout")
}
