//! Tokens to a script. All that can be known without a server is refused here.

mod blocks;
mod outcomes;
mod peers;
mod table;

use super::lexer::{At, Token, tokens};
use super::*;
use crate::protocol::PacketInfo;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;
use table::{arity, row, wrong_way};

/// Times a packet may be sent or expected by one step.
const MAX_TIMES: usize = 1_000_000;
/// How long one step may let time pass.
const MAX_WAIT: Duration = Duration::from_secs(24 * 3600);

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(source: &str) -> Result<Self, ScriptError> {
        let mut parser = Parser {
            tokens: tokens(source)?,
            next: 0,
            bound: BTreeSet::new(),
            peers: BTreeMap::new(),
            http: BTreeSet::new(),
            down: false,
        };
        let steps = parser.steps(Place::Script)?;
        Ok(Script { steps })
    }
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Script,
    Repeat,
}

/// What is known of a peer where the parser stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Connected,
    /// The server has ended the connection.
    Ended,
    Gone(Closing),
    Flooded,
}

struct Parser {
    tokens: Vec<(Token, At)>,
    next: usize,
    bound: BTreeSet<String>,
    peers: BTreeMap<String, Standing>,
    /// Peers that are connected to the HTTP port.
    http: BTreeSet<String>,
    /// Whether the server has ended.
    down: bool,
}

type Parsed<T> = Result<T, ScriptError>;

impl Parser {
    fn peek(&self) -> (Token, At) {
        self.tokens
            .get(self.next)
            .or(self.tokens.last())
            .cloned()
            .unwrap_or((Token::End, At { line: 1, column: 1 }))
    }

    fn take(&mut self) -> (Token, At) {
        let found = self.peek();
        self.next += 1;
        found
    }

    fn take_if(&mut self, wanted: &Token) -> bool {
        let found = self.peek().0 == *wanted;
        self.next += usize::from(found);
        found
    }

    fn take_word(&mut self, wanted: &str) -> bool {
        self.take_if(&Token::Word(wanted.to_owned()))
    }

    fn skip_lines(&mut self) {
        while self.take_if(&Token::LineEnd) {}
    }

    fn want(&mut self, wanted: &Token, expected: &'static str) -> Parsed<()> {
        let (token, at) = self.take();
        match token == *wanted {
            true => Ok(()),
            false => Err(at.expected(expected, token.describe())),
        }
    }

    fn word(&mut self, expected: &'static str) -> Parsed<(String, At)> {
        match self.take() {
            (Token::Word(word), at) => Ok((word, at)),
            (token, at) => Err(at.expected(expected, token.describe())),
        }
    }

    fn line_end(&mut self) -> Parsed<()> {
        match self.peek() {
            (Token::LineEnd | Token::End, _) => Ok(()),
            (token, at) => Err(at.expected("the end of the line", token.describe())),
        }
    }

    /// The steps up to the end of the script, or of the block.
    fn steps(&mut self, place: Place) -> Parsed<Vec<Step>> {
        let end = match place {
            Place::Script => Token::End,
            Place::Repeat => Token::Close,
        };
        let mut steps = Vec::new();
        loop {
            self.skip_lines();
            let (token, at) = self.peek();
            if token == end {
                self.next += 1;
                return Ok(steps);
            }
            let action = self.action(place)?;
            let line = at.line;
            steps.push(Step { line, action });
            self.line_end()?;
        }
    }

    fn action(&mut self, place: Place) -> Parsed<Action> {
        let (first, at) = self.word(match place {
            Place::Script => "the name of a peer, `after`, `any order`, `at least` or `repeat`",
            Place::Repeat => "the name of a peer, `after`, `any order`, `at least` or `}`",
        })?;
        match (first.as_str(), self.peek().0) {
            ("after", Token::Word(time)) if !is_verb(&time) => Ok(Action::After(self.duration()?)),
            ("any", Token::Word(order)) if order == "order" => self.any_order(),
            ("at", Token::Word(least)) if least == "least" => self.at_least(),
            ("repeat", Token::Word(times)) if !is_verb(&times) => match place {
                Place::Script => self.repeat(),
                Place::Repeat => Err(at.expected("a `repeat` in no other", "one in another")),
            },
            ("server", _) => self.server(at),
            _ => self.peer_action(first, at),
        }
    }

