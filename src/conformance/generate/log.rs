//! What was said in a session, as a script that can be played again.

use super::words::packet_of;
use crate::conformance::script::{
    Action, Closing, Content, Expectation, LinePattern, ListItem, ListPattern, Message, Outcome,
    PacketPattern, Part, Pattern, Presence, Script, Separator, Step, Value,
};
use crate::model::{Said, Wanted};
use crate::protocol::{Packet, PacketType as T};
use std::time::Duration;

/// Names of the peers in scripts.
const NAMES: [&str; 6] = ["ann", "bob", "cid", "dan", "eve", "fay"];
/// The argument of SUBMIT_JOB_EPOCH that is a time.
const EPOCH: usize = 2;

/// Commands that are answered by a list.
const LISTS: [&[u8]; 5] = [
    b"status",
    b"prioritystatus",
    b"workers",
    b"show jobs",
    b"show unique jobs",
];

/// One thing that happened.
#[derive(Clone, Debug)]
enum Entry {
    Connected(u8),
    Sent { peer: u8, bytes: Vec<u8>, now: u64 },
    Heard(usize, Said),
    Left { peer: u8, reset: bool },
    Passed(u32),
    Wanted(Wanted),
}

/// What a peer did to its connection, which it opens when it first writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// It writes.
    Writes {
        /// Who.
        peer: u8,
        /// What.
        bytes: Vec<u8>,
    },
    /// It leaves.
    Leaves {
        /// Who.
        peer: u8,
        /// By RST.
        reset: bool,
    },
}

/// Everything that happened, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Log(Vec<Entry>);

impl Log {
    pub(super) fn connected(&mut self, peer: u8) {
        self.0.push(Entry::Connected(peer));
    }

    pub(super) fn sent(&mut self, peer: u8, bytes: &[u8], now: u64) {
        let bytes = bytes.to_vec();
        self.0.push(Entry::Sent { peer, bytes, now });
    }

    pub(super) fn left(&mut self, peer: u8, reset: bool) {
        self.0.push(Entry::Left { peer, reset });
    }

    pub(super) fn passed(&mut self, ms: u32) {
        self.0.push(Entry::Passed(ms));
    }

    pub(super) fn heard(&mut self, heard: Vec<(usize, Said)>) {
        let entries = heard
            .into_iter()
            .map(|(peer, said)| Entry::Heard(peer, said));
        self.0.extend(entries);
    }

    pub(super) fn wanted(&mut self, wanted: Wanted) {
        self.0.push(Entry::Wanted(wanted));
    }

    /// What the peers did.
    pub(super) fn moves(&self) -> Vec<Move> {
        let moves = self.0.iter().filter_map(|entry| match entry {
            Entry::Sent { peer, bytes, .. } => Some(Move::Writes {
                peer: *peer,
                bytes: bytes.clone(),
            }),
            Entry::Left { peer, reset } => Some(Move::Leaves {
                peer: *peer,
                reset: *reset,
            }),
            _ => None,
        });
        moves.collect()
    }

    /// The script; `prefix` is what the session's names begin with.
    pub(super) fn script(&self, prefix: &str) -> Script {
        let mut writer = Writer {
            prefix: prefix.as_bytes(),
            handles: Vec::new(),
            steps: Vec::new(),
            lists: false,
            lines: Vec::new(),
        };
        for entry in &self.0 {
            writer.entry(entry);
        }
        Script {
            steps: writer.steps,
        }
    }
}

/// Writes a script.
struct Writer<'a> {
    prefix: &'a [u8],
    /// Handles that have a name.
    handles: Vec<Vec<u8>>,
    steps: Vec<Step>,
    /// Whether the answer to what was sent last is a list that has no end yet.
    lists: bool,
    /// Its lines.
    lines: Vec<Vec<u8>>,
}

/// The name of a peer in scripts.
pub(in crate::conformance) fn name(peer: usize) -> String {
    NAMES
        .get(peer)
        .map_or_else(|| format!("peer{peer}"), |name| (*name).to_owned())
}

/// Bytes as a value; long ones that are a short word again and again in short.
pub(in crate::conformance) fn bytes(bytes: &[u8]) -> Value {
    const LONG: usize = 32;
    const LONGEST_WORD: usize = 8;
    let repeats = |word: usize| {
        bytes.len().is_multiple_of(word) && bytes[word..] == bytes[..bytes.len() - word]
    };
    let word = (1..=LONGEST_WORD).find(|&word| bytes.len() > LONG && repeats(word));
    match word {
        Some(word) => Value(vec![Part::Repeat(
            bytes[..word].to_vec(),
            bytes.len() / word,
        )]),
        None => Value::bytes(bytes),
    }
}

