//! What clients and workers ask: packets parsed into types that cannot be wrong, and back.

use super::encode::put;
use super::packet::{Body, Fields, Magic, MissingArgument, Packet};
use super::table::PacketType;
use super::work::Work;
use crate::mutants::{Mutant, on};
use std::num::NonZeroU32;

/// Bytes of a unique at the most. Source: gearmand's `GEARMAN_MAX_UNIQUE_SIZE`, which accepts 64
/// but stores 63.
pub const MAX_UNIQUE: usize = 64;
/// Bytes of a function name at the most. Source: `GEARMAN_FUNCTION_MAX_SIZE`, which libgearman
/// checks and gearmand does not.
pub const MAX_FUNCTION: usize = 512;
/// Bytes of a reducer's name at the most. Source: gearmand's server.cc.
pub const MAX_REDUCER: usize = 64;
/// Bytes of a handle at the most. Source: `GEARMAN_JOB_HANDLE_SIZE`, which counts a final NUL.
pub const MAX_HANDLE: usize = 63;

/// Bytes of a number in text at the most: those of the largest that 64 bits hold.
pub const MAX_DIGITS: usize = 20;

/// How soon a job of a function is handed out: all high before all normal before all low.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// SUBMIT_JOB_HIGH.
    High,
    /// SUBMIT_JOB, epoch jobs and reduce jobs.
    #[default]
    Normal,
    /// SUBMIT_JOB_LOW.
    Low,
}

impl Priority {
    /// All three, the most urgent first.
    pub const ALL: [Priority; 3] = [Priority::High, Priority::Normal, Priority::Low];
}

/// Which answer a worker asks for when it grabs a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GrabKind {
    /// GRAB_JOB: JOB_ASSIGN.
    Classic,
    /// GRAB_JOB_UNIQ: JOB_ASSIGN_UNIQ, which adds the unique.
    Uniq,
    /// GRAB_JOB_ALL: JOB_ASSIGN_ALL for a reduce job, else JOB_ASSIGN_UNIQ.
    All,
}

/// A job as a client submits it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Submit<'a> {
    /// The function that is to run it.
    pub function: &'a [u8],
    /// What makes two submissions the same job; empty: nothing does; `-`: the body does.
    pub unique: &'a [u8],
    /// How soon.
    pub priority: Priority,
    /// Whether the submitter does not wait for the result.
    pub background: bool,
    /// Not before this time, in seconds since 1970; always a background job.
    pub epoch: Option<u64>,
    /// The function that is to reduce the results, handed to the worker as it is.
    pub reducer: Option<&'a [u8]>,
    /// The payload.
    pub body: Body<'a>,
}

/// A request to the job server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// The sender can run jobs of the function.
    CanDo {
        /// Its name.
        function: &'a [u8],
        /// How long one job may run, in milliseconds; `None` is no limit.
        timeout_ms: Option<NonZeroU32>,
    },
    /// It no longer can.
    CantDo {
        /// The function's name.
        function: &'a [u8],
    },
    /// It can run nothing.
    ResetAbilities,
    /// It waits for a NOOP.
    PreSleep,
    /// It asks for a job.
    Grab(GrabKind),
    /// A job.
    Submit(Submit<'a>),
    /// What a worker says of its job.
    Work {
        /// The job.
        handle: &'a [u8],
        /// What it says.
        work: Work<'a>,
    },
    /// Is the job known, does it run, how far is it?
    GetStatus {
        /// The job.
        handle: &'a [u8],
    },
    /// The same by the unique.
    GetStatusUnique {
        /// The unique.
        unique: &'a [u8],
    },
    /// Send this back.
    Echo {
        /// What to send back.
        body: Body<'a>,
    },
    /// Switch an option of this connection on.
    Option {
        /// Its name.
        name: &'a [u8],
    },
    /// What the worker is called in `workers`.
    SetClientId {
        /// The name.
        id: &'a [u8],
    },
}

