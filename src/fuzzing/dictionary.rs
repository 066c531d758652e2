//! The words of the protocol, for fuzzers.

use crate::protocol::PACKETS;
use std::fmt::Write;

/// Words of the text protocol, and values that decide something.
const WORDS: &[&str] = &[
    "version",
    "status",
    "prioritystatus",
    "workers",
    "maxqueue",
    "getpid",
    "verbose",
    "show",
    "jobs",
    "unique",
    "cancel",
    "job",
    "create",
    "drop",
    "function",
    "shutdown",
    "exceptions",
    "H:localhost:1",
    "-",
];

/// Sizes at which something changes, as a header has them.
const SIZES: &[u32] = &[
    0,
    1,
    64,
    65,
    512,
    513,
    8192,
    0x4000,
    0x0400_0000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
];

/// A dictionary in libFuzzer's form: the header of each packet of the table and its name, the
/// words of the text protocol, and sizes.
pub fn dictionary() -> String {
    let mut text = String::from("# Made from the packet table; see README.md.\n");
    // A string takes every write.
    for row in PACKETS {
        let kind = bytes(row.kind.0);
        let magic = if row.is_response() { "RES" } else { "REQ" };
        let _ = writeln!(
            text,
            "{}_header=\"\\x00{magic}{kind}\"",
            row.name.to_lowercase()
        );
        let _ = writeln!(text, "{}=\"{}\"", row.name.to_lowercase(), row.name);
    }
    for word in WORDS {
        let _ = writeln!(text, "\"{word}\"");
    }
    for size in SIZES {
        let _ = writeln!(text, "\"{}\"", bytes(*size));
    }
    text
}

/// Four bytes, the highest first, as a dictionary writes them.
fn bytes(number: u32) -> String {
    let bytes = number.to_be_bytes();
    bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect()
}
