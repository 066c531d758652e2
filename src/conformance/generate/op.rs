//! What a peer does in a generated session. Names are numbers of small sets, so that peers meet.

use crate::protocol::{GrabKind, Priority};

/// Peers of a session.
pub(crate) const PEERS: u8 = 5;
/// Functions that sessions name.
pub(crate) const FUNCTIONS: u8 = 3;
/// Uniques that they name.
pub(super) const UNIQUES: u8 = 6;
/// Payloads that they send.
pub(super) const BODIES: u8 = 4;

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A peer, which connects when it first acts, does something.
    Act {
        /// Who.
        peer: u8,
        /// What.
        kind: Kind,
    },
    /// So many milliseconds pass.
    Pass(u32),
}

/// What a peer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// SUBMIT_JOB and its kin.
    Submit {
        /// Which function.
        function: u8,
        /// Which unique.
        unique: u8,
        /// Which payload.
        body: u8,
        /// How soon; epoch and reduce jobs are normal.
        priority: Priority,
        /// Whether it waits for the result.
        background: bool,
        /// Not before so many seconds from now, as an epoch job; 0 is long ago.
        epoch: Option<u8>,
        /// With a reducer.
        reduce: bool,
    },
    /// CAN_DO, or CAN_DO_TIMEOUT with a limit in milliseconds.
    CanDo {
        /// Which function.
        function: u8,
        /// How long a job may take.
        limit: Option<u16>,
    },
    /// CANT_DO.
    CantDo {
        /// Which function.
        function: u8,
    },
    /// RESET_ABILITIES.
    ResetAbilities,
    /// PRE_SLEEP.
    PreSleep,
    /// GRAB_JOB and its kin.
    Grab(GrabKind),
    /// A work packet for one of the jobs handed out last; by its worker, or by this peer.
    Work {
        /// How many assignments ago.
        ago: u8,
        /// Whether this peer sends it, whoever has the job.
        meddle: bool,
        /// Which.
        work: WorkKind,
    },
    /// GET_STATUS of one of the last handles.
    Status {
        /// How many handles ago.
        ago: u8,
    },
    /// GET_STATUS_UNIQUE.
    StatusUnique {
        /// Which unique.
        unique: u8,
    },
    /// ECHO_REQ.
    Echo {
        /// Which payload.
        body: u8,
    },
    /// OPTION_REQ `exceptions`, or of an option that there is not.
    Option {
        /// Whether there is one.
        known: bool,
    },
    /// SET_CLIENT_ID.
    ClientId {
        /// Which.
        id: u8,
    },
    /// A packet that is no request.
    Malformed(Malformed),
    /// A line of the text protocol.
    Admin(Admin),
    /// The connection ends: closed, or reset.
    Leave {
        /// By RST.
        reset: bool,
    },
}

impl Op {
    /// What is done, without its details.
    pub fn name(&self) -> String {
        let text = match self {
            Op::Pass(_) => return "Pass".to_owned(),
            Op::Act {
                kind: Kind::Admin(admin),
                ..
            } => format!("{admin:?}"),
            Op::Act {
                kind: Kind::Malformed(malformed),
                ..
            } => format!("{malformed:?}"),
            Op::Act {
                kind: Kind::Work { work, .. },
                ..
            } => format!("{work:?}"),
            Op::Act { kind, .. } => format!("{kind:?}"),
        };
        let end = text.find(|c: char| !c.is_ascii_alphanumeric());
        text[..end.unwrap_or(text.len())].to_owned()
    }
}

/// A work packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// WORK_COMPLETE.
    Complete,
    /// WORK_FAIL.
    Fail,
    /// WORK_EXCEPTION.
    Exception,
    /// WORK_DATA.
    Data,
    /// WORK_WARNING.
    Warning,
    /// WORK_STATUS.
    Status,
    /// WORK_STATUS with what are no numbers.
    OddStatus,
}

/// A packet that is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// A type that no packet has.
    UnknownType(u32),
    /// A type that only servers send.
    OnlyServers,
    /// A request under the magic of a response.
    WrongMagic,
    /// A submission without the NULs between its arguments.
    MissingArgument,
    /// A unique of 65 bytes.
    LongUnique,
    /// An epoch that is no time.
    OddEpoch,
}

impl Malformed {
    /// Whether it has killed a server before: C gearmand dies of types from 2^31 up.
    pub(super) fn is_hazardous(self) -> bool {
        matches!(self, Malformed::UnknownType(0x8000_0000..))
    }
}

/// A line of the text protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admin {
    /// `status`
    Status,
    /// `prioritystatus`
    PriorityStatus,
    /// `workers`
    Workers,
    /// `show jobs`
    ShowJobs,
    /// `show unique jobs`
    ShowUniqueJobs,
    /// `maxqueue f n`, or without `n`.
    MaxQueue {
        /// Which function.
        function: u8,
        /// Jobs at the most.
        limit: Option<u8>,
    },
    /// `cancel job H` of one of the last handles.
    Cancel {
        /// How many handles ago.
        ago: u8,
    },
    /// `create function f`
    Create {
        /// Which function.
        function: u8,
    },
    /// `drop function f`
    Drop {
        /// Which function.
        function: u8,
    },
    /// A line that is no command.
    Nonsense,
}
