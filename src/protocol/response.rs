//! What a job server answers.

use super::encode::put;
use super::packet::{Body, Magic, MissingArgument, Packet};
use super::table::PacketType;
use super::work::Work;

/// A response of the job server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Response<'a> {
    /// The job was queued, or joined.
    JobCreated {
        /// The job.
        handle: &'a [u8],
    },
    /// A job waits for the sleeping worker.
    Noop,
    /// None does.
    NoJob,
    /// A job for the worker that grabbed.
    JobAssign {
        /// The job.
        handle: &'a [u8],
        /// Its function.
        function: &'a [u8],
        /// Its payload.
        body: Body<'a>,
    },
    /// The same with its unique.
    JobAssignUniq {
        /// The job.
        handle: &'a [u8],
        /// Its function.
        function: &'a [u8],
        /// Its unique.
        unique: &'a [u8],
        /// Its payload.
        body: Body<'a>,
    },
    /// The same with its reducer.
    JobAssignAll {
        /// The job.
        handle: &'a [u8],
        /// Its function.
        function: &'a [u8],
        /// Its unique.
        unique: &'a [u8],
        /// Its reducer.
        reducer: &'a [u8],
        /// Its payload.
        body: Body<'a>,
    },
    /// What the worker says of a job.
    Work {
        /// The job.
        handle: &'a [u8],
        /// What it says.
        work: Work<'a>,
    },
    /// What GET_STATUS asked for.
    StatusRes {
        /// The handle that was asked for.
        handle: &'a [u8],
        /// Whether the job is known.
        known: bool,
        /// Whether it runs.
        running: bool,
        /// Text of a number.
        numerator: &'a [u8],
        /// Text of a number.
        denominator: &'a [u8],
    },
    /// What GET_STATUS_UNIQUE asked for.
    StatusResUnique {
        /// The unique that was asked for.
        unique: &'a [u8],
        /// Whether the job is known.
        known: bool,
        /// Whether it runs.
        running: bool,
        /// Text of a number.
        numerator: &'a [u8],
        /// Text of a number.
        denominator: &'a [u8],
        /// How many clients wait for it.
        clients: usize,
    },
    /// What ECHO_REQ carried.
    EchoRes {
        /// The same bytes.
        body: Body<'a>,
    },
    /// The option is on.
    OptionRes {
        /// The option, spelled as it was asked for.
        name: &'a [u8],
    },
    /// The request was refused.
    Error {
        /// One word.
        code: &'a [u8],
        /// A sentence.
        text: &'a [u8],
    },
}

const fn flag(value: bool) -> &'static [u8] {
    if value { b"1" } else { b"0" }
}

