//! Scripts back to the language.

use super::lexer::{is_name, is_word};
use super::*;
use std::fmt::{self, Display, Formatter, Write};

impl Display for Script {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{}", step.action)?;
        }
        Ok(())
    }
}

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Action::Connect { peer } => write!(f, "{peer} connects"),
            Action::ConnectHttp { peer } => write!(f, "{peer} connects to http"),
            Action::Close { peer, how } => write!(f, "{peer} {}", how.verb()),
            Action::Send { peer, messages } => {
                write!(f, "{peer} > ")?;
                joined(f, messages, " & ")
            }
            Action::Flood { peer, messages } => {
                write!(f, "{peer} floods ")?;
                joined(f, messages, " & ")
            }
            Action::Server(step) => write!(f, "server {}", step.verb()),
            Action::Expect(expectation) => expectation.fmt(f),
            Action::AnyOrder(expectations) => {
                f.write_str("any order {\n")?;
                block(f, expectations)
            }
            Action::AtLeast {
                count,
                expectations,
            } => {
                writeln!(f, "at least {count} {{")?;
                block(f, expectations)
            }
            Action::Repeat { times, steps } => {
                writeln!(f, "repeat {times} {{")?;
                block(f, steps.iter().map(|step| &step.action))
            }
            Action::After(time) if time.subsec_millis() == 0 => {
                write!(f, "after {}s", time.as_secs())
            }
            Action::After(time) => write!(f, "after {}ms", time.as_millis()),
        }
    }
}

impl Closing {
    pub(super) const ALL: [Closing; 3] = [Closing::Close, Closing::HalfClose, Closing::Reset];

    /// The word of the language.
    pub const fn verb(self) -> &'static str {
        match self {
            Closing::Close => "closes",
            Closing::HalfClose => "half-closes",
            Closing::Reset => "resets",
        }
    }
}

/// The lines of a block that has been opened, and its end.
fn block(f: &mut Formatter<'_>, items: impl IntoIterator<Item = impl Display>) -> fmt::Result {
    for item in items {
        for line in item.to_string().lines() {
            writeln!(f, "    {line}")?;
        }
    }
    f.write_char('}')
}

impl ServerStep {
    pub(super) const ALL: [ServerStep; 5] = [
        ServerStep::Terminate,
        ServerStep::Kill,
        ServerStep::Start,
        ServerStep::ExitGracefully,
        ServerStep::Exit,
    ];

    /// The words of the language.
    pub const fn verb(self) -> &'static str {
        match self {
            ServerStep::Terminate => "terminates",
            ServerStep::Kill => "dies",
            ServerStep::Start => "starts",
            ServerStep::ExitGracefully => "exits gracefully",
            ServerStep::Exit => "exits",
        }
    }
}

fn joined(f: &mut Formatter<'_>, items: &[impl Display], between: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

fn times(f: &mut Formatter<'_>, times: usize) -> fmt::Result {
    match times {
        1 => Ok(()),
        _ => write!(f, "{times} times "),
    }
}

/// Whether the argument at `index` is the packet's body, which is always quoted.
fn is_body(kind: PacketType, index: usize) -> bool {
    kind.info().is_none_or(|row| index >= row.args.len())
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        times(f, self.times)?;
        match &self.content {
            Content::Packet { magic, kind, args } => {
                if *magic == Magic::Res {
                    f.write_str("RES ")?;
                }
                kind.fmt(f)?;
                for (index, arg) in args.iter().enumerate() {
                    f.write_char(' ')?;
                    arg.print(f, is_body(*kind, index))?;
                }
                Ok(())
            }
            Content::Number { kind, data } => {
                write!(f, "packet {} ", kind.0)?;
                data.print(f, true)
            }
            Content::Text(line) => {
                f.write_str("text ")?;
                line.print(f, true)
            }
            Content::Bytes(values) => {
                f.write_str("bytes")?;
                for value in values {
                    f.write_char(' ')?;
                    value.print(f, true)?;
                }
                Ok(())
            }
        }
    }
}

impl Display for Expectation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Expectation {
            peer,
            times: count,
            outcomes,
        } = self;
        match (count, outcomes.as_slice()) {
            (1, [Outcome::Nothing]) => write!(f, "{peer} is quiet"),
            (1, [Outcome::Closed]) => write!(f, "{peer} is closed"),
            _ => {
                write!(f, "{peer} < ")?;
                times(f, *count)?;
                joined(f, outcomes, " | ")
            }
        }
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Packet(packet) => packet.fmt(f),
            Outcome::Number { kind, data } => {
                write!(f, "packet {} ", kind.0)?;
                data.print(f, true)
            }
            Outcome::Line(line) => line.fmt(f),
            Outcome::List(list) => list.fmt(f),
            Outcome::Http(response) => response.fmt(f),
            Outcome::Nothing => f.write_str("nothing"),
            Outcome::Closed => f.write_str("closed"),
        }
    }
}

