//! The end of a server's log, fit to be shown.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes at the end of the log that are looked at.
const LOOKED_AT: u64 = 64 * 1024;
/// The longest line that is shown, in characters.
const LONGEST: usize = 300;

/// The last lines of a file, at the most `lines`; none if it cannot be read.
pub(super) fn tail(path: &Path, lines: usize) -> Vec<String> {
    let bytes = end_of(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let skipped = all.len().saturating_sub(lines);
    all.iter().skip(skipped).map(|line| short(line)).collect()
}

fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOOKED_AT)))?;
    let mut bytes = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn short(line: &str) -> String {
    let mut start = escaped(&line.chars().take(LONGEST).collect::<String>());
    if line.chars().nth(LONGEST).is_some() {
        start.push_str("..");
    }
    start
}

/// The text without anything that acts on a terminal.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Marks that turn the direction of writing hide things too.
        let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        match c.is_control() || turns {
            true => out.extend(c.escape_default()),
            false => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_short_and_plain() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        assert_eq!(tail(&path, 3), [""; 0]);
        let long = "x".repeat(100_000);
        std::fs::write(
            &path,
            format!("{long}\nfirst\n\nred \x1b[31m\r\nlast\n{long}"),
        )
        .unwrap();
        let last = tail(&path, 1);
        assert_eq!(last, ["x".repeat(300) + ".."]);
        std::fs::write(&path, format!("{long}\nfirst\n\nred \x1b[31m\r\nlast\n")).unwrap();
        assert_eq!(tail(&path, 2), ["red \\u{1b}[31m", "last"]);
    }
}
