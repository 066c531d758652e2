//! The server under test: its name, its address, and whether load may be put on it.

use super::exit;
use clap::Args;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;

/// Port of Gearman, registered for it.
const PORT: u16 = 4730;
/// The target of a command that names none.
pub(crate) const LOCAL: &str = "127.0.0.1:4730";

/// `host`, `host:port` or `[address]:port`, as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    host: String,
    port: u16,
}

/// Why a target cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TargetError {
    /// The text is no target.
    #[error("{0:?} is no target: expected HOST, HOST:PORT or [IPV6]:PORT, such as localhost:4730")]
    Malformed(String),
    /// Nobody knows the name.
    #[error("{target} is not known here: {reason}")]
    Unknown {
        /// The target.
        target: Target,
        /// What the resolver says.
        reason: String,
    },
    /// Load on a public address needs a second word.
    #[error(
        "{target} is a public address ({ip}): load is put on it only if it is named again with \
         --i-own {target}, because a load test of somebody else's server is an attack"
    )]
    Public {
        /// The target.
        target: Target,
        /// Its address.
        ip: IpAddr,
    },
}

impl TargetError {
    /// The exit code of a command that cannot use its target.
    pub(crate) fn code(&self) -> u8 {
        match self {
            TargetError::Unknown { .. } => exit::TARGET,
            TargetError::Public { .. } | TargetError::Malformed(_) => exit::USAGE,
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let malformed = || TargetError::Malformed(text.to_owned());
        let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':')),
            // More than one colon is an IPv6 address without a port.
            None => match text.split_once(':') {
                Some((host, port)) if !port.contains(':') => (host, Some(port)),
                _ => (text, None),
            },
        };
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
        if host.is_empty() || !host.chars().all(is_host) {
            return Err(malformed());
        }
        // What comes after a % names an interface.
        let number = host.split_once('%').map_or(host, |(number, _)| number);
        if host.contains(':') && number.parse::<Ipv6Addr>().is_err() {
            return Err(malformed());
        }
        let port = match port {
            Some(port) => port.parse().map_err(|_| malformed())?,
            None => PORT,
        };
        if port == 0 {
            return Err(malformed());
        }
        Ok(Target {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl From<SocketAddr> for Target {
    fn from(address: SocketAddr) -> Self {
        Target {
            host: address.ip().to_string(),
            port: address.port(),
        }
    }
}

/// The server of a command that has to speak to one.
#[derive(Args, Clone, Debug)]
pub(crate) struct Server {
    /// Job server
    #[arg(
        short,
        long,
        value_name = "HOST:PORT",
        env = "GEARBENCH_TARGET",
        default_value = LOCAL
    )]
    pub(crate) target: Target,
}

/// The server that load is put on, which a scenario may name too.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Driven {
    /// Job server to drive [default: the scenario's, else 127.0.0.1:4730]
    #[arg(short, long, value_name = "HOST:PORT", env = "GEARBENCH_TARGET")]
    pub(crate) target: Option<Target>,
    #[command(flatten)]
    pub(crate) ownership: Ownership,
}

/// The second word for load on a public address.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Ownership {
    /// Name a public target a second time: you may put load on it.
    #[arg(long, env = "GEARBENCH_I_OWN", value_name = "HOST:PORT")]
    pub(crate) i_own: Option<Target>,
}

impl Target {
    /// The addresses behind the name, at least one.
    pub(crate) fn resolve(&self) -> Result<Vec<SocketAddr>, TargetError> {
        let unknown = |reason: String| TargetError::Unknown {
            target: self.clone(),
            reason,
        };
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let found: Vec<_> = found.map_err(|error| unknown(error.to_string()))?.collect();
        match found.is_empty() {
            true => Err(unknown("it has no address".to_owned())),
            false => Ok(found),
        }
    }

    /// Refuses load on somebody else's server, whatever address of it answers.
    pub(crate) fn may_be_driven(&self, owned: &Ownership) -> Result<(), TargetError> {
        let mut addresses = self.resolve()?.into_iter();
        addresses.try_for_each(|address| self.may_load(address.ip(), owned))
    }

    /// Refuses load on a public address that was not named twice.
    pub(crate) fn may_load(&self, ip: IpAddr, owned: &Ownership) -> Result<(), TargetError> {
        if is_near(ip) || owned.i_own.as_ref() == Some(self) {
            return Ok(());
        }
        Err(TargetError::Public {
            target: self.clone(),
            ip,
        })
    }
}

/// Loopback, link-local or private: nobody else's.
fn is_near(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_printed() {
        for (text, printed) in [
            ("localhost", "localhost:4730"),
            ("localhost:1", "localhost:1"),
            ("127.0.0.1:4731", "127.0.0.1:4731"),
            ("::1", "[::1]:4730"),
            ("[::1]", "[::1]:4730"),
            ("[fe80::1]:99", "[fe80::1]:99"),
            ("[fe80::1%eth0]:99", "[fe80::1%eth0]:99"),
        ] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn nonsense_is_no_target() {
        for text in [
            "",
            ":4730",
            "host:",
            "host:x",
            "host:70000",
            "host:0",
            "[::1]:",
            "a b",
            "http://x",
            "a:b:c",
            "[fe80::1:",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn load_on_a_public_address_needs_a_second_word() {
        let ip = "192.0.2.1".parse().unwrap();
        let target: Target = "example.net".parse().unwrap();
        assert!(target.may_load(ip, &Ownership::default()).is_err());
        let owned = |text: &str| Ownership {
            i_own: Some(text.parse().unwrap()),
        };
        assert!(target.may_load(ip, &owned("example.com")).is_err());
        assert!(target.may_load(ip, &owned("example.net:4730")).is_ok());
        for near in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
        ] {
            let ip = near.parse().unwrap();
            assert!(target.may_load(ip, &Ownership::default()).is_ok(), "{near}");
        }
    }
}
