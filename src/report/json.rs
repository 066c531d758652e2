//! The report as JSON.

use super::Report;

/// All of it, indented, with a final line feed.
pub fn render(report: &Report) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}
