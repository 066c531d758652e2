//! What is wrong with what somebody wrote, where, and what was probably meant.

#[cfg(any(feature = "load", feature = "conform"))]
mod file;
mod nearest;

#[cfg(any(feature = "load", feature = "conform"))]
pub use file::FileError;
pub(crate) use nearest::nearest;
