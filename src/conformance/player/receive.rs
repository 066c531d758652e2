//! What peers receive, and the request by which the player knows that all was handled.

use super::{Cause, Next, Pending, Player};
use crate::conformance::arm::{Arm, Received};
use crate::conformance::script::{Expectation, ListPattern, Outcome};
use crate::conformance::trace::{OwnedFrame, TraceEvent};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

/// Lines of one list at the most.
const MAX_LINES: usize = 1_000_000;
/// Between two looks at who has received something.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl<A: Arm> Player<'_, A> {
    pub(super) fn expect(&mut self, expectation: &Expectation) -> Result<(), Cause> {
        self.turn(&expectation.peer)?;
        for _ in 0..expectation.times {
            match expectation.outcomes.as_slice() {
                [Outcome::List(list)] => self.list(&expectation.peer, list)?,
                outcomes if outcomes.contains(&Outcome::Nothing) => {
                    self.something_or_nothing(expectation)?;
                }
                _ => self.something(expectation)?,
            }
        }
        Ok(())
    }

    fn something(&mut self, expectation: &Expectation) -> Result<(), Cause> {
        let next = self.next(&expectation.peer, self.options.timeout)?;
        self.judge(expectation, next)
    }

    /// Takes what the peer met next for one of the outcomes, or says that it is none.
    fn judge(&mut self, expectation: &Expectation, next: Next) -> Result<(), Cause> {
        let Expectation { peer, outcomes, .. } = expectation;
        let expected = || {
            let all: Vec<String> = outcomes.iter().map(Outcome::to_string).collect();
            all.join(" | ")
        };
        let found = match next {
            Next::Frame(frame) => {
                if outcomes
                    .iter()
                    .any(|outcome| self.context.accept(outcome, &frame))
                {
                    return Ok(());
                }
                self.described(&frame)
            }
            Next::Ended if outcomes.contains(&Outcome::Closed) => return Ok(()),
            Next::Ended => "the end of the connection".to_owned(),
            Next::Nothing if outcomes.contains(&Outcome::Nothing) => return Ok(()),
            Next::Nothing => {
                return Err(Cause::NoAnswer {
                    peer: peer.clone(),
                    expected: expected(),
                    waited: self.options.timeout,
                });
            }
        };
        Err(Cause::Unexpected {
            peer: peer.clone(),
            expected: expected(),
            found,
        })
    }

    /// A frame, and the names of the script that its arguments are bound to.
    fn described(&self, frame: &OwnedFrame) -> String {
        let text = frame.to_string();
        let named = self.context.bindings.iter().filter_map(|(name, bytes)| {
            let quoted = format!("\"{}\"", bytes.escape_ascii());
            (!bytes.is_empty() && text.contains(&quoted)).then(|| format!("${name} is {quoted}"))
        });
        let named: Vec<String> = named.collect();
        match named.is_empty() {
            true => text,
            false => format!("{text} ({})", named.join(", ")),
        }
    }

    fn something_or_nothing(&mut self, expectation: &Expectation) -> Result<(), Cause> {
        let next = self.first_received(&expectation.peer)?;
        self.judge(expectation, next)
    }

    /// The first of what the peer has received by now, proved.
    fn first_received(&mut self, name: &str) -> Result<Next, Cause> {
        let mut held = VecDeque::from(self.received(name)?);
        let first = held.pop_front();
        let peer = self.peer(name)?;
        peer.put_back(held);
        Ok(match (first, peer.ended) {
            (Some(frame), _) => Next::Frame(frame),
            (None, true) => Next::Ended,
            (None, false) => Next::Nothing,
        })
    }

    /// All that the peer has received: by a barrier, or by waiting where it cannot send one.
    fn received(&mut self, name: &str) -> Result<Vec<OwnedFrame>, Cause> {
        if self.peer(name)?.can_ask() {
            return self.drain_until_handled(name);
        }
        match self.next(name, self.options.silence)? {
            Next::Frame(frame) => Ok(vec![frame]),
            Next::Ended | Next::Nothing => Ok(Vec::new()),
        }
    }

    /// Sends the request of the barrier and gives what arrives before its answer, or before the end.
    fn drain_until_handled(&mut self, name: &str) -> Result<Vec<OwnedFrame>, Cause> {
        self.barriers += 1;
        let barrier = self.options.barrier;
        let prefix = self.options.namespace.prefix();
        let nonce = format!("settled-{prefix}{}", self.barriers).into_bytes();
        let mut bytes = Vec::new();
        barrier.encode(&nonce, &mut bytes);
        self.write(name, &bytes)?;
        let mut held = Vec::new();
        loop {
            match self.next(name, self.options.timeout)? {
                Next::Frame(frame) if barrier.is_answer(&frame, &nonce) => {
                    self.trace.settled(name, frame);
                    self.peer(name)?.pending = Pending::No;
                    return Ok(held);
                }
                Next::Frame(frame) => held.push(frame),
                Next::Ended => return Ok(held),
                Next::Nothing => {
                    return Err(Cause::NoAnswer {
                        peer: name.to_owned(),
                        expected: barrier.expected().into(),
                        waited: self.options.timeout,
                    });
                }
            }
        }
    }

    /// Waits until the server has handled what everyone but `except` has sent.
    pub(super) fn settle(&mut self, except: Option<&str>) -> Result<(), Cause> {
        if self.arm.is_synchronous() {
            return Ok(());
        }
        let busy: Vec<String> = self
            .peers
            .iter()
            .filter(|(name, peer)| {
                Some(name.as_str()) != except && peer.pending != Pending::No && peer.can_ask()
            })
            .map(|(name, _)| name.clone())
            .collect();
        for name in busy {
            let held = self.drain_until_handled(&name)?;
            self.peer(&name)?.put_back(held);
        }
        Ok(())
    }

    fn list(&mut self, name: &str, list: &ListPattern) -> Result<(), Cause> {
        let unexpected = |found: String| Cause::Unexpected {
            peer: name.to_owned(),
            expected: "a list that ends in a line `.`".into(),
            found,
        };
        let mut lines = Vec::new();
        loop {
            match self.next(name, self.options.timeout)? {
                Next::Frame(OwnedFrame::Line(line)) if line == b"." => break,
                Next::Frame(OwnedFrame::Line(line)) if lines.len() < MAX_LINES => lines.push(line),
                Next::Frame(frame) => return Err(unexpected(frame.to_string())),
                Next::Ended => return Err(unexpected("the end of the connection".into())),
                Next::Nothing => {
                    return Err(Cause::NoAnswer {
                        peer: name.to_owned(),
                        expected: "a list that ends in a line `.`".into(),
                        waited: self.options.timeout,
                    });
                }
            }
        }
        let outcome = self.context.accept_list(list, &lines);
        outcome.map_err(|found| Cause::Unexpected {
            peer: name.to_owned(),
            expected: list.to_string(),
            found,
        })
    }

    /// Each frame goes to the first expectation of its peer that takes it.
    pub(super) fn any_order(&mut self, expectations: &[Expectation]) -> Result<(), Cause> {
        let mut open: Vec<Expectation> = Vec::new();
        for expectation in expectations {
            let one = Expectation {
                times: 1,
                ..expectation.clone()
            };
            open.extend(std::iter::repeat_n(one, expectation.times));
        }
        while let Some(name) = open.first().map(|first| first.peer.clone()) {
            self.turn(&name)?;
            let next = self.next(&name, self.options.timeout)?;
            let taken = match &next {
                Next::Frame(frame) => open.iter().position(|expectation| {
                    let mut outcomes = expectation.outcomes.iter();
                    expectation.peer == name
                        && outcomes.any(|outcome| self.context.accept(outcome, frame))
                }),
                _ => None,
            };
            let Some(taken) = taken else {
                let left = open
                    .into_iter()
                    .filter(|expectation| expectation.peer == name);
                let outcomes = left.flat_map(|expectation| expectation.outcomes).collect();
                return self.judge(
                    &Expectation {
                        peer: name,
                        times: 1,
                        outcomes,
                    },
                    next,
                );
            };
            open.remove(taken);
        }
        Ok(())
    }

    /// The next frame of the peer, its end, or nothing after `wait`.
    fn next(&mut self, name: &str, wait: Duration) -> Result<Next, Cause> {
        let deadline = self.arm.elapsed() + wait;
        loop {
            let left = deadline.saturating_sub(self.arm.elapsed());
            let peer = self.peer(name)?;
            if let Some(frame) = peer.inbox.pop_front() {
                return Ok(Next::Frame(frame));
            }
            if let Some(error) = peer.garbage {
                return Err(Cause::Garbage {
                    peer: name.to_owned(),
                    error,
                });
            }
            let unread = peer.http.as_ref().map(|http| (http.left.len(), http.error));
            if let Some((_, Some(error))) = unread {
                return self.unreadable(name, |peer| Cause::NotHttp { peer, error });
            }
            if let (true, Some((1.., None))) = (peer.ended, unread) {
                return self.unreadable(name, |peer| Cause::HalfResponse { peer });
            }
            if peer.ended {
                return match peer.incoming.mid_frame() {
                    true => Err(Cause::HalfPacket {
                        peer: name.to_owned(),
                    }),
                    false => Ok(Next::Ended),
                };
            }
            let id = peer.id;
            match self.arm.receive(id, left)? {
                Received::Bytes(bytes) => self.take_in(name, &bytes)?,
                Received::Closed => self.ended(name, TraceEvent::ServerClosed)?,
                Received::Reset => self.ended(name, TraceEvent::ServerReset)?,
                Received::Nothing => {
                    self.show_unread(name)?;
                    return Ok(Next::Nothing);
                }
            }
        }
    }

    fn ended(&mut self, name: &str, how: TraceEvent) -> Result<(), Cause> {
        self.peer(name)?.ended = true;
        // A response without a length ends here.
        self.take_in_http(name, &[], true)?;
        self.record(name, how);
        Ok(())
    }

    /// Fails, and shows the bytes that nothing could be made of.
    fn unreadable(&mut self, name: &str, cause: impl Fn(String) -> Cause) -> Result<Next, Cause> {
        self.show_unread(name)?;
        Err(cause(name.to_owned()))
    }

    fn show_unread(&mut self, name: &str) -> Result<(), Cause> {
        let http = self.peer(name)?.http.as_ref();
        let left = http.map(|http| http.left.clone()).unwrap_or_default();
        if !left.is_empty() {
            self.record(name, TraceEvent::unreadable(&left));
        }
        Ok(())
    }

    /// Takes bytes of the HTTP port in; gives whether the peer is connected to that.
    fn take_in_http(&mut self, name: &str, bytes: &[u8], ended: bool) -> Result<bool, Cause> {
        let peer = self.peer(name)?;
        let Some(http) = &mut peer.http else {
            return Ok(false);
        };
        let responses = http.feed(bytes, ended).into_iter();
        let frames: Vec<OwnedFrame> = responses.map(OwnedFrame::Http).collect();
        peer.inbox.extend(frames.iter().cloned());
        for frame in frames {
            self.record(name, TraceEvent::Received(frame));
        }
        Ok(true)
    }

    fn take_in(&mut self, name: &str, bytes: &[u8]) -> Result<(), Cause> {
        if self.take_in_http(name, bytes, false)? {
            return Ok(());
        }
        let peer = self.peer(name)?;
        let mut frames = Vec::new();
        let fed = peer.incoming.feed(bytes, |frame| {
            frames.push(OwnedFrame::from(frame));
            ControlFlow::Continue(())
        });
        peer.garbage = fed.err();
        let garbage = peer.garbage.is_some();
        for frame in &frames {
            peer.note_received(frame);
        }
        peer.inbox.extend(frames.iter().cloned());
        for frame in frames {
            self.record(name, TraceEvent::Received(frame));
        }
        if garbage {
            self.record(name, TraceEvent::unreadable(bytes));
        }
        Ok(())
    }

    /// Asks every peer what it has, and again until enough have theirs or the time is over.
    pub(super) fn at_least(
        &mut self,
        count: usize,
        expectations: &[Expectation],
    ) -> Result<(), Cause> {
        let deadline = self.arm.elapsed() + self.options.timeout;
        let mut lack: Vec<&Expectation> = expectations.iter().collect();
        for expectation in expectations {
            self.turn(&expectation.peer)?;
        }
        loop {
            let before = std::mem::take(&mut lack);
            for expectation in before {
                if !self.one_or_nothing(expectation)? {
                    lack.push(expectation);
                }
            }
            let received = expectations.len() - lack.len();
            let Some(first) = lack.first().filter(|_| received < count) else {
                break;
            };
            if self.arm.is_synchronous() || self.arm.elapsed() >= deadline {
                let lines: Vec<String> = lack.iter().map(|one| one.to_string()).collect();
                return Err(Cause::TooFew {
                    count,
                    received,
                    lack: lines.join(", "),
                });
            }
            if let Next::Frame(frame) = self.next(&first.peer, LOOK_AGAIN)? {
                self.peer(&first.peer)?.put_back([frame]);
            }
        }
        // Who had it early may have received more since.
        for expectation in expectations {
            let quiet = Expectation {
                outcomes: vec![Outcome::Nothing],
                ..expectation.clone()
            };
            self.something_or_nothing(&quiet)?;
        }
        Ok(())
    }

    /// Whether the peer has received what it may receive; anything else is a failure.
    fn one_or_nothing(&mut self, expectation: &Expectation) -> Result<bool, Cause> {
        let next = self.first_received(&expectation.peer)?;
        if matches!(next, Next::Nothing) {
            return Ok(false);
        }
        let outcomes = expectation.outcomes.iter().cloned();
        let or_nothing = Expectation {
            outcomes: outcomes.chain([Outcome::Nothing]).collect(),
            ..expectation.clone()
        };
        // What one line binds is no business of the next.
        let bindings = self.context.bindings.clone();
        let outcome = self.judge(&or_nothing, next);
        self.context.bindings = bindings;
        outcome.map(|()| true)
    }
}
