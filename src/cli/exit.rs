//! Exit codes.
/// ok
pub const OK: u8 = 0;
/// internal
pub const INTERNAL: u8 = 1;
