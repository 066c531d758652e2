//! Bytes to packets and back. Pure: it imports nothing of ours, opens nothing, keeps no clock.

pub mod admin;
pub mod decode;
pub mod encode;
pub mod handle;
pub mod packet;
pub mod request;
pub mod response;
pub mod table;
pub mod work;

pub use decode::{DecodeError, Decoder, Frame, Limits};
pub use packet::{Body, Magic, MissingArgument, Packet};
pub use request::{GrabKind, Priority, Request, RequestError, Submit};
pub use response::{Response, ResponseError};
pub use table::{PACKETS, PacketInfo, PacketType, Sender};
pub use work::Work;

slotmap::new_key_type! {
    /// One connection: a slot and its generation, so that a stale one never names a newer
    /// connection. Whoever owns the sockets gives it; every layer above speaks of it.
    pub struct ConnId;
}
