//! Characters to tokens.

use super::{Part, Problem, ScriptError};
use std::iter::Peekable;
use std::str::Chars;

/// Times a string may be repeated, so that a slip of the pen does not take all memory.
const MAX_REPEAT: usize = 64 * 1024 * 1024;

/// Where a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: usize,
    pub(super) column: usize,
}

impl At {
    pub(super) fn error(self, problem: Problem) -> ScriptError {
        ScriptError {
            line: self.line,
            column: self.column,
            problem,
        }
    }

    pub(super) fn expected(self, expected: &'static str, found: impl Into<String>) -> ScriptError {
        self.error(Problem::Expected {
            expected,
            found: found.into(),
        })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    Text(Vec<Part>),
    Bound(String),
    Named(String),
    /// `>`
    Sends,
    /// `<`
    Receives,
    /// `&`
    And,
    /// `|`
    Or,
    /// `..` after white space
    More,
    /// `..` right behind a value
    Onwards,
    /// `[1..63]`
    Length(usize, usize),
    Open,
    Close,
    LineEnd,
    End,
}

impl Token {
    /// The token as an error message shows it.
    pub(super) fn describe(&self) -> String {
        match self {
            Token::Word(word) => format!("`{word}`"),
            Token::Text(_) => "a string".into(),
            Token::Bound(name) => format!("`${name}`"),
            Token::Named(name) => format!("`{{{name}}}`"),
            Token::Sends => "`>`".into(),
            Token::Receives => "`<`".into(),
            Token::And => "`&`".into(),
            Token::Or => "`|`".into(),
            Token::More | Token::Onwards => "`..`".into(),
            Token::Length(least, most) => format!("`[{least}..{most}]`"),
            Token::Open => "`{`".into(),
            Token::Close => "`}`".into(),
            Token::LineEnd => "the end of the line".into(),
            Token::End => "the end of the script".into(),
        }
    }
}

/// What a bare word consists of.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-+:/@".contains(c)
}

/// What the name of a binding or a marker consists of.
pub(super) fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

pub(super) fn tokens(source: &str) -> Result<Vec<(Token, At)>, ScriptError> {
    let mut lexer = Lexer {
        chars: source.chars().peekable(),
        at: At { line: 1, column: 1 },
    };
    let mut tokens = Vec::new();
    loop {
        let spaces = lexer.skip(|c| c.is_whitespace() && c != '\n');
        let at = lexer.at;
        let token = lexer.token(spaces > 0 || at.column == 1)?;
        let end = token == Token::End;
        tokens.push((token, at));
        if end {
            return Ok(tokens);
        }
    }
}

struct Lexer<'a> {
    chars: Peekable<Chars<'a>>,
    at: At,
}

