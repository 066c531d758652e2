//! What peers send.

use super::{Cause, Player};
use crate::conformance::arm::Arm;
use crate::conformance::pattern::Unbound;
use crate::conformance::script::{Content, Message, Value};
use crate::conformance::trace::TraceEvent;
use crate::protocol::{Magic, PacketType, encode};
use std::time::Duration;

/// Bytes of one write that goes ahead of answers: as many as the system takes from a server that
/// does not read before its answers are read.
const MAX_AHEAD: usize = 32 * 1024;

/// How long a flood waits for a server that takes nothing.
const BACK_PRESSURE: Duration = Duration::from_secs(1);

impl<A: Arm> Player<'_, A> {
    /// Sends the messages in one write, and behind them those of `ahead` that fit in. Gives how
    /// many of these went out.
    pub(super) fn send(
        &mut self,
        name: &str,
        messages: &[Message],
        ahead: &[&[Message]],
    ) -> Result<usize, Cause> {
        self.turn(name)?;
        self.context.now = self.arm.unix_time();
        let mut bytes = self.encode_all(messages)?;
        let mut sent_ahead = 0;
        // Inside a packet what follows is its data, and nothing answers it.
        if self.peer(name)?.can_ask() {
            for messages in ahead {
                let more = self.encode_all(messages)?;
                if bytes.len() + more.len() > MAX_AHEAD {
                    break;
                }
                bytes.extend_from_slice(&more);
                sent_ahead += 1;
            }
        }
        self.write(name, &bytes)?;
        let event = match self.peer(name)?.http {
            Some(_) => TraceEvent::sent_http(&bytes),
            None => TraceEvent::sent(&bytes),
        };
        self.record(name, event);
        Ok(sent_ahead)
    }

    /// Sends without reading. What comes back is not held against anything.
    pub(super) fn flood(&mut self, name: &str, messages: &[Message]) -> Result<(), Cause> {
        self.turn(name)?;
        self.context.now = self.arm.unix_time();
        let bytes = self.encode_all(messages)?;
        let peer = self.peer(name)?;
        // It may stand anywhere in a packet now.
        peer.out_of_step = true;
        let id = peer.id;
        let taken = self.arm.flood(id, &bytes, BACK_PRESSURE)?;
        self.record(name, TraceEvent::flooded(&bytes, taken));
        Ok(())
    }

    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Cause> {
        let delivery = self.options.delivery;
        let peer = self.peer(name)?;
        let inside = peer.outgoing.mid_frame() || peer.out_of_step;
        peer.note_sent(bytes);
        let id = peer.id;
        for piece in delivery.writes(bytes, inside) {
            self.arm.send(id, piece)?;
        }
        Ok(())
    }

    fn encode_all(&self, messages: &[Message]) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::new();
        for message in messages {
            let start = bytes.len();
            self.encode(&message.content, &mut bytes)?;
            let one = bytes[start..].to_vec();
            for _ in 1..message.times {
                bytes.extend_from_slice(&one);
            }
        }
        Ok(bytes)
    }

    fn encode(&self, content: &Content, out: &mut Vec<u8>) -> Result<(), Cause> {
        match content {
            Content::Packet { magic, kind, args } => {
                self.encode_packet(*magic, *kind, args, out)?
            }
            Content::Number { kind, data } => {
                let data = self.context.resolve(data)?;
                encode::packet(out, Magic::Req, *kind, &[], Some(&data));
            }
            Content::Text(line) => {
                out.extend_from_slice(&self.context.resolve(line)?);
                out.push(b'\n');
            }
            Content::Bytes(values) => {
                for value in values {
                    out.extend_from_slice(&self.context.resolve(value)?);
                }
            }
        }
        Ok(())
    }

    fn encode_packet(
        &self,
        magic: Magic,
        kind: PacketType,
        args: &[Value],
        out: &mut Vec<u8>,
    ) -> Result<(), Unbound> {
        let mut resolved = Vec::with_capacity(args.len());
        for (index, arg) in args.iter().enumerate() {
            resolved.push(self.context.resolve_arg(kind, index, arg)?);
        }
        let mut args: Vec<&[u8]> = resolved.iter().map(|arg| &**arg).collect();
        let has_body = kind.info().is_some_and(|row| row.body);
        let body = if has_body { args.pop() } else { None };
        encode::packet(out, magic, kind, &args, body);
        Ok(())
    }
}
