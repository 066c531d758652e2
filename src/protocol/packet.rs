//! A packet as it stands on the wire, borrowed from the buffer it was read into.

use super::table::PacketType;
use crate::mutants::{Mutant, on};
use bytes::Bytes;
use std::fmt;
use std::ops::Deref;

/// Bytes before the data of every packet: magic, type and size, four bytes each.
pub const HEADER: usize = 12;

/// The first four bytes of a packet: which way it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Magic {
    /// `\0REQ`: to the job server.
    Req,
    /// `\0RES`: from the job server.
    Res,
}

impl Magic {
    /// The four bytes on the wire.
    pub const fn bytes(self) -> [u8; 4] {
        match self {
            Magic::Req => *b"\0REQ",
            Magic::Res => *b"\0RES",
        }
    }
}

/// Opaque bytes that a packet carries: a payload, a result, a progress text.
///
/// A large one also names the shared buffer it was received into, so that it can be kept or sent
/// on without a copy.
#[derive(Clone, Copy, Default)]
pub struct Body<'a> {
    bytes: &'a [u8],
    shared: Option<&'a Bytes>,
}

impl<'a> Body<'a> {
    /// A body that lies in a buffer about to be used again.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Body {
            bytes,
            shared: None,
        }
    }

    /// A body that is all of `shared`.
    pub fn shared(shared: &'a Bytes) -> Self {
        Body {
            bytes: shared,
            shared: Some(shared),
        }
    }

    /// The bytes, for as long as the buffer lives.
    pub fn bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The bytes by reference, where the buffer they lie in is shared.
    pub fn to_shared(self) -> Option<Bytes> {
        self.shared.map(|buffer| buffer.slice_ref(self.bytes))
    }

    /// What follows the first `at` bytes; nothing when there are fewer.
    pub fn tail(self, at: usize) -> Self {
        Body {
            bytes: self.bytes.get(at..).unwrap_or_default(),
            shared: self.shared,
        }
    }
}

impl Deref for Body<'_> {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.bytes
    }
}

impl<'a> From<&'a [u8]> for Body<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Body::new(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Body<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Body::new(bytes)
    }
}

impl PartialEq for Body<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Body<'_> {}

impl fmt::Debug for Body<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.bytes.escape_ascii())
    }
}

/// One packet: its magic, its type and everything after the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Which way the packet says it goes.
    pub magic: Magic,
    /// Its type, known or not.
    pub kind: PacketType,
    /// Everything after the header.
    pub data: Body<'a>,
}

/// The arguments of one packet, and the body where its type has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fields<'a> {
    args: [&'a [u8]; MAX_ARGS],
    count: usize,
    /// The body; empty for a type without one.
    pub body: Body<'a>,
}

/// Arguments of the longest row of the packet table (SUBMIT_JOB_SCHED).
pub const MAX_ARGS: usize = 7;

/// The data of a packet holds fewer arguments than its type needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} needs {expected} arguments, found {found}")]
pub struct MissingArgument {
    /// The packet's type.
    pub kind: PacketType,
    /// Arguments that the packet table gives it.
    pub expected: usize,
    /// Arguments that its data holds.
    pub found: usize,
}

impl<'a> Fields<'a> {
    /// The arguments, in order.
    pub fn args(&self) -> &[&'a [u8]] {
        &self.args[..self.count]
    }
}

impl<'a> Packet<'a> {
    /// The arguments and the body of a type that has so many, and a body, by the packet table.
    /// For those that come most often: the table is not looked at.
    #[inline]
    pub(super) fn arguments<const N: usize>(
        &self,
    ) -> Result<([&'a [u8]; N], Body<'a>), MissingArgument> {
        let mut args = [[].as_slice(); N];
        let mut rest = self.data;
        for (found, arg) in args.iter_mut().enumerate() {
            let Some(end) = memchr::memchr(0, &rest) else {
                return Err(MissingArgument {
                    kind: self.kind,
                    expected: N,
                    found,
                });
            };
            *arg = &rest.bytes()[..end];
            rest = rest.tail(end + 1);
        }
        Ok((args, rest))
    }

    /// Splits the data by the packet table; a type outside it is one body. Looks at this
    /// packet's bytes only.
    #[inline]
    pub fn fields(&self) -> Result<Fields<'a>, MissingArgument> {
        let mut fields = Fields {
            args: [&[]; MAX_ARGS],
            count: 0,
            body: Body::default(),
        };
        let Some(row) = self.kind.info() else {
            fields.body = self.data;
            return Ok(fields);
        };
        let mut rest = self.data;
        let separators = row.separators();
        for found in 0..separators {
            let none = on(Mutant::MissingNulForgiven).then_some(rest.len());
            let Some(end) = memchr::memchr(0, &rest).or(none) else {
                return Err(MissingArgument {
                    kind: self.kind,
                    expected: row.args.len(),
                    found: found + usize::from(!row.body),
                });
            };
            fields.args[found] = &rest.bytes()[..end];
            rest = rest.tail(end + 1);
        }
        if row.body {
            fields.body = rest;
        } else if !row.args.is_empty() {
            fields.args[separators] = rest.bytes();
        }
        fields.count = row.args.len();
        Ok(fields)
    }
}
