//! Which server is it? By what it says of itself and by what it cannot help saying.

use crate::load::Probed;

/// A server, and why it is taken for that one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) evidence: String,
}

/// Names the server that answered like this.
pub(super) fn identify(probed: &Probed) -> Identity {
    let Some(version) = probed.version.as_deref() else {
        return Identity {
            name: "a Gearman server of unknown make".to_owned(),
            evidence: "answers ECHO_REQ, but not `version`".to_owned(),
        };
    };
    let refusal = probed.refusal.as_deref().unwrap_or_default();
    let make = match refusal {
        // The unknown word glued to the text is C gearmand's own mistake.
        "ERR UNKNOWN_COMMAND Unknown+server+commandgearbench" => "C gearmand",
        "ERR UNKNOWN_COMMAND Unknown+server+command" if version.contains("rustygear") => {
            "rustygeard"
        }
        "ERR UNKNOWN_COMMAND Unknown+server+command"
            if version.starts_with(|first: char| first.is_ascii_digit()) =>
        {
            "gearbench serve"
        }
        _ if refusal.starts_with("ERR unknown_command") => "Perl Gearman::Server",
        _ => "a Gearman server of unknown make",
    };
    Identity {
        name: format!("{make} {version}"),
        evidence: match refusal {
            "" => format!("`version` says {version:?}"),
            refusal => format!("`version` says {version:?}, an unknown command gets {refusal:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(version: Option<&str>, refusal: Option<&str>) -> String {
        let probed = Probed {
            address: "127.0.0.1:4730".parse().unwrap(),
            version: version.map(str::to_owned),
            refusal: refusal.map(str::to_owned),
        };
        identify(&probed).name
    }

    #[test]
    fn servers_are_told_apart() {
        let glued = "ERR UNKNOWN_COMMAND Unknown+server+commandgearbench";
        let plain = "ERR UNKNOWN_COMMAND Unknown+server+command";
        let unknown = "a Gearman server of unknown make";
        assert_eq!(name(Some("1.1.20+ds"), Some(glued)), "C gearmand 1.1.20+ds");
        assert_eq!(name(Some("0.1.0"), Some(plain)), "gearbench serve 0.1.0");
        assert_eq!(
            name(Some("some-rustygear-version"), Some(plain)),
            "rustygeard some-rustygear-version"
        );
        assert_eq!(
            name(Some("v1.130.1"), Some("ERR unknown_command")),
            "Perl Gearman::Server v1.130.1"
        );
        assert_eq!(name(None, None), unknown);
        assert_eq!(name(Some("9"), None), format!("{unknown} 9"));
    }
}
