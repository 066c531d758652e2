//! What a server lets slip about its make: asked for in one write, without changing anything.

use crate::protocol::{Body, Decoder, Frame, Magic, Packet, PacketType, Request};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// A name that no server knows: as a command, as an option and as a job.
const STRANGER: &str = "gearbench";
/// The longest answer that is kept, in characters.
const LONGEST: usize = 64;
/// Bytes beyond which nothing more is read.
const ENOUGH: usize = 64 * 1024;

/// What a server lets slip about its make. What is missing was not answered, or not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Whether it answers ECHO_REQ, where it was asked.
    pub echo: Option<bool>,
    /// What it says to `version`, without the `OK` before it.
    pub version: Option<String>,
    /// What it says to the text command `gearbench`, which no server knows.
    pub refusal: Option<String>,
    /// The error code with which it refuses the option `gearbench`.
    pub option: Option<String>,
    /// What it says about the job `gearbench`: known, running, numerator and denominator.
    pub status: Option<String>,
}

impl Evidence {
    /// Asks the server at `address`, within `timeout` altogether. An error if it does not accept;
    /// one that accepts and is silent leaves no evidence.
    pub fn gather(address: SocketAddr, timeout: Duration) -> io::Result<Self> {
        let deadline = Instant::now() + timeout;
        let mut stream = TcpStream::connect_timeout(&address, at_least(timeout))?;
        stream.set_write_timeout(Some(at_least(timeout)))?;
        let mut answers = Answers::default();
        let mut evidence = Evidence {
            echo: Some(false),
            ..Evidence::default()
        };
        // What comes before an end or a reset counts.
        if stream.write_all(&questions()).is_ok() {
            let _ = listen(&mut stream, deadline, &mut |frame| {
                answers.take(frame, &mut evidence)
            });
        }
        Ok(evidence)
    }

    /// The evidence in words.
    pub fn sentences(&self) -> Vec<String> {
        let said = |words: &str, found: &Option<String>| {
            let found = found.as_ref()?;
            Some(format!("{words} {found:?}"))
        };
        let silent = (self.echo == Some(false)).then(|| "ECHO_REQ is not answered".to_owned());
        let sentences = [
            silent,
            said("`version` says", &self.version),
            said("an unknown command gets", &self.refusal),
            said("an unknown option gets the error", &self.option),
            said("of an unknown job it says", &self.status),
        ];
        sentences.into_iter().flatten().collect()
    }
}

/// A wait, where none would mean for ever.
fn at_least(wait: Duration) -> Duration {
    wait.max(Duration::from_millis(1))
}

/// All questions. Each GET_STATUS is answered by every server and so closes what came before it:
/// nobody has to wait for an answer that will not come.
fn questions() -> Vec<u8> {
    let body = Body::new(STRANGER.as_bytes());
    let mut out = Vec::new();
    Request::Echo { body }.encode(&mut out);
    Request::Option {
        name: STRANGER.as_bytes(),
    }
    .encode(&mut out);
    let status = Request::GetStatus {
        handle: STRANGER.as_bytes(),
    };
    status.encode(&mut out);
    out.extend_from_slice(b"version\n");
    status.encode(&mut out);
    out.extend_from_slice(format!("{STRANGER}\n").as_bytes());
    status.encode(&mut out);
    out
}

/// Hands over what arrives, until it is enough.
fn listen(
    stream: &mut TcpStream,
    deadline: Instant,
    take: &mut impl FnMut(Frame<'_>) -> ControlFlow<()>,
) -> io::Result<()> {
    let mut decoder = Decoder::default();
    let mut buffer = [0; 4096];
    let mut read = 0;
    let mut done = false;
    while !done && read < ENOUGH {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(at_least(left)))?;
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        read += count;
        let fed = decoder.feed(buffer.get(..count).unwrap_or_default(), |frame| {
            let flow = take(frame);
            done = flow.is_break();
            flow
        });
        fed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.to_string()))?;
    }
    Ok(())
}

/// Puts each answer to its question.
#[derive(Debug, Default)]
struct Answers {
    /// How many GET_STATUS have been answered.
    closed: usize,
}

