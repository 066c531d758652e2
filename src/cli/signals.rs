//! SIGINT and SIGTERM.

use super::exit;
use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU8};

/// A flag that SIGINT and SIGTERM set; a second signal ends the process at once.
pub(super) fn stop_flag(which: Arc<AtomicU8>) -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot watch for signals")?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            loop {
                let code = next().await;
                if flag.swap(true, SeqCst) {
                    std::process::exit(code.into());
                }
                which.store(code, SeqCst);
            }
        });
    });
    Ok(stop)
}

/// Waits for SIGINT or SIGTERM; the exit code that tells of it.
#[cfg(unix)]
pub(super) async fn next() -> u8 {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => exit::INTERRUPTED,
        _ = terminate.recv() => exit::TERMINATED,
    }
}

/// Waits for Ctrl-C; the exit code that tells of it.
#[cfg(not(unix))]
pub(super) async fn next() -> u8 {
    match tokio::signal::ctrl_c().await {
        Ok(()) => exit::INTERRUPTED,
        Err(_) => std::future::pending().await,
    }
}
