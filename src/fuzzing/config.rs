//! Files that say how servers are: gearmand's configuration, and profiles.

use super::shown::assert_place;
use crate::cli;
use crate::conformance::profile::{Profile, ProfileError};

/// A configuration file of gearmand is refused with its line, or is right.
pub(super) fn config(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Err((line, why)) = cli::check_config(text) {
        assert!(!why.is_empty());
        assert_place(line, 1, text);
    }
}

/// A profile is refused with its place, or can be asked for everything.
pub(super) fn profile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Profile::parse("file.toml", text) {
        Ok(profile) => {
            for known in &profile.known {
                let _ = (known.is_about("P-SUB-1"), known.explains("nothing"));
            }
            for known in &profile.divergence {
                let _ = known.explains("P-SUB-01", "nothing");
            }
            let _ = profile.known_for("admin/status", "none").count();
        }
        Err(ProfileError::Parse { line, column, .. }) => assert_place(line, column, text),
        Err(error) => panic!("{error}"),
    }
}
