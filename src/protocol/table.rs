//! The packet table: the one place that knows every packet type of the protocol.
//!
//! Arity for the codec, names for traces and scripts, strategies for property tests and the table
//! in the README are all derived from it.

use std::fmt;

/// The number of a packet type. A newtype, so that a number nobody knows survives decoding,
/// traces and ERROR replies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PacketType(pub u32);

/// Who puts a packet type on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A client, to the job server.
    Client,
    /// A worker, to the job server.
    Worker,
    /// A client or a worker, to the job server.
    Peer,
    /// The job server.
    Server,
    /// A worker, to the job server, which relays it to the clients of the job.
    Relayed,
    /// Nobody: the number is reserved.
    Nobody,
}

/// One row of the packet table.
#[derive(Clone, Copy, Debug)]
pub struct PacketInfo {
    /// The type's number.
    pub kind: PacketType,
    /// The name PROTOCOL gives it.
    pub name: &'static str,
    /// Who sends it.
    pub sender: Sender,
    /// Its arguments. NUL ends each one, but the last where no body follows: that one reaches to
    /// the end of the packet.
    pub args: &'static [&'static str],
    /// Whether an opaque body follows the arguments.
    pub body: bool,
}

macro_rules! packets {
    ($( $number:literal $name:ident $sender:ident ($($arg:ident),*) $then:tt )*) => {
        impl PacketType {
            $(
                #[doc = concat!("`", stringify!($name), "`, number ", stringify!($number), ".")]
                pub const $name: PacketType = PacketType($number);
            )*
        }

        /// All packet types, by number; the row of number `n` is at index `n - 1`.
        pub static PACKETS: &[PacketInfo] = &[
            $( PacketInfo {
                kind: PacketType($number),
                name: stringify!($name),
                sender: Sender::$sender,
                args: &[$(stringify!($arg)),*],
                body: packets!(@then $then),
            } ),*
        ];
    };
    (@then body) => { true };
    (@then -) => { false };
}

packets! {
//  #  name                          sent by  arguments                                                then
    1  CAN_DO                        Worker   (function)                                               -
    2  CANT_DO                       Worker   (function)                                               -
    3  RESET_ABILITIES               Worker   ()                                                       -
    4  PRE_SLEEP                     Worker   ()                                                       -
    5  UNUSED                        Nobody   ()                                                       -
    6  NOOP                          Server   ()                                                       -
    7  SUBMIT_JOB                    Client   (function, unique)                                       body
    8  JOB_CREATED                   Server   (handle)                                                 -
    9  GRAB_JOB                      Worker   ()                                                       -
    10 NO_JOB                        Server   ()                                                       -
    11 JOB_ASSIGN                    Server   (handle, function)                                       body
    12 WORK_STATUS                   Relayed  (handle, numerator, denominator)                         -
    13 WORK_COMPLETE                 Relayed  (handle)                                                 body
    14 WORK_FAIL                     Relayed  (handle)                                                 -
    15 GET_STATUS                    Client   (handle)                                                 -
    16 ECHO_REQ                      Peer     ()                                                       body
    17 ECHO_RES                      Server   ()                                                       body
    18 SUBMIT_JOB_BG                 Client   (function, unique)                                       body
    19 ERROR                         Server   (code, text)                                             -
    20 STATUS_RES                    Server   (handle, known, running, numerator, denominator)         -
    21 SUBMIT_JOB_HIGH               Client   (function, unique)                                       body
    22 SET_CLIENT_ID                 Worker   (id)                                                     -
    23 CAN_DO_TIMEOUT                Worker   (function, timeout)                                      -
    24 ALL_YOURS                     Worker   ()                                                       -
    25 WORK_EXCEPTION                Relayed  (handle)                                                 body
    26 OPTION_REQ                    Peer     (option)                                                 -
    27 OPTION_RES                    Server   (option)                                                 -
    28 WORK_DATA                     Relayed  (handle)                                                 body
    29 WORK_WARNING                  Relayed  (handle)                                                 body
    30 GRAB_JOB_UNIQ                 Worker   ()                                                       -
    31 JOB_ASSIGN_UNIQ               Server   (handle, function, unique)                               body
    32 SUBMIT_JOB_HIGH_BG            Client   (function, unique)                                       body
    33 SUBMIT_JOB_LOW                Client   (function, unique)                                       body
    34 SUBMIT_JOB_LOW_BG             Client   (function, unique)                                       body
    35 SUBMIT_JOB_SCHED              Client   (function, unique, minute, hour, day, month, weekday)    body
    36 SUBMIT_JOB_EPOCH              Client   (function, unique, epoch)                                body
    37 SUBMIT_REDUCE_JOB             Client   (function, unique, reducer, aggregate)                   body
    38 SUBMIT_REDUCE_JOB_BACKGROUND  Client   (function, unique, reducer, aggregate)                   body
    39 GRAB_JOB_ALL                  Worker   ()                                                       -
    40 JOB_ASSIGN_ALL                Server   (handle, function, unique, reducer)                      body
    41 GET_STATUS_UNIQUE             Client   (unique)                                                 -
    42 STATUS_RES_UNIQUE             Server   (unique, known, running, numerator, denominator, clients) -
}

