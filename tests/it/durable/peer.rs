//! A blocking connection that submits and works.

use super::load;
use crate::support::PATIENCE;
use gearbench::protocol::{
    Body, Decoder, Frame, GrabKind, PacketType, Priority, Request, Submit, Work,
};
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::ops::ControlFlow;

pub(super) const FUNCTION: &[u8] = b"durable";
pub(super) const JOB_CREATED: PacketType = PacketType(8);
const ERROR: PacketType = PacketType(19);
const NO_JOB: PacketType = PacketType(10);
const ECHO_RES: PacketType = PacketType(17);

/// One connection.
pub(super) struct Wire {
    stream: TcpStream,
    decoder: Decoder,
    ready: VecDeque<(PacketType, Vec<u8>)>,
    registered: bool,
}

impl Wire {
    pub(super) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        stream.set_nodelay(true).expect("a socket");
        Wire {
            stream,
            decoder: Decoder::default(),
            ready: VecDeque::new(),
            registered: false,
        }
    }

    pub(super) fn send(&mut self, requests: &[Request<'_>]) -> io::Result<()> {
        let mut bytes = Vec::new();
        requests
            .iter()
            .for_each(|request| request.encode(&mut bytes));
        self.stream.write_all(&bytes)
    }

    /// The next packet; an error once the server is gone.
    pub(super) fn receive(&mut self) -> io::Result<(PacketType, Vec<u8>)> {
        let mut chunk = [0; 64 * 1024];
        while self.ready.is_empty() {
            let count = self.stream.read(&mut chunk)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let ready = &mut self.ready;
            let fed = self.decoder.feed(&chunk[..count], |frame| {
                if let Frame::Packet(packet) = frame {
                    ready.push_back((packet.kind, packet.data.to_vec()));
                }
                ControlFlow::Continue(())
            });
            fed.expect("Gearman");
        }
        Ok(self.ready.pop_front().expect("not empty"))
    }

    /// Fetches the next job: its handle and its payload.
    pub(super) fn grab(&mut self) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
        let (function, timeout_ms) = (FUNCTION, None);
        if !std::mem::replace(&mut self.registered, true) {
            self.send(&[Request::CanDo {
                function,
                timeout_ms,
            }])?;
        }
        self.send(&[Request::Grab(GrabKind::Classic)])?;
        let (kind, data) = self.receive()?;
        if kind == NO_JOB {
            return Ok(None);
        }
        let mut parts = data.splitn(3, |&byte| byte == 0);
        let mut part = || parts.next().expect("three arguments").to_vec();
        let (handle, _function, body) = (part(), part(), part());
        Ok(Some((handle, body)))
    }

    pub(super) fn complete(&mut self, handle: &[u8]) -> io::Result<()> {
        let work = Work::Complete(Body::new(b""));
        self.send(&[Request::Work { handle, work }])
    }

    /// The number of the next job, which is done with that.
    pub(super) fn grab_and_complete(&mut self) -> Option<u64> {
        let (handle, body) = self.grab().expect("the server lives")?;
        self.complete(&handle).expect("the server lives");
        Some(load::number(&body))
    }

    /// Whether there was a job; it is done with that.
    pub(super) fn grab_and_drop_body(&mut self) -> bool {
        let job = self.grab().expect("the server lives");
        job.inspect(|(handle, _)| self.complete(handle).expect("the server lives"))
            .is_some()
    }

    /// Submits a background job; the text of the refusal if it is refused.
    pub(super) fn submit_body(&mut self, body: &[u8]) -> Result<(), String> {
        let submit = Submit {
            function: FUNCTION,
            unique: b"",
            priority: Priority::Normal,
            background: true,
            epoch: None,
            reducer: None,
            body: Body::new(body),
        };
        self.send(&[Request::Submit(submit)])
            .expect("the server lives");
        match self.receive().expect("the server lives") {
            (JOB_CREATED, _) => Ok(()),
            (ERROR, data) => Err(String::from_utf8_lossy(&data).into_owned()),
            other => panic!("expected JOB_CREATED or ERROR, found {other:?}"),
        }
    }

    pub(super) fn echo(&mut self) {
        let body = Body::new(b"are you there?");
        self.send(&[Request::Echo { body }])
            .expect("the server lives");
        assert_eq!(self.receive().expect("the server lives").0, ECHO_RES);
    }
}
