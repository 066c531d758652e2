//! Responses of the server's HTTP port.

use super::shown;
use std::fmt::{self, Display, Formatter};

/// A response, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Its status.
    pub status: u16,
    /// Names and values of its headers, in their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Its body: as long as it says, or all until the connection ended.
    pub body: Vec<u8>,
    /// Everything before the body, as it was received.
    pub head: Vec<u8>,
}

/// A response as a script expects it.
impl Display for HttpResponse {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "http {} ", self.status)?;
        shown(f, &self.body)?;
        for (name, value) in &self.headers {
            write!(f, " {name} ")?;
            shown(f, value)?;
        }
        Ok(())
    }
}
