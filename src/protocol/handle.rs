//! Job handles: the name by which peers speak of a job.
//!
//! To everyone but the server that made it a handle is opaque. Ours reads like gearmand's,
//! `H:<host>:<number>`, and the number is never given twice.

use super::request::{MAX_HANDLE, number};
use std::ops::Deref;

/// Digits of the largest job number.
const DIGITS: usize = 20;

/// What all handles of one job server begin with, the colon before the number included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlePrefix {
    /// Followed by nothing but zeros.
    text: [u8; MAX_HANDLE],
    len: usize,
}

/// A prefix too long to leave room for a job's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a handle prefix has at most {limit} bytes, found {found}")]
pub struct PrefixTooLong {
    /// Bytes found.
    pub found: usize,
    /// Bytes allowed, so that the longest number still fits.
    pub limit: usize,
}

/// The text of one handle, without memory of its own.
#[derive(Clone, Copy, Debug)]
pub struct Handle {
    text: [u8; MAX_HANDLE],
    len: u8,
}

impl HandlePrefix {
    /// Bytes of a prefix at the most.
    pub const MAX: usize = MAX_HANDLE - DIGITS - 1;

    /// The prefix `text`, to which the colon is added.
    pub fn new(text: &[u8]) -> Result<Self, PrefixTooLong> {
        if text.len() > Self::MAX {
            return Err(PrefixTooLong {
                found: text.len(),
                limit: Self::MAX,
            });
        }
        Ok(Self::from_text(&[text, b":"].concat()))
    }

    /// `H:<host>`, as gearmand has it; a long host name is cut.
    pub fn for_host(host: &str) -> Self {
        let mut text = format!("H:{host}").into_bytes();
        text.retain(|b| b.is_ascii_graphic());
        text.truncate(Self::MAX);
        text.push(b':');
        Self::from_text(&text)
    }

    /// A prefix of at most [`Self::MAX`] bytes and the colon.
    fn from_text(text: &[u8]) -> Self {
        let mut prefix = HandlePrefix {
            text: [0; MAX_HANDLE],
            len: text.len(),
        };
        prefix.text[..text.len()].copy_from_slice(text);
        prefix
    }

    /// The handle of a job.
    #[inline]
    pub fn handle(&self, job: u64) -> Handle {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(job).as_bytes();
        let mut text = self.text;
        let len = self.len + digits.len();
        text[self.len..len].copy_from_slice(digits);
        Handle {
            text,
            len: len as u8,
        }
    }

    /// The job that `handle` names, if it reads like one of ours. A final NUL is ignored, as
    /// gearmand does.
    #[inline]
    pub fn job(&self, handle: &[u8]) -> Option<u64> {
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        let digits = handle.strip_prefix(&self.text[..self.len])?;
        // A leading zero would give one job several names.
        if digits.first() == Some(&b'0') {
            return None;
        }
        number(digits)
    }
}

impl Deref for Handle {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_name_their_job_and_no_other() {
        let prefix = HandlePrefix::for_host("example");
        for job in [1, 9, 10, u64::MAX] {
            let handle = prefix.handle(job);
            assert!(handle.len() <= MAX_HANDLE);
            assert_eq!(prefix.job(&handle), Some(job));
        }
        for stranger in [
            b"H:example:".as_slice(),
            b"H:example:01",
            b"H:example:1x",
            b"H:other:1",
            b"",
            b"H:example:99999999999999999999",
        ] {
            assert_eq!(prefix.job(stranger), None);
        }
    }

    #[test]
    fn the_longest_prefix_leaves_room_for_the_longest_number() {
        let prefix = HandlePrefix::new(&[b'p'; HandlePrefix::MAX]).unwrap();
        assert_eq!(prefix.handle(u64::MAX).len(), MAX_HANDLE);
        assert!(HandlePrefix::new(&[b'p'; HandlePrefix::MAX + 1]).is_err());
    }
}
