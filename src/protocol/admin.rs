//! The text protocol that administrators and monitors speak on the same port.

use super::request::{Priority, number};
use std::num::NonZeroU32;

/// Words of a line at the most. Source: gearmand's command.cc.
pub const MAX_WORDS: usize = 5;

/// A line of the text protocol, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command<'a> {
    /// `version`
    Version,
    /// `status`: jobs and workers of each function.
    Status,
    /// `prioritystatus`: queued jobs of each function by priority.
    PriorityStatus,
    /// `workers`: all connections.
    Workers,
    /// `maxqueue f [size | high normal [low]]`
    MaxQueue {
        /// The function.
        function: &'a [u8],
        /// Jobs at the most, by priority; `None` is no limit.
        limits: [Option<NonZeroU32>; 3],
    },
    /// `getpid`
    GetPid,
    /// `verbose`
    Verbose,
    /// `show jobs`
    ShowJobs,
    /// `show unique jobs`
    ShowUniqueJobs,
    /// `cancel job HANDLE`
    CancelJob {
        /// The job.
        handle: &'a [u8],
    },
    /// `create function f`
    CreateFunction {
        /// The function.
        function: &'a [u8],
    },
    /// `drop function f`
    DropFunction {
        /// The function.
        function: &'a [u8],
    },
}

impl Command<'_> {
    /// Whether it changes the server, and does not only look.
    pub fn changes(&self) -> bool {
        matches!(
            self,
            Command::MaxQueue { .. }
                | Command::CancelJob { .. }
                | Command::CreateFunction { .. }
                | Command::DropFunction { .. }
        )
    }
}