    fn duration(&mut self) -> Parsed<Duration> {
        let (text, at) = self.word("a time such as 2s or 300ms")?;
        let time = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
            (Some(ms), _) => ms.parse().map(Duration::from_millis).ok(),
            (None, Some(s)) => s.parse().map(Duration::from_secs).ok(),
            (None, None) => None,
        };
        time.filter(|&time| time <= MAX_WAIT).ok_or_else(|| {
            at.expected(
                "a time such as 2s or 300ms, a day at most",
                format!("`{text}`"),
            )
        })
    }

    fn messages(&mut self) -> Parsed<Vec<Message>> {
        let mut messages = Vec::new();
        loop {
            let times = self.times()?;
            let content = self.content()?;
            messages.push(Message { times, content });
            if !self.take_if(&Token::And) {
                return Ok(messages);
            }
            self.skip_lines();
        }
    }

    /// `9 times`, where it stands here.
    fn times(&mut self) -> Parsed<usize> {
        let (Token::Word(count), at) = self.peek() else {
            return Ok(1);
        };
        let Some((Token::Word(times), _)) = self.tokens.get(self.next + 1) else {
            return Ok(1);
        };
        if times != "times" {
            return Ok(1);
        }
        self.next += 2;
        match count.parse() {
            Ok(times) if (1..=MAX_TIMES).contains(&times) => Ok(times),
            _ => Err(at.expected("a number from 1 to 1000000", format!("`{count}`"))),
        }
    }

    fn content(&mut self) -> Parsed<Content> {
        let (word, at) = self.word("a packet, `packet`, `text` or `bytes`")?;
        match word.as_str() {
            "text" => Ok(Content::Text(self.value("a line")?)),
            "bytes" => {
                let (mut values, at) = (Vec::new(), self.peek().1);
                while self.at_value() {
                    values.push(self.value("bytes")?);
                }
                match values.is_empty() {
                    true => Err(at.expected("bytes", self.peek().0.describe())),
                    false => Ok(Content::Bytes(values)),
                }
            }
            "packet" => {
                let kind = self.number()?;
                let data = self.value("the data of the packet")?;
                Ok(Content::Number { kind, data })
            }
            "RES" => {
                let (name, at) = self.word("the name of a packet")?;
                self.packet(Magic::Res, row(&name, at)?, at)
            }
            name => {
                let row = row(name, at)?;
                if !row.is_request() {
                    return Err(wrong_way(row, "clients and workers", at));
                }
                self.packet(Magic::Req, row, at)
            }
        }
    }

    fn number(&mut self) -> Parsed<PacketType> {
        let (text, at) = self.word("the number of a packet type")?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u32::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        number
            .map(PacketType)
            .ok_or_else(|| at.expected("a number of 32 bits", format!("`{text}`")))
    }

    fn packet(&mut self, magic: Magic, row: &PacketInfo, at: At) -> Parsed<Content> {
        let mut args = Vec::new();
        while self.at_value() {
            args.push(self.value("an argument")?);
        }
        arity(row, args.len(), at)?;
        Ok(Content::Packet {
            magic,
            kind: row.kind,
            args,
        })
    }

    fn at_value(&self) -> bool {
        matches!(
            self.peek().0,
            Token::Word(_) | Token::Text(_) | Token::Bound(_) | Token::Named(_)
        )
    }

    fn value(&mut self, expected: &'static str) -> Parsed<Value> {
        let (token, at) = self.take();
        let parts = match token {
            Token::Word(word) => match now(&word) {
                Some(offset) => vec![Part::Now(offset)],
                None => vec![Part::Bytes(word.into_bytes())],
            },
            Token::Text(parts) => parts,
            Token::Bound(name) => vec![Part::Bound(name)],
            Token::Named(name) => vec![Part::Named(name)],
            token => return Err(at.expected(expected, token.describe())),
        };
        for part in &parts {
            match part {
                Part::Bound(name) if !self.bound.contains(name) => {
                    let name = name.clone();
                    return Err(at.error(Problem::Unbound { name }));
                }
                _ => {}
            }
        }
        Ok(Value(parts))
    }
}

/// `now`, `now+2`, `now-5`.
fn now(word: &str) -> Option<i64> {
    let offset = word.strip_prefix("now")?;
    match offset.as_bytes() {
        [] => Some(0),
        [b'+' | b'-', ..] => offset.parse().ok(),
        _ => None,
    }
}

/// Words that cannot be a time, so that a peer may be called `after`.
fn is_verb(word: &str) -> bool {
    ["is", "connects", "floods"].contains(&word)
        || Closing::ALL.iter().any(|how| how.verb() == word)
}

#[cfg(test)]
mod tests;
