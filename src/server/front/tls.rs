//! Encryption by rustls.

use std::path::PathBuf;

/// How connections are encrypted. All files are PEM.
///
/// gearmand's `--ssl-certificate`, `--ssl-key`, `--ssl-ca-file`.
#[derive(Clone, Debug)]
pub struct TlsSettings {
    /// The server's certificate, and those between it and its root.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// With it, clients must show a certificate signed by one of these.
    pub client_ca: Option<PathBuf>,
}
