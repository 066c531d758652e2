//! The target's own words: the first ECHO, `version` and `status`, over blocking sockets with
//! deadlines. None of it is on the path of a job.

use super::LoadError;
use crate::protocol::{Body, Decoder, Frame, Magic, PacketType, Request};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Bytes of an answer in text beyond which it is not read on.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// Bytes shown of an answer that is not Gearman.
const SHOWN: usize = 60;

/// A target that has answered.
#[derive(Clone, Debug)]
pub struct Probed {
    /// The address that answered.
    pub address: SocketAddr,
    /// What it answered to `version`, without the `OK` before it.
    pub version: Option<String>,
    /// What it answered to a command that does not exist: servers differ in that.
    pub refusal: Option<String>,
}

/// Finds out whether `target` speaks Gearman, within `limit` altogether. Changes nothing there.
pub fn probe(target: &str, limit: Duration) -> Result<Probed, LoadError> {
    let deadline = Instant::now() + limit;
    let (address, mut stream) = connect(target, deadline)?;
    echo(target, &mut stream, deadline, limit)?;
    let mut admin = Admin { stream, deadline };
    let version = admin.line("version").ok();
    let refusal = version.as_ref().and_then(|_| admin.line("gearbench").ok());
    Ok(Probed {
        address,
        version: version.map(|line| line.trim_start_matches("OK ").to_owned()),
        refusal,
    })
}

/// Leaves `status` as it was found: the functions whose names begin with `prefix`, which are ours
/// alone, are dropped once they are empty. Within `limit`, and as far as the target can.
pub(super) fn tidy(address: SocketAddr, prefix: &str, limit: Duration) {
    let Ok(mut admin) = Admin::connect(address, limit) else {
        return;
    };
    let mut pause = Duration::from_millis(5);
    while Instant::now() < admin.deadline && admin.drop_idle(prefix).is_ok_and(|gone| !gone) {
        // It has yet to notice that our connections are closed.
        std::thread::sleep(pause);
        pause *= 2;
    }
}

/// Connects to the first address of `target` that answers.
fn connect(target: &str, deadline: Instant) -> Result<(SocketAddr, TcpStream), LoadError> {
    let unreachable = |source| LoadError::Unreachable {
        target: target.to_owned(),
        source,
    };
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in target.to_socket_addrs().map_err(unreachable)? {
        match TcpStream::connect_timeout(&address, left(deadline)) {
            Ok(stream) => return Ok((address, stream)),
            Err(error) => last = error,
        }
    }
    Err(unreachable(last))
}

/// Time until `deadline`; never none, which would mean for ever.
fn left(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    left.max(Duration::from_millis(1))
}