/// Why a line is no command. The texts sent for it are gearmand's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError<'a> {
    /// The first word is no command.
    #[error("unknown command {0:?}")]
    Unknown(&'a [u8]),
    /// Words are missing after the first.
    #[error("{0:?} needs more arguments")]
    Incomplete(&'a [u8]),
    /// `show` of something that is not shown.
    #[error("`show` takes `jobs` or `unique jobs`")]
    Show,
    /// `cancel` of something that is not cancelled.
    #[error("`cancel` takes `job HANDLE`")]
    Cancel,
    /// More words than a line may have.
    #[error("a line has at most {MAX_WORDS} words")]
    TooManyWords,
}

impl<'a> Command<'a> {
    /// Parses a line that has lost its LF.
    pub fn parse(line: &'a [u8]) -> Result<Self, CommandError<'a>> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let line = line.strip_suffix(b"\0").unwrap_or(line);
        // A line that begins with a space has an empty command word, as in gearmand.
        if line.first().is_none_or(|&first| first == b' ') {
            return Err(CommandError::Unknown(b""));
        }
        let mut words = [b"".as_slice(); MAX_WORDS];
        let mut count = 0;
        for word in line.split(|&b| b == b' ').filter(|word| !word.is_empty()) {
            *words.get_mut(count).ok_or(CommandError::TooManyWords)? = word;
            count += 1;
        }
        let verb = words[0];
        let is = |word: &[u8]| verb.eq_ignore_ascii_case(word);
        match &words[1..count] {
            _ if is(b"version") => Ok(Command::Version),
            _ if is(b"status") => Ok(Command::Status),
            _ if is(b"prioritystatus") => Ok(Command::PriorityStatus),
            _ if is(b"workers") => Ok(Command::Workers),
            _ if is(b"getpid") => Ok(Command::GetPid),
            _ if is(b"verbose") => Ok(Command::Verbose),
            args if is(b"maxqueue") => max_queue(verb, args),
            args if is(b"show") => show(verb, args),
            args if is(b"cancel") => cancel(verb, args),
            [what, function, ..] if is(b"create") && what.eq_ignore_ascii_case(b"function") => {
                Ok(Command::CreateFunction { function })
            }
            _ if is(b"create") => Err(CommandError::Incomplete(verb)),
            [what, function, ..] if is(b"drop") && what.eq_ignore_ascii_case(b"function") => {
                Ok(Command::DropFunction { function })
            }
            _ if is(b"drop") => Err(CommandError::Incomplete(verb)),
            _ => Err(CommandError::Unknown(verb)),
        }
    }
}

fn max_queue<'a>(verb: &'a [u8], args: &[&'a [u8]]) -> Result<Command<'a>, CommandError<'a>> {
    let (function, sizes) = args.split_first().ok_or(CommandError::Incomplete(verb))?;
    let limit = |text: &[u8]| {
        // Zero, negative or no number at all: no limit, as in gearmand.
        number(text).and_then(|size| NonZeroU32::new(u32::try_from(size).unwrap_or(u32::MAX)))
    };
    let mut limits = [None; 3];
    match *sizes {
        [] => {}
        [all] => limits = [limit(all); 3],
        _ => {
            for (priority, size) in Priority::ALL.iter().zip(sizes) {
                limits[*priority as usize] = limit(size);
            }
        }
    }
    Ok(Command::MaxQueue { function, limits })
}

fn show<'a>(verb: &'a [u8], args: &[&'a [u8]]) -> Result<Command<'a>, CommandError<'a>> {
    let is = |word: &[u8], expected: &[u8]| word.eq_ignore_ascii_case(expected);
    match *args {
        [] => Err(CommandError::Unknown(verb)),
        [jobs] if is(jobs, b"jobs") => Ok(Command::ShowJobs),
        [unique, jobs] if is(unique, b"unique") && is(jobs, b"jobs") => Ok(Command::ShowUniqueJobs),
        _ => Err(CommandError::Show),
    }
}

fn cancel<'a>(verb: &'a [u8], args: &[&'a [u8]]) -> Result<Command<'a>, CommandError<'a>> {
    match *args {
        [] | [_] => Err(CommandError::Unknown(verb)),
        [job, handle] if job.eq_ignore_ascii_case(b"job") => Ok(Command::CancelJob { handle }),
        _ => Err(CommandError::Cancel),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_ignore_case_line_ends_and_surplus_words() {
        for line in [
            "version",
            "VERSION\r",
            "version ",
            "version extra",
            "version\0\r",
        ] {
            assert_eq!(
                Command::parse(line.as_bytes()),
                Ok(Command::Version),
                "{line:?}"
            );
        }
    }

    #[test]
    fn queue_limits_by_priority() {
        let some = NonZeroU32::new;
        for (line, limits) in [
            ("maxqueue f", [None; 3]),
            ("maxqueue f 3", [some(3); 3]),
            ("maxqueue f 4 3 2", [some(4), some(3), some(2)]),
            ("maxqueue f 1 2", [some(1), some(2), None]),
            ("maxqueue f -1", [None; 3]),
            ("maxqueue f 0 many 1", [None, None, some(1)]),
        ] {
            let function = b"f".as_slice();
            assert_eq!(
                Command::parse(line.as_bytes()),
                Ok(Command::MaxQueue { function, limits }),
                "{line}"
            );
        }
    }

    #[test]
    fn what_is_no_command_is_named() {
        for (line, error) in [
            ("", CommandError::Unknown(b"")),
            (" version", CommandError::Unknown(b"")),
            ("bogus words", CommandError::Unknown(b"bogus")),
            ("show", CommandError::Unknown(b"show")),
            ("show foo", CommandError::Show),
            ("cancel job", CommandError::Unknown(b"cancel")),
            ("cancel foo bar", CommandError::Cancel),
            ("maxqueue", CommandError::Incomplete(b"maxqueue")),
            ("create function", CommandError::Incomplete(b"create")),
            ("maxqueue f 1 2 3 4", CommandError::TooManyWords),
        ] {
            assert_eq!(Command::parse(line.as_bytes()), Err(error), "{line:?}");
        }
    }
}
