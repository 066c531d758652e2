//! Questions and settings of one connection, and the refusal of what is no request.

use super::jobs::Digits;
use super::keys::JobKey;
use super::{JobServer, Outbox};
use crate::mutants::{Mutant, on};
use crate::protocol::{ConnId, DecodeError, RequestError, Response};

/// Bytes of a client id that are kept. Source: gearmand's `GEARMAND_SERVER_CON_ID_SIZE`.
const MAX_CLIENT_ID: usize = 127;

/// Answers a packet that is no request; the connection goes on.
pub(super) fn refuse(conn: ConnId, error: &RequestError, out: &mut impl Outbox) {
    if on(Mutant::UnknownCommandSilence) && matches!(error, RequestError::UnknownType(_)) {
        return;
    }
    let sentence = error.to_string();
    // Codes and texts as gearmand has them, where it answers at all.
    let (code, text): (&[u8], &[u8]) = match error {
        RequestError::NotARequest => (b"INVALID_MAGIC", b"Request magic expected"),
        RequestError::NotExpected(_) => (b"INVALID_COMMAND", b"Command not expected"),
        RequestError::TooLong {
            argument: "unique", ..
        } => (b"ARGUMENT_TOO_LARGE", b"Unique value too large"),
        RequestError::UnknownType(_) => (b"INVALID_COMMAND", sentence.as_bytes()),
        RequestError::TooLong { .. } => (b"ARGUMENT_TOO_LARGE", sentence.as_bytes()),
        RequestError::Malformed {
            argument: "function",
            ..
        } => (b"INVALID_FUNCTION_NAME", sentence.as_bytes()),
        RequestError::Malformed { .. } | RequestError::Missing(_) => {
            (b"INVALID_ARGUMENTS", sentence.as_bytes())
        }
    };
    out.send(conn, Response::Error { code, text });
}

/// Says why the connection ends.
pub(super) fn refuse_stream(conn: ConnId, error: DecodeError, out: &mut impl Outbox) {
    let text = error.to_string();
    let text = text.as_bytes();
    match error {
        DecodeError::BadMagic { .. } => {
            let code = b"INVALID_MAGIC";
            out.send(conn, Response::Error { code, text });
        }
        DecodeError::TooLarge { .. } => {
            let code = b"ARGUMENT_TOO_LARGE";
            out.send(conn, Response::Error { code, text });
        }
        DecodeError::LineTooLong { .. } => {
            out.text(conn, b"ERR ARGUMENT_TOO_LARGE line+too+long\r\n")
        }
    }
}

impl JobServer {
    /// GET_STATUS.
    pub(super) fn status(&self, conn: ConnId, handle: &[u8], out: &mut impl Outbox) {
        let key = self.find_job(handle);
        let (running, numerator, denominator) = self.progress_of(key);
        let handle = handle.strip_suffix(b"\0").unwrap_or(handle);
        out.send(
            conn,
            Response::StatusRes {
                handle,
                known: key.is_some(),
                running,
                numerator: numerator.as_bytes(),
                denominator: denominator.as_bytes(),
            },
        );
    }

    /// GET_STATUS_UNIQUE. The request names no function, so where several have the unique, it is
    /// the newest job that is meant, as in gearmand.
    pub(super) fn status_unique(&self, conn: ConnId, unique: &[u8], out: &mut impl Outbox) {
        let key = self.jobs.newest_with_unique(unique);
        let (running, numerator, denominator) = self.progress_of(key);
        let clients = key.map_or(0, |key| self.jobs[key].waiters.as_slice().len());
        let clients = clients + usize::from(on(Mutant::ClientCountOffByOne));
        out.send(
            conn,
            Response::StatusResUnique {
                unique,
                known: key.is_some(),
                running,
                numerator: numerator.as_bytes(),
                denominator: denominator.as_bytes(),
                clients,
            },
        );
    }

    fn progress_of(&self, key: Option<JobKey>) -> (bool, Digits, Digits) {
        let job = key.map(|key| &self.jobs[key]);
        let running = job.is_some_and(|job| job.worker().is_some());
        let running = running && !on(Mutant::RunningStuckAtZero);
        match job.and_then(|job| job.progress()) {
            Some(progress) if on(Mutant::ProgressSwapped) => {
                (running, progress.denominator, progress.numerator)
            }
            Some(progress) => (running, progress.numerator, progress.denominator),
            None => (running, Digits::new(b"0"), Digits::new(b"0")),
        }
    }

    /// OPTION_REQ. The name ends at a NUL and ignores case, as in gearmand.
    pub(super) fn option(&mut self, conn: ConnId, name: &[u8], out: &mut impl Outbox) {
        let word = name.split(|&b| b == 0).next().unwrap_or_default();
        if word.eq_ignore_ascii_case(b"exceptions") || on(Mutant::UnknownOptionConfirmed) {
            self.peers[conn].exceptions = true;
            return out.send(conn, Response::OptionRes { name });
        }
        let code = b"UNKNOWN_OPTION";
        let text = b"Server does not recognize given option";
        out.send(conn, Response::Error { code, text });
    }

    /// SET_CLIENT_ID. `workers` prints the id between spaces, so it may hold neither white space
    /// nor control characters.
    pub(super) fn set_client_id(&mut self, conn: ConnId, id: &[u8]) {
        let visible = id
            .iter()
            .copied()
            .filter(|b| !b.is_ascii_control() && *b != b' ');
        let id: Box<[u8]> = visible.take(MAX_CLIENT_ID).collect();
        self.peers[conn].client_id = (!id.is_empty()).then_some(id);
    }
}
