//! What peers receive: the side of a line behind `<`.

use super::*;

impl Parser {
    pub(super) fn expectation(&mut self, peer: String, at: At) -> Parsed<Expectation> {
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
            self.fits_port(&peer, &outcome, outcome_at)?;
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
        self.note_end(&peer, &outcomes);
        Ok(Expectation {
            peer,
            times,
            outcomes,
        })
    }

    fn outcome(&mut self) -> Parsed<Outcome> {
        let (word, at) =
            self.word("a packet, `text`, `row`, `list`, `http`, `nothing` or `closed`")?;
        match word.as_str() {
            "nothing" => Ok(Outcome::Nothing),
            "closed" => Ok(Outcome::Closed),
            "list" => self.list(),
            "http" => self.http(),
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

    /// Refuses a response where no HTTP is spoken, and all but responses where it is.
    fn fits_port(&self, peer: &str, outcome: &Outcome, at: At) -> Parsed<()> {
        match (self.http.contains(peer), outcome) {
            (true, Outcome::Http(_) | Outcome::Closed) => Ok(()),
            (true, _) => {
                Err(at.expected("`http` or `closed` from the HTTP port", "something else"))
            }
            (false, Outcome::Http(_)) => {
                Err(at.expected("`http` behind `connects to http` only", "no such line"))
            }
            (false, _) => Ok(()),
        }
    }

    fn http(&mut self) -> Parsed<Outcome> {
        let status = self.pattern("a status")?;
        let body = self.pattern("a body")?;
        let mut headers = Vec::new();
        while self.at_value() {
            let (name, _) = self.word("the name of a header")?;
            headers.push((name, self.pattern("the value of the header")?));
        }
        Ok(Outcome::Http(HttpPattern {
            status,
            body,
            headers,
        }))
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
            return Ok(self.sized(Pattern::Any));
        }
        let onwards = self.tokens.get(self.next + 1).map(|(token, _)| token);
        if let ((Token::Bound(name), _), true) = (self.peek(), onwards != Some(&Token::Onwards)) {
            self.bound.insert(name);
        }
        let value = self.value(expected)?;
        let pattern = match self.take_if(&Token::Onwards) {
            true => Pattern::StartsWith(value),
            false => Pattern::Exactly(value),
        };
        Ok(self.sized(pattern))
    }

    /// The pattern, and the range of lengths that may follow it.
    fn sized(&mut self, pattern: Pattern) -> Pattern {
        let Token::Length(least, most) = self.peek().0 else {
            return pattern;
        };
        self.next += 1;
        Pattern::Length(Box::new(pattern), least, most)
    }
}
