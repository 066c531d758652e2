//! The script language: a transcript of one or more connections, written as PROTOCOL reads.
//!
//! ```text
//! worker > CAN_DO reverse                # a peer sends; it connects when it is first named
//! worker > PRE_SLEEP
//! client > SUBMIT_JOB reverse u1 "abc"   # arguments as in the packet table, the body last
//! client < JOB_CREATED $h                # the server sends; $h takes the handle
//! worker < NOOP
//! worker > GRAB_JOB
//! worker < JOB_ASSIGN $h reverse "abc"   # $h is the same handle from here on
//! worker > WORK_COMPLETE $h "cba"
//! client < WORK_COMPLETE $h "cba"
//! worker is quiet                        # nothing but the answer to an ECHO_REQ arrives
//! ```
//!
//! | a line | says |
//! |---|---|
//! | `x > NAME args` | `x` sends a request |
//! | `x > A & B` | several in one write; a line that ends in `&` or <code>\|</code> goes on in the next |
//! | `x > 9 times NAME args` | the same one again and again; also after `<` |
//! | `x > packet 43 "data"` | any number, any data |
//! | `x > RES NAME args` | a request under the magic of a response |
//! | `x > text "status"` | a line of the text protocol; LF is added |
//! | `x > bytes "\0REQ" "a"*9` | these bytes, nothing added |
//! | `x < NAME patterns` | the next thing that `x` receives |
//! | <code>x < A \| B \| nothing \| closed</code> | several legal outcomes |
//! | `x < text "OK"` | a line of the text protocol; CR LF and LF are the same |
//! | `x < row {f} 1 0 1` | a line of fields parted by TAB; `..` at the end: and any more |
//! | `x < words _ _ id : {f}` | a line of fields parted by spaces |
//! | `x < list { .. }` | the lines up to `.`, in any order (below) |
//! | `x is quiet`, `x is closed` | `x < nothing`, `x < closed` |
//! | `x connects`, `x closes`, `x half-closes`, `x resets` | connect, close, FIN only, RST |
//! | `x floods 9 times NAME args` | sends, and does not read; what is not taken for a second is dropped |
//! | `x connects to http` | to the HTTP port, where it sends `bytes` |
//! | `x < http 200 "body" Header "value"` | a response, with this header among others |
//! | `any order {` lines with `<` `}` | these, in any order |
//! | `at least 2 {` lines with `<` `}` | one line for each peer; so many of them receive it, the others nothing |
//! | `repeat 9 {` lines `}` | these, again and again; what they bind is free at the end of each round |
//! | `after 2s`, `after 300ms` | time passes |
//! | `server terminates`, `server dies` | SIGTERM, which ends it with exit code 0 in 5 s; SIGKILL |
//! | `server starts` | the same server again, at the same addresses |
//! | `server exits gracefully` | SIGUSR1; nobody waits for what comes of it |
//! | `server exits` | it ends by itself, with exit code 0 |
//!
//! `server` is no peer but the process. When it has ended, so have all connections; who is named
//! after it has started again connects again.
//!
//! A value is a bare word, a string with the escapes `\0 \n \r \t \" \\ \{ \$ \xNN`, a repeated
//! string `"ab"*32`, a name `$h` bound before, a marker `{f}` that stands for the namespaced
//! name `f` (see [`Namespace`](super::pattern::Namespace)), or `now+2`: that time in seconds.
//! `$h` and `{f}` are also read inside strings. A pattern is a value, `_` for anything, `"ab"..`
//! for what starts so, or a name that is not bound yet, which it then binds; `[1..63]` right behind
//! one says how many bytes there may be, both ends included. Two names never stand for the same
//! bytes, so `$b` proves a new handle after `$a`.
//!
//! The lines of a list are `row`, `words` or `text` patterns; `maybe` before one makes it
//! optional, `never` forbids it, and a line `..` lets others pass that nothing speaks of.
//!
//! A script is plain data: it prints back as the language, and generated ones are built directly.

mod ask;
mod lexer;
mod parser;
mod print;
mod problem;

pub use problem::{Problem, ScriptError};

use crate::protocol::{Magic, PacketType};
use std::time::Duration;

/// A parsed script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// One line of a script, or one block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Line of the source it begins on, from 1; 0 where there is no source.
    pub line: usize,
    /// What happens.
    pub action: Action,
}

/// What one step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The peer connects.
    Connect {
        /// Its name.
        peer: String,
    },
    /// The peer connects to the HTTP port.
    ConnectHttp {
        /// Its name.
        peer: String,
    },
    /// The peer ends its connection.
    Close {
        /// Its name.
        peer: String,
        /// In which way.
        how: Closing,
    },
    /// The peer sends everything in one write.
    Send {
        /// Its name.
        peer: String,
        /// What it sends.
        messages: Vec<Message>,
    },
    /// The peer sends everything and reads nothing; afterwards it can only close.
    Flood {
        /// Its name.
        peer: String,
        /// What it sends.
        messages: Vec<Message>,
    },
    /// The peer receives.
    Expect(Expectation),
    /// All of these are received; the order between them is free.
    AnyOrder(Vec<Expectation>),
    /// So many of these are received; who does not receive his receives nothing.
    AtLeast {
        /// How many.
        count: usize,
        /// One line or packet for each of several peers.
        expectations: Vec<Expectation>,
    },
    /// The same steps again and again.
    Repeat {
        /// How often.
        times: usize,
        /// What happens in each round.
        steps: Vec<Step>,
    },
    /// Time passes.
    After(Duration),
    /// The process of the server ends or starts.
    Server(ServerStep),
}

