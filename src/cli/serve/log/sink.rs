//! The file that the log is written to.

use super::super::options::Place;
use anyhow::Context;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

#[derive(Debug)]
pub(super) struct Sink {
    place: Place,
    file: Option<File>,
}

impl Sink {
    pub(super) fn open(place: Place) -> anyhow::Result<Self> {
        let file = match &place {
            Place::File(path) => {
                let file = append(path)
                    .with_context(|| format!("cannot write the log file {}", path.display()))?;
                Some(file)
            }
            Place::Nowhere | Place::Stderr => None,
        };
        Ok(Sink { place, file })
    }

    /// Opens the file at the path again. If that fails, the old one is kept, and told so.
    pub(super) fn reopen(&mut self) {
        let Place::File(path) = &self.place else {
            return;
        };
        match append(path) {
            Ok(file) => self.file = Some(file),
            Err(error) => {
                let line = format!("cannot open the log file again, going on here: {error}\n");
                self.write(line.as_bytes());
            }
        }
    }

    /// A log that cannot be written is no reason to stop serving.
    pub(super) fn write(&mut self, line: &[u8]) {
        let _ = match (&self.place, &mut self.file) {
            (_, Some(file)) => file.write_all(line),
            (Place::Stderr, None) => io::stderr().write_all(line),
            _ => Ok(()),
        };
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}
