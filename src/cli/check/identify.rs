//! Which server is it? As the profiles of the conformance suite know it.

use crate::conformance::profile::{Evidence, Profile, detect};
use crate::load::Probed;

/// A server, and why it is taken for that one.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) name: String,
    pub(super) evidence: String,
    /// What is known of servers of its kind.
    pub(super) profile: Profile,
}

/// Names the server that answered like this.
pub(super) fn identify(probed: &Probed) -> Identity {
    let evidence = Evidence {
        version: probed.version.clone(),
        refusal: probed.refusal.clone(),
        ..Evidence::default()
    };
    let (profile, evidence) = detect(&evidence);
    match &probed.version {
        Some(version) => Identity {
            name: format!("{} {version}", profile.make),
            evidence: evidence.join(", "),
            profile,
        },
        None => Identity {
            name: profile.make.clone(),
            evidence: "answers ECHO_REQ, but not `version`".to_owned(),
            profile,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(version: Option<&str>, refusal: Option<&str>) -> [String; 2] {
        let probed = Probed {
            address: "127.0.0.1:4730".parse().unwrap(),
            version: version.map(str::to_owned),
            refusal: refusal.map(str::to_owned),
        };
        let Identity { name, evidence, .. } = identify(&probed);
        [name, evidence]
    }

    #[test]
    fn servers_are_named_with_their_version_and_why() {
        assert_eq!(
            identity(Some("v1.130.1"), Some("ERR unknown_command")),
            [
                "Perl Gearman::Server v1.130.1",
                "`version` says \"v1.130.1\", an unknown command gets \"ERR unknown_command\"",
            ]
        );
        assert_eq!(
            identity(Some("9"), None),
            ["a Gearman server of unknown make 9", "`version` says \"9\""]
        );
        assert_eq!(
            identity(None, None),
            [
                "a Gearman server of unknown make",
                "answers ECHO_REQ, but not `version`",
            ]
        );
    }
}