/// Sends ECHO_REQ and waits for its answer.
fn echo(
    target: &str,
    stream: &mut TcpStream,
    deadline: Instant,
    limit: Duration,
) -> Result<(), LoadError> {
    let target = target.to_owned();
    let word = b"gearbench";
    let mut request = Vec::new();
    Request::Echo {
        body: Body::new(word),
    }
    .encode(&mut request);
    let mut decoder = Decoder::default();
    let mut answer = None;
    let mut buffer = [0; 4096];
    // How the answer began, should it never be whole.
    let mut start = Vec::new();
    let hung_up = |source| LoadError::HungUp {
        target: target.clone(),
        source,
    };
    let silent = || LoadError::Silent {
        target: target.clone(),
        after: limit,
    };
    stream
        .write_all(&request)
        .map_err(|source| hung_up(Some(source)))?;
    while answer.is_none() {
        let _ = stream.set_read_timeout(Some(left(deadline)));
        let end = match stream.read(&mut buffer) {
            Ok(0) => Err(hung_up(None)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if timed_out(&error) => Err(silent()),
            Err(source) => Err(hung_up(Some(source))),
            Ok(_) if Instant::now() >= deadline => Err(silent()),
            Ok(count) => Ok(count),
        };
        let count = match end {
            Ok(count) => count,
            Err(error) if start.is_empty() => return Err(error),
            Err(_) => {
                let found = format!("\"{}\".. in answer to ECHO_REQ", start.escape_ascii());
                return Err(LoadError::NotGearman { target, found });
            }
        };
        let room = SHOWN.saturating_sub(start.len()).min(count);
        start.extend_from_slice(&buffer[..room]);
        let fed = decoder.feed(&buffer[..count], |frame| {
            answer = Some(described(frame, word));
            ControlFlow::Break(())
        });
        if let Err(error) = fed {
            answer = Some(Err(error.to_string()));
        }
    }
    match answer {
        Some(Err(found)) => Err(LoadError::NotGearman { target, found }),
        _ => Ok(()),
    }
}

/// `Ok` for the answer to ECHO_REQ; else what came in its place.
fn described(frame: Frame<'_>, word: &[u8]) -> Result<(), String> {
    match frame {
        Frame::Packet(packet) if packet.magic == Magic::Req => {
            Err("a packet with the magic of a request in answer to ECHO_REQ".to_owned())
        }
        Frame::Packet(packet) if packet.kind == PacketType::ECHO_RES && *packet.data == *word => {
            Ok(())
        }
        Frame::Packet(packet) => Err(format!(
            "{} with {} bytes in answer to ECHO_REQ",
            packet.kind,
            packet.data.len()
        )),
        Frame::Line(line) => {
            let start = &line[..line.len().min(SHOWN)];
            Err(format!(
                "the text \"{}\" in answer to ECHO_REQ",
                start.escape_ascii()
            ))
        }
    }
}

fn timed_out(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// A connection for the text protocol.
#[derive(Debug)]
pub(crate) struct Admin {
    stream: TcpStream,
    deadline: Instant,
}

impl Admin {
    /// Connects within `limit`.
    pub(crate) fn connect(address: SocketAddr, limit: Duration) -> io::Result<Self> {
        Ok(Admin {
            stream: TcpStream::connect_timeout(&address, limit)?,
            deadline: Instant::now() + limit,
        })
    }

    /// Jobs of the functions that begin with `prefix`, running ones included; `limit` is for the
    /// whole answer.
    pub(crate) fn queued(&mut self, prefix: &str, limit: Duration) -> io::Result<u64> {
        self.deadline = Instant::now() + limit;
        self.ask("status")?;
        Ok(total(&self.list()?, prefix))
    }

    /// A list, which a dot ends.
    fn list(&mut self) -> io::Result<Vec<u8>> {
        self.read_until(|answer| {
            answer == b".\n" || answer.ends_with(b"\n.\n") || answer.ends_with(b"\n.\r\n")
        })
    }

    /// Has the target forget the functions that begin with `prefix`, which some keep listing for
    /// ever: those without jobs and workers, for the target learns of ended connections in its own
    /// time. Whether none was listed any more. An error where the target cannot.
    fn drop_idle(&mut self, prefix: &str) -> io::Result<bool> {
        self.ask("status")?;
        let status = self.list()?;
        let status = String::from_utf8_lossy(&status);
        let mut gone = true;
        for row in status.lines().filter(|row| row.starts_with(prefix)) {
            gone = false;
            let Some(name) = row.strip_suffix("\t0\t0\t0") else {
                continue;
            };
            let answer = self.line(&format!("drop function {name}"))?;
            if !answer.starts_with("OK") && !answer.starts_with("ERR there are still") {
                return Err(io::ErrorKind::Unsupported.into());
            }
        }
        Ok(gone)
    }

    /// The one line that answers `command`.
    fn line(&mut self, command: &str) -> io::Result<String> {
        self.ask(command)?;
        let answer = self.read_until(|answer| answer.ends_with(b"\n"))?;
        let text = String::from_utf8_lossy(&answer);
        Ok(text
            .trim_end()
            .chars()
            .filter(|c| !c.is_control())
            .take(64)
            .collect())
    }

    fn ask(&mut self, command: &str) -> io::Result<()> {
        self.stream.set_write_timeout(Some(left(self.deadline)))?;
        self.stream.write_all(format!("{command}\n").as_bytes())
    }

    fn read_until(&mut self, whole: impl Fn(&[u8]) -> bool) -> io::Result<Vec<u8>> {
        let mut answer = Vec::new();
        let mut buffer = [0; 16 * 1024];
        while !whole(&answer) {
            if Instant::now() >= self.deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            if answer.len() > LONGEST_ANSWER {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.stream.set_read_timeout(Some(left(self.deadline)))?;
            match self.stream.read(&mut buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => answer.extend_from_slice(&buffer[..count]),
            }
        }
        Ok(answer)
    }
}

/// Sum of the second column of the rows whose function begins with `prefix`. Names may hold a
/// TAB, so rows are read from the right.
fn total(status: &[u8], prefix: &str) -> u64 {
    let text = String::from_utf8_lossy(status);
    let ours = text.lines().filter(|line| line.starts_with(prefix));
    ours.filter_map(|line| line.rsplit('\t').nth(2)?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_counts_the_jobs_of_our_functions_only() {
        let status = b"gearbench-1-0\t7\t2\t4\r\nother\t100\t0\t0\ngearbench-1-a\tb\t3\t0\t0\n.\n";
        assert_eq!(total(status, "gearbench-1-"), 10);
        assert_eq!(total(b".\n", "gearbench-1-"), 0);
    }
}
