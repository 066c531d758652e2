//! Leaves a shared server as it was found: what a script has left behind is run, and the functions
//! that only it has named are dropped.

use crate::conformance::Namespace;
use crate::conformance::arm::{Arm, ArmError, PeerId, Received};
use crate::conformance::script::{Content, Script, Value};
use crate::conformance::tcp::TcpArm;
use crate::protocol::{
    Body, Decoder, Frame, GrabKind, Magic, Packet, PacketType, Request, Response, Work, encode,
};
use std::ops::ControlFlow;
use std::time::Duration;

/// How often a function is dropped that is still in use, and how long is waited in between.
const MAX_TRIES: usize = 20;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);
/// Jobs that are looked for at the most.
const MAX_LEFT: usize = 1000;

/// The functions that the script names in packets, as the server knows them; whether it submits
/// jobs for them.
fn functions(script: &Script, namespace: &Namespace) -> Vec<(Vec<u8>, bool)> {
    let mut functions = Vec::new();
    for message in script.messages() {
        let Content::Packet { kind, args, .. } = &message.content else {
            continue;
        };
        let Some(row) = kind
            .info()
            .filter(|row| row.args.first() == Some(&"function"))
        else {
            continue;
        };
        let submits = row.name.starts_with("SUBMIT_");
        let name = args.first().and_then(|function| name(function, namespace));
        functions.extend(name.map(|name| (name, submits)));
    }
    functions.sort();
    functions.dedup();
    functions
}

fn name(function: &Value, namespace: &Namespace) -> Option<Vec<u8>> {
    namespace.name(PacketType::CAN_DO, 0, function).ok()
}

/// Takes the jobs that a script has left, ends them, and drops its functions where the server can.
pub(in crate::conformance) fn tidy(
    arm: &mut TcpArm,
    namespace: &Namespace,
    script: &Script,
    patience: Duration,
) -> Result<(), ArmError> {
    let functions = functions(script, namespace);
    if functions.is_empty() {
        return Ok(());
    }
    let peer = arm.connect()?;
    let mut bytes = Vec::new();
    for (function, submits) in &functions {
        if *submits {
            encode::packet(
                &mut bytes,
                Magic::Req,
                PacketType::CAN_DO,
                &[function],
                None,
            );
        }
    }
    arm.send(peer, &bytes)?;
    for _ in 0..MAX_LEFT {
        let Some(handle) = grab(arm, peer, patience)? else {
            break;
        };
        let mut bytes = Vec::new();
        let handle = &handle;
        let work = Work::Complete(Body::default());
        Request::Work { handle, work }.encode(&mut bytes);
        arm.send(peer, &bytes)?;
    }
    arm.close(peer);
    drop_functions(arm, namespace, functions, patience)
}

/// Only names that carry the prefix of the case are ours to drop.
fn drop_functions(
    arm: &mut TcpArm,
    namespace: &Namespace,
    functions: Vec<(Vec<u8>, bool)>,
    patience: Duration,
) -> Result<(), ArmError> {
    let ours = |name: &Vec<u8>| {
        let prefix = namespace.prefix().as_bytes();
        let plain = |b: &u8| b.is_ascii_graphic();
        !prefix.is_empty() && name.starts_with(prefix) && name.iter().all(plain)
    };
    let mut names: Vec<_> = functions
        .into_iter()
        .map(|(name, _)| name)
        .filter(ours)
        .collect();
    names.dedup();
    let peer = arm.connect()?;
    for _ in 0..MAX_TRIES {
        let answers = ask_to_drop(arm, peer, &names, patience)?;
        // A server may need a moment to notice that the workers of the case are gone.
        let refused = |answer: &Vec<u8>| answer.starts_with(b"ERR there are");
        let left = names.into_iter().zip(answers);
        names = left
            .filter(|(_, answer)| refused(answer))
            .map(|(name, _)| name)
            .collect();
        if names.is_empty() {
            break;
        }
        arm.advance(BETWEEN_TRIES);
    }
    arm.close(peer);
    Ok(())
}

/// The answer to each `drop function`, as far as they came.
fn ask_to_drop(
    arm: &mut TcpArm,
    peer: PeerId,
    names: &[Vec<u8>],
    patience: Duration,
) -> Result<Vec<Vec<u8>>, ArmError> {
    let mut lines = Vec::new();
    for name in names {
        lines.extend_from_slice(b"drop function ");
        lines.extend_from_slice(name);
        lines.extend_from_slice(b"\r\n");
    }
    arm.send(peer, &lines)?;
    let mut answers = Vec::new();
    while answers.iter().filter(|&&b| b == b'\n').count() < names.len() {
        let Received::Bytes(bytes) = arm.receive(peer, patience)? else {
            break;
        };
        answers.extend(bytes);
    }
    Ok(answers.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect())
}

/// Asks for a job: its handle, or nothing where there is none.
fn grab(arm: &mut TcpArm, peer: PeerId, patience: Duration) -> Result<Option<Vec<u8>>, ArmError> {
    let mut bytes = Vec::new();
    Request::Grab(GrabKind::Classic).encode(&mut bytes);
    arm.send(peer, &bytes)?;
    let mut decoder = Decoder::default();
    let (mut handle, mut done) = (None, false);
    while !done {
        let Received::Bytes(bytes) = arm.receive(peer, patience)? else {
            break;
        };
        let fed = decoder.feed(&bytes, |frame| {
            if let Frame::Packet(packet) = frame {
                let found = assigned(&packet);
                done |= found.is_some() || packet.kind == PacketType::NO_JOB;
                handle = handle.take().or(found);
            }
            ControlFlow::Continue(())
        });
        done |= fed.is_err();
    }
    Ok(handle)
}

fn assigned(packet: &Packet<'_>) -> Option<Vec<u8>> {
    match Response::parse(packet) {
        Ok(Response::JobAssign { handle, .. }) => Some(handle.to_vec()),
        _ => None,
    }
}
