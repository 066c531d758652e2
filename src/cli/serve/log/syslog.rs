//! The system's log.

use anyhow::anyhow;
use std::path::{Path, PathBuf};
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};
use tracing::Level;

/// Where systems have the socket of their log.
const SOCKETS: [&str; 2] = ["/dev/log", "/var/run/syslog"];

pub(super) struct Syslog {
    socket: PathBuf,
    logger: Logger<LoggerBackend, Formatter3164>,
}

impl Syslog {
    pub(super) fn connect() -> anyhow::Result<Self> {
        let [first, second] = SOCKETS.map(Path::new);
        Self::at(first).or_else(|_| Self::at(second)).map_err(|_| {
            anyhow!(
                "--syslog: there is no system log here: neither {} nor {} answers",
                first.display(),
                second.display()
            )
        })
    }

    fn at(socket: &Path) -> anyhow::Result<Self> {
        Ok(Syslog {
            socket: socket.to_owned(),
            logger: logger(socket)?,
        })
    }

    /// A log that cannot be written is no reason to stop serving; one that was started again is
    /// connected again.
    pub(super) fn write(&mut self, level: Level, line: &[u8]) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if send(&mut self.logger, level, line).is_err()
            && let Ok(logger) = logger(&self.socket)
        {
            self.logger = logger;
            let _ = send(&mut self.logger, level, line);
        }
    }
}

fn logger(socket: &Path) -> syslog::Result<Logger<LoggerBackend, Formatter3164>> {
    let formatter = Formatter3164 {
        facility: Facility::LOG_DAEMON,
        hostname: None,
        process: "gearbench".to_owned(),
        pid: std::process::id(),
    };
    syslog::unix_custom(formatter, socket)
}

fn send(
    logger: &mut Logger<LoggerBackend, Formatter3164>,
    level: Level,
    line: &str,
) -> syslog::Result<()> {
    match level {
        Level::ERROR => logger.err(line),
        Level::WARN => logger.warning(line),
        Level::INFO => logger.info(line),
        Level::DEBUG | Level::TRACE => logger.debug(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn next(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 1024];
        let count = socket.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    #[test]
    fn lines_arrive_with_their_levels_and_again_after_a_restart() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        let mut log = Syslog::at(&path).expect("a log");
        log.write(Level::WARN, b"a warning\n");
        let line = next(&socket);
        // Daemon is 3, a warning 4: 3 * 8 + 4.
        assert!(line.starts_with("<28>"), "{line}");
        assert!(line.contains("gearbench"), "{line}");
        assert!(line.ends_with("a warning"), "{line}");

        drop(socket);
        std::fs::remove_file(&path).expect("our own socket");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        log.write(Level::ERROR, b"an error\n");
        assert!(next(&socket).starts_with("<27>"));
    }

    #[test]
    fn a_system_without_a_log_is_named() {
        assert!(Syslog::at(Path::new("/nowhere/log")).is_err());
    }
}
