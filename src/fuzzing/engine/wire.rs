//! What the engine says, to whom, and in which places.

use super::super::admin::assert_is_text;
use crate::engine::{Outbox, Record};
use crate::protocol::{ConnId, Decoder, Frame, Response};
use slotmap::SecondaryMap;
use std::ops::ControlFlow;

/// Handles that are remembered.
const HANDLES: usize = 64;

/// All connections, seen from the engine.
#[derive(Default)]
pub(super) struct Wire {
    lines: SecondaryMap<ConnId, Line>,
    /// Those that the engine has closed.
    pub(super) closing: Vec<ConnId>,
    /// Handles that were given out, the last at the end.
    pub(super) handles: Vec<Vec<u8>>,
    /// The last ticket that was given to the store.
    pub(super) tickets: u64,
}

/// One connection.
#[derive(Default)]
struct Line {
    /// Places among the answers that are still free.
    held: usize,
    closed: bool,
    /// The body of the last ECHO_RES, as long as nothing came after it.
    echoed: Option<Vec<u8>>,
    /// The last job that was handed out.
    assigned: Option<Vec<u8>>,
}

impl Wire {
    pub(super) fn connect(&mut self, conn: ConnId) {
        self.lines.insert(conn, Line::default());
    }

    pub(super) fn disconnect(&mut self, conn: ConnId) {
        self.lines.remove(conn);
    }

    /// The job that the connection was given since this was last asked.
    pub(super) fn assigned(&mut self, conn: ConnId) -> Option<Vec<u8>> {
        self.lines.get_mut(conn)?.assigned.take()
    }

    /// No answer is outstanding, and this ECHO_RES was the last.
    pub(super) fn assert_all_said(&self, conn: ConnId, body: &[u8]) {
        let line = &self.lines[conn];
        assert_eq!(line.held, 0, "a place among the answers was never filled");
        assert_eq!(line.echoed.as_deref(), Some(body));
    }

    fn remember(&mut self, handle: &[u8]) {
        if self.handles.len() == HANDLES {
            self.handles.remove(0);
        }
        self.handles.push(handle.to_vec());
    }

    /// What is said can be read.
    fn say(&mut self, conn: ConnId, response: Response<'_>) {
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        let mut read = 0;
        let fed = Decoder::default().feed(&bytes, |frame| {
            let Frame::Packet(packet) = frame else {
                panic!("a packet was sent, a line is read");
            };
            assert_eq!(Response::parse(&packet), Ok(response));
            read += 1;
            ControlFlow::Continue(())
        });
        assert_eq!((fed, read), (Ok(bytes.len()), 1));
        match response {
            Response::JobCreated { handle } => self.remember(handle),
            Response::JobAssign { handle, .. }
            | Response::JobAssignUniq { handle, .. }
            | Response::JobAssignAll { handle, .. } => self.remember(handle),
            _ => {}
        }
        let Some(line) = self.lines.get_mut(conn) else {
            return;
        };
        assert!(!line.closed, "{response:?} after the end");
        line.echoed = match response {
            Response::EchoRes { body } => Some(body.to_vec()),
            _ => None,
        };
        if let Response::JobAssign { handle, .. }
        | Response::JobAssignUniq { handle, .. }
        | Response::JobAssignAll { handle, .. } = response
        {
            line.assigned = Some(handle.to_vec());
        }
    }
}

impl Outbox for Wire {
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        self.say(conn, response);
    }

    fn text(&mut self, _: ConnId, text: &[u8]) {
        assert_is_text(text);
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(line) = self.lines.get_mut(conn) {
            line.closed = true;
            self.closing.push(conn);
        }
    }

    fn store(&mut self, ticket: u64, _: &Record<'_>) {
        assert!(ticket > self.tickets, "tickets count up");
        self.tickets = ticket;
    }

    fn hold(&mut self, conn: ConnId) {
        if let Some(line) = self.lines.get_mut(conn) {
            line.held += 1;
        }
    }

    fn fill(&mut self, conn: ConnId, response: Response<'_>) {
        if let Some(line) = self.lines.get_mut(conn) {
            assert!(line.held > 0, "{response:?} has no place");
            line.held -= 1;
        }
        self.say(conn, response);
    }
}