impl<'a> Response<'a> {
    /// Appends the response's header and arguments; the caller sends the body that is returned
    /// right behind them.
    #[inline]
    pub fn encode_head(&self, out: &mut Vec<u8>) -> Option<Body<'a>> {
        use PacketType as T;
        match *self {
            Response::JobCreated { handle } => {
                put(out, Magic::Res, T::JOB_CREATED, &[handle], None)
            }
            Response::Noop => put(out, Magic::Res, T::NOOP, &[], None),
            Response::NoJob => put(out, Magic::Res, T::NO_JOB, &[], None),
            Response::JobAssign {
                handle,
                function,
                body,
            } => put(
                out,
                Magic::Res,
                T::JOB_ASSIGN,
                &[handle, function],
                Some(body),
            ),
            Response::JobAssignUniq {
                handle,
                function,
                unique,
                body,
            } => put(
                out,
                Magic::Res,
                T::JOB_ASSIGN_UNIQ,
                &[handle, function, unique],
                Some(body),
            ),
            Response::JobAssignAll {
                handle,
                function,
                unique,
                reducer,
                body,
            } => {
                let args = [handle, function, unique, reducer];
                put(out, Magic::Res, T::JOB_ASSIGN_ALL, &args, Some(body))
            }
            Response::Work { handle, work } => work.encode_head(Magic::Res, handle, out),
            Response::StatusRes {
                handle,
                known,
                running,
                numerator,
                denominator,
            } => {
                let args = [handle, flag(known), flag(running), numerator, denominator];
                put(out, Magic::Res, T::STATUS_RES, &args, None)
            }
            Response::StatusResUnique {
                unique,
                known,
                running,
                numerator,
                denominator,
                clients,
            } => {
                let (known, running) = (flag(known), flag(running));
                let mut text = itoa::Buffer::new();
                let clients = text.format(clients).as_bytes();
                let args = [unique, known, running, numerator, denominator, clients];
                put(out, Magic::Res, T::STATUS_RES_UNIQUE, &args, None)
            }
            Response::EchoRes { body } => put(out, Magic::Res, T::ECHO_RES, &[], Some(body)),
            Response::OptionRes { name } => put(out, Magic::Res, T::OPTION_RES, &[name], None),
            Response::Error { code, text } => put(out, Magic::Res, T::ERROR, &[code, text], None),
        }
    }

    /// Appends the whole response.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let body = self.encode_head(out);
        out.extend_from_slice(body.unwrap_or_default().bytes());
    }

    /// Parses a packet from a job server.
    #[inline]
    pub fn parse(packet: &Packet<'a>) -> Result<Self, ResponseError> {
        use PacketType as T;
        if packet.magic != Magic::Res {
            return Err(ResponseError::NotAResponse(packet.kind));
        }
        let fields = packet.fields()?;
        let body = fields.body;
        let response = match (packet.kind, fields.args()) {
            (T::JOB_CREATED, &[handle]) => Response::JobCreated { handle },
            (T::NOOP, _) => Response::Noop,
            (T::NO_JOB, _) => Response::NoJob,
            (T::JOB_ASSIGN, &[handle, function]) => Response::JobAssign {
                handle,
                function,
                body,
            },
            (T::JOB_ASSIGN_UNIQ, &[handle, function, unique]) => Response::JobAssignUniq {
                handle,
                function,
                unique,
                body,
            },
            (T::JOB_ASSIGN_ALL, &[handle, function, unique, reducer]) => Response::JobAssignAll {
                handle,
                function,
                unique,
                reducer,
                body,
            },
            (T::STATUS_RES, &[handle, known, running, numerator, denominator]) => {
                Response::StatusRes {
                    handle,
                    known: known == b"1",
                    running: running == b"1",
                    numerator,
                    denominator,
                }
            }
            (T::STATUS_RES_UNIQUE, &[unique, known, running, numerator, denominator, clients]) => {
                Response::StatusResUnique {
                    unique,
                    known: known == b"1",
                    running: running == b"1",
                    numerator,
                    denominator,
                    clients: super::request::number(clients)
                        .and_then(|count| usize::try_from(count).ok())
                        .ok_or(ResponseError::NotANumber(packet.kind))?,
                }
            }
            (T::ECHO_RES, _) => Response::EchoRes { body },
            (T::OPTION_RES, &[name]) => Response::OptionRes { name },
            (T::ERROR, &[code, text]) => Response::Error { code, text },
            _ => match Work::parse(packet.kind, &fields) {
                // gearmand 1.1 ends the handle of a failure that it makes itself with a NUL.
                Some((handle, Work::Fail)) => Response::Work {
                    handle: handle.strip_suffix(b"\0").unwrap_or(handle),
                    work: Work::Fail,
                },
                Some((handle, work)) => Response::Work { handle, work },
                None => return Err(ResponseError::NotExpected(packet.kind)),
            },
        };
        Ok(response)
    }
}

/// Why a well-framed packet is no response that a client or worker can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResponseError {
    /// A request came where a response belongs.
    #[error("expected the magic \\0RES, found \\0REQ ({0})")]
    NotAResponse(PacketType),
    /// No server sends this type.
    #[error("{0} is not a response")]
    NotExpected(PacketType),
    /// A field that should be a number is none.
    #[error("{0} holds a count that is no number")]
    NotANumber(PacketType),
    /// An argument is missing.
    #[error(transparent)]
    Missing(#[from] MissingArgument),
}