/// Why a well-framed packet is no request that a job server can answer. The stream is intact:
/// an ERROR answers it and the connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// A response came where a request belongs.
    #[error("expected the magic \\0REQ, found \\0RES")]
    NotARequest,
    /// Nobody may send this type to a job server, or it is out of use.
    #[error("{0} is not a request")]
    NotExpected(PacketType),
    /// No packet type has this number.
    #[error("unknown packet {0}")]
    UnknownType(PacketType),
    /// An argument is missing.
    #[error(transparent)]
    Missing(#[from] MissingArgument),
    /// An argument is longer than it may be.
    #[error("{argument} of {kind} is {found} bytes long; the limit is {limit}")]
    TooLong {
        /// The packet's type.
        kind: PacketType,
        /// The argument's name in the packet table.
        argument: &'static str,
        /// Its length.
        found: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// An argument is malformed.
    #[error("{argument} of {kind}: expected {expected}")]
    Malformed {
        /// The packet's type.
        kind: PacketType,
        /// The argument's name in the packet table.
        argument: &'static str,
        /// What it should have been.
        expected: &'static str,
    },
}

impl PacketType {
    /// The type that submits a plain job.
    pub fn submit(priority: Priority, background: bool) -> PacketType {
        match (priority, background) {
            (Priority::High, false) => PacketType::SUBMIT_JOB_HIGH,
            (Priority::Normal, false) => PacketType::SUBMIT_JOB,
            (Priority::Low, false) => PacketType::SUBMIT_JOB_LOW,
            (Priority::High, true) => PacketType::SUBMIT_JOB_HIGH_BG,
            (Priority::Normal, true) => PacketType::SUBMIT_JOB_BG,
            (Priority::Low, true) => PacketType::SUBMIT_JOB_LOW_BG,
        }
    }
}

impl<'a> Request<'a> {
    /// Parses a packet from a client or a worker.
    #[inline]
    pub fn parse(packet: &Packet<'a>) -> Result<Self, RequestError> {
        use PacketType as T;
        if packet.magic != Magic::Req && !on(Mutant::ResMagicAccepted) {
            return Err(RequestError::NotARequest);
        }
        match packet.kind {
            T::ECHO_REQ => Ok(Request::Echo { body: packet.data }),
            T::GRAB_JOB => Ok(Request::Grab(GrabKind::Classic)),
            T::SUBMIT_JOB => Self::plain_submit(packet, false),
            T::SUBMIT_JOB_BG => Self::plain_submit(packet, true),
            T::WORK_COMPLETE => {
                let ([handle], body) = packet.arguments()?;
                let work = Work::Complete(body);
                Ok(Request::Work { handle, work })
            }
            _ => Self::parse_by_table(packet),
        }
    }

    #[inline]
    fn plain_submit(packet: &Packet<'a>, background: bool) -> Result<Self, RequestError> {
        let kind = packet.kind;
        let ([function, unique], body) = packet.arguments()?;
        Ok(Request::Submit(Submit {
            function: function_name(kind, function)?,
            unique: bounded(kind, "unique", unique, MAX_UNIQUE)?,
            priority: Priority::Normal,
            background,
            epoch: None,
            reducer: None,
            body: payload(body),
        }))
    }

    /// Those that come less often.
    fn parse_by_table(packet: &Packet<'a>) -> Result<Self, RequestError> {
        use PacketType as T;
        let kind = packet.kind;
        let fields = packet.fields()?;
        let request = match (kind, fields.args()) {
            (T::SUBMIT_JOB_HIGH, _) => Self::submit(kind, &fields, Priority::High, false)?,
            (T::SUBMIT_JOB_HIGH_BG, _) => Self::submit(kind, &fields, Priority::High, true)?,
            (T::SUBMIT_JOB_LOW, _) => Self::submit(kind, &fields, Priority::Low, false)?,
            (T::SUBMIT_JOB_LOW_BG, _) => Self::submit(kind, &fields, Priority::Low, true)?,
            (T::SUBMIT_JOB_EPOCH, _) => Self::submit(kind, &fields, Priority::Normal, true)?,
            (T::SUBMIT_REDUCE_JOB, _) => Self::submit(kind, &fields, Priority::Normal, false)?,
            (T::SUBMIT_REDUCE_JOB_BACKGROUND, _) => {
                Self::submit(kind, &fields, Priority::Normal, true)?
            }
            (T::CAN_DO, [function]) => Request::CanDo {
                function: function_name(kind, function)?,
                timeout_ms: None,
            },
            (T::CAN_DO_TIMEOUT, [function, timeout]) => Request::CanDo {
                function: function_name(kind, function)?,
                timeout_ms: job_timeout(kind, timeout)?,
            },
            (T::CANT_DO, [function]) => Request::CantDo { function },
            (T::RESET_ABILITIES, _) => Request::ResetAbilities,
            (T::PRE_SLEEP, _) => Request::PreSleep,
            (T::GRAB_JOB_UNIQ, _) => Request::Grab(GrabKind::Uniq),
            (T::GRAB_JOB_ALL, _) => Request::Grab(GrabKind::All),
            (T::GET_STATUS, [handle]) => Request::GetStatus { handle },
            (T::GET_STATUS_UNIQUE, [unique]) => Request::GetStatusUnique { unique },
            (T::OPTION_REQ, [name]) => Request::Option { name },
            (T::SET_CLIENT_ID, [id]) => Request::SetClientId { id },
            _ if let Some((handle, work)) = Work::parse(kind, &fields) => {
                if let Work::Status {
                    numerator,
                    denominator,
                } = work
                {
                    bounded(kind, "numerator", numerator, MAX_DIGITS)?;
                    bounded(kind, "denominator", denominator, MAX_DIGITS)?;
                }
                Request::Work { handle, work }
            }
            _ if kind.info().is_none() => return Err(RequestError::UnknownType(kind)),
            _ => return Err(RequestError::NotExpected(kind)),
        };
        Ok(request)
    }

    #[inline]
    fn submit(
        kind: PacketType,
        fields: &Fields<'a>,
        priority: Priority,
        background: bool,
    ) -> Result<Self, RequestError> {
        let [function, unique, ref more @ ..] = *fields.args() else {
            // The packet table gives every submission these two.
            return Err(RequestError::NotExpected(kind));
        };
        let mut submit = Submit {
            function: function_name(kind, function)?,
            unique: bounded(kind, "unique", unique, MAX_UNIQUE)?,
            priority,
            background,
            epoch: None,
            reducer: None,
            body: payload(fields.body),
        };
        match *more {
            [] => {}
            [epoch] => submit.epoch = Some(epoch_time(kind, epoch)?),
            [reducer, _aggregate] => {
                submit.reducer = Some(bounded(kind, "reducer", reducer, MAX_REDUCER)?);
            }
            _ => return Err(RequestError::NotExpected(kind)),
        }
        Ok(Request::Submit(submit))
    }

    /// Appends the request's header and arguments; the caller sends the body that is returned
    /// right behind them.
    pub fn encode_head(&self, out: &mut Vec<u8>) -> Option<Body<'a>> {
        use PacketType as T;
        match *self {
            Request::CanDo {
                function,
                timeout_ms: None,
            } => put(out, Magic::Req, T::CAN_DO, &[function], None),
            Request::CanDo {
                function,
                timeout_ms: Some(limit),
            } => put(
                out,
                Magic::Req,
                T::CAN_DO_TIMEOUT,
                &[function, itoa::Buffer::new().format(limit.get()).as_bytes()],
                None,
            ),
            Request::CantDo { function } => put(out, Magic::Req, T::CANT_DO, &[function], None),
            Request::ResetAbilities => put(out, Magic::Req, T::RESET_ABILITIES, &[], None),
            Request::PreSleep => put(out, Magic::Req, T::PRE_SLEEP, &[], None),
            Request::Grab(GrabKind::Classic) => put(out, Magic::Req, T::GRAB_JOB, &[], None),
            Request::Grab(GrabKind::Uniq) => put(out, Magic::Req, T::GRAB_JOB_UNIQ, &[], None),
            Request::Grab(GrabKind::All) => put(out, Magic::Req, T::GRAB_JOB_ALL, &[], None),
            Request::Submit(submit) => {
                let Submit {
                    function,
                    unique,
                    body,
                    ..
                } = submit;
                let (kind, last): (_, &[u8]) = match (submit.epoch, submit.reducer) {
                    (Some(epoch), _) => {
                        let epoch = itoa::Buffer::new().format(epoch).to_owned();
                        let args = [function, unique, epoch.as_bytes()];
                        return put(out, Magic::Req, T::SUBMIT_JOB_EPOCH, &args, Some(body));
                    }
                    (None, Some(reducer)) if submit.background => {
                        (T::SUBMIT_REDUCE_JOB_BACKGROUND, reducer)
                    }
                    (None, Some(reducer)) => (T::SUBMIT_REDUCE_JOB, reducer),
                    (None, None) => {
                        let kind = PacketType::submit(submit.priority, submit.background);
                        return put(out, Magic::Req, kind, &[function, unique], Some(body));
                    }
                };
                put(
                    out,
                    Magic::Req,
                    kind,
                    &[function, unique, last, b""],
                    Some(body),
                )
            }
            Request::Work { handle, work } => work.encode_head(Magic::Req, handle, out),
            Request::GetStatus { handle } => put(out, Magic::Req, T::GET_STATUS, &[handle], None),
            Request::GetStatusUnique { unique } => {
                put(out, Magic::Req, T::GET_STATUS_UNIQUE, &[unique], None)
            }
            Request::Echo { body } => put(out, Magic::Req, T::ECHO_REQ, &[], Some(body)),
            Request::Option { name } => put(out, Magic::Req, T::OPTION_REQ, &[name], None),
            Request::SetClientId { id } => put(out, Magic::Req, T::SET_CLIENT_ID, &[id], None),
        }
    }

    /// Appends the whole request.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let body = self.encode_head(out);
        out.extend_from_slice(body.unwrap_or_default().bytes());
    }
}

