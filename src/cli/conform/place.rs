//! From the command line to a server: reached, known, and with a profile.

use super::super::exit;
use super::{CommonArgs, ServerArgs, Target, TargetError};
use crate::conformance::launch::Launcher;
use crate::conformance::profile::{self, Evidence, Profile};
use crate::conformance::runner::{self, Place};
use crate::report::conform::ServerInfo;
use anyhow::Context;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// A server that cases can be played on.
pub(in crate::cli) struct Prepared {
    pub(in crate::cli) place: Place,
    pub(in crate::cli) profile: Profile,
    /// Why it is this profile.
    pub(in crate::cli) evidence: Vec<String>,
    pub(in crate::cli) server: ServerInfo,
    pub(in crate::cli) round_trip: Duration,
}

/// An exit code, and what is to be said.
type Refusal = (u8, anyhow::Error);

impl Prepared {
    /// Reaches or launches the server, and finds out which it is.
    pub(in crate::cli) fn new(args: &ServerArgs) -> Result<Self, Refusal> {
        match (&args.target, &args.launch) {
            (Some(target), _) => Self::at(target, &args.common),
            (None, Some(command)) => Self::launched(command, command, &args.common),
            (None, None) => {
                let command = own_command().map_err(|error| (exit::INTERNAL, error))?;
                Self::launched(&command, "gearbench serve", &args.common)
            }
        }
    }

    fn at(target: &Target, args: &CommonArgs) -> Result<Self, Refusal> {
        let unreachable = |error: anyhow::Error| (exit::TARGET, error);
        let addresses = target
            .resolve()
            .map_err(|error| unreachable(error.into()))?;
        let Some(address) = addresses.first().copied() else {
            return Err(unreachable(anyhow::anyhow!("{target} has no address")));
        };
        if args.hazardous {
            let allowed = target.may_load(address.ip(), &args.ownership);
            allowed.map_err(|error: TargetError| (exit::USAGE, error.into()))?;
        }
        let place = Place::Target(target.to_string());
        Self::known(place, &target.to_string(), address, args)
    }

    fn launched(command: &str, shown: &str, args: &CommonArgs) -> Result<Self, Refusal> {
        let launcher = Launcher::new(command).map_err(|error| (exit::USAGE, error.into()))?;
        // Without any arguments: only to see which server it is.
        let server = launcher
            .start(&[])
            .map_err(|error| (exit::TARGET, error.into()))?;
        let address = server.address();
        Self::known(Place::Launch(launcher), shown, address, args)
    }

    fn known(
        place: Place,
        shown: &str,
        address: SocketAddr,
        args: &CommonArgs,
    ) -> Result<Self, Refusal> {
        let trips = (0..5).map(|_| runner::round_trip(&address.to_string(), args.timeout));
        let trips = trips.collect::<Result<Vec<_>, _>>();
        let mut trips = trips.map_err(|error| (exit::TARGET, error.into()))?;
        trips.sort();
        let seen = Evidence::gather(address, args.timeout)
            .map_err(|error| (exit::TARGET, error.into()))?;
        let (profile, evidence) = choose(&args.profile, &seen)?;
        let title = match profile.title.is_empty() {
            true => "a Gearman server".to_owned(),
            false => profile.title.clone(),
        };
        Ok(Prepared {
            place,
            server: ServerInfo {
                name: title,
                version: seen.version.clone(),
                target: shown.to_owned(),
            },
            profile,
            evidence,
            round_trip: trips.get(trips.len() / 2).copied().unwrap_or_default(),
        })
    }

    /// The options of a command that plays on the same server.
    pub(in crate::cli) fn repeat(&self, args: &CommonArgs) -> String {
        let mut options = match &self.place {
            Place::Target(target) => format!("--target {target}"),
            Place::Launch(_) if self.server.target == "gearbench serve" => String::new(),
            Place::Launch(_) => format!("--launch {}", quoted(&self.server.target)),
            Place::Memory => String::new(),
        };
        if args.profile != "auto" {
            options.push_str(&format!(" --profile {}", quoted(&args.profile)));
        }
        for path in &args.cases {
            options.push_str(&format!(" --cases {}", quoted(&path.display().to_string())));
        }
        options.trim().to_owned()
    }
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), |quoted| quoted.into_owned())
}

/// The command that starts gearbench's own server.
fn own_command() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot find out where gearbench is")?;
    let program = program
        .to_str()
        .context("the path of gearbench is no UTF-8")?;
    Ok(format!(
        "{} serve -L 127.0.0.1 -p {{port}} -l stderr",
        quoted(program)
    ))
}

/// The profile that is asked for, and why it is that one.
fn choose(asked: &str, seen: &Evidence) -> Result<(Profile, Vec<String>), Refusal> {
    let usage = |error: &dyn Display| (exit::USAGE, anyhow::anyhow!("{error}"));
    let given = |profile| (profile, vec!["given by --profile".to_owned()]);
    match asked {
        "auto" => Ok(profile::detect(seen)),
        // How a server is started is no excuse for anything.
        "none" => Ok(given(Profile {
            settings: profile::detect(seen).0.settings,
            ..Profile::none()
        })),
        name if name.contains(['/', '.']) && Path::new(name).exists() => {
            let read = Profile::from_file(Path::new(name));
            read.map(given).map_err(|error| usage(&error))
        }
        name => Profile::builtin(name)
            .map(given)
            .map_err(|error| usage(&error)),
    }
}
