//! The command of a server, and what its placeholders stand for.

use super::{LaunchError, certificate};
use std::path::Path;

const PORT: &str = "{port}";
const HTTP_PORT: &str = "{http-port}";
const DIR: &str = "{dir}";
const TLS_CERTIFICATE: &str = "{tls-certificate}";
const TLS_KEY: &str = "{tls-key}";

/// The words of a command, placeholders in them.
#[derive(Clone, Debug)]
pub(super) struct Command(Vec<String>);

impl Command {
    pub(super) fn new(text: &str) -> Result<Self, LaunchError> {
        let words = shlex::split(text);
        let words = words.ok_or(LaunchError::Command("has a quote that is not closed"))?;
        if words.is_empty() {
            return Err(LaunchError::Command("is empty"));
        }
        let command = Command(words);
        if !command.mentions(PORT) {
            let missing = "has no {port}, so that it cannot be told where to listen";
            return Err(LaunchError::Command(missing));
        }
        Ok(command)
    }

    /// The same with more words.
    pub(super) fn with(&self, extra: &[String]) -> Self {
        Command(self.0.iter().chain(extra).cloned().collect())
    }

    /// Whether the server is to have an HTTP port.
    pub(super) fn has_http(&self) -> bool {
        self.mentions(HTTP_PORT)
    }

    /// Whether the server is to have a certificate.
    pub(super) fn has_tls(&self) -> bool {
        self.mentions(TLS_CERTIFICATE) || self.mentions(TLS_KEY)
    }

    /// The words to run.
    pub(super) fn fill(&self, port: u16, http: Option<u16>, dir: &Path) -> Vec<String> {
        let http = http.unwrap_or_default().to_string();
        let file = |name| dir.join(name).to_string_lossy().into_owned();
        let fill = |word: &String| {
            word.replace(PORT, &port.to_string())
                .replace(HTTP_PORT, &http)
                .replace(DIR, &dir.to_string_lossy())
                .replace(TLS_CERTIFICATE, &file(certificate::CERTIFICATE))
                .replace(TLS_KEY, &file(certificate::KEY))
        };
        self.0.iter().map(fill).collect()
    }

    fn mentions(&self, placeholder: &str) -> bool {
        self.0.iter().any(|word| word.contains(placeholder))
    }
}

/// The command in one line, for people.
pub(super) fn shown(words: &[String]) -> String {
    let joined = shlex::try_join(words.iter().map(String::as_str));
    let line = joined.unwrap_or_else(|_| words.join(" "));
    super::log::escaped(&line)
}
