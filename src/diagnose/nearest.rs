//! The name that was probably meant.

/// The one of `names` that needs the fewest letters inserted, deleted or replaced; nothing if
/// there are no names.
pub(crate) fn nearest<'a>(
    found: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    names.into_iter().min_by_key(|name| distance(found, name))
}

fn distance(from: &str, to: &str) -> usize {
    let mut costs: Vec<usize> = (0..=to.len()).collect();
    for (row, a) in from.bytes().enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        for (cost, b) in costs.iter_mut().skip(1).zip(to.bytes()) {
            let replaced = diagonal + usize::from(!a.eq_ignore_ascii_case(&b));
            let here = (*cost + 1).min(left + 1).min(replaced);
            diagonal = *cost;
            *cost = here;
            left = here;
        }
        if let Some(first) = costs.first_mut() {
            *first = row + 1;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_changes_win() {
        let names = ["epoch", "echo", "reduce"];
        assert_eq!(nearest("eco", names), Some("echo"));
        assert_eq!(nearest("EPOCHS", names), Some("epoch"));
        assert_eq!(nearest("", names), Some("echo"));
        assert_eq!(nearest("x", []), None);
    }
}
