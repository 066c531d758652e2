//! Lines that end where words do.

/// Lines of at most `room` characters where words allow it; at least one line.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    fill(text.split(' '), " ", room)
}

/// The same of parts that stay whole, with `gap` between those of a line.
pub(super) fn fill<'a>(
    parts: impl IntoIterator<Item = &'a str>,
    gap: &str,
    room: usize,
) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    let gap_size = gap.chars().count();
    for part in parts {
        let size = part.chars().count();
        if used > 0 && used + gap_size + size > room {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else { break };
        if used > 0 {
            line.push_str(gap);
            used += gap_size;
        }
        line.push_str(part);
        used += size;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_wrap_at_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("incomprehensible a", 5), ["incomprehensible", "a"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("é é é", 3), ["é é", "é"]);
    }

    #[test]
    fn parts_stay_whole() {
        let parts = ["sent 5", "shed 2", "ok 1"];
        assert_eq!(fill(parts, "   ", 15), ["sent 5   shed 2", "ok 1"]);
    }
}
