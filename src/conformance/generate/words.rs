//! What the acts of a session are in bytes.

use super::op::{Admin, Kind, Malformed, WorkKind};
use crate::model::Said;
use crate::protocol::packet::HEADER;
use crate::protocol::{Body, Magic, Packet, PacketType, Request, Submit, Work, encode};
use std::num::NonZeroU32;

/// The names of a session, and what has been said of its jobs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Words {
    /// What all names begin with.
    pub(crate) prefix: String,
    /// All handles, in the order in which they were given out.
    pub(crate) handles: Vec<Vec<u8>>,
    /// Who was handed which job.
    pub(crate) assigned: Vec<(u8, Vec<u8>)>,
}

/// An epoch that is over whatever the server's clock says, in seconds before now.
const LONG_AGO: u64 = 3600;

/// The handle of no job.
const STRANGER: &[u8] = b"H:nobody:1";

impl Words {
    /// The job that was handed out so many assignments ago, and to whom.
    pub(crate) fn job(&self, ago: u8) -> (Option<u8>, Vec<u8>) {
        match nth_last(&self.assigned, ago) {
            Some((peer, handle)) => (Some(*peer), handle.clone()),
            None => (None, STRANGER.to_vec()),
        }
    }

    fn handle(&self, ago: u8) -> Vec<u8> {
        nth_last(&self.handles, ago).map_or_else(|| STRANGER.to_vec(), Clone::clone)
    }

    pub(crate) fn function(&self, number: u8) -> Vec<u8> {
        format!("{}{}", self.prefix, char::from(b'a' + number)).into_bytes()
    }

    fn unique(&self, number: u8) -> Vec<u8> {
        match number {
            0 => Vec::new(),
            1 => b"-".to_vec(),
            2 => long_unique(&self.prefix),
            3 => [self.prefix.as_bytes(), b"\xff \x01"].concat(),
            _ => format!("{}{}", self.prefix, char::from(b'p' + number)).into_bytes(),
        }
    }

    /// An act, at `now` in seconds since 1970.
    pub(crate) fn bytes(&self, now: u64, kind: &Kind) -> Vec<u8> {
        let function = |number: &u8| self.function(*number);
        match kind {
            Kind::Submit {
                function: number,
                unique,
                body,
                priority,
                background,
                epoch,
                reduce,
            } => encoded(&Request::Submit(Submit {
                function: &function(number),
                unique: &self.unique(*unique),
                priority: *priority,
                background: *background,
                epoch: epoch.map(|seconds| match seconds {
                    0 => now.saturating_sub(LONG_AGO),
                    _ => now + u64::from(seconds),
                }),
                reducer: reduce.then_some(b"reducer".as_slice()),
                body: Body::new(&payload(*body)),
            })),
            Kind::CanDo {
                function: number,
                limit,
            } => encoded(&Request::CanDo {
                function: &function(number),
                timeout_ms: limit.and_then(|ms| NonZeroU32::new(u32::from(ms))),
            }),
            Kind::CantDo { function: number } => encoded(&Request::CantDo {
                function: &function(number),
            }),
            Kind::ResetAbilities => encoded(&Request::ResetAbilities),
            Kind::PreSleep => encoded(&Request::PreSleep),
            Kind::Grab(kind) => encoded(&Request::Grab(*kind)),
            Kind::Status { ago } => encoded(&Request::GetStatus {
                handle: &self.handle(*ago),
            }),
            Kind::StatusUnique { unique } => encoded(&Request::GetStatusUnique {
                unique: &self.unique(*unique),
            }),
            Kind::Echo { body } => encoded(&Request::Echo {
                body: Body::new(&payload(*body)),
            }),
            Kind::Option { known } => encoded(&Request::Option {
                name: if *known { b"exceptions" } else { b"bogus" },
            }),
            Kind::ClientId { id } => {
                let ids: [&[u8]; 3] = [b"one", b"", b"with space\n"];
                encoded(&Request::SetClientId {
                    id: ids.get(usize::from(*id)).copied().unwrap_or_default(),
                })
            }
            Kind::Malformed(malformed) => self.malformed(*malformed),
            Kind::Admin(admin) => self.admin(*admin),
            // These are not made here.
            Kind::Work { .. } | Kind::Leave { .. } => Vec::new(),
        }
    }

