//! Tokens to a script. All that can be known without a server is refused here.

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
        };
        let mut steps = Vec::new();
        loop {
            parser.skip_lines();
            let (token, at) = parser.peek();
            if token == Token::End {
                return Ok(Script { steps });
            }
            let action = parser.action()?;
            let line = at.line;
            steps.push(Step { line, action });
            parser.line_end()?;
        }
    }
}

/// What is known of a peer where the parser stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Connected,
    Gone(Closing),
}

struct Parser {
    tokens: Vec<(Token, At)>,
    next: usize,
    bound: BTreeSet<String>,
    peers: BTreeMap<String, Standing>,
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

    fn action(&mut self) -> Parsed<Action> {
        let (first, at) = self.word("the name of a peer, `after` or `any order`")?;
        match (first.as_str(), self.peek().0) {
            ("after", Token::Word(time)) if !is_verb(&time) => Ok(Action::After(self.duration()?)),
            ("any", Token::Word(order)) if order == "order" => self.any_order(),
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

    fn any_order(&mut self) -> Parsed<Action> {
        self.next += 1;
        self.want(&Token::Open, "`{`")?;
        let mut expectations = Vec::new();
        loop {
            self.skip_lines();
            if self.take_if(&Token::Close) {
                return Ok(Action::AnyOrder(expectations));
            }
            let (peer, at) = self.word("the name of a peer, or `}`")?;
            self.want(&Token::Receives, "`<`")?;
            let expectation = self.expectation(peer, at)?;
            if !expectation.outcomes.iter().all(fits_any_order) {
                return Err(at.expected("packets or lines in `any order`", "something else"));
            }
            expectations.push(expectation);
            self.line_end()?;
        }
    }

    fn peer_action(&mut self, peer: String, at: At) -> Parsed<Action> {
        const VERBS: &str = "`>`, `<`, `is`, `connects`, `closes`, `half-closes` or `resets`";
        let (token, verb_at) = self.take();
        let verb = match token {
            Token::Sends => return self.send(peer, at),
            Token::Receives => return Ok(Action::Expect(self.expectation(peer, at)?)),
            Token::Word(verb) => verb,
            token => return Err(verb_at.expected(VERBS, token.describe())),
        };
        if let Some(how) = Closing::ALL.into_iter().find(|how| how.verb() == verb) {
            self.stands(&peer, at, true)?;
            self.peers.insert(peer.clone(), Standing::Gone(how));
            return Ok(Action::Close { peer, how });
        }
        match verb.as_str() {
            "connects" => self.connect(peer, at),
            "is" => self.is(peer, at),
            _ => Err(verb_at.expected(VERBS, format!("`{verb}`"))),
        }
    }

    fn connect(&mut self, peer: String, at: At) -> Parsed<Action> {
        if self.peers.get(&peer) == Some(&Standing::Connected) {
            return Err(at.error(Problem::Connected { peer }));
        }
        self.peers.insert(peer.clone(), Standing::Connected);
        Ok(Action::Connect { peer })
    }

    fn is(&mut self, peer: String, at: At) -> Parsed<Action> {
        let (state, state_at) = self.word("`quiet` or `closed`")?;
        let outcome = match state.as_str() {
            "quiet" => Outcome::Nothing,
            "closed" => Outcome::Closed,
            _ => return Err(state_at.expected("`quiet` or `closed`", format!("`{state}`"))),
        };
        // Silence is proved by a request, so a peer that cannot send cannot be found quiet.
        self.stands(&peer, at, outcome == Outcome::Nothing)?;
        Ok(Action::Expect(Expectation {
            peer,
            times: 1,
            outcomes: vec![outcome],
        }))
    }

    /// Refuses a peer that has left; `sending` also one that has only stopped to send.
    fn stands(&mut self, peer: &str, at: At, sending: bool) -> Parsed<()> {
        match self.peers.get(peer) {
            Some(Standing::Gone(Closing::HalfClose)) if !sending => Ok(()),
            Some(Standing::Gone(how)) => Err(at.error(Problem::Gone {
                peer: peer.to_owned(),
                how: match how {
                    Closing::Close => "closed",
                    Closing::HalfClose => "half-closed",
                    Closing::Reset => "reset",
                },
            })),
            Some(Standing::Connected) => Ok(()),
            None => {
                self.peers.insert(peer.to_owned(), Standing::Connected);
                Ok(())
            }
        }
    }

    fn send(&mut self, peer: String, at: At) -> Parsed<Action> {
        self.stands(&peer, at, true)?;
        let mut messages = Vec::new();
        loop {
            let times = self.times()?;
            let content = self.content()?;
            messages.push(Message { times, content });
            if !self.take_if(&Token::And) {
                return Ok(Action::Send { peer, messages });
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

    fn expectation(&mut self, peer: String, at: At) -> Parsed<Expectation> {
        self.stands(&peer, at, false)?;
        let times = self.times()?;
        let mut outcomes = Vec::new();
        let before = self.bound.clone();
        let mut bound_by_all: Option<BTreeSet<String>> = None;
        loop {
            // A name is bound behind the step only if every outcome binds it.
            self.bound.clone_from(&before);
            let outcome_at = self.peek().1;
            let outcome = self.outcome()?;
            let bound = std::mem::take(&mut self.bound);
            bound_by_all = Some(match bound_by_all {
                Some(all) => all.intersection(&bound).cloned().collect(),
                None => bound,
            });
            outcomes.push(outcome);
            let alone = outcomes.len() == 1 && self.peek().0 != Token::Or;
            if !alone && matches!(outcomes.last(), Some(Outcome::List(_))) {
                return Err(outcome_at.expected("a list as the only outcome", "alternatives"));
            }
            if !self.take_if(&Token::Or) {
                break;
            }
            self.skip_lines();
        }
        self.bound = bound_by_all.unwrap_or(before);
        if outcomes.contains(&Outcome::Nothing) {
            self.stands(&peer, at, true)?;
        }
        Ok(Expectation {
            peer,
            times,
            outcomes,
        })
    }

    fn outcome(&mut self) -> Parsed<Outcome> {
        let (word, at) = self.word("a packet, `text`, `row`, `list`, `nothing` or `closed`")?;
        match word.as_str() {
            "nothing" => Ok(Outcome::Nothing),
            "closed" => Ok(Outcome::Closed),
            "list" => self.list(),
            "text" | "row" | "words" => Ok(Outcome::Line(self.line(&word)?)),
            "packet" => {
                let kind = self.number()?;
                let data = self.pattern("the data of the packet")?;
                Ok(Outcome::Number { kind, data })
            }
            name => {
                let row = row(name, at)?;
                if !row.is_response() {
                    return Err(wrong_way(row, "a job server", at));
                }
                let args = self.patterns()?;
                arity(row, args.len(), at)?;
                let kind = row.kind;
                Ok(Outcome::Packet(PacketPattern { kind, args }))
            }
        }
    }

    fn line(&mut self, form: &str) -> Parsed<LinePattern> {
        let separator = match form {
            "row" => Separator::Tab,
            "words" => Separator::Space,
            _ => return Ok(LinePattern::Text(self.pattern("a line")?)),
        };
        Ok(LinePattern::Fields {
            separator,
            fields: self.patterns()?,
            open: self.take_if(&Token::More),
        })
    }

    fn list(&mut self) -> Parsed<Outcome> {
        self.want(&Token::Open, "`{`")?;
        let mut list = ListPattern {
            items: Vec::new(),
            open: false,
        };
        loop {
            self.skip_lines();
            if self.take_if(&Token::Close) {
                return Ok(Outcome::List(list));
            }
            if self.take_if(&Token::More) {
                list.open = true;
                continue;
            }
            let presence = match () {
                () if self.take_word("maybe") => Presence::Optional,
                () if self.take_word("never") => Presence::Forbidden,
                () => Presence::Required,
            };
            let before = self.bound.clone();
            let (form, at) = self.word("`row`, `words`, `text`, `maybe`, `never`, `..` or `}`")?;
            if !["row", "words", "text"].contains(&form.as_str()) {
                return Err(at.expected("`row`, `words` or `text`", format!("`{form}`")));
            }
            let line = self.line(&form)?;
            if presence != Presence::Required {
                self.bound = before;
            }
            list.items.push(ListItem { presence, line });
        }
    }

    fn patterns(&mut self) -> Parsed<Vec<Pattern>> {
        let mut patterns = Vec::new();
        while self.at_value() {
            patterns.push(self.pattern("a pattern")?);
        }
        Ok(patterns)
    }

    fn pattern(&mut self, expected: &'static str) -> Parsed<Pattern> {
        if self.take_word("_") {
            return Ok(Pattern::Any);
        }
        let onwards = self.tokens.get(self.next + 1).map(|(token, _)| token);
        if let ((Token::Bound(name), _), true) = (self.peek(), onwards != Some(&Token::Onwards)) {
            self.bound.insert(name);
        }
        let value = self.value(expected)?;
        Ok(match self.take_if(&Token::Onwards) {
            true => Pattern::StartsWith(value),
            false => Pattern::Exactly(value),
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
    ["is", "connects"].contains(&word) || Closing::ALL.iter().any(|how| how.verb() == word)
}

fn fits_any_order(outcome: &Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Nothing | Outcome::Closed | Outcome::List(_)
    )
}

#[cfg(test)]
mod tests;
