//! The rows of the table.

use super::{Mutant, ROWS};

/// All defects.
pub(crate) const ALL: &[Info] = ROWS;

/// Who can see a defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    /// Peers of the engine, in memory too.
    Packets,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Info {
    pub(crate) mutant: Mutant,
    pub(super) camel: &'static str,
    pub(super) what: &'static str,
    pub(crate) at: At,
    /// Requirements of which one is expected to be seen broken.
    pub(crate) rules: &'static [&'static str],
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

    /// The row of that name.
    pub(crate) fn named(name: &str) -> Option<&'static Info> {
        ALL.iter().find(|info| info.name() == name)
    }
}
