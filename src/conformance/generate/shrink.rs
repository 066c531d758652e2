//! Makes a failing session shorter: leaves out ever smaller pieces while it still fails.

/// A session, and what is tried instead of it. A caller plays [`Shrink::candidate`] and says what
/// came of it, until nothing is left to try.
#[derive(Clone, Debug)]
pub struct Shrink<T> {
    /// The shortest that is known to fail.
    failing: Vec<T>,
    /// Steps that are left out, where the candidate is another.
    gap: Option<(usize, usize)>,
    /// Steps left out at a time.
    size: usize,
    /// Where the next piece begins.
    at: usize,
}

impl<T: Clone> Shrink<T> {
    /// Begins with a session that fails.
    pub fn new(failing: Vec<T>) -> Self {
        Shrink {
            size: failing.len().next_power_of_two(),
            at: 0,
            gap: None,
            failing,
        }
    }

    /// What is to be played next; at the end, the shortest session that fails.
    pub fn candidate(&self) -> Vec<T> {
        match self.gap {
            Some((from, to)) => [&self.failing[..from], &self.failing[to..]].concat(),
            None => self.failing.clone(),
        }
    }

    /// The candidate fails too. Whether there is another.
    pub fn fails(&mut self) -> bool {
        self.failing = self.candidate();
        self.gap = None;
        self.next()
    }

    /// The candidate passes. Whether there is another.
    pub fn passes(&mut self) -> bool {
        self.at += self.size;
        self.gap = None;
        self.next()
    }

    fn next(&mut self) -> bool {
        while self.at >= self.failing.len() {
            self.at = 0;
            self.size /= 2;
            if self.size == 0 {
                // The last round may have made room for another.
                return false;
            }
        }
        let to = (self.at + self.size).min(self.failing.len());
        self.gap = Some((self.at, to));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::Op;
    use super::*;

    /// Shrinks a session that fails while it holds these two steps in their order.
    fn shrink(needed: [u32; 2], length: u32) -> (Vec<Op>, usize) {
        let fails = |ops: &[Op]| {
            let at = |ms| ops.iter().position(|op| *op == Op::Pass(ms));
            matches!((at(needed[0]), at(needed[1])), (Some(a), Some(b)) if a < b)
        };
        let mut shrink = Shrink::new((0..length).map(Op::Pass).collect());
        let mut played = 0;
        let mut goes_on = shrink.fails();
        while goes_on {
            played += 1;
            goes_on = match fails(&shrink.candidate()) {
                true => shrink.fails(),
                false => shrink.passes(),
            };
        }
        (shrink.candidate(), played)
    }

    #[test]
    fn only_what_fails_is_left() {
        for needed in [[0, 1], [0, 199], [77, 78], [3, 150]] {
            let (left, played) = shrink(needed, 200);
            assert_eq!(left, needed.map(Op::Pass));
            assert!(played < 120, "{played}");
        }
        assert_eq!(shrink([0, 1], 2).0.len(), 2);
    }
}
