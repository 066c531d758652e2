//! The text protocol, on one connection.

use super::PATIENCE;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};

/// A connection that speaks the text protocol.
#[derive(Debug)]
pub(crate) struct Admin(BufReader<TcpStream>);

/// A row of `status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Queued and running jobs.
    pub(crate) jobs: u32,
    pub(crate) running: u32,
    /// Workers that are able to perform the function.
    pub(crate) workers: u32,
}

impl Admin {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Sends a command that is answered with one line; returns it without its line end.
    pub(crate) fn ask(&mut self, command: &str) -> io::Result<String> {
        self.0
            .get_mut()
            .write_all(format!("{command}\r\n").as_bytes())?;
        self.line()
    }

    /// Sends a command that is answered with a list; returns the lines before the closing dot.
    pub(crate) fn list(&mut self, command: &str) -> io::Result<Vec<String>> {
        let mut line = self.ask(command)?;
        let mut lines = Vec::new();
        while line != "." {
            lines.push(line);
            line = self.line()?;
        }
        Ok(lines)
    }

    /// What `status` says about a function; zeros if nothing.
    pub(crate) fn counts(&mut self, function: &str) -> Counts {
        let rows = self.list("status").expect("an answer to `status`");
        rows.iter()
            .map(|row| row.split('\t').collect::<Vec<_>>())
            .find(|fields| fields[0] == function)
            .map(|fields| {
                let number = |i: usize| fields[i].parse().expect("a number in `status`");
                Counts {
                    jobs: number(1),
                    running: number(2),
                    workers: number(3),
                }
            })
            .unwrap_or_default()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }
}
