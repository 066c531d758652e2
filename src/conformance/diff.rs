//! Two servers, one transcript: what came back, without what may differ.
//!
//! Handles are replaced by numbers in the order of their appearance, lists are sorted, line ends
//! are gone already, and so is what only tells of the machine: descriptors and addresses in
//! `workers`, the number of the process.

use super::trace::{OwnedFrame, Trace, TraceEvent};
use crate::protocol::{Magic, Packet};
use std::collections::BTreeMap;

/// Where two transcripts part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The peer whose transcript differs.
    pub peer: String,
    /// What both have seen before: the last of it.
    pub after: Option<String>,
    /// What came on the first server, if anything did.
    pub first: Option<String>,
    /// What came on the second server, if anything did.
    pub second: Option<String>,
}

/// The first difference for each peer.
pub fn differences(first: &Trace, second: &Trace) -> Vec<Difference> {
    let (first, second) = (normal(first), normal(second));
    let mut peers: Vec<&String> = first.keys().chain(second.keys()).collect();
    peers.sort();
    peers.dedup();
    let none = Vec::new();
    let of = |all: &'_ BTreeMap<String, Vec<String>>, peer: &String| {
        all.get(peer).unwrap_or(&none).clone()
    };
    let differences = peers.into_iter().filter_map(|peer| {
        let (first, second) = (of(&first, peer), of(&second, peer));
        let same = first
            .iter()
            .zip(&second)
            .take_while(|(a, b)| a == b)
            .count();
        let (a, b) = (first.get(same), second.get(same));
        (a != b).then(|| Difference {
            peer: peer.clone(),
            after: same
                .checked_sub(1)
                .and_then(|last| first.get(last))
                .cloned(),
            first: a.cloned(),
            second: b.cloned(),
        })
    });
    differences.collect()
}

/// What each peer has seen, in words.
fn normal(trace: &Trace) -> BTreeMap<String, Vec<String>> {
    let mut handles = Handles::default();
    let mut peers: BTreeMap<String, Peer> = BTreeMap::new();
    for entry in &trace.entries {
        let peer = peers.entry(entry.peer.clone()).or_default();
        match &entry.event {
            TraceEvent::Received(frame) => peer.receive(frame, &mut handles),
            TraceEvent::ServerClosed => peer.push("is closed"),
            TraceEvent::ServerReset => peer.push("is reset"),
            // What the script itself does is the same on both, until one of them fails.
            _ => {}
        }
    }
    let ended = peers.into_iter().map(|(name, mut peer)| {
        peer.end_of_lines();
        (name, peer.seen)
    });
    ended.collect()
}

#[derive(Default)]
struct Peer {
    seen: Vec<String>,
    /// Lines that may turn out to be a list.
    lines: Vec<String>,
}

impl Peer {
    fn push(&mut self, what: &str) {
        self.end_of_lines();
        self.seen.push(what.to_owned());
    }

    fn receive(&mut self, frame: &OwnedFrame, handles: &mut Handles) {
        match frame {
            OwnedFrame::Packet { .. } => {
                let text = handles.replaced(frame);
                self.push(&text);
            }
            OwnedFrame::Http(_) => self.push(&frame.to_string()),
            OwnedFrame::Line(line) if line == b"." => {
                self.lines.sort();
                self.push("text \".\"");
            }
            OwnedFrame::Line(line) => {
                let line = OwnedFrame::Line(without_machine(&handles.in_text(line)));
                self.lines.push(line.to_string());
            }
        }
    }

    fn end_of_lines(&mut self) {
        self.seen.append(&mut self.lines);
    }
}

/// Handles by the order of their appearance.
#[derive(Default)]
struct Handles(Vec<Vec<u8>>);

