//! What a script says, held against the packet table.

use super::Parsed;
use crate::conformance::script::lexer::At;
use crate::conformance::script::{Problem, ScriptError};
use crate::diagnose::nearest;
use crate::protocol::{PACKETS, PacketInfo};

pub(super) fn row(name: &str, at: At) -> Parsed<&'static PacketInfo> {
    let known = PACKETS.iter().find(|row| row.name == name);
    known.ok_or_else(|| {
        at.error(Problem::UnknownPacket {
            name: name.to_owned(),
            nearest: nearest(name, PACKETS.iter().map(|row| row.name)).unwrap_or_default(),
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
