//! Blocks: lines between braces.

use super::*;

/// Rounds of one `repeat`.
const MAX_ROUNDS: usize = 10_000;

impl Parser {
    pub(super) fn any_order(&mut self) -> Parsed<Action> {
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
            if !expectation.outcomes.iter().all(is_one_frame) {
                return Err(at.expected("packets or lines in `any order`", "something else"));
            }
            expectations.push(expectation);
            self.line_end()?;
        }
    }

    pub(super) fn at_least(&mut self) -> Parsed<Action> {
        self.next += 1;
        let (text, count_at) = self.word("how many of the peers")?;
        self.want(&Token::Open, "`{`")?;
        let mut expectations: Vec<Expectation> = Vec::new();
        loop {
            self.skip_lines();
            if self.take_if(&Token::Close) {
                break;
            }
            let (peer, at) = self.word("the name of a peer, or `}`")?;
            if expectations.iter().any(|before| before.peer == peer) {
                let found = format!("`{peer}` again");
                return Err(at.expected("another peer in each line of `at least`", found));
            }
            expectations.push(self.one_of_several(peer, at)?);
            self.line_end()?;
        }
        let count = text.parse().ok();
        let count = count.filter(|count| (1..=expectations.len()).contains(count));
        let count = count.ok_or_else(|| {
            let found = format!("`{text}` for {}", expectations.len());
            count_at.expected("a number from 1 to that of the lines in the block", found)
        })?;
        Ok(Action::AtLeast {
            count,
            expectations,
        })
    }

    /// A line of `at least`: one frame, or else nothing. What it binds is free behind it.
    fn one_of_several(&mut self, peer: String, at: At) -> Parsed<Expectation> {
        const ONE: &str =
            "one packet or line in `at least`, which lets the others receive nothing as it is";
        // What it received is proved by a request.
        self.stands(&peer, at, true)?;
        self.want(&Token::Receives, "`<`")?;
        let (before, at) = (self.bound.clone(), self.peek().1);
        let expectation = self.expectation(peer, at)?;
        self.bound = before;
        if expectation.times != 1 {
            return Err(at.expected(ONE, format!("{} times", expectation.times)));
        }
        match expectation.outcomes.iter().find(|one| !is_one_frame(one)) {
            Some(Outcome::List(_)) => Err(at.expected(ONE, "a list")),
            Some(other) => Err(at.expected(ONE, format!("`{other}`"))),
            None => Ok(expectation),
        }
    }

    pub(super) fn repeat(&mut self) -> Parsed<Action> {
        let (text, at) = self.word("how many rounds")?;
        let times = text.parse().ok();
        let times = times.filter(|times| (1..=MAX_ROUNDS).contains(times));
        let times = times.ok_or_else(|| {
            at.expected("a number of rounds from 1 to 10000", format!("`{text}`"))
        })?;
        self.want(&Token::Open, "`{`")?;
        let (first, outer) = (self.next, self.bound.clone());
        let steps = self.steps(Place::Repeat)?;
        if steps.is_empty() {
            return Err(at.expected("steps in the block", "none"));
        }
        if times > 1 {
            // The same lines again: now the peers stand where the first round has left them.
            self.next = first;
            self.bound.clone_from(&outer);
            self.steps(Place::Repeat).map_err(|error| ScriptError {
                problem: Problem::NextRound(Box::new(error.problem)),
                ..error
            })?;
        }
        self.bound = outer;
        Ok(Action::Repeat { times, steps })
    }
}

fn is_one_frame(outcome: &Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Nothing | Outcome::Closed | Outcome::List(_) | Outcome::Http(_)
    )
}