    fn malformed(&self, malformed: Malformed) -> Vec<u8> {
        use PacketType as T;
        let mut out = Vec::new();
        let function = self.function(0);
        let mut put = |magic, kind, args: &[&[u8]]| {
            encode::packet(&mut out, magic, kind, args, None);
        };
        match malformed {
            Malformed::UnknownType(number) => put(Magic::Req, PacketType(number), &[b"data"]),
            Malformed::OnlyServers => put(Magic::Req, T::JOB_CREATED, &[b"H:nobody:1"]),
            Malformed::WrongMagic => put(Magic::Res, T::ECHO_REQ, &[b"data"]),
            Malformed::MissingArgument => put(Magic::Req, T::SUBMIT_JOB, &[&function]),
            Malformed::LongUnique => {
                put(Magic::Req, T::SUBMIT_JOB, &[&function, &[b'u'; 65], b"x"]);
            }
            Malformed::OddEpoch => {
                put(
                    Magic::Req,
                    T::SUBMIT_JOB_EPOCH,
                    &[&function, b"", b"abc", b"x"],
                );
            }
        }
        out
    }

    fn admin(&self, admin: Admin) -> Vec<u8> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let function = |number: u8| text(self.function(number));
        let line = match admin {
            Admin::Status => "status".to_owned(),
            Admin::PriorityStatus => "prioritystatus".to_owned(),
            Admin::Workers => "workers".to_owned(),
            Admin::ShowJobs => "show jobs".to_owned(),
            Admin::ShowUniqueJobs => "show unique jobs".to_owned(),
            Admin::MaxQueue {
                function: number,
                limit: Some(limit),
            } => format!("maxqueue {} {limit}", function(number)),
            Admin::MaxQueue {
                function: number,
                limit: None,
            } => format!("maxqueue {}", function(number)),
            Admin::Cancel { ago } => format!("cancel job {}", text(self.handle(ago))),
            // C gearmand cuts two bytes off the name, whatever ends the line.
            Admin::Create { function: number } => format!("create function {}\r", function(number)),
            Admin::Drop { function: number } => format!("drop function {}", function(number)),
            Admin::Nonsense => "bogus words".to_owned(),
        };
        format!("{line}\n").into_bytes()
    }
}

/// A unique of 64 bytes, another one for each prefix: a short word again and again, which scripts
/// leave as it is, so that it has its length under other names, too.
fn long_unique(prefix: &str) -> Vec<u8> {
    // FNV-1a.
    let hash = prefix.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("{hash:08x}").repeat(8).into_bytes()
}

fn nth_last<T>(all: &[T], ago: u8) -> Option<&T> {
    all.get(all.len().checked_sub(1 + usize::from(ago))?)
}

/// A work packet for a job.
pub(crate) fn work(handle: &[u8], kind: WorkKind) -> Vec<u8> {
    let body = Body::new(b"r\0s");
    let status = |numerator, denominator| Work::Status {
        numerator,
        denominator,
    };
    let work = match kind {
        WorkKind::Complete => Work::Complete(body),
        WorkKind::Fail => Work::Fail,
        WorkKind::Exception => Work::Exception(body),
        WorkKind::Data => Work::Data(body),
        WorkKind::Warning => Work::Warning(body),
        WorkKind::Status => status(b"1", b"10"),
        WorkKind::OddStatus => status(b"-1", b"x"),
    };
    encoded(&Request::Work { handle, work })
}

pub(crate) fn encoded(request: &Request<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    request.encode(&mut out);
    out
}

fn payload(number: u8) -> Vec<u8> {
    match number {
        0 => Vec::new(),
        1 => b"x".to_vec(),
        2 => b"a\0b\n".to_vec(),
        // Larger than what is received into a buffer of its own.
        _ => vec![b'z'; 20_000],
    }
}

/// A question that is answered when everything before it is, and its answer.
pub(crate) fn barrier(number: u64) -> (Vec<u8>, Said) {
    let token = format!("gearbench barrier {number}").into_bytes();
    let body = Body::new(&token);
    let question = encoded(&Request::Echo { body });
    let answer = Said::Packet {
        kind: PacketType::ECHO_RES,
        args: Vec::new(),
        body: token.clone(),
    };
    (question, answer)
}

/// The one packet that these bytes are.
pub(crate) fn packet_of(bytes: &[u8]) -> Option<Packet<'_>> {
    let magic = match bytes.get(..4)? {
        b"\0REQ" => Magic::Req,
        b"\0RES" => Magic::Res,
        _ => return None,
    };
    let kind = u32::from_be_bytes(bytes.get(4..8)?.try_into().ok()?);
    Some(Packet {
        magic,
        kind: PacketType(kind),
        data: Body::new(bytes.get(HEADER..)?),
    })
}
