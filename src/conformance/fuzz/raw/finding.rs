//! What a raw campaign finds, as a conformance case.

use super::honest::FUNCTION;
use crate::conformance::Script;
use crate::conformance::fuzz::finding::quoted;
use crate::conformance::generate::{Move, bytes, name};
use crate::conformance::script::{
    Action, Closing, Content, Expectation, Message, Outcome, PacketPattern, Part, Pattern, Step,
    Value,
};
use crate::protocol::{Magic, PacketType as T};
use std::fmt::{self, Display, Write};

/// The peer that does nothing wrong, as scripts call it.
const HONEST: &str = "honest";

/// How a server was harmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Harm {
    /// It has ended.
    Death,
    /// It does not serve a peer that does nothing wrong.
    Silence,
    /// It is busy though nobody asks it for anything.
    Spin,
}

impl Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Harm::Death => "death",
            Harm::Silence => "silence",
            Harm::Spin => "spin",
        })
    }
}

/// How a server was harmed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wound {
    /// How.
    pub harm: Harm,
    /// What was seen.
    pub text: String,
}

impl Wound {
    pub(super) fn new(harm: Harm, text: String) -> Self {
        Wound { harm, text }
    }
}

/// A way to harm the server, and the shortest bytes that were found for it.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How it is harmed.
    pub wound: Wound,
    /// The seed of the session that it was found in.
    pub seed: u64,
    /// Why it is known, if it is.
    pub known: Option<String>,
    /// Sessions that did so.
    pub times: u64,
    /// What the peers do.
    pub moves: Vec<Move>,
    /// How often the shrunk session did it, and how often it was played for that.
    pub confirmed: (u32, u32),
}

impl Finding {
    /// Bytes that are written.
    pub fn bytes(&self) -> usize {
        let writes = self.moves.iter().map(|step| match step {
            Move::Writes { bytes, .. } => bytes.len(),
            Move::Leaves { .. } => 0,
        });
        writes.sum()
    }

    /// Whether a session writes the same kinds of things, in this order.
    pub(super) fn is_in(&self, moves: &[Move]) -> bool {
        let mut rest = shapes(moves).into_iter();
        shapes(&self.moves)
            .iter()
            .all(|own| rest.any(|other| other == *own))
    }

    /// Whether it is the same harm, done by the same kinds of things.
    pub(super) fn is(&self, other: &Finding) -> bool {
        self.wound.harm == other.wound.harm && shapes(&self.moves) == shapes(&other.moves)
    }

    /// A name for the case, and for its file.
    pub fn name(&self) -> String {
        format!("raw-{}-{}", self.wound.harm, self.seed)
    }

    /// A file with one case, which `gearbench replay` and `gearbench conform --cases` play.
    pub fn case(&self) -> String {
        let first = self.wound.text.lines().next().unwrap_or_default();
        let mut out = String::new();
        // A string takes every write.
        let _ = write!(
            out,
            "source = \"a damaged session, seed {}\"\n\n[[case]]\n\
             id = {}\nrule = {}\nshows = [\"H27\"]\nlevel = \"must\"\n\
             hazardous = true\nalone = true\nscript = '''\n{}'''\n",
            self.seed,
            quoted(&self.name()),
            quoted(first),
            self.script()
        );
        out
    }

    /// What is said, and that an honest peer is served before and after it.
    pub fn script(&self) -> Script {
        let mut steps = served("before");
        steps.extend(self.moves.iter().map(|step| match step {
            Move::Writes { peer, bytes: data } => Action::Send {
                peer: name((*peer).into()),
                messages: vec![Message {
                    times: 1,
                    content: Content::Bytes(vec![bytes(data)]),
                }],
            },
            Move::Leaves { peer, reset } => Action::Close {
                peer: name((*peer).into()),
                how: match reset {
                    true => Closing::Reset,
                    false => Closing::Close,
                },
            },
        }));
        steps.extend(served("after"));
        let steps = steps.into_iter().map(|action| Step { line: 0, action });
        Script {
            steps: steps.collect(),
        }
    }
}

/// What a write begins with, without what differs from one to the next of a kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shape {
    /// A packet of this magic and type; all types that nobody has below 2^31 are one, and all
    /// above.
    Packet([u8; 4], Option<T>, bool),
    /// No magic.
    NoPacket,
    /// A line of the text protocol, or the first word of one.
    Text(Vec<u8>),
}

