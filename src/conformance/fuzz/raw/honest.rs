//! A peer that does nothing wrong: whatever others do, it is served.

use crate::conformance::arm::{Arm, PeerId, Received};
use crate::conformance::tcp::TcpArm;
use crate::protocol::{Body, Decoder, Frame, GrabKind, Priority, Request, Response, Submit, Work};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

/// Its function.
pub(super) const FUNCTION: &[u8] = b"gearbench-honest";

/// A connection of its own, older than those of the session.
pub(super) struct Honest {
    /// Once it is connected.
    id: Option<PeerId>,
    decoder: Decoder,
    /// Packets that came, as far as they matter: handles, and what else.
    inbox: VecDeque<Heard>,
}

/// What it was told.
#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Created(Vec<u8>),
    Assigned(Vec<u8>),
    NoJob,
    Echo,
    Other(String),
}

impl Honest {
    pub(super) fn new() -> Self {
        Honest {
            id: None,
            decoder: Decoder::default(),
            inbox: VecDeque::new(),
        }
    }

    /// Its connection, which is made when it first speaks.
    fn id(&mut self, arm: &mut TcpArm) -> Result<PeerId, String> {
        if let Some(id) = self.id {
            return Ok(id);
        }
        let id = arm.connect().map_err(|error| error.to_string())?;
        Ok(*self.id.insert(id))
    }

    /// Submits a job, takes it, ends it and asks for an echo, each within `patience`; the handle,
    /// or what went wrong.
    pub(super) fn has_a_job_done(
        &mut self,
        arm: &mut TcpArm,
        patience: Duration,
    ) -> Result<Vec<u8>, String> {
        let can_do = Request::CanDo {
            function: FUNCTION,
            timeout_ms: None,
        };
        let submit = Request::Submit(Submit {
            function: FUNCTION,
            unique: b"",
            priority: Priority::Normal,
            background: true,
            epoch: None,
            reducer: None,
            body: Body::new(b"x"),
        });
        self.say(arm, &[can_do, submit])?;
        let created = self.wait(arm, patience, "JOB_CREATED", |heard| match heard {
            Heard::Created(handle) => Some(handle.clone()),
            _ => None,
        })?;
        self.say(arm, &[Request::Grab(GrabKind::Classic)])?;
        let handle = self.wait(arm, patience, "JOB_ASSIGN", |heard| match heard {
            Heard::Assigned(handle) => Some(handle.clone()),
            _ => None,
        })?;
        let complete = Request::Work {
            handle: &handle,
            work: Work::Complete(Body::new(b"")),
        };
        let body = Body::new(b"alive");
        self.say(arm, &[complete, Request::Echo { body }])?;
        self.wait(arm, patience, "ECHO_RES", |heard| {
            (*heard == Heard::Echo).then_some(())
        })?;
        Ok(created)
    }

    /// Connects and asks for the version.
    pub(super) fn asks_for_the_version(arm: &mut TcpArm, patience: Duration) -> Result<(), String> {
        let id = arm.connect().map_err(|error| error.to_string())?;
        arm.send(id, b"version\n")
            .map_err(|error| error.to_string())?;
        let received = arm.receive(id, patience);
        arm.reset(id);
        match received {
            Ok(Received::Bytes(_)) => Ok(()),
            Ok(other) => Err(format!(
                "a new connection got no answer to `version` in {patience:?}: {other:?}"
            )),
            Err(error) => Err(error.to_string()),
        }
    }

    fn say(&mut self, arm: &mut TcpArm, requests: &[Request<'_>]) -> Result<(), String> {
        let mut bytes = Vec::new();
        requests
            .iter()
            .for_each(|request| request.encode(&mut bytes));
        let id = self.id(arm)?;
        arm.send(id, &bytes).map_err(|error| error.to_string())
    }

    /// What `wanted` picks of that which comes, which may hold other things.
    fn wait<T>(
        &mut self,
        arm: &mut TcpArm,
        patience: Duration,
        name: &str,
        wanted: impl Fn(&Heard) -> Option<T>,
    ) -> Result<T, String> {
        let until = Instant::now() + patience;
        loop {
            while let Some(heard) = self.inbox.pop_front() {
                match (wanted(&heard), heard) {
                    (Some(found), _) => return Ok(found),
                    (None, Heard::NoJob) => {
                        return Err("an honest peer's own job is not handed out to it".to_owned());
                    }
                    (None, Heard::Other(what)) => {
                        return Err(format!("an honest peer got {what} for {name}"));
                    }
                    (None, _) => {}
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("an honest peer got no {name} in {patience:?}"));
            }
            self.hear(arm, left, name)?;
        }
    }

    fn hear(&mut self, arm: &mut TcpArm, wait: Duration, name: &str) -> Result<(), String> {
        let id = self.id(arm)?;
        let bytes = match arm.receive(id, wait) {
            Ok(Received::Bytes(bytes)) => bytes,
            Ok(Received::Nothing) => return Ok(()),
            Ok(Received::Closed | Received::Reset) => {
                return Err(format!("an honest peer was cut off instead of {name}"));
            }
            Err(error) => return Err(error.to_string()),
        };
        let inbox = &mut self.inbox;
        let fed = self.decoder.feed(&bytes, |frame| {
            inbox.push_back(Heard::of(frame));
            ControlFlow::Continue(())
        });
        fed.map(drop)
            .map_err(|error| format!("an honest peer got something else than {name}: {error}"))
    }
}

impl Heard {
    fn of(frame: Frame<'_>) -> Self {
        let Frame::Packet(packet) = frame else {
            return Heard::Other("a line of text".to_owned());
        };
        match Response::parse(&packet) {
            Ok(Response::JobCreated { handle }) => Heard::Created(handle.to_vec()),
            // Some servers hand out every job with its unique.
            Ok(Response::JobAssign { handle, .. } | Response::JobAssignUniq { handle, .. }) => {
                Heard::Assigned(handle.to_vec())
            }
            Ok(Response::NoJob) => Heard::NoJob,
            Ok(Response::EchoRes { .. }) => Heard::Echo,
            Ok(Response::Noop) => Heard::Other("a NOOP".to_owned()),
            Ok(Response::Error { code, text }) => Heard::Other(format!(
                "ERROR {} {}",
                code.escape_ascii(),
                text.escape_ascii()
            )),
            _ => Heard::Other(format!("{} of {} bytes", packet.kind, packet.data.len())),
        }
    }
}