impl PacketType {
    /// The row of the packet table, or `None` for a number outside it.
    pub fn info(self) -> Option<&'static PacketInfo> {
        PACKETS.get((self.0 as usize).checked_sub(1)?)
    }

    /// The type whose name is `name`, as PROTOCOL writes it.
    pub fn by_name(name: &str) -> Option<PacketType> {
        PACKETS
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.kind)
    }
}

impl fmt::Display for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.info() {
            Some(row) => f.pad(row.name),
            None => write!(f, "type {}", self.0),
        }
    }
}

impl fmt::Debug for PacketType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PacketInfo {
    /// Whether a job server takes this type from its peers.
    pub fn is_request(&self) -> bool {
        !matches!(self.sender, Sender::Server | Sender::Nobody)
    }

    /// Whether a job server sends this type.
    pub fn is_response(&self) -> bool {
        matches!(self.sender, Sender::Server | Sender::Relayed)
    }

    /// How many NULs the data holds at the least.
    pub fn separators(&self) -> usize {
        if self.body {
            self.args.len()
        } else {
            self.args.len().saturating_sub(1)
        }
    }
}

/// The packet table as Markdown, as the README has it.
pub fn markdown() -> String {
    let mut table =
        String::from("| # | name | sent by | arguments | body |\n|---:|---|---|---|---|\n");
    for row in PACKETS {
        let sender = match row.sender {
            Sender::Client => "client",
            Sender::Worker => "worker",
            Sender::Peer => "client, worker",
            Sender::Server => "server",
            Sender::Relayed => "worker, relayed by the server",
            Sender::Nobody => "nobody",
        };
        let body = if row.body { "yes" } else { "" };
        let (number, name, args) = (row.kind.0, row.name, row.args.join(", "));
        table += &format!("| {number} | {name} | {sender} | {args} | {body} |\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stand_at_their_number() {
        assert_eq!(PACKETS.len(), 42);
        for (index, row) in PACKETS.iter().enumerate() {
            assert_eq!(row.kind.0 as usize, index + 1, "{}", row.name);
            assert_eq!(row.kind.info().map(|found| found.name), Some(row.name));
            assert_eq!(PacketType::by_name(row.name), Some(row.kind));
        }
    }

    #[test]
    fn unknown_numbers_have_no_row_and_keep_their_number() {
        for number in [0, 43, 0x7fff_ffff, 0x8000_0001, u32::MAX] {
            assert!(PacketType(number).info().is_none());
            assert_eq!(PacketType(number).to_string(), format!("type {number}"));
        }
    }
}
