//! Bytes that become acts: names from small sets, so that peers meet.

use crate::engine::Timestamp;
use crate::protocol::{Magic, PACKETS, PacketInfo, encode};

const FUNCTIONS: [&[u8]; 4] = [b"f", b"g", b"h", b"\xff f"];
const UNIQUES: [&[u8]; 6] = [b"", b"-", b"u", b"v", &[b'x'; 64], &[b'x'; 65]];
const TIMES: [&[u8]; 6] = [b"0", b"1", b"100", b"60000", b"99999999999", b"x"];
const WORDS: [&[u8]; 6] = [
    b"",
    b"exceptions",
    b"1",
    b"100",
    b"18446744073709551615",
    b"a\tb",
];
const VERBS: [&str; 11] = [
    "status",
    "prioritystatus",
    "workers",
    "show jobs",
    "show unique jobs",
    "maxqueue",
    "cancel job",
    "create function",
    "drop function",
    "version",
    "",
];

/// What is left of the input. Where there is no more, everything is 0.
pub(super) struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Input(data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Bytes as they are, with their number before them.
    pub(super) fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.byte()).min(self.0.len());
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    fn of<'v>(&mut self, values: &[&'v [u8]]) -> &'v [u8] {
        values[usize::from(self.byte()) % values.len()]
    }

    /// A handle that the server has given out, the last ones first; or none.
    fn handle<'h>(&mut self, handles: &'h [Vec<u8>]) -> &'h [u8] {
        let back = usize::from(self.byte() % 16);
        let handle = handles.len().checked_sub(1 + back).map(|at| &handles[at]);
        handle.map_or(b"H:other:1", |handle| handle)
    }

    /// A packet of the table, with arguments that its row has.
    pub(super) fn packet(&mut self, now: Timestamp, handles: &[Vec<u8>]) -> Vec<u8> {
        let row: &PacketInfo = &PACKETS[usize::from(self.byte()) % PACKETS.len()];
        let soon = (now.0 / 1_000_000 + u64::from(self.0.first().unwrap_or(&0) % 4)).to_string();
        let mut args = Vec::new();
        for name in row.args {
            args.push(match *name {
                "function" | "reducer" => self.of(&FUNCTIONS),
                "unique" => self.of(&UNIQUES),
                "handle" => self.handle(handles),
                "epoch" => match self.byte() % 8 {
                    other @ 0..=5 => TIMES[usize::from(other)],
                    _ => soon.as_bytes(),
                },
                "timeout" => self.of(&TIMES),
                _ => self.of(&WORDS),
            });
        }
        let body = row.body.then(|| self.of(&[b"", b"a", b"b", &[b'c'; 600]]));
        let mut packet = Vec::new();
        encode::packet(&mut packet, Magic::Req, row.kind, &args, body);
        packet
    }

    /// A line of the text protocol.
    pub(super) fn line(&mut self, handles: &[Vec<u8>]) -> Vec<u8> {
        let verb = VERBS[usize::from(self.byte()) % VERBS.len()];
        let mut line = verb.as_bytes().to_vec();
        let what = match verb {
            "cancel job" => self.handle(handles),
            "maxqueue" | "create function" | "drop function" => self.of(&FUNCTIONS),
            "" => self.bytes(),
            _ => b"",
        };
        for word in [
            what,
            if verb == "maxqueue" {
                self.of(&TIMES)
            } else {
                b""
            },
        ] {
            if !word.is_empty() {
                line.push(b' ');
                line.extend_from_slice(word);
            }
        }
        line.push(b'\n');
        line
    }
}