impl Writer<'_> {
    fn act(&mut self, action: Action) {
        self.steps.push(Step { line: 0, action });
    }

    fn expect(&mut self, peer: usize, outcomes: Vec<Outcome>) {
        self.act(Action::Expect(Expectation {
            peer: name(peer),
            times: 1,
            outcomes,
        }));
    }

    fn entry(&mut self, entry: &Entry) {
        match entry {
            Entry::Sent { peer, bytes, now } => {
                let content = match packet_of(bytes) {
                    Some(packet) => self.request(&packet, *now),
                    None => {
                        let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
                        self.lists = LISTS.contains(&line);
                        let bare = line.strip_suffix(b"\r").unwrap_or(line);
                        let mut text = self.text(bare);
                        text.0
                            .extend((bare != line).then(|| Part::Bytes(b"\r".to_vec())));
                        Content::Text(text)
                    }
                };
                let messages = vec![Message { times: 1, content }];
                let peer = name(usize::from(*peer));
                self.act(Action::Send { peer, messages });
            }
            Entry::Connected(peer) => self.act(Action::Connect {
                peer: name(usize::from(*peer)),
            }),
            Entry::Left { peer, reset } => self.act(Action::Close {
                peer: name(usize::from(*peer)),
                how: match reset {
                    true => Closing::Reset,
                    false => Closing::Close,
                },
            }),
            Entry::Passed(ms) => self.act(Action::After(Duration::from_millis(u64::from(*ms)))),
            Entry::Heard(peer, said) => self.heard(*peer, said),
            Entry::Wanted(wanted) => self.wanted(wanted),
        }
    }

    fn request(&self, packet: &Packet<'_>, now: u64) -> Content {
        let row = packet.kind.info().filter(|row| row.is_request());
        let (Some(row), Ok(fields)) = (row, packet.fields()) else {
            let data = Value::bytes(packet.data.bytes());
            let kind = packet.kind;
            return Content::Number { kind, data };
        };
        let mut args: Vec<Value> = fields.args().iter().map(|arg| self.value(arg)).collect();
        if packet.kind == T::SUBMIT_JOB_EPOCH
            && let Some(value) = args.get_mut(EPOCH)
            && let Some(time) = std::str::from_utf8(fields.args()[EPOCH])
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
        {
            let offset = i64::try_from(time.abs_diff(now)).unwrap_or(i64::MAX);
            *value = Value(vec![Part::Now(if time < now { -offset } else { offset })]);
        }
        if row.body {
            args.push(bytes(fields.body.bytes()));
        }
        Content::Packet {
            magic: packet.magic,
            kind: packet.kind,
            args,
        }
    }

    /// A handle by its name; else the bytes, without what keeps the session apart from others:
    /// the script's player has a way of its own for that.
    fn value(&self, bytes: &[u8]) -> Value {
        if let Some(at) = self.handles.iter().position(|handle| handle == bytes) {
            return Value(vec![Part::Bound(format!("h{}", at + 1))]);
        }
        self::bytes(bytes.strip_prefix(self.prefix).unwrap_or(bytes))
    }

    /// A line, in which names of the session are marked.
    fn text(&self, line: &[u8]) -> Value {
        let mut parts = Vec::new();
        for (at, word) in line.split(|&b| b == b' ').enumerate() {
            if at > 0 {
                parts.push(Part::Bytes(b" ".to_vec()));
            }
            parts.extend(self.word(word).0);
        }
        Value(parts)
    }

    /// What a name of the session is called in it; without a prefix names cannot be told.
    fn marked<'w>(&self, word: &'w [u8]) -> Option<&'w [u8]> {
        match self.prefix {
            b"" => None,
            prefix => word.strip_prefix(prefix),
        }
    }

    /// A word of the text protocol: a handle, a name of the session, or a plain word.
    fn word(&self, word: &[u8]) -> Value {
        let named = self.marked(word);
        match named {
            Some(rest) => Value(vec![Part::Named(
                String::from_utf8_lossy(rest).into_owned(),
            )]),
            None => self.value(word),
        }
    }

    /// A word that is expected. A name that the language cannot mark may be any.
    fn pattern(&self, word: &[u8]) -> Pattern {
        let marked = self.marked(word);
        match marked {
            Some(rest) if !rest.iter().all(u8::is_ascii_alphanumeric) => Pattern::Any,
            _ => Pattern::Exactly(self.word(word)),
        }
    }

    fn heard(&mut self, peer: usize, said: &Said) {
        match said {
            Said::Line(line) if self.lists && line == b"." => {
                let lines = std::mem::take(&mut self.lines);
                self.lists = false;
                self.list(peer, lines);
            }
            Said::Line(line) if self.lists => self.lines.push(line.clone()),
            said => {
                let outcome = self.outcome(said);
                self.expect(peer, vec![outcome]);
            }
        }
    }

    fn list(&mut self, peer: usize, lines: Vec<Vec<u8>>) {
        let items = lines.iter().map(|line| ListItem {
            presence: Presence::Required,
            line: self.row(line),
        });
        let items = items.collect();
        self.expect(peer, vec![Outcome::List(ListPattern { items, open: true })]);
    }

    /// A row: of fields parted by tabs; of `workers`, where descriptor and address are the
    /// server's business; or a word of its own.
    fn row(&self, line: &[u8]) -> LinePattern {
        let (separator, anything) = match line {
            line if line.contains(&b'\t') => (Separator::Tab, 0),
            line if line.split(|&b| b == b' ').nth(3) == Some(b":") => (Separator::Space, 2),
            line => return LinePattern::Text(self.pattern(line)),
        };
        let fields = line.split(|&b| b == separator.byte()).enumerate();
        LinePattern::Fields {
            separator,
            fields: fields
                .map(|(at, field)| match at < anything {
                    true => Pattern::Any,
                    false => self.pattern(field),
                })
                .collect(),
            open: false,
        }
    }

    fn outcome(&mut self, said: &Said) -> Outcome {
        match said {
            Said::Packet { kind, args, body } => {
                if *kind == T::JOB_CREATED
                    && let Some(handle) = args.first()
                    && !self.handles.contains(handle)
                {
                    self.handles.push(handle.clone());
                }
                Outcome::Packet(self.packet(*kind, args, body))
            }
            Said::Line(line) => {
                let line = Pattern::Exactly(self.text(line));
                Outcome::Line(LinePattern::Text(line))
            }
            // Sessions have no store.
            Said::Closed | Said::Garbled(_) | Said::Written(_) | Said::Removed(_) => {
                Outcome::Closed
            }
        }
    }

    fn packet(&self, kind: T, args: &[Vec<u8>], body: &[u8]) -> PacketPattern {
        let mut patterns: Vec<Pattern> = args
            .iter()
            .map(|arg| Pattern::Exactly(self.value(arg)))
            .collect();
        // The words of an ERROR are the server's own.
        if let (T::ERROR, Some(text)) = (kind, patterns.get_mut(1)) {
            *text = Pattern::Any;
        }
        if kind.info().is_some_and(|row| row.body) {
            patterns.push(Pattern::Exactly(bytes(body)));
        }
        PacketPattern {
            kind,
            args: patterns,
        }
    }

    fn wanted(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::Said(peer, said) => {
                let outcomes = said.iter().map(|said| self.outcome(said)).collect();
                self.expect(*peer, outcomes);
            }
            Wanted::Handle(peer) => {
                let bound = format!("h{}", self.handles.len() + 1);
                let args = vec![Pattern::Exactly(Value(vec![Part::Bound(bound)]))];
                let kind = T::JOB_CREATED;
                self.expect(*peer, vec![Outcome::Packet(PacketPattern { kind, args })]);
            }
            Wanted::Error(peer, code) => {
                let code = code.as_ref().map_or(Pattern::Any, |code| {
                    Pattern::Exactly(Value::bytes(code.as_slice()))
                });
                let args = vec![code, Pattern::Any];
                let kind = T::ERROR;
                self.expect(*peer, vec![Outcome::Packet(PacketPattern { kind, args })]);
            }
            Wanted::Line(peer, line) => {
                let pattern = match line.strip_suffix("..") {
                    Some(start) => Pattern::StartsWith(Value::bytes(start)),
                    None => Pattern::Exactly(Value::bytes(line.as_bytes())),
                };
                self.expect(*peer, vec![Outcome::Line(LinePattern::Text(pattern))]);
            }
            Wanted::List(peer, lines) => self.list(*peer, lines.clone()),
            Wanted::Nothing(peer) => self.expect(*peer, vec![Outcome::Nothing]),
            // Sessions have no store.
            Wanted::Stored(_) => {}
            Wanted::Noop(peers) => self.noop(peers),
        }
    }

    /// One of several sleepers is woken.
    fn noop(&mut self, peers: &[usize]) {
        let noop = PacketPattern {
            kind: T::NOOP,
            args: Vec::new(),
        };
        let expectations = peers.iter().map(|&peer| Expectation {
            peer: name(peer),
            times: 1,
            outcomes: vec![Outcome::Packet(noop.clone())],
        });
        self.act(Action::AtLeast {
            count: 1,
            expectations: expectations.collect(),
        });
    }
}