fn shapes(moves: &[Move]) -> Vec<Shape> {
    let writes = moves.iter().filter_map(|step| match step {
        Move::Writes { bytes, .. } => Some(shape(bytes)),
        Move::Leaves { .. } => None,
    });
    writes.collect()
}

fn shape(bytes: &[u8]) -> Shape {
    match *bytes {
        [0, b'R', b'E', last @ (b'Q' | b'S'), k0, k1, k2, k3, ..] => {
            let kind = T(u32::from_be_bytes([k0, k1, k2, k3]));
            let known = kind.info().map(|row| row.kind);
            Shape::Packet([0, b'R', b'E', last], known, k0 >= 0x80)
        }
        [0, ..] => Shape::NoPacket,
        _ => {
            let end = bytes.iter().position(|byte| !byte.is_ascii_alphanumeric());
            Shape::Text(bytes[..end.unwrap_or(bytes.len())].to_vec())
        }
    }
}

/// An honest peer submits a job, and has it; `handle` names it.
fn served(handle: &str) -> Vec<Action> {
    let function = || Value::bytes(FUNCTION);
    let lone = || Value(vec![Part::Bound(handle.to_owned())]);
    let send = |packets: Vec<(T, Vec<Value>)>| Action::Send {
        peer: HONEST.to_owned(),
        messages: packets
            .into_iter()
            .map(|(kind, args)| Message {
                times: 1,
                content: Content::Packet {
                    magic: Magic::Req,
                    kind,
                    args,
                },
            })
            .collect(),
    };
    let expect = |kind, args| {
        Action::Expect(Expectation {
            peer: HONEST.to_owned(),
            times: 1,
            outcomes: vec![Outcome::Packet(PacketPattern { kind, args })],
        })
    };
    let exactly = Pattern::Exactly;
    let body = || Value::bytes(b"x");
    let submit = vec![function(), Value::default(), body()];
    vec![
        send(vec![
            (T::CAN_DO, vec![function()]),
            (T::SUBMIT_JOB_BG, submit),
        ]),
        expect(T::JOB_CREATED, vec![exactly(lone())]),
        send(vec![(T::GRAB_JOB, Vec::new())]),
        expect(
            T::JOB_ASSIGN,
            vec![exactly(lone()), exactly(function()), exactly(body())],
        ),
        send(vec![(T::WORK_COMPLETE, vec![lone(), Value::default()])]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(writes: &[&[u8]]) -> Finding {
        let writes = writes.iter().map(|bytes| Move::Writes {
            peer: 2,
            bytes: bytes.to_vec(),
        });
        Finding {
            wound: Wound::new(
                Harm::Death,
                "the server ended with signal 11\n  last words".into(),
            ),
            seed: 7,
            known: None,
            times: 1,
            moves: writes.collect(),
            confirmed: (5, 5),
        }
    }

    #[test]
    fn a_finding_is_a_case_that_serves_an_honest_peer_before_and_after() {
        let finding = found(&[b"\0REQ\x80\0\0\x01\"{$", b"a\n"]);
        assert_eq!(finding.bytes(), 13);
        let cases = crate::conformance::case::parse("x.toml", "x", &finding.case());
        let case = &cases.expect("a case")[0];
        assert_eq!(case.id, "x/raw-death-7");
        assert_eq!(case.rule, "the server ended with signal 11");
        assert!(case.hazardous && case.alone);
        assert_eq!(case.script.to_string(), finding.script().to_string());
        crate::conformance::check(&finding.script().to_string());
    }

    #[test]
    fn what_differs_in_names_only_is_one_finding() {
        let one = found(&[b"\0REQ\x80\0\0\x01abcd"]);
        assert!(one.is(&found(&[b"\0REQ\xff\xff\0\0"])));
        assert!(!one.is(&found(&[b"\0REQ\0\0\0\x2bdata"])));
        assert!(!one.is(&found(&[b"\0RES\x80\0\0\x01abcd"])));
        let session = found(&[b"status\n", b"\0REQ\x90\0\0\0", b"\0req"]);
        assert!(one.is_in(&session.moves));
        assert!(!session.is_in(&one.moves));
    }
}