impl Answers {
    fn take(&mut self, frame: Frame<'_>, evidence: &mut Evidence) -> ControlFlow<()> {
        match frame {
            Frame::Packet(packet) => self.packet(packet, evidence),
            Frame::Line(line) => self.line(line, evidence),
        }
        match self.closed {
            3 => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }

    fn packet(&mut self, packet: Packet<'_>, evidence: &mut Evidence) {
        if packet.magic != Magic::Res {
            return;
        }
        let mut fields = packet.data.split(|&byte| byte == 0);
        let first = fields.next().unwrap_or_default();
        match packet.kind {
            PacketType::ECHO_RES => evidence.echo = Some(true),
            PacketType::ERROR if self.closed == 0 => evidence.option = Some(shown(first)),
            PacketType::STATUS_RES => {
                let fields: Vec<_> = fields.map(shown).collect();
                evidence.status.get_or_insert(fields.join(","));
                self.closed += 1;
            }
            _ => {}
        }
    }

    fn line(&self, line: &[u8], evidence: &mut Evidence) {
        let line = shown(line);
        match self.closed {
            1 => {
                let version = line.trim_start_matches("OK ").to_owned();
                evidence.version.get_or_insert(version);
            }
            2 => {
                evidence.refusal.get_or_insert(line);
            }
            _ => {}
        }
    }
}

/// A start of it that can be shown to people.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let plain = text.trim_end().chars().filter(|c| !c.is_control());
    plain.take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// Gathers from a server that gives each connection to `deed`.
    fn gathered(deed: impl FnOnce(TcpStream) + Send + 'static, timeout: Duration) -> Evidence {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || deed(listener.accept().unwrap().0));
        Evidence::gather(address, timeout).unwrap()
    }

    fn packet(kind: u8, data: &[u8]) -> Vec<u8> {
        let length = u8::try_from(data.len()).unwrap();
        [b"\0RES\0\0\0", [kind, 0, 0, 0, length].as_slice(), data].concat()
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn each_answer_is_put_to_its_question() {
        let status = packet(20, b"gearbench\x000\x000\x000\x000");
        let everything = [
            packet(17, STRANGER.as_bytes()),
            packet(19, b"UNKNOWN_OPTION\0what?"),
            status.clone(),
            b"OK 1.1.20\x1b\n".to_vec(),
            status.clone(),
            b"ERR what?\r\n".to_vec(),
            status.clone(),
        ];
        // The server keeps the connection: the last answer ends the questions, not the timeout.
        let answer = move |mut stream: TcpStream| {
            stream.write_all(&everything.concat()).unwrap();
            std::mem::forget(stream);
        };
        let evidence = gathered(answer, LONG);
        let expected = Evidence {
            echo: Some(true),
            version: Some("1.1.20".to_owned()),
            refusal: Some("ERR what?".to_owned()),
            option: Some("UNKNOWN_OPTION".to_owned()),
            status: Some("0,0,0,0".to_owned()),
        };
        assert_eq!(evidence, expected);
        // A server that ignores all text answers GET_STATUS three times.
        let answer = move |mut stream: TcpStream| {
            stream.write_all(&status.repeat(3)).unwrap();
            std::mem::forget(stream);
        };
        let evidence = gathered(answer, LONG);
        assert_eq!((evidence.version, evidence.refusal), (None, None));
    }

    #[test]
    fn silence_and_garbage_leave_no_evidence() {
        let nothing = Evidence {
            echo: Some(false),
            ..Evidence::default()
        };
        assert_eq!(
            gathered(std::mem::forget, Duration::from_millis(50)),
            nothing
        );
        assert_eq!(gathered(drop, LONG), nothing);
        let garbage = |mut stream: TcpStream| {
            let _ = stream.write_all(&[0; 100]);
            std::mem::forget(stream);
        };
        assert_eq!(gathered(garbage, LONG), nothing);
        assert_eq!(nothing.sentences(), ["ECHO_REQ is not answered"]);
    }
}
