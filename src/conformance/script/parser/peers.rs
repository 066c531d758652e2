//! What peers do, and which of them can; what the server's process does.

use super::*;

/// The name that no peer bears.
const SERVER: &str = "server";

impl Parser {
    pub(super) fn peer_action(&mut self, peer: String, at: At) -> Parsed<Action> {
        const VERBS: &str =
            "`>`, `<`, `is`, `floods`, `connects`, `closes`, `half-closes` or `resets`";
        let (token, verb_at) = self.take();
        let verb = match token {
            Token::Sends => {
                self.stands(&peer, at, true)?;
                let messages = self.messages_of(&peer)?;
                return Ok(Action::Send { peer, messages });
            }
            Token::Receives => return Ok(Action::Expect(self.expectation(peer, at)?)),
            Token::Word(verb) => verb,
            token => return Err(verb_at.expected(VERBS, token.describe())),
        };
        if let Some(how) = Closing::ALL.into_iter().find(|how| how.verb() == verb) {
            let flooded = self.peers.get(&peer) == Some(&Standing::Flooded);
            if !flooded || how == Closing::HalfClose {
                self.stands(&peer, at, true)?;
            }
            self.peers.insert(peer.clone(), Standing::Gone(how));
            return Ok(Action::Close { peer, how });
        }
        match verb.as_str() {
            "connects" => self.connect(peer, at),
            "floods" => {
                self.stands(&peer, at, true)?;
                let messages = self.messages_of(&peer)?;
                self.peers.insert(peer.clone(), Standing::Flooded);
                Ok(Action::Flood { peer, messages })
            }
            "is" => self.is(peer, at),
            _ => Err(verb_at.expected(VERBS, format!("`{verb}`"))),
        }
    }

    fn connect(&mut self, peer: String, at: At) -> Parsed<Action> {
        match self.peers.get(&peer) {
            Some(Standing::Connected) => return Err(at.error(Problem::Connected { peer })),
            Some(Standing::Flooded) => return Err(at.error(Problem::Flooded { peer })),
            _ if self.down => return Err(at.error(Problem::Down)),
            Some(Standing::Gone(_) | Standing::Ended) | None => {}
        }
        self.peers.insert(peer.clone(), Standing::Connected);
        if self.take_word("to") {
            self.want(&Token::Word("http".to_owned()), "`http`")?;
            self.http.insert(peer.clone());
            return Ok(Action::ConnectHttp { peer });
        }
        self.http.remove(&peer);
        Ok(Action::Connect { peer })
    }

    /// What the peer sends; HTTP has no packets.
    fn messages_of(&mut self, peer: &str) -> Parsed<Vec<Message>> {
        let at = self.peek().1;
        let messages = self.messages()?;
        let bytes = |message: &Message| matches!(message.content, Content::Bytes(_));
        if self.http.contains(peer) && !messages.iter().all(bytes) {
            return Err(at.expected("`bytes` to the HTTP port", "a packet or a line"));
        }
        Ok(messages)
    }

    fn is(&mut self, peer: String, at: At) -> Parsed<Action> {
        let (state, state_at) = self.word("`quiet` or `closed`")?;
        let outcome = match state.as_str() {
            "quiet" => Outcome::Nothing,
            "closed" => Outcome::Closed,
            _ => return Err(state_at.expected("`quiet` or `closed`", format!("`{state}`"))),
        };
        if self.http.contains(&peer) && outcome == Outcome::Nothing {
            return Err(state_at.expected("`closed`: no request proves silence here", "`quiet`"));
        }
        // Silence is proved by a request, so a peer that cannot send cannot be found quiet.
        self.stands(&peer, at, outcome == Outcome::Nothing)?;
        let outcomes = vec![outcome];
        self.note_end(&peer, &outcomes);
        Ok(Action::Expect(Expectation {
            peer,
            times: 1,
            outcomes,
        }))
    }

    /// Who can only have met the end of his connection may connect again.
    pub(super) fn note_end(&mut self, peer: &str, outcomes: &[Outcome]) {
        if let (Some(standing @ Standing::Connected), [Outcome::Closed]) =
            (self.peers.get_mut(peer), outcomes)
        {
            *standing = Standing::Ended;
        }
    }

    /// Refuses a peer that has left; `sending` also one that has only stopped to send.
    pub(super) fn stands(&mut self, peer: &str, at: At, sending: bool) -> Parsed<()> {
        if peer == SERVER {
            return Err(at.expected("the name of a peer", "`server`, which is the process"));
        }
        match self.peers.get(peer) {
            Some(Standing::Flooded) => {
                let peer = peer.to_owned();
                Err(at.error(Problem::Flooded { peer }))
            }
            None if self.down => Err(at.error(Problem::Down)),
            Some(Standing::Gone(Closing::HalfClose)) if !sending => Ok(()),
            Some(Standing::Gone(how)) => Err(at.error(Problem::Gone {
                peer: peer.to_owned(),
                how: match how {
                    Closing::Close => "closed",
                    Closing::HalfClose => "half-closed",
                    Closing::Reset => "reset",
                },
            })),
            Some(Standing::Connected | Standing::Ended) => Ok(()),
            None => {
                self.peers.insert(peer.to_owned(), Standing::Connected);
                Ok(())
            }
        }
    }

    pub(super) fn server(&mut self, at: At) -> Parsed<Action> {
        const VERBS: &str = "`terminates`, `dies`, `starts`, `exits` or `exits gracefully`";
        let verb_at = self.peek().1;
        let (mut verb, _) = self.word(VERBS)?;
        if verb == "exits" && self.take_word("gracefully") {
            verb.push_str(" gracefully");
        }
        let mut all = ServerStep::ALL.into_iter();
        let step = all.find(|step| step.verb() == verb);
        let step = step.ok_or_else(|| verb_at.expected(VERBS, format!("`{verb}`")))?;
        match (step, self.down) {
            (ServerStep::Start, true) => self.down = false,
            (ServerStep::Start, false) => return Err(at.error(Problem::Running)),
            (_, true) => return Err(at.error(Problem::Down)),
            (ServerStep::ExitGracefully, false) => {}
            (ServerStep::Terminate | ServerStep::Kill | ServerStep::Exit, false) => {
                self.down = true;
                self.peers.clear();
                self.http.clear();
            }
        }
        Ok(Action::Server(step))
    }
}
