//! What goes wrong on purpose, and when.

use crate::load::units::{self, UnitError};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Something that goes wrong on purpose: `kill-worker:every=5s,how=rst`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// When it happens first, after measuring starts; where `every` is given, after that time.
    pub at: Option<Duration>,
    /// How often it happens again.
    pub every: Option<Duration>,
    /// How many peers it happens to each time; one where neither this nor `share` is given.
    pub count: Option<u64>,
    /// To which share of the peers it happens, in percent.
    pub share: Option<f64>,
    /// How long it lasts.
    pub length: Option<Duration>,
    /// How a connection ends.
    pub how: Option<Cut>,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// A worker's connection ends, whatever it works on.
    KillWorker,
    /// A client's connection ends, whatever it waits for.
    KillClient,
    /// A worker takes a job and does nothing for a while.
    StallWorker,
    /// A client reads nothing for a while.
    SlowReader,
    /// A client sends no more but still reads: FIN in one direction.
    HalfClose,
    /// Peers send each packet in pieces.
    Fragment,
    /// Workers leave in good order, and come again.
    Churn,
    /// The server is restarted by a command of the user's.
    ServerRestart,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// In good order: FIN.
    Fin,
    /// At once, what is on its way is lost: RST.
    Rst,
}

/// A kind, its word, and the parameters that mean something to it.
struct Row {
    kind: FaultKind,
    word: &'static str,
    takes: &'static [&'static str],
    /// Of which it needs one of each group.
    needs: &'static [&'static [&'static str]],
}

const ONE_TIME: &[&str] = &["at", "every"];

const ROWS: [Row; 8] = [
    Row {
        kind: FaultKind::KillWorker,
        word: "kill-worker",
        takes: &["at", "every", "count", "share", "how"],
        needs: &[ONE_TIME],
    },
    Row {
        kind: FaultKind::KillClient,
        word: "kill-client",
        takes: &["at", "every", "count", "share", "how"],
        needs: &[ONE_TIME],
    },
    Row {
        kind: FaultKind::StallWorker,
        word: "stall-worker",
        takes: &["at", "every", "count", "share", "for"],
        needs: &[ONE_TIME, &["for"]],
    },
    Row {
        kind: FaultKind::SlowReader,
        word: "slow-reader",
        takes: &["at", "every", "count", "share", "for"],
        needs: &[ONE_TIME, &["for"]],
    },
    Row {
        kind: FaultKind::HalfClose,
        word: "half-close",
        takes: &["at", "every", "count", "share"],
        needs: &[ONE_TIME],
    },
    Row {
        kind: FaultKind::Fragment,
        word: "fragment",
        takes: &["share"],
        needs: &[],
    },
    Row {
        kind: FaultKind::Churn,
        word: "churn",
        takes: &["at", "every", "count", "share"],
        needs: &[ONE_TIME],
    },
    Row {
        kind: FaultKind::ServerRestart,
        word: "server-restart",
        takes: &["at", "every"],
        needs: &[ONE_TIME],
    },
];

impl FaultKind {
    /// All kinds, by their words.
    pub fn words() -> impl Iterator<Item = &'static str> {
        ROWS.iter().map(|row| row.word)
    }

    /// All kinds, in the order of [`FaultKind::words`].
    pub(crate) fn all() -> impl Iterator<Item = FaultKind> {
        ROWS.iter().map(|row| row.kind)
    }

    /// A bit of its own, for sets of kinds.
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }

    fn word(self) -> &'static str {
        ROWS.iter()
            .find(|row| row.kind == self)
            .map_or("", |row| row.word)
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Cut {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        match text {
            "fin" => Ok(Cut::Fin),
            "rst" => Ok(Cut::Rst),
            _ => Err(UnitError::new("how=fin or how=rst", text)),
        }
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Cut::Fin => "fin",
            Cut::Rst => "rst",
        })
    }
}

impl FromStr for Fault {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let (word, parameters) = text.split_once(':').unwrap_or((text, ""));
        let row = ROWS.iter().find(|row| row.word == word).ok_or_else(|| {
            UnitError::new(
                "a fault such as kill-worker:every=5s,how=rst; there are kill-worker, \
                 kill-client, stall-worker, slow-reader, half-close, fragment, churn and \
                 server-restart",
                text,
            )
        })?;
        let mut fault = Fault {
            kind: row.kind,
            at: None,
            every: None,
            count: None,
            share: None,
            length: None,
            how: None,
        };
        let mut given = Vec::new();
        for parameter in parameters.split(',').filter(|text| !text.is_empty()) {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if !row.takes.contains(&key) || given.contains(&key) {
                return Err(row.error(text));
            }
            fault.set(key, value)?;
            given.push(key);
        }
        let has = |group: &&[&str]| group.iter().any(|key| given.contains(key));
        match row.needs.iter().all(has) && !(given.contains(&"count") && given.contains(&"share")) {
            true => Ok(fault),
            false => Err(row.error(text)),
        }
    }
}

impl Row {
    /// What this kind takes, with an example.
    fn error(&self, text: &str) -> UnitError {
        let expected = match self.kind {
            FaultKind::KillWorker => {
                "kill-worker with at=10s or every=5s, and one of count=2 or share=10%, and how=fin \
                 or how=rst"
            }
            FaultKind::KillClient => {
                "kill-client with at=10s or every=5s, and one of count=2 or share=10%, and how=fin \
                 or how=rst"
            }
            FaultKind::StallWorker => {
                "stall-worker with for=2s, at=10s or every=5s, and one of count=2 or share=10%"
            }
            FaultKind::SlowReader => {
                "slow-reader with for=2s, at=10s or every=5s, and one of count=2 or share=10%"
            }
            FaultKind::HalfClose => {
                "half-close with at=10s or every=5s, and one of count=2 or share=10%"
            }
            FaultKind::Fragment => "fragment, or fragment:share=10%",
            FaultKind::Churn => "churn with at=10s or every=5s, and one of count=2 or share=10%",
            FaultKind::ServerRestart => "server-restart with at=10s or every=30s",
        };
        UnitError::new(expected, text)
    }
}

impl Fault {
    fn set(&mut self, key: &str, value: &str) -> Result<(), UnitError> {
        match key {
            "at" => self.at = Some(units::duration(value)?),
            "every" => self.every = Some(positive(value)?),
            "for" => self.length = Some(positive(value)?),
            "count" => match units::count(value)? {
                0 => return Err(UnitError::new("count=1 or more", value)),
                count => self.count = Some(count),
            },
            "share" => self.share = Some(units::percent(value)?),
            _ => self.how = Some(value.parse()?),
        }
        Ok(())
    }
}

fn positive(text: &str) -> Result<Duration, UnitError> {
    match units::duration(text)? {
        Duration::ZERO => Err(UnitError::new("a time longer than nothing", text)),
        time => Ok(time),
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |key: &str, time: Option<Duration>| {
            time.map(|time| format!("{key}={}", units::Time(time)))
        };
        let parameters = [
            time("at", self.at),
            time("every", self.every),
            self.count.map(|count| format!("count={count}")),
            self.share.map(|share| format!("share={share}%")),
            time("for", self.length),
            self.how.map(|how| format!("how={how}")),
        ];
        let parameters: Vec<String> = parameters.into_iter().flatten().collect();
        match parameters.is_empty() {
            true => write!(f, "{}", self.kind),
            false => write!(f, "{}:{}", self.kind, parameters.join(",")),
        }
    }
}