impl Lexer<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.at.line += 1;
            self.at.column = 1;
        } else {
            self.at.column += 1;
        }
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let found = self.chars.peek() == Some(&wanted);
        if found {
            self.next();
        }
        found
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) -> usize {
        let mut skipped = 0;
        while self.chars.peek().is_some_and(|&c| what(c)) {
            self.next();
            skipped += 1;
        }
        skipped
    }

    fn collect(&mut self, what: impl Fn(char) -> bool) -> String {
        let mut text = String::new();
        while let Some(&c) = self.chars.peek().filter(|&&c| what(c)) {
            text.push(c);
            self.next();
        }
        text
    }

    fn token(&mut self, spaced: bool) -> Result<Token, ScriptError> {
        let at = self.at;
        if self.chars.peek().is_some_and(|&c| is_word(c)) {
            return Ok(Token::Word(self.collect(is_word)));
        }
        let Some(c) = self.next() else {
            return Ok(Token::End);
        };
        Ok(match c {
            '\n' => Token::LineEnd,
            '#' => {
                self.skip(|c| c != '\n');
                match self.next() {
                    Some(_) => Token::LineEnd,
                    None => Token::End,
                }
            }
            '>' => Token::Sends,
            '<' => Token::Receives,
            '&' => Token::And,
            '|' => Token::Or,
            '}' => Token::Close,
            '{' if self.name_and_brace() => {
                let name = self.collect(is_name);
                self.next();
                Token::Named(name)
            }
            '{' => Token::Open,
            '$' => Token::Bound(self.name()?),
            '.' if self.take('.') => match spaced {
                true => Token::More,
                false => Token::Onwards,
            },
            '"' => self.string(at)?,
            '[' => self.length(at)?,
            other => {
                return Err(
                    at.expected("a word, a string, `$name` or a sign", format!("{other:?}"))
                );
            }
        })
    }

    /// The rest of `[1..63]`.
    fn length(&mut self, start: At) -> Result<Token, ScriptError> {
        let text = self.collect(|c| c != ']' && c != '\n');
        let closed = self.take(']');
        let ends = text.split_once("..");
        let ends = ends.and_then(|(least, most)| Some((least.parse().ok()?, most.parse().ok()?)));
        match ends {
            Some((least, most)) if closed && least <= most => Ok(Token::Length(least, most)),
            _ => Err(start.expected("a range of lengths such as [1..63]", format!("`[{text}`"))),
        }
    }

    /// Whether a name and `}` follow, so that the `{` before them began a marker.
    fn name_and_brace(&self) -> bool {
        let mut ahead = self.chars.clone();
        let mut any = false;
        loop {
            match ahead.next() {
                Some(c) if is_name(c) => any = true,
                Some('}') => return any,
                _ => return false,
            }
        }
    }

    fn name(&mut self) -> Result<String, ScriptError> {
        let at = self.at;
        let name = self.collect(is_name);
        if name.is_empty() {
            return Err(at.expected("a name after `$`", "none"));
        }
        Ok(name)
    }

    /// A string whose opening quote has been taken, and the number of times it is repeated.
    fn string(&mut self, start: At) -> Result<Token, ScriptError> {
        let parts = self.parts(start)?;
        let at = self.at;
        if !self.take('*') {
            return Ok(Token::Text(parts));
        }
        let count = self.collect(is_word);
        let times = count.parse().ok();
        match (parts.as_slice(), times) {
            ([Part::Bytes(bytes)], Some(times)) if times <= MAX_REPEAT / bytes.len() => {
                Ok(Token::Text(vec![Part::Repeat(bytes.clone(), times)]))
            }
            ([Part::Bytes(_)], _) => {
                Err(at.expected("how often, up to 64 MiB in all", format!("`{count}`")))
            }
            _ => Err(start.expected("plain bytes before `*`", "something else")),
        }
    }

    fn parts(&mut self, start: At) -> Result<Vec<Part>, ScriptError> {
        let mut parts = Vec::new();
        let mut bytes = Vec::new();
        let mut flush = |bytes: &mut Vec<u8>, next: Option<Part>| {
            if !bytes.is_empty() {
                parts.push(Part::Bytes(std::mem::take(bytes)));
            }
            parts.extend(next);
        };
        loop {
            match self.next() {
                None | Some('\n') => {
                    return Err(start.expected("a closing `\"`", "the end of the line"));
                }
                Some('"') => break,
                Some('\\') => bytes.push(self.escape()?),
                Some('{') if self.name_and_brace() => {
                    let name = self.collect(is_name);
                    self.next();
                    flush(&mut bytes, Some(Part::Named(name)));
                }
                Some('$') => {
                    let name = self.name()?;
                    flush(&mut bytes, Some(Part::Bound(name)));
                }
                Some(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            }
        }
        flush(&mut bytes, None);
        Ok(parts)
    }

    fn escape(&mut self) -> Result<u8, ScriptError> {
        let at = self.at;
        Ok(match self.next() {
            Some('0') => 0,
            Some('n') => b'\n',
            Some('r') => b'\r',
            Some('t') => b'\t',
            Some('"') => b'"',
            Some('\\') => b'\\',
            Some('{') => b'{',
            Some('$') => b'$',
            Some('x') => {
                let digits: String = [self.next(), self.next()].into_iter().flatten().collect();
                u8::from_str_radix(&digits, 16)
                    .map_err(|_| at.expected("two hexadecimal digits", format!("`{digits}`")))?
            }
            other => {
                let found = other.map_or("the end".into(), |c| format!("`\\{c}`"));
                return Err(at.expected(r#"one of \0 \n \r \t \" \\ \{ \$ \xNN"#, found));
            }
        })
    }
}
