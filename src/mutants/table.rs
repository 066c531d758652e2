//! The rows of the table.

use super::{Mutant, ROWS};

/// All defects.
pub(crate) const ALL: &[Info] = ROWS;

/// Who can see a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Peers of the engine, in memory too.
    Packets,
    /// Peers of a running server.
    Server,
    /// Peers of a server with a store, most after a restart.
    Store,
    /// The load generator, whose books do not balance.
    Liar,
    /// Those who read a report of the load generator.
    Generator,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info {
    pub(crate) mutant: Mutant,
    pub(super) camel: &'static str,
    pub(super) what: &'static str,
    pub(crate) at: At,
    /// Requirements or checks of which one is expected to be seen broken.
    pub(crate) rules: &'static [&'static str],
    pub(super) unseen: &'static str,
}

impl Info {
    /// Its name, as on the command line.
    pub(crate) fn name(&self) -> String {
        let mut name = String::new();
        for letter in self.camel.chars() {
            if letter.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(letter.to_ascii_lowercase());
        }
        name
    }

    /// What is broken, in a sentence.
    pub(crate) fn what(&self) -> &'static str {
        self.what.trim()
    }

    /// Why nobody can see it from outside, where that is so.
    pub(crate) fn unseen(&self) -> Option<&'static str> {
        Some(self.unseen).filter(|why| !why.is_empty())
    }

    /// The row of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Info> {
        ALL.iter().find(|info| info.name() == name)
    }
}
