//! Adding books to books: those of threads, and those of runs.

use super::{Ledger, Updates, Wakeups};

/// Adds field by field, all of them by name, so that a new one is not forgotten.
macro_rules! adds {
    ($type:ident: $($field:ident)+) => {
        impl $type {
            /// Adds the counts of another one.
            pub fn add(&mut self, other: &$type) {
                let $type { $($field),+ } = other;
                $(self.$field = self.$field.saturating_add(*$field);)+
            }
        }
    };
}

adds!(Ledger: scheduled sent shed ok failed_as_told failed error timeout abandoned
    lost_in_restart in_flight lost phantom duplicated wrong_body early rerun recovered coalesced
    late still_queued);
adds!(Updates: chunks progress warnings);
adds!(Wakeups: sleeps noops noops_awake grabs no_jobs assigned);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_add_up() {
        let one = Ledger {
            sent: 2,
            lost: 1,
            ..Ledger::default()
        };
        let mut sum = one;
        sum.add(&one);
        assert_eq!((sum.sent, sum.lost), (4, 2));
    }
}
