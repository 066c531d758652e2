//! The log: written by a thread of its own, so that a slow disk or a full pipe never keeps the
//! server from its work.

mod sink;
mod syslog;

use super::options::{Place, Verbose};
use anyhow::Context;
use sink::Sink;
use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use syslog::Syslog;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// Lines that wait for the thread at the most; more are counted, not kept.
const WAITING: usize = 4096;

/// How long the last lines may take.
const LAST_LINES: Duration = Duration::from_secs(2);

/// The log of this process, as long as this lives. The lines before its end are written.
#[derive(Debug)]
pub(super) struct Log {
    lines: SyncSender<Message>,
    reopen: Arc<AtomicBool>,
    ended: Receiver<()>,
}

#[derive(Debug)]
enum Message {
    File(Vec<u8>),
    Syslog(Level, Vec<u8>),
    Reopen,
    End,
}

/// Hands lines to the thread.
#[derive(Clone, Debug)]
struct Lines {
    to: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    syslog: bool,
    colour: bool,
}

/// One line on its way.
#[derive(Debug)]
struct Line<'a> {
    lines: &'a Lines,
    level: Level,
}

impl Log {
    /// Opens the log and sends there what the program traces from now on.
    pub(super) fn start(place: Place, syslog: bool, verbose: Verbose) -> anyhow::Result<Self> {
        let colour = place == Place::Stderr
            && io::stderr().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let sink = Sink::open(place.clone())?;
        let system = syslog.then(Syslog::connect).transpose()?;
        let (to, messages) = sync_channel(WAITING);
        let (end, ended) = sync_channel(1);
        let lost = Arc::new(AtomicU64::new(0));
        let lines = Lines {
            to: to.clone(),
            lost: Arc::clone(&lost),
            syslog: false,
            colour,
        };
        let reopen = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&reopen);
        std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || {
                write(sink, system, &messages, &lost, &asked);
                let _ = end.send(());
            })
            .context("cannot start the thread of the log")?;
        let to_system = syslog.then(|| {
            tracing_subscriber::fmt::layer()
                .without_time()
                .with_level(false)
                .with_ansi(false)
                .with_writer(Lines {
                    syslog: true,
                    colour: false,
                    ..lines.clone()
                })
                .with_filter(verbose.filter())
        });
        let to_place = (place != Place::Nowhere).then(|| {
            tracing_subscriber::fmt::layer()
                .with_ansi(colour)
                .log_internal_errors(false)
                .with_writer(lines)
                .with_filter(verbose.filter())
        });
        tracing_subscriber::registry()
            .with(to_place)
            .with(to_system)
            .try_init()
            .context("the log was started before")?;
        Ok(Log {
            lines: to,
            reopen,
            ended,
        })
    }

    /// Opens the file again, after another was put in its place.
    pub(super) fn reopen(&self) {
        self.reopen.store(true, Relaxed);
        // Wakes the thread; where there is no place for this it is awake.
        let _ = self.lines.try_send(Message::Reopen);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // A thread that is stuck on its disk keeps nobody from ending.
        if self.lines.try_send(Message::End).is_ok() {
            let _: Result<(), RecvTimeoutError> = self.ended.recv_timeout(LAST_LINES);
        }
    }
}

/// The thread.
fn write(
    mut sink: Sink,
    mut system: Option<Syslog>,
    messages: &Receiver<Message>,
    lost: &AtomicU64,
    reopen: &AtomicBool,
) {
    while let Ok(message) = messages.recv() {
        if reopen.swap(false, Relaxed) {
            sink.reopen();
        }
        match message {
            Message::File(line) => sink.write(&line),
            Message::Syslog(level, line) => {
                if let Some(system) = &mut system {
                    system.write(level, &line);
                }
            }
            Message::Reopen => {}
            Message::End => return,
        }
        let lost = lost.swap(0, Relaxed);
        if lost > 0 {
            let line = format!("{lost} lines are missing here: the log does not keep up\n");
            sink.write(line.as_bytes());
        }
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line {
            lines: self,
            level: Level::INFO,
        }
    }

    fn make_writer_for(&'a self, meta: &Metadata<'_>) -> Line<'a> {
        Line {
            lines: self,
            level: *meta.level(),
        }
    }
}

impl Write for Line<'_> {
    /// The formatter writes whole lines.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let tamed = tame(line, self.lines.colour);
        let message = match self.lines.syslog {
            true => Message::Syslog(self.level, tamed),
            false => Message::File(tamed),
        };
        if self.lines.to.try_send(message).is_err() {
            self.lines.lost.fetch_add(1, Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A line in which control characters are spelled out, whoever they came from: no peer can forge a
/// line or move a cursor. Only the final line end stays, and escapes of ours where there is colour
/// (the formatter spells those of others out by itself).
fn tame(line: &[u8], colour: bool) -> Vec<u8> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let mut tamed = String::with_capacity(line.len() + 1);
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\x1b' if colour => tamed.push(c),
                c if c.is_control() => {
                    let _ = write!(tamed, "\\x{:02x}", u32::from(c));
                }
                c => tamed.push(c),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(tamed, "\\x{byte:02x}");
        }
    }
    tamed.push('\n');
    tamed.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_forges_a_line_or_moves_the_cursor() {
        let line = b"name=a\nb\r\x1b[2J\x00\xff\xc2\x9b \xc3\xa4\n";
        let expected = "name=a\\x0ab\\x0d\\x1b[2J\\x00\\xff\\x9b ä\n";
        assert_eq!(String::from_utf8(tame(line, false)), Ok(expected.into()));
        assert!(tame(line, true).contains(&0x1b));
    }
}
