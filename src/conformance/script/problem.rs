//! What is wrong with a script.

/// Where in a script something is wrong, and what.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct ScriptError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// Something else belongs here.
    #[error("expected {expected}, found {found}")]
    Expected {
        /// What belongs here.
        expected: &'static str,
        /// What stands here.
        found: String,
    },
    /// No packet bears this name.
    #[error("no packet is called {name}; the nearest name is {nearest}")]
    UnknownPacket {
        /// The name.
        name: String,
        /// One that exists.
        nearest: &'static str,
    },
    /// The packet goes the other way.
    #[error("{name} is not sent by {sender}; `packet {number}` sends any number")]
    WrongWay {
        /// The packet.
        name: &'static str,
        /// Who was to send it.
        sender: &'static str,
        /// Its number.
        number: u32,
    },
    /// Not as many arguments as the packet table has.
    #[error("{name} takes {expected} ({list}), found {found}")]
    Arity {
        /// The packet.
        name: &'static str,
        /// Arguments in the table, the body included.
        expected: usize,
        /// Their names.
        list: String,
        /// Arguments found.
        found: usize,
    },
    /// The name is used before anything bound it.
    #[error("${name} is not bound here: no line before receives it in all of its outcomes")]
    Unbound {
        /// The name.
        name: String,
    },
    /// The peer has ended its connection.
    #[error("{peer} {how} before; it cannot send or receive until it connects again")]
    Gone {
        /// The peer.
        peer: String,
        /// What it did.
        how: &'static str,
    },
    /// The peer has sent without reading, so what it would receive has no order any more.
    #[error("{peer} flooded before; it can only close or reset")]
    Flooded {
        /// The peer.
        peer: String,
    },
    /// The server has ended.
    #[error("the server has ended before; `server starts` comes first")]
    Down,
    /// The server has not ended.
    #[error("the server runs already")]
    Running,
    /// The block of a `repeat` cannot be played again.
    #[error("in the next round of `repeat`: {0}")]
    NextRound(Box<Problem>),
    /// The peer is connected already.
    #[error("{peer} is connected already")]
    Connected {
        /// The peer.
        peer: String,
    },
}
