//! TOML to cases.

use super::{Case, Level};
use crate::conformance::features::{Need, Settings};
use crate::conformance::script::Script;
use crate::diagnose::FileError;
use serde::Deserialize;
use std::ops::Range;
use toml::Spanned;

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: Option<String>,
    #[serde(default, rename = "case")]
    cases: Vec<Written>,
}

/// A case as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    id: Spanned<String>,
    rule: String,
    shows: Spanned<Vec<String>>,
    level: Level,
    source: Option<String>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    settings: Option<Spanned<toml::Table>>,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    hazardous: bool,
    #[serde(default)]
    alone: bool,
    #[serde(default)]
    check: bool,
    script: Spanned<String>,
}

/// The cases of a file; `file` names it in errors, `area` is what their ids begin with.
pub fn parse(file: &str, area: &str, text: &str) -> Result<Vec<Case>, FileError> {
    let parsed: File = toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or_default();
        FileError::new(file, text, span, error.message())
    })?;
    let reader = Reader {
        file,
        area,
        text,
        source: parsed.source.as_deref(),
    };
    let cases = parsed.cases.into_iter();
    cases.map(|written| reader.case(written)).collect()
}

struct Reader<'a> {
    file: &'a str,
    area: &'a str,
    text: &'a str,
    source: Option<&'a str>,
}

impl Reader<'_> {
    fn error(&self, span: Range<usize>, problem: impl Into<String>) -> FileError {
        FileError::new(self.file, self.text, span, problem)
    }

    fn case(&self, written: Written) -> Result<Case, FileError> {
        let (name, name_at) = (written.id.get_ref(), written.id.span());
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || !name.chars().all(is_plain) {
            let problem = "the id of a case consists of a-z, 0-9 and -, and says the rule";
            return Err(self.error(name_at, problem));
        }
        let Some(source) = written.source.or_else(|| self.source.map(str::to_owned)) else {
            let problem = "no `source`: neither here nor at the top of the file";
            return Err(self.error(name_at, problem));
        };
        if written.shows.get_ref().is_empty() {
            let problem = "a case shows at least one requirement";
            return Err(self.error(written.shows.span(), problem));
        }
        let needs = written.needs.iter().map(|need| {
            let parsed = need.get_ref().parse::<Need>();
            parsed.map_err(|error| self.error(need.span(), error.to_string()))
        });
        let needs = needs.collect::<Result<_, _>>()?;
        let settings = match &written.settings {
            Some(table) => Settings::from_table(table.get_ref())
                .map_err(|error| self.error(table.span(), error.to_string()))?,
            None => Settings::default(),
        };
        let (script, script_line) = self.script(&written.script)?;
        Ok(Case {
            id: format!("{}/{name}", self.area),
            area: self.area.to_owned(),
            rule: written.rule,
            shows: written.shows.into_inner(),
            level: written.level,
            source,
            needs,
            settings,
            after: written.after,
            hazardous: written.hazardous,
            alone: written.alone,
            check: written.check,
            script,
            file: self.file.to_owned(),
            script_line,
        })
    }

    /// The script, and the line of the file on which it begins.
    fn script(&self, written: &Spanned<String>) -> Result<(Script, usize), FileError> {
        const QUOTES: &str = "'''";
        let span = written.span();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let Some(inside) = raw.strip_prefix(QUOTES) else {
            let problem =
                "a script stands between ''' and ''', so that its lines are lines of the file";
            return Err(self.error(span, problem));
        };
        // TOML drops a line end that follows the quotes at once.
        let dropped = ["\r\n", "\n"]
            .into_iter()
            .find(|end| inside.starts_with(end));
        let start = span.start + QUOTES.len() + dropped.map_or(0, str::len);
        let first_line = self.text[..start].matches('\n').count() + 1;
        let script: Script =
            written
                .get_ref()
                .parse()
                .map_err(|error: crate::conformance::ScriptError| {
                    let lines = self.text[start..].split_inclusive('\n');
                    let before: usize = lines.clone().take(error.line - 1).map(str::len).sum();
                    let line = lines.clone().nth(error.line - 1).unwrap_or_default();
                    let column = line.char_indices().nth(error.column - 1);
                    let at = start + before + column.map_or(line.trim_end().len(), |(at, _)| at);
                    let rest = self.text[at..].chars();
                    let word = rest
                        .take_while(|c| !c.is_whitespace())
                        .map(char::len_utf8)
                        .sum::<usize>();
                    self.error(at..at + word.max(1), error.problem.to_string())
                })?;
        if script.steps.is_empty() {
            return Err(self.error(span, "the script is empty"));
        }
        Ok((script, first_line))
    }
}

#[cfg(test)]
mod tests;
