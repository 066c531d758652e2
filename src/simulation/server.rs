//! One life of the server: the engine, what it says, its connections, and the rules of its store.

use super::disk::Shared;
use crate::engine::{Event, JobServer, Outbox, Policy, Record, Timestamp};
use crate::model::{STORE, Said, Written};
use crate::protocol::handle::HandlePrefix;
use crate::protocol::{ConnId, Decoder, Response};
use crate::server::store::batches::{Batches, Operation, Waiting};
use crate::server::store::{self, Row};
use crate::wire::{Out, Pool};
use bytes::Bytes;
use slotmap::SlotMap;
use std::collections::VecDeque;
use std::ops::ControlFlow;

/// One connection, as the server has it.
#[derive(Debug)]
pub(super) struct Conn {
    /// Which of all connections of the simulation it is.
    pub(super) serial: usize,
    pub(super) requests: Decoder,
    pub(super) out: Out,
    /// All that its peer is to receive, in order; what is to be filled in is not there yet.
    pub(super) promised: VecDeque<Option<Bytes>>,
}

/// The server, as long as it lives.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) number: u64,
    pub(super) engine: JobServer,
    pub(super) conns: SlotMap<ConnId, Conn>,
    pub(super) pool: Pool,
    pub(super) prefix: HandlePrefix,
    pub(super) waiting: Waiting,
    pub(super) batches: Batches<Shared>,
    /// The thread that writes has a batch, or will soon.
    pub(super) writes: bool,
    /// The server is to be told that nothing else is to be done.
    pub(super) idles: bool,
    durable: bool,
}

/// Where the engine speaks.
struct Voice<'a> {
    conns: &'a mut SlotMap<ConnId, Conn>,
    pool: &'a mut Pool,
    prefix: &'a HandlePrefix,
    waiting: Option<&'a mut Waiting>,
    heard: &'a mut Vec<(usize, Said)>,
}

impl Life {
    /// Starts with these rows; what the model is to be told of them.
    pub(super) fn start(
        policy: Policy,
        now: Timestamp,
        rows: &[Row],
        waiting: Waiting,
        disk: Shared,
    ) -> (Self, Vec<Written>) {
        let mut life = Life {
            number: policy.first_number,
            conns: SlotMap::with_key(),
            pool: Pool::default(),
            prefix: policy.handle_prefix.clone(),
            waiting,
            batches: Batches::new(disk),
            writes: false,
            idles: false,
            durable: policy.durable,
            engine: JobServer::new(policy),
        };
        let doubles = store::replay(&mut life.engine, now, rows);
        life.engine.check_invariants();
        for &number in &doubles {
            life.waiting.give(Operation::Delete(number));
        }
        let taken = rows.iter().filter(|row| !doubles.contains(&row.number));
        let taken = taken.map(|row| written(&life.prefix, 0, &row.record()));
        let taken = taken.collect();
        (life, taken)
    }

    /// Tells the engine something; what everybody heard of it.
    pub(super) fn handle(&mut self, now: Timestamp, event: Event<'_>) -> Vec<(usize, Said)> {
        let mut heard = Vec::new();
        let mut voice = Voice {
            conns: &mut self.conns,
            pool: &mut self.pool,
            prefix: &self.prefix,
            waiting: self.durable.then_some(&mut self.waiting),
            heard: &mut heard,
        };
        self.engine.handle(now, event, &mut voice);
        self.engine.check_invariants();
        heard
    }
}

fn written(prefix: &HandlePrefix, ticket: u64, record: &Record<'_>) -> Written {
    Written {
        ticket,
        handle: prefix.handle(record.number).to_vec(),
        function: record.function.to_vec(),
        unique: record.unique.to_vec(),
        body: record.body.to_vec(),
        priority: record.priority,
        epoch: record.epoch,
        reducer: record.reducer.map(<[u8]>::to_vec),
    }
}

impl Voice<'_> {
    /// What these bytes say to the peer of a connection.
    fn hear(&mut self, serial: usize, bytes: &[u8]) {
        let heard = &mut *self.heard;
        let fed = Decoder::default().feed(bytes, |frame| {
            heard.push((serial, Said::frame(&frame)));
            ControlFlow::Continue(())
        });
        if let Err(error) = fed {
            self.heard.push((serial, Said::Garbled(error.to_string())));
        }
    }

    fn put(&mut self, conn: ConnId, bytes: Vec<u8>) {
        let Some(state) = self.conns.get_mut(conn) else {
            return;
        };
        let serial = state.serial;
        state
            .out
            .append(self.pool, |tail| tail.extend_from_slice(&bytes));
        self.hear(serial, &bytes);
        if let Some(state) = self.conns.get_mut(conn) {
            state.promised.push_back(Some(bytes.into()));
        }
    }
}

impl Outbox for Voice<'_> {
    fn send(&mut self, conn: ConnId, response: Response<'_>) {
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        self.put(conn, bytes);
    }

    fn text(&mut self, conn: ConnId, text: &[u8]) {
        self.put(conn, text.to_vec());
    }

    fn close(&mut self, conn: ConnId) {
        if let Some(state) = self.conns.get(conn) {
            self.heard.push((state.serial, Said::Closed));
        }
    }

    fn store(&mut self, ticket: u64, record: &Record<'_>) {
        if let Some(waiting) = &mut self.waiting {
            waiting.give(Operation::Insert(ticket, Row::from(record)));
        }
        let written = Box::new(written(self.prefix, ticket, record));
        self.heard.push((STORE, Said::Written(written)));
    }

    fn unstore(&mut self, number: u64) {
        if let Some(waiting) = &mut self.waiting {
            waiting.give(Operation::Delete(number));
        }
        let handle = self.prefix.handle(number).to_vec();
        self.heard.push((STORE, Said::Removed(handle)));
    }

    fn hold(&mut self, conn: ConnId) {
        if let Some(state) = self.conns.get_mut(conn) {
            state.out.hold();
            state.promised.push_back(None);
        }
    }

    fn fill(&mut self, conn: ConnId, response: Response<'_>) {
        let Some(state) = self.conns.get_mut(conn) else {
            return;
        };
        let mut bytes = Vec::new();
        response.encode(&mut bytes);
        let place = &bytes;
        state
            .out
            .fill(self.pool, |tail| tail.extend_from_slice(place));
        let serial = state.serial;
        self.hear(serial, &bytes);
        let state = self.conns.get_mut(conn);
        let hole = state.and_then(|state| state.promised.iter_mut().find(|place| place.is_none()));
        if let Some(hole) = hole {
            *hole = Some(bytes.into());
        }
    }
}
