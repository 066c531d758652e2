//! Encryption, HTTP and metrics.

use crate::server::TlsSettings;
use anyhow::{Context, bail};
use clap::Args;
use clap::builder::BoolishValueParser;
use std::fs::File;
use std::path::PathBuf;

#[derive(Args, Debug)]
#[command(next_help_heading = "Security")]
pub(in crate::cli::serve) struct Security {
    /// Encrypt the Gearman port with TLS; needs a certificate and its key.
    #[arg(long, env = "GEARBENCH_SSL", value_parser = BoolishValueParser::new())]
    ssl: bool,
    /// The server's certificate and those between it and its root, PEM.
    #[arg(long, env = "GEARBENCH_SSL_CERTIFICATE", value_name = "FILE")]
    ssl_certificate: Option<PathBuf>,
    /// The certificate's private key, PEM.
    #[arg(long, env = "GEARBENCH_SSL_KEY", value_name = "FILE")]
    ssl_key: Option<PathBuf>,
    /// Only take clients that show a certificate signed by one of these, PEM.
    #[arg(long, env = "GEARBENCH_SSL_CA_FILE", value_name = "FILE")]
    ssl_ca_file: Option<PathBuf>,
}

impl Security {
    pub(in crate::cli::serve) fn tls(&self) -> anyhow::Result<Option<TlsSettings>> {
        if !self.ssl {
            return Ok(None);
        }
        let (certificate, key) = match (&self.ssl_certificate, &self.ssl_key) {
            (Some(certificate), Some(key)) => (certificate, key),
            (None, _) => bail!("--ssl needs a certificate: --ssl-certificate FILE"),
            (_, None) => bail!("--ssl needs the key of the certificate: --ssl-key FILE"),
        };
        Ok(Some(TlsSettings {
            certificate: readable("--ssl-certificate", certificate)?,
            key: readable("--ssl-key", key)?,
            client_ca: (self.ssl_ca_file.as_ref())
                .map(|file| readable("--ssl-ca-file", file))
                .transpose()?,
        }))
    }

    pub(in crate::cli::serve) fn warnings(&self) -> Vec<String> {
        let files = [&self.ssl_certificate, &self.ssl_key, &self.ssl_ca_file];
        let idle = !self.ssl && files.iter().any(|file| file.is_some());
        let text = "certificates are given without --ssl: connections are not encrypted";
        idle.then(|| text.to_owned()).into_iter().collect()
    }
}

/// The file's absolute path, if it can be opened.
fn readable(option: &str, file: &PathBuf) -> anyhow::Result<PathBuf> {
    let named = || format!("{option}: cannot read {}", file.display());
    let path = std::path::absolute(file).with_context(named)?;
    File::open(&path).with_context(named)?;
    Ok(path)
}

/// gearmand's.
const HTTP_PORT: u16 = 8080;

#[derive(Args, Debug)]
#[command(next_help_heading = "HTTP")]
pub(in crate::cli::serve) struct Http {
    /// Speak another protocol too: `http` is the only one.
    #[arg(short = 'r', long, env = "GEARBENCH_PROTOCOL", value_name = "NAME")]
    protocol: Option<String>,
    /// Port of `-r http`, on the address of --listen; 0 is any free one [default: 8080].
    #[arg(long, env = "GEARBENCH_HTTP_PORT", value_name = "PORT")]
    http_port: Option<u16>,
    /// Show metrics for Prometheus at /metrics, and /healthz, on this address.
    #[arg(long, env = "GEARBENCH_METRICS", value_name = "ADDRESS:PORT", value_parser = super::address)]
    pub(in crate::cli::serve) metrics: Option<(String, u16)>,
}

impl Http {
    /// The port, if HTTP is asked for.
    pub(in crate::cli::serve) fn port(&self) -> anyhow::Result<Option<u16>> {
        match self.protocol.as_deref() {
            None => Ok(None),
            Some(name) if name.eq_ignore_ascii_case("http") => {
                Ok(Some(self.http_port.unwrap_or(HTTP_PORT)))
            }
            Some(name) => bail!("--protocol {name:?} is not known here: there is `http`"),
        }
    }

    pub(in crate::cli::serve) fn warnings(&self) -> Vec<String> {
        let idle = self.http_port.is_some() && self.protocol.is_none();
        let text = "--http-port without -r http is not used: HTTP is not spoken";
        idle.then(|| text.to_owned()).into_iter().collect()
    }
}
