//! What an act is about, so that sessions can leave out what a server lacks or is known not to
//! bear.

use super::op::{Admin, Kind, Malformed, WorkKind};
use crate::protocol::{GrabKind, Priority};

/// Subjects that are no features of servers; those have the names that profiles give them.
const MORE: [&str; 13] = [
    "unique-of-64-bytes",
    "odd-unique",
    "dash-without-data",
    "odd-client-id",
    "odd-progress",
    "unknown-type",
    "response-type",
    "response-magic",
    "missing-argument",
    "unique-of-65-bytes",
    "odd-epoch",
    "reset",
    "meddling",
];

/// Features of servers that acts need.
const FEATURES: [&str; 23] = [
    "high",
    "low",
    "low-and-high-background",
    "epoch",
    "reduce",
    "grab-uniq",
    "grab-all",
    "can-do-timeout",
    "set-client-id",
    "options",
    "exceptions",
    "work-data",
    "work-warning",
    "work-status",
    "status-unique",
    "prioritystatus",
    "workers",
    "maxqueue",
    "show-jobs",
    "show-unique-jobs",
    "cancel-job",
    "create-function",
    "drop-function",
];

/// The names of all subjects.
pub(in crate::conformance) fn all() -> impl Iterator<Item = &'static str> + Clone {
    FEATURES.into_iter().chain(MORE)
}

/// A set of subjects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subjects(u64);

impl Subjects {
    /// None of them.
    pub const NONE: Self = Subjects(0);

    /// Whether the subject of this name is in the set.
    pub fn has(self, name: &str) -> bool {
        all()
            .position(|known| known == name)
            .is_some_and(|at| self.0 & (1 << at) != 0)
    }
}

impl<'a> FromIterator<&'a str> for Subjects {
    fn from_iter<I: IntoIterator<Item = &'a str>>(names: I) -> Self {
        let places = names
            .into_iter()
            .filter_map(|name| all().position(|known| known == name));
        Subjects(places.fold(0, |set, at| set | 1 << at))
    }
}

impl Kind {
    /// What it is about.
    pub(super) fn subjects(&self) -> Vec<&'static str> {
        match self {
            Kind::Submit {
                unique,
                body,
                priority,
                background,
                epoch,
                reduce,
                ..
            } => {
                let priority = match (priority, background) {
                    (Priority::Normal, _) => None,
                    (_, true) => Some("low-and-high-background"),
                    (Priority::High, false) => Some("high"),
                    (Priority::Low, false) => Some("low"),
                };
                let epoch = epoch.map(|_| "epoch");
                let reduce = reduce.then_some("reduce");
                let dash = (*unique == 1 && *body == 0).then_some("dash-without-data");
                let all = [priority, epoch, reduce, dash, unique_of(*unique)];
                all.into_iter().flatten().collect()
            }
            Kind::CanDo { limit, .. } => limit.map(|_| "can-do-timeout").into_iter().collect(),
            Kind::Grab(GrabKind::Uniq) => vec!["grab-uniq"],
            Kind::Grab(GrabKind::All) => vec!["grab-all"],
            Kind::Work { work, meddle, .. } => {
                let kind = match work {
                    WorkKind::Data => Some("work-data"),
                    WorkKind::Warning => Some("work-warning"),
                    WorkKind::Status => Some("work-status"),
                    WorkKind::OddStatus => Some("odd-progress"),
                    WorkKind::Exception => Some("exceptions"),
                    WorkKind::Complete | WorkKind::Fail => None,
                };
                kind.into_iter()
                    .chain(meddle.then_some("meddling"))
                    .collect()
            }
            Kind::StatusUnique { unique } => {
                let unique = unique_of(*unique);
                std::iter::once("status-unique").chain(unique).collect()
            }
            Kind::Option { .. } => vec!["options"],
            Kind::ClientId { id: 0 } => vec!["set-client-id"],
            Kind::ClientId { .. } => vec!["set-client-id", "odd-client-id"],
            Kind::Malformed(malformed) => vec![malformed_subject(*malformed)],
            Kind::Admin(admin) => admin_subject(*admin).into_iter().collect(),
            Kind::Leave { reset: true } => vec!["reset"],
            _ => Vec::new(),
        }
    }
}

fn unique_of(number: u8) -> Option<&'static str> {
    match number {
        2 => Some("unique-of-64-bytes"),
        3 => Some("odd-unique"),
        _ => None,
    }
}

fn malformed_subject(malformed: Malformed) -> &'static str {
    match malformed {
        Malformed::UnknownType(_) => "unknown-type",
        Malformed::OnlyServers => "response-type",
        Malformed::WrongMagic => "response-magic",
        Malformed::MissingArgument => "missing-argument",
        Malformed::LongUnique => "unique-of-65-bytes",
        Malformed::OddEpoch => "odd-epoch",
    }
}

fn admin_subject(admin: Admin) -> Option<&'static str> {
    Some(match admin {
        Admin::Status | Admin::Nonsense => return None,
        Admin::PriorityStatus => "prioritystatus",
        Admin::Workers => "workers",
        Admin::ShowJobs => "show-jobs",
        Admin::ShowUniqueJobs => "show-unique-jobs",
        Admin::MaxQueue { .. } => "maxqueue",
        Admin::Cancel { .. } => "cancel-job",
        Admin::Create { .. } => "create-function",
        Admin::Drop { .. } => "drop-function",
    })
}