impl Display for PacketPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        for (index, arg) in self.args.iter().enumerate() {
            f.write_char(' ')?;
            arg.print(f, is_body(self.kind, index))?;
        }
        Ok(())
    }
}

impl Display for HttpPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "http {} ", self.status)?;
        self.body.print(f, true)?;
        for (name, value) in &self.headers {
            write!(f, " {name} ")?;
            value.print(f, true)?;
        }
        Ok(())
    }
}

impl Display for LinePattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            LinePattern::Text(pattern) => {
                f.write_str("text ")?;
                pattern.print(f, true)
            }
            LinePattern::Fields {
                separator,
                fields,
                open,
            } => {
                f.write_str(match separator {
                    Separator::Tab => "row",
                    Separator::Space => "words",
                })?;
                for field in fields {
                    f.write_char(' ')?;
                    field.print(f, false)?;
                }
                f.write_str(if *open { " .." } else { "" })
            }
        }
    }
}

impl Display for ListPattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("list {\n")?;
        for item in &self.items {
            let presence = match item.presence {
                Presence::Required => "",
                Presence::Optional => "maybe ",
                Presence::Forbidden => "never ",
            };
            writeln!(f, "    {presence}{}", item.line)?;
        }
        f.write_str(if self.open { "    ..\n}" } else { "}" })
    }
}

impl Display for Pattern {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.print(f, false)
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.print(f, false)
    }
}

impl Pattern {
    fn print(&self, f: &mut Formatter<'_>, quoted: bool) -> fmt::Result {
        match self {
            Pattern::Any => f.write_char('_'),
            Pattern::Exactly(value) => value.print(f, quoted),
            Pattern::StartsWith(value) => {
                value.print(f, quoted)?;
                f.write_str("..")
            }
            Pattern::Length(pattern, least, most) => {
                pattern.print(f, quoted)?;
                write!(f, "[{least}..{most}]")
            }
        }
    }
}

impl Value {
    fn print(&self, f: &mut Formatter<'_>, quoted: bool) -> fmt::Result {
        match self.0.as_slice() {
            [Part::Bytes(bytes)] if !quoted && is_bare(bytes) => escaped(f, bytes, false),
            [Part::Bound(name)] => write!(f, "${name}"),
            [Part::Named(name)] => write!(f, "{{{name}}}"),
            [Part::Now(offset)] => write!(f, "now{offset:+}"),
            [Part::Repeat(bytes, times)] => {
                f.write_char('"')?;
                escaped(f, bytes, false)?;
                write!(f, "\"*{times}")
            }
            parts => string(f, parts),
        }
    }
}

/// Whether the bytes, written without quotes, would be read as the same word.
fn is_bare(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| is_word(b.into())) && bytes != b"_" && !bytes.starts_with(b"now")
}

fn string(f: &mut Formatter<'_>, parts: &[Part]) -> fmt::Result {
    f.write_char('"')?;
    let mut after_name = false;
    for part in parts {
        match part {
            Part::Bytes(bytes) => escaped(f, bytes, after_name)?,
            Part::Repeat(bytes, times) => escaped(f, &bytes.repeat(*times), after_name)?,
            Part::Bound(name) => write!(f, "${name}")?,
            Part::Named(name) => write!(f, "{{{name}}}")?,
            // No part of a longer string can be a time; a value built so has no spelling.
            Part::Now(offset) => write!(f, "now{offset:+}")?,
        }
        after_name = matches!(part, Part::Bound(_));
    }
    f.write_char('"')
}

/// Bytes as they stand in a string; `after_name` keeps the first one apart from a `$name`.
fn escaped(f: &mut Formatter<'_>, bytes: &[u8], after_name: bool) -> fmt::Result {
    for (index, &byte) in bytes.iter().enumerate() {
        let joins_name = after_name && index == 0 && is_name(byte.into());
        match byte {
            0 => f.write_str("\\0")?,
            b'\n' => f.write_str("\\n")?,
            b'\r' => f.write_str("\\r")?,
            b'\t' => f.write_str("\\t")?,
            b'"' | b'\\' | b'{' | b'$' => write!(f, "\\{}", char::from(byte))?,
            0x20..=0x7e if !joins_name => f.write_char(byte.into())?,
            _ => write!(f, "\\x{byte:02x}")?,
        }
    }
    Ok(())
}