impl Handles {
    /// The packet with its handle replaced.
    fn replaced(&mut self, frame: &OwnedFrame) -> String {
        let OwnedFrame::Packet { magic, kind, data } = frame else {
            return frame.to_string();
        };
        let packet = Packet {
            magic: *magic,
            kind: *kind,
            data: data.as_slice().into(),
        };
        let names = kind.info().map(|row| row.args).unwrap_or_default();
        let handle = match (names.first(), packet.fields()) {
            (Some(&"handle"), Ok(fields)) => fields.args().first().map(|handle| handle.to_vec()),
            _ => None,
        };
        let Some(handle) = handle.filter(|handle| !handle.is_empty()) else {
            return frame.to_string();
        };
        let number = self.number(&handle);
        let data = [
            format!("handle-{number}").as_bytes(),
            data.get(handle.len()..).unwrap_or_default(),
        ]
        .concat();
        let magic: Magic = *magic;
        let kind = *kind;
        OwnedFrame::Packet { magic, kind, data }.to_string()
    }

    fn number(&mut self, handle: &[u8]) -> usize {
        let known = self.0.iter().position(|known| known == handle);
        known.unwrap_or_else(|| {
            self.0.push(handle.to_vec());
            self.0.len() - 1
        }) + 1
    }

    /// A line whose first field is a handle.
    fn in_text(&mut self, line: &[u8]) -> Vec<u8> {
        let end = line.iter().position(|&b| b == b'\t').unwrap_or(line.len());
        let (field, rest) = line.split_at(end);
        match self.0.iter().position(|known| known == field) {
            Some(at) => [format!("handle-{}", at + 1).as_bytes(), rest].concat(),
            None => line.to_vec(),
        }
    }
}

/// A row of `workers` without its descriptor and its address; an answer to `getpid` without its
/// number.
fn without_machine(line: &[u8]) -> Vec<u8> {
    if let Some(number) = line.strip_prefix(b"OK ")
        && number.iter().all(u8::is_ascii_digit)
    {
        return b"OK _".to_vec();
    }
    let words: Vec<&[u8]> = line.splitn(4, |&b| b == b' ').collect();
    match words.as_slice() {
        [fd, address, id, rest]
            if !fd.is_empty()
                && fd.iter().all(u8::is_ascii_digit)
                && address.iter().any(|b| b".:".contains(b))
                && rest.starts_with(b":") =>
        {
            [b"_ _ ", *id, b" ", *rest].concat()
        }
        _ => line.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::memory::MemoryArm;
    use crate::conformance::player::{Options, Player};
    use crate::engine::Policy;
    use crate::protocol::handle::HandlePrefix;

    fn trace(policy: Policy, script: &str) -> Trace {
        let script = script.parse().unwrap();
        let mut arm = MemoryArm::new(policy);
        match Player::new(&mut arm, Options::default()).play(&script) {
            Ok(trace) => trace,
            Err(failure) => failure.trace,
        }
    }

    fn other() -> Policy {
        Policy {
            handle_prefix: HandlePrefix::new(b"other").unwrap(),
            ..Policy::default()
        }
    }

    const JOBS: &str = r#"
        worker > CAN_DO b & CAN_DO a
        client > SUBMIT_JOB a "" "1" & SUBMIT_JOB b "" "2"
        client < JOB_CREATED $a
        client < JOB_CREATED $b
        worker > GRAB_JOB
        worker < JOB_ASSIGN $a a "1" | JOB_ASSIGN $b b "2"
        client > text "workers" & text "status"
        client < list {
            ..
        }
        client < list {
            ..
        }
    "#;

    #[test]
    fn handles_and_addresses_make_no_difference() {
        let differences = differences(&trace(Policy::default(), JOBS), &trace(other(), JOBS));
        assert_eq!(differences, []);
    }

    #[test]
    fn another_answer_makes_one() {
        let exception = |exceptions| {
            let policy = Policy {
                exceptions,
                ..other()
            };
            let script = r#"
                worker > CAN_DO a
                client > SUBMIT_JOB a "" "1"
                client < JOB_CREATED $a
                worker > GRAB_JOB
                worker < JOB_ASSIGN $a a "1"
                worker > WORK_EXCEPTION $a "no"
                client < WORK_EXCEPTION $a "no"
            "#;
            trace(policy, script)
        };
        let found = differences(&exception(true), &exception(false));
        let expected = Difference {
            peer: "client".into(),
            after: Some("JOB_CREATED \"handle-1\"".into()),
            first: Some("WORK_EXCEPTION \"handle-1\" \"no\"".into()),
            second: Some("WORK_FAIL \"handle-1\"".into()),
        };
        assert_eq!(found, [expected]);
    }
}
