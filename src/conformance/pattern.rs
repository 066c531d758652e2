//! Values to bytes, and bytes held against patterns.

use super::script::{
    HttpPattern, LinePattern, ListPattern, Outcome, PacketPattern, Part, Pattern, Presence, Value,
};
use super::trace::{HttpResponse, OwnedFrame};
use crate::protocol::{Magic, Packet, PacketType};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What keeps the jobs of a script apart from all others on a shared server: a prefix.
///
/// With one, every value in a place that the packet table calls `function`, `unique` or `reducer`
/// gets it in front, in what is sent and in what is expected. Left as they are: empty values and
/// `-`, which have a meaning; repeated strings, whose length is the subject; and values that begin
/// with a name or a marker. Everywhere else (bodies, lines of the text protocol) only a
/// marker `{f}` stands for the prefixed `f`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace(String);

impl Namespace {
    /// The namespace with this prefix; an empty one changes nothing.
    pub fn new(prefix: impl Into<String>) -> Self {
        Namespace(prefix.into())
    }

    /// The prefix.
    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// The bytes that `value` stands for as argument `index` of a packet, where it needs nothing
    /// that a script has bound.
    pub fn name(&self, kind: PacketType, index: usize, value: &Value) -> Result<Vec<u8>, Unbound> {
        let context = Context {
            namespace: self.clone(),
            ..Context::default()
        };
        context.resolve_arg(kind, index, value).map(Cow::into_owned)
    }
}

/// A name that stands for nothing yet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("${name} is not bound")]
pub struct Unbound {
    /// The name.
    pub name: String,
}

/// What values and patterns are resolved with.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    pub(super) namespace: Namespace,
    pub(super) bindings: BTreeMap<String, Vec<u8>>,
    /// Seconds since 1970.
    pub(super) now: u64,
}

/// Whether the bytes in this place of a packet name something on the server.
fn is_named(kind: PacketType, index: usize) -> bool {
    let names = kind.info().and_then(|row| row.args.get(index));
    names.is_some_and(|name| ["function", "unique", "reducer"].contains(name))
}

impl Context {
    /// The bytes that `value` stands for outside a packet.
    pub(super) fn resolve<'v>(&self, value: &'v Value) -> Result<Cow<'v, [u8]>, Unbound> {
        match value.0.as_slice() {
            [] => Ok(Cow::default()),
            [Part::Bytes(bytes)] => Ok(Cow::Borrowed(bytes)),
            parts => {
                let mut out = Vec::new();
                parts
                    .iter()
                    .try_for_each(|part| self.append(part, &mut out))?;
                Ok(Cow::Owned(out))
            }
        }
    }

    /// The bytes that `value` stands for as argument `index` of a packet.
    pub(super) fn resolve_arg<'v>(
        &self,
        kind: PacketType,
        index: usize,
        value: &'v Value,
    ) -> Result<Cow<'v, [u8]>, Unbound> {
        let bytes = self.resolve(value)?;
        let plain = matches!(value.0.first(), Some(Part::Bytes(_)));
        if !plain || &*bytes == b"-" || self.namespace.0.is_empty() || !is_named(kind, index) {
            return Ok(bytes);
        }
        Ok(Cow::Owned([self.namespace.0.as_bytes(), &bytes].concat()))
    }

    fn append(&self, part: &Part, out: &mut Vec<u8>) -> Result<(), Unbound> {
        match part {
            Part::Bytes(bytes) => out.extend_from_slice(bytes),
            Part::Repeat(bytes, times) => out.extend(bytes.repeat(*times)),
            Part::Named(name) => {
                out.extend_from_slice(self.namespace.0.as_bytes());
                out.extend_from_slice(name.as_bytes());
            }
            Part::Now(offset) => {
                let time = self.now.saturating_add_signed(*offset);
                out.extend_from_slice(time.to_string().as_bytes());
            }
            Part::Bound(name) => match self.bindings.get(name) {
                Some(bytes) => out.extend_from_slice(bytes),
                None => return Err(Unbound { name: name.clone() }),
            },
        }
        Ok(())
    }

    /// Whether the frame is this outcome; binds its names if so, and else changes nothing.
    pub(super) fn accept(&mut self, outcome: &Outcome, frame: &OwnedFrame) -> bool {
        let mut attempt = Attempt::new(self);
        let matches = match (outcome, frame) {
            (Outcome::Packet(pattern), OwnedFrame::Packet { magic, kind, data }) => {
                *magic == Magic::Res && attempt.packet(pattern, *kind, data)
            }
            (
                Outcome::Number { kind, data },
                OwnedFrame::Packet {
                    magic,
                    kind: found,
                    data: bytes,
                },
            ) => *magic == Magic::Res && kind == found && attempt.pattern(data, None, bytes),
            (Outcome::Line(pattern), OwnedFrame::Line(line)) => attempt.line(pattern, line),
            (Outcome::Http(pattern), OwnedFrame::Http(response)) => attempt.http(pattern, response),
            _ => false,
        };
        let bound = attempt.bound;
        if matches {
            self.bindings.extend(bound);
        }
        matches
    }

    /// Holds the lines of a list against its pattern; the error says what does not fit.
    pub(super) fn accept_list(
        &mut self,
        list: &ListPattern,
        lines: &[Vec<u8>],
    ) -> Result<(), String> {
        let mut seen = vec![false; list.items.len()];
        for line in lines {
            let of = |presence| {
                let items = list.items.iter().enumerate();
                items.filter(move |(_, item)| item.presence == presence)
            };
            let wanted = of(Presence::Required).chain(of(Presence::Optional));
            let free: Vec<usize> = wanted
                .map(|(index, _)| index)
                .filter(|&at| !seen[at])
                .collect();
            let taken = free
                .into_iter()
                .find(|&at| self.accept_line(&list.items[at].line, line));
            if let Some(at) = taken {
                seen[at] = true;
                continue;
            }
            let forbidden: Vec<_> = of(Presence::Forbidden)
                .map(|(_, item)| &item.line)
                .collect();
            let forbidden = forbidden
                .into_iter()
                .any(|pattern| self.accept_line(pattern, line));
            if forbidden || !list.open {
                return Err(format!("the line \"{}\"", line.escape_ascii()));
            }
        }
        let missing = list.items.iter().zip(seen);
        let mut missing =
            missing.filter(|(item, seen)| item.presence == Presence::Required && !seen);
        match missing.next() {
            Some((item, _)) => Err(format!("no line that is `{}`", item.line)),
            None => Ok(()),
        }
    }

    fn accept_line(&mut self, pattern: &LinePattern, line: &[u8]) -> bool {
        let mut attempt = Attempt::new(self);
        let matches = attempt.line(pattern, line);
        let bound = attempt.bound;
        if matches {
            self.bindings.extend(bound);
        }
        matches
    }
}

