//! What a script says, held against the packet table.

use super::Parsed;
use crate::conformance::script::lexer::At;
use crate::conformance::script::{Problem, ScriptError};
use crate::protocol::{PACKETS, PacketInfo};

pub(super) fn row(name: &str, at: At) -> Parsed<&'static PacketInfo> {
    let known = PACKETS.iter().find(|row| row.name == name);
    known.ok_or_else(|| {
        at.error(Problem::UnknownPacket {
            name: name.to_owned(),
            nearest: nearest(name),
        })
    })
}

pub(super) fn wrong_way(row: &PacketInfo, sender: &'static str, at: At) -> ScriptError {
    at.error(Problem::WrongWay {
        name: row.name,
        sender,
        number: row.kind.0,
    })
}

pub(super) fn arity(row: &PacketInfo, found: usize, at: At) -> Parsed<()> {
    let expected = row.args.len() + usize::from(row.body);
    if found == expected {
        return Ok(());
    }
    let body = row.body.then_some("body");
    let names: Vec<&str> = row.args.iter().copied().chain(body).collect();
    let list = match names.is_empty() {
        true => "no arguments".to_owned(),
        false => names.join(", "),
    };
    Err(at.error(Problem::Arity {
        name: row.name,
        expected,
        list,
        found,
    }))
}

fn nearest(name: &str) -> &'static str {
    let name = name.to_ascii_uppercase();
    let nearest = PACKETS
        .iter()
        .min_by_key(|row| distance(&name, row.name))
        .map(|row| row.name);
    nearest.unwrap_or_default()
}

/// Letters to insert, delete or replace to turn one into the other.
fn distance(from: &str, to: &str) -> usize {
    let mut costs: Vec<usize> = (0..=to.len()).collect();
    for (row, a) in from.bytes().enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        for (cost, b) in costs.iter_mut().skip(1).zip(to.bytes()) {
            let here = (*cost + 1)
                .min(left + 1)
                .min(diagonal + usize::from(a != b));
            diagonal = *cost;
            *cost = here;
            left = here;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}
