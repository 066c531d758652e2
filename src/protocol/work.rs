//! What workers say of their jobs, and what the job server relays of it to the clients.

use super::encode::put;
use super::packet::{Body, Fields, Magic};
use super::table::PacketType;
use crate::mutants::{Mutant, on};

/// A WORK packet, without the handle of its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work<'a> {
    /// A part of the result.
    Data(Body<'a>),
    /// A warning.
    Warning(Body<'a>),
    /// How far the job is.
    Status {
        /// Text of a number.
        numerator: &'a [u8],
        /// Text of a number.
        denominator: &'a [u8],
    },
    /// The result; the job ends.
    Complete(Body<'a>),
    /// The job failed.
    Fail,
    /// The job failed, with an exception.
    Exception(Body<'a>),
}

impl<'a> Work<'a> {
    /// Whether it is the last that is said of a job.
    #[inline]
    pub fn is_end(&self) -> bool {
        matches!(self, Work::Complete(_) | Work::Fail | Work::Exception(_))
    }

    /// The handle and the rest of a WORK packet; `None` for another type.
    #[inline]
    pub(super) fn parse(kind: PacketType, fields: &Fields<'a>) -> Option<(&'a [u8], Self)> {
        use PacketType as T;
        let body = fields.body;
        let (&handle, more) = fields.args().split_first()?;
        let work = match (kind, more) {
            (T::WORK_DATA, _) => Work::Data(body),
            (T::WORK_WARNING, _) => Work::Warning(body),
            (T::WORK_STATUS, &[numerator, denominator]) => Work::Status {
                numerator,
                denominator,
            },
            (T::WORK_COMPLETE, _) => Work::Complete(body),
            (T::WORK_FAIL, _) => Work::Fail,
            (T::WORK_EXCEPTION, _) => Work::Exception(body),
            _ => return None,
        };
        Some((handle, work))
    }

    /// Appends the packet's header and arguments; the caller sends the body that is returned
    /// right behind them.
    #[inline]
    pub(super) fn encode_head(
        &self,
        magic: Magic,
        handle: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<Body<'a>> {
        use PacketType as T;
        let mut relay = |kind, body| put(out, magic, kind, &[handle], body);
        match *self {
            Work::Data(body) => relay(T::WORK_DATA, Some(body)),
            Work::Warning(body) => relay(T::WORK_WARNING, Some(body)),
            Work::Complete(body) => relay(T::WORK_COMPLETE, Some(body)),
            Work::Fail => relay(T::WORK_FAIL, on(Mutant::FailWithNul).then(Body::default)),
            Work::Exception(body) => relay(T::WORK_EXCEPTION, Some(body)),
            Work::Status {
                numerator,
                denominator,
            } => {
                let args = [handle, numerator, denominator];
                put(out, magic, T::WORK_STATUS, &args, None)
            }
        }
    }
}