/// One try of one pattern: names are bound only when all of it matches.
struct Attempt<'c> {
    context: &'c Context,
    bound: BTreeMap<String, Vec<u8>>,
}

impl<'c> Attempt<'c> {
    fn new(context: &'c Context) -> Self {
        Attempt {
            context,
            bound: BTreeMap::new(),
        }
    }

    fn packet(&mut self, pattern: &PacketPattern, kind: PacketType, data: &[u8]) -> bool {
        let packet = Packet {
            magic: Magic::Res,
            kind,
            data: data.into(),
        };
        let (true, Ok(fields)) = (pattern.kind == kind, packet.fields()) else {
            return false;
        };
        let mut found = fields.args().to_vec();
        if kind.info().is_some_and(|row| row.body) {
            found.push(fields.body.bytes());
        } else if found.is_empty() && !data.is_empty() {
            return false;
        }
        found.len() == pattern.args.len()
            && pattern
                .args
                .iter()
                .zip(found)
                .enumerate()
                .all(|(index, (pattern, bytes))| self.pattern(pattern, Some((kind, index)), bytes))
    }

    fn line(&mut self, pattern: &LinePattern, line: &[u8]) -> bool {
        match pattern {
            LinePattern::Text(pattern) => self.pattern(pattern, None, line),
            LinePattern::Fields {
                separator,
                fields,
                open,
            } => {
                let found: Vec<&[u8]> = line.split(|&b| b == separator.byte()).collect();
                let enough = match open {
                    true => found.len() >= fields.len(),
                    false => found.len() == fields.len(),
                };
                let mut pairs = fields.iter().zip(found);
                enough && pairs.all(|(pattern, bytes)| self.pattern(pattern, None, bytes))
            }
        }
    }

    fn http(&mut self, pattern: &HttpPattern, response: &HttpResponse) -> bool {
        let status = response.status.to_string();
        self.pattern(&pattern.status, None, status.as_bytes())
            && self.pattern(&pattern.body, None, &response.body)
            && pattern.headers.iter().all(|(name, pattern)| {
                let mut headers = response.headers.iter();
                headers.any(|(found, value)| {
                    found.eq_ignore_ascii_case(name) && self.pattern(pattern, None, value)
                })
            })
    }

    fn pattern(
        &mut self,
        pattern: &Pattern,
        place: Option<(PacketType, usize)>,
        bytes: &[u8],
    ) -> bool {
        let (value, whole) = match pattern {
            Pattern::Any => return true,
            Pattern::Exactly(value) => (value, true),
            Pattern::StartsWith(value) => (value, false),
            Pattern::Length(pattern, least, most) => {
                let fits = (*least..=*most).contains(&bytes.len());
                return fits && self.pattern(pattern, place, bytes);
            }
        };
        if let (Some(name), true) = (value.lone_name(), whole) {
            return self.name(name, bytes);
        }
        let expected = match place {
            Some((kind, index)) => self.context.resolve_arg(kind, index, value),
            None => self.context.resolve(value),
        };
        expected.is_ok_and(|expected| match whole {
            true => *expected == *bytes,
            false => bytes.starts_with(&expected),
        })
    }

    /// A lone name: what it is bound to, or the first bytes it meets.
    fn name(&mut self, name: &str, bytes: &[u8]) -> bool {
        let known = |bindings: &BTreeMap<String, Vec<u8>>| bindings.get(name).map(|b| b == bytes);
        if let Some(same) = known(&self.context.bindings).or(known(&self.bound)) {
            return same;
        }
        let mut others = self.context.bindings.values().chain(self.bound.values());
        let fresh = !others.any(|other| other == bytes);
        if fresh {
            self.bound.insert(name.to_owned(), bytes.to_vec());
        }
        fresh
    }
}
