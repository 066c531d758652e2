//! What came from a peer, made harmless for the place where it is shown.

use std::fmt::Write;

/// One line: control characters are shown as escapes, line feeds too.
pub(crate) fn line(text: &str) -> String {
    shown(text, |_| false)
}

/// Several lines: control characters are shown as escapes, but for line feeds and tabs.
pub(crate) fn block(text: &str) -> String {
    shown(text, |c| matches!(c, '\n' | '\t'))
}

fn shown(text: &str, kept: fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            _ if kept(c) => out.write_char(c),
            '\n' | '\r' | '\t' => write!(out, "{}", c.escape_default()),
            _ if c.is_control() => write!(out, "\\x{:02x}", u32::from(c)),
            _ if is_invisible(c) => write!(out, "{}", c.escape_unicode()),
            _ => out.write_char(c),
        };
    }
    out
}

/// Characters that reorder or hide what stands around them, and those that XML forbids.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}')
}

/// Text inside Markdown, in a table too: nothing in it is markup, a mention or a link.
pub(crate) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in line(text).chars() {
        let _ = match c {
            '@' | '#' => write!(out, "&#{};&#8203;", u32::from(c)),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '&' | '|' | '~' | '!'
            | ':' | '$' | '"' | '\'' => write!(out, "&#{};", u32::from(c)),
            _ => out.write_char(c),
        };
    }
    out.replace("www.", "www&#46;")
}

/// Text in the typeface of code, inside Markdown.
pub(crate) fn markdown_code(text: &str) -> String {
    format!("<code>{}</code>", markdown(text).replace("&#8203;", ""))
}

/// A block of code inside Markdown; its fence is longer than any within.
pub(crate) fn fenced(text: &str) -> String {
    let text = block(text);
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_sees_no_control_characters() {
        let hostile = "a\x1b[2J\x07\u{9b}31m\u{202e}\r\nb\tc\0";
        assert_eq!(
            line(hostile),
            "a\\x1b[2J\\x07\\x9b31m\\u{202e}\\r\\nb\\tc\\x00"
        );
        assert_eq!(
            block(hostile),
            "a\\x1b[2J\\x07\\x9b31m\\u{202e}\\r\nb\tc\\x00"
        );
        assert_eq!(line("é 漢 \"\\x00\""), "é 漢 \"\\x00\"");
    }

    #[test]
    fn markdown_has_no_markup_left() {
        let safe = markdown("a|b `c` *d* <img> [e](f) @someone #12 http://x www.y\n\\|");
        for mark in [
            "|", "`", "*", "<", "[", "@", " #", "://", "www.", "\n", "\\",
        ] {
            assert!(!safe.contains(mark), "{mark:?} in {safe}");
        }
        assert_eq!(
            markdown("submit/job-runs, P-SUB-12."),
            "submit/job-runs, P-SUB-12."
        );
    }

    #[test]
    fn a_fence_is_longer_than_those_within() {
        assert_eq!(fenced("a\n````\nb"), "`````text\na\n````\nb\n`````\n");
        assert_eq!(fenced("a"), "```text\na\n```\n");
    }
}