/// What happens to the process of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerStep {
    /// SIGTERM, which ends it with exit code 0.
    Terminate,
    /// SIGKILL.
    Kill,
    /// It starts again.
    Start,
    /// SIGUSR1.
    ExitGracefully,
    /// It ends by itself, with exit code 0.
    Exit,
}

/// How a peer ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// It closes: FIN, and nobody reads any more.
    Close,
    /// It only stops sending: FIN.
    HalfClose,
    /// It aborts: RST.
    Reset,
}

/// Something a peer sends, once or more often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How often.
    pub times: usize,
    /// What.
    pub content: Content,
}

/// What a peer sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A packet of the packet table, with as many values as it has arguments, body included.
    Packet {
        /// `\0REQ`, or wrongly `\0RES`.
        magic: Magic,
        /// Its type.
        kind: PacketType,
        /// Its arguments.
        args: Vec<Value>,
    },
    /// A request of any number with any data.
    Number {
        /// Its type.
        kind: PacketType,
        /// Everything after the header.
        data: Value,
    },
    /// A line of the text protocol, without its LF.
    Text(Value),
    /// Bytes as they are.
    Bytes(Vec<Value>),
}

/// What a peer receives next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// Its name.
    pub peer: String,
    /// How often.
    pub times: usize,
    /// The legal outcomes; the first that matches is taken.
    pub outcomes: Vec<Outcome>,
}

/// One legal outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A packet of the packet table.
    Packet(PacketPattern),
    /// A response of any number.
    Number {
        /// Its type.
        kind: PacketType,
        /// Everything after the header.
        data: Pattern,
    },
    /// A line of the text protocol.
    Line(LinePattern),
    /// Lines up to one that is a single dot.
    List(ListPattern),
    /// A response of the HTTP port.
    Http(HttpPattern),
    /// Nothing.
    Nothing,
    /// The server ends the connection.
    Closed,
}

/// A response as it is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketPattern {
    /// Its type.
    pub kind: PacketType,
    /// One for each argument of the packet table, and one for the body where there is one.
    pub args: Vec<Pattern>,
}

/// A response of the HTTP port as it is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpPattern {
    /// Its status, in decimal.
    pub status: Pattern,
    /// Its body.
    pub body: Pattern,
    /// Headers that it has, among others; names are the same in any case.
    pub headers: Vec<(String, Pattern)>,
}

/// A line of the text protocol as it is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinePattern {
    /// As a whole.
    Text(Pattern),
    /// By its fields.
    Fields {
        /// What parts them.
        separator: Separator,
        /// One for each.
        fields: Vec<Pattern>,
        /// Whether more may follow.
        open: bool,
    },
}

/// What parts the fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// One TAB: `row`.
    Tab,
    /// One space: `words`.
    Space,
}

impl Separator {
    /// The byte.
    pub const fn byte(self) -> u8 {
        match self {
            Separator::Tab => b'\t',
            Separator::Space => b' ',
        }
    }
}

/// A list of the text protocol as it is expected; the order of its lines is free.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPattern {
    /// What is said about lines.
    pub items: Vec<ListItem>,
    /// Whether there may be lines that no item speaks of.
    pub open: bool,
}

/// What is said about one line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListItem {
    /// Whether it has to be there.
    pub presence: Presence,
    /// How it looks.
    pub line: LinePattern,
}

/// Whether a line has to be in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Exactly once.
    Required,
    /// At most once: `maybe`.
    Optional,
    /// Not at all: `never`.
    Forbidden,
}

/// Bytes, as a script writes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Value(pub Vec<Part>);

/// A piece of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// These bytes.
    Bytes(Vec<u8>),
    /// These bytes, so many times.
    Repeat(Vec<u8>, usize),
    /// What the name is bound to.
    Bound(String),
    /// The name under which the server knows this function or unique.
    Named(String),
    /// The time so many seconds from now, in seconds since 1970.
    Now(i64),
}

/// What an argument is expected to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// Anything.
    Any,
    /// This; a lone name that is not bound yet matches anything and is bound to it.
    Exactly(Value),
    /// Anything that starts so.
    StartsWith(Value),
    /// What matches this and has no fewer bytes than the first number, and no more than the second.
    Length(Box<Pattern>, usize, usize),
}

impl Value {
    /// A value that is these bytes.
    pub fn bytes(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        if bytes.is_empty() {
            return Value::default();
        }
        Value(vec![Part::Bytes(bytes)])
    }

    /// The name, if the value is nothing but one.
    pub fn lone_name(&self) -> Option<&str> {
        match self.0.as_slice() {
            [Part::Bound(name)] => Some(name),
            _ => None,
        }
    }
}
