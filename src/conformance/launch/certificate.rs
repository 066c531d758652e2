//! A certificate for a server that is asked to encrypt.

use std::io;
use std::path::Path;

/// Where it lies in the server's directory, and its key.
pub(super) const CERTIFICATE: &str = "certificate.pem";
pub(super) const KEY: &str = "key.pem";

/// Makes a certificate for `localhost`, signed by itself, and writes it and its key.
pub(super) fn write(dir: &Path) -> io::Result<()> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()]);
    let made = made.map_err(io::Error::other)?;
    std::fs::write(dir.join(CERTIFICATE), made.cert.pem())?;
    std::fs::write(dir.join(KEY), made.signing_key.serialize_pem())
}
