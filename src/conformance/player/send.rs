//! What peers send.

use super::{Cause, Delivery, Player};
use crate::conformance::arm::Arm;
use crate::conformance::pattern::Unbound;
use crate::conformance::script::{Content, Message, Value};
use crate::conformance::trace::TraceEvent;
use crate::protocol::{Magic, PacketType, encode};

impl<A: Arm> Player<'_, A> {
    pub(super) fn send(&mut self, name: &str, messages: &[Message]) -> Result<(), Cause> {
        self.turn(name)?;
        self.context.now = self.arm.unix_time();
        let mut bytes = Vec::new();
        for message in messages {
            let start = bytes.len();
            self.encode(&message.content, &mut bytes)?;
            let one = bytes[start..].to_vec();
            for _ in 1..message.times {
                bytes.extend_from_slice(&one);
            }
        }
        self.write(name, &bytes)?;
        self.record(name, TraceEvent::sent(&bytes));
        Ok(())
    }

    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), Cause> {
        let peer = self.peer(name)?;
        peer.note_sent(bytes);
        let id = peer.id;
        let piece = match self.options.delivery {
            Delivery::Whole => bytes.len(),
            Delivery::Pieces(size) => size,
        };
        for piece in bytes.chunks(piece.max(1)) {
            self.arm.send(id, piece)?;
        }
        Ok(())
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
