//! What a worker keeps of a job in service.

use crate::protocol::request::MAX_HANDLE;

/// A job in service.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) number: u64,
    pub(super) handle: HandleText,
    /// Steps of it that its client has been told of.
    pub(super) steps: u32,
}

/// A handle kept without memory of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandleText {
    len: u8,
    text: [u8; MAX_HANDLE],
}

impl HandleText {
    /// A longer one is cut: no server may send it.
    pub(super) fn new(handle: &[u8]) -> Self {
        let len = handle.len().min(MAX_HANDLE);
        let mut text = [0; MAX_HANDLE];
        text[..len].copy_from_slice(&handle[..len]);
        HandleText {
            len: len as u8,
            text,
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.text[..usize::from(self.len)]
    }
}
