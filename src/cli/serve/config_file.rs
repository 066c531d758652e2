//! The configuration file: options as on the command line, which is stronger.

use super::options::{Options, with_environment};
use anyhow::{Context, anyhow, bail};
use clap::error::{ContextKind, ContextValue};
use clap::{Args, FromArgMatches};
use std::ffi::OsString;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// Read if it is there and no other is named, as gearmand does.
const DEFAULT: &str = "/etc/gearmand.conf";

/// Bytes of a configuration file at the most.
const MAX: u64 = 1 << 20;

/// A word, and the line that it stands in, from 1.
type Word = (usize, String);

/// The options of the command line, and those of the configuration file where the command line
/// says nothing.
pub(super) fn complete(options: Options) -> anyhow::Result<Options> {
    let Some(words) = read(options.process.config_file.as_deref())? else {
        return Ok(options);
    };
    // After the program and the subcommand, which is always the first argument.
    let own = std::env::args_os().skip(2);
    let all = words.into_iter().map(|(_, word)| OsString::from(word));
    let command = with_environment(command()).args_override_self(true);
    parse(command, all.chain(own)).map_err(|error| anyhow!("{}", sentence(&error)))
}

/// The words of the file, each of them known to be right; `None` if there is no file.
fn read(named: Option<&Path>) -> anyhow::Result<Option<Vec<Word>>> {
    let path = named.unwrap_or(Path::new(DEFAULT));
    let cannot = || format!("cannot read the configuration file {}", path.display());
    let file = match std::fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && named.is_none() => return Ok(None),
        file => file.with_context(cannot)?,
    };
    let mut text = String::new();
    file.take(MAX + 1)
        .read_to_string(&mut text)
        .with_context(cannot)?;
    if text.len() as u64 > MAX {
        bail!("{}: it has more than {MAX} bytes", cannot());
    }
    let words = words(&text);
    check(&words).map_err(|(line, why)| anyhow!("{}:{line}: {why}", path.display()))?;
    Ok(Some(words))
}

/// Words end at spaces and line ends; a word that begins with `#` begins a comment. There are no
/// quotes. So it is with gearmand, but for comments, which it has not: it passes over words that
/// are no options.
fn words(text: &str) -> Vec<Word> {
    let of_line = |(number, line)| {
        str::split_whitespace(line)
            .take_while(|word| !word.starts_with('#'))
            .map(move |word| (number, word.to_owned()))
    };
    (1..).zip(text.lines()).flat_map(of_line).collect()
}

/// Holds the text of a file alone against the options; where it is wrong, the line and why.
pub(crate) fn check_text(text: &str) -> Result<(), (usize, String)> {
    check(&words(text))
}

/// Holds the words of the file against the options.
fn check(words: &[Word]) -> Result<(), (usize, String)> {
    let nested = |word: &str| word == "--config-file" || word.starts_with("--config-file=");
    if let Some((line, _)) = words.iter().find(|(_, word)| nested(word)) {
        return Err((*line, "a configuration file names no other".to_owned()));
    }
    let wrong = |count: usize| {
        let alone = words[..count]
            .iter()
            .map(|(_, word)| OsString::from(word.as_str()));
        let command = command().mut_args(|argument| argument.env(None::<&'static str>));
        parse(command, alone).err()
    };
    let Some(error) = wrong(words.len()) else {
        return Ok(());
    };
    let mut why = sentence(&error);
    // The first wrong word is the last one without which all before it is right, or may become so.
    let mut culprit = words.len();
    for count in (1..words.len()).rev() {
        match wrong(count) {
            Some(earlier) if !lacks_a_value(&earlier) => {
                (culprit, why) = (count, sentence(&earlier));
            }
            _ => break,
        }
    }
    let line = words
        .get(culprit.saturating_sub(1))
        .map_or(1, |(line, _)| *line);
    Err((line, why))
}

/// Whether the next word may make it right.
fn lacks_a_value(error: &clap::Error) -> bool {
    let value = error.get(ContextKind::InvalidValue);
    matches!(value, Some(ContextValue::String(value)) if value.is_empty())
}

fn command() -> clap::Command {
    Options::augment_args(clap::Command::new("gearbench serve")).no_binary_name(true)
}

fn parse(
    command: clap::Command,
    words: impl Iterator<Item = OsString>,
) -> Result<Options, clap::Error> {
    let matches = command.try_get_matches_from(words)?;
    Options::from_arg_matches(&matches)
}

/// The first line of what the parser says.
fn sentence(error: &clap::Error) -> String {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    if matches!(error.kind(), DisplayHelp | DisplayVersion) {
        return "--help and --version are for the command line".to_owned();
    }
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> (usize, String) {
        check_text(text).expect_err(text)
    }

    #[test]
    fn words_end_at_spaces_and_comments_at_the_line_end() {
        let found = words("# a comment\n--port\t1 # more\r\n\n -j\n 3\n");
        let expected = [(2, "--port"), (2, "1"), (4, "-j"), (5, "3")];
        assert_eq!(found, expected.map(|(line, word)| (line, word.to_owned())));
        assert_eq!(check(&found), Ok(()));
    }

    #[test]
    fn mistakes_are_found_in_their_lines() {
        for (text, line, word) in [
            ("--nosuch", 1, "--nosuch"),
            ("-p 1\n--keepalive\n-j 256\n-w 1\n--nosuch", 3, "256"),
            ("-p 1\n\nport=3\n-j 1", 3, "port=3"),
            ("-p\n-1", 2, "-1"),
            ("-w 3\n-p", 2, "--port"),
            ("-p 1\n-p 2", 2, "--port"),
            ("--config-file x", 1, "no other"),
            ("-p 1\n--help", 2, "--help"),
        ] {
            let (found, why) = wrong(text);
            assert_eq!(found, line, "{text:?}: {why}");
            assert!(why.contains(word), "{text:?}: {why}");
        }
    }
}
