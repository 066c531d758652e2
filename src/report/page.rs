//! Pages from templates: one file each, and whatever comes from outside is words.

use super::escape;
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, Value, escape_formatter};

/// Fills in a template, whose name ends in `.html`, so that whatever is put into it is escaped.
/// Characters that control or hide something are made visible before that.
pub(super) fn render(name: &str, template: &str, context: Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    environment.set_syntax(syntax.trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_formatter(|out, state, value| match value.as_str() {
        Some(text) if !value.is_safe() => {
            escape_formatter(out, state, &Value::from(glued(&escape::line(text))))
        }
        _ => escape_formatter(out, state, value),
    });
    environment.add_template(name, template)?;
    environment.get_template(name)?.render(context)
}

/// The gaps inside of numbers, so that no number is broken into two lines: those between a digit
/// and three others.
fn glued(text: &str) -> String {
    let mut glued = String::with_capacity(text.len());
    for (index, c) in text.char_indices() {
        let before = glued.ends_with(|c: char| c.is_ascii_digit());
        let mut after = text[index..].chars().skip(1);
        let three = after.by_ref().take(3).filter(char::is_ascii_digit).count() == 3;
        let no_more = !after.next().is_some_and(|c| c.is_ascii_digit());
        let inside = c == ' ' && before && three && no_more;
        glued.push(if inside { '\u{202f}' } else { c });
    }
    glued
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_inside_of_numbers_hold() {
        assert_eq!(glued("92 000 jobs"), "92\u{202f}000 jobs");
        assert_eq!(glued("1 234 567"), "1\u{202f}234\u{202f}567");
        assert_eq!(
            glued("2026-11-28 07:30 4 of 5 12 3456"),
            "2026-11-28 07:30 4 of 5 12 3456"
        );
    }
}
