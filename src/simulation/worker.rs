//! A worker that does what workers do: asks, sleeps when there is nothing, works when there is.

use super::Draws;
use crate::conformance::generate::{FUNCTIONS, Words, WorkKind, encoded, work};
use crate::protocol::{Decoder, Frame, GrabKind, PacketType as T, Request};
use std::ops::ControlFlow;

/// One worker's ear and mind.
#[derive(Debug)]
pub(super) struct Worker {
    decoder: Decoder,
    draws: Draws,
}

/// What it says first.
pub(super) fn hello(words: &Words) -> Vec<u8> {
    let abilities = (0..FUNCTIONS).map(|number| {
        let function = &words.function(number);
        encoded(&Request::CanDo {
            function,
            timeout_ms: None,
        })
    });
    let mut hello = abilities.collect::<Vec<_>>().concat();
    hello.extend(encoded(&Request::Grab(GrabKind::Uniq)));
    hello
}

impl Worker {
    pub(super) fn new(seed: u64) -> Self {
        Worker {
            decoder: Decoder::default(),
            draws: Draws::new(seed),
        }
    }

    /// What it says to these bytes, each so many microseconds later.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
        let mut answers = Vec::new();
        let draws = &mut self.draws;
        // What cannot be read was found out before.
        let _ = self.decoder.feed(bytes, |frame| {
            if let Frame::Packet(packet) = frame {
                let handle = packet.data.split(|&byte| byte == 0).next();
                answers.extend(answer(packet.kind, handle.unwrap_or_default(), draws));
            }
            ControlFlow::Continue(())
        });
        answers
    }
}

fn answer(kind: T, handle: &[u8], draws: &mut Draws) -> Option<(u64, Vec<u8>)> {
    let grab = encoded(&Request::Grab(GrabKind::Uniq));
    match kind {
        T::NO_JOB => Some((10, encoded(&Request::PreSleep))),
        T::NOOP => Some((10, grab)),
        T::JOB_ASSIGN_UNIQ => {
            let time = draws.of(&[10, 1000, 200_000]).unwrap_or(10);
            let end = draws.of(&[WorkKind::Complete, WorkKind::Complete, WorkKind::Fail]);
            let end = work(handle, end.unwrap_or(WorkKind::Complete));
            Some((time, [end, grab].concat()))
        }
        _ => None,
    }
}