/// What a submission carries: all that follows its arguments.
#[inline]
fn payload(body: Body<'_>) -> Body<'_> {
    match on(Mutant::NulEndsPayload) {
        true => Body::new(body.bytes().split(|&b| b == 0).next().unwrap_or_default()),
        false => body,
    }
}

fn bounded<'a>(
    kind: PacketType,
    argument: &'static str,
    bytes: &'a [u8],
    limit: usize,
) -> Result<&'a [u8], RequestError> {
    if bytes.len() > limit {
        return Err(RequestError::TooLong {
            kind,
            argument,
            found: bytes.len(),
            limit,
        });
    }
    Ok(bytes)
}

/// A name that a function may bear. One with control characters could forge lines of `status`.
fn function_name(kind: PacketType, name: &[u8]) -> Result<&[u8], RequestError> {
    let malformed = |expected| RequestError::Malformed {
        kind,
        argument: "function",
        expected,
    };
    if name.is_empty() {
        return Err(malformed("a name"));
    }
    // TAB is let through: the prefix of Perl's clients ends in one, and `status` is read from
    // the right.
    if name.iter().any(|&b| b.is_ascii_control() && b != b'\t') {
        return Err(malformed("no control character in a name"));
    }
    bounded(kind, "function", name, MAX_FUNCTION)
}

/// The limit of CAN_DO_TIMEOUT. What is no positive number is no limit, as in gearmand; what does
/// not fit saturates: 49 days.
fn job_timeout(kind: PacketType, text: &[u8]) -> Result<Option<NonZeroU32>, RequestError> {
    bounded(kind, "timeout", text, MAX_DIGITS)?;
    Ok(number(text).and_then(|ms| NonZeroU32::new(u32::try_from(ms).unwrap_or(u32::MAX))))
}

/// The time of SUBMIT_JOB_EPOCH. A negative one is in the past, so due.
fn epoch_time(kind: PacketType, text: &[u8]) -> Result<u64, RequestError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    match number(digits) {
        Some(_) if digits.len() < text.len() => Ok(0),
        Some(epoch) => Ok(epoch),
        None => Err(RequestError::Malformed {
            kind,
            argument: "epoch",
            expected: "seconds since 1970 in decimal digits",
        }),
    }
}

/// The number that is all of `text`.
pub fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |value, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}
