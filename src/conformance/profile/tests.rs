use super::*;
use crate::conformance::features::Setting;

fn refused(text: &str) -> String {
    let head = "name = \"x\"\ntitle = \"X\"\nmake = \"X\"\nabout = \"X.\"\n";
    let error = Profile::parse("x.toml", &format!("{head}{text}"));
    error.unwrap_err().to_string()
}

fn builtin(name: &str) -> Profile {
    Profile::builtin(name).unwrap_or_else(|error| panic!("{error}"))
}

fn settings(name: &str, value: impl Into<toml::Value>) -> Settings {
    let rows = [(name.to_owned(), value.into())];
    Settings::from_table(&rows.into_iter().collect()).unwrap()
}

#[test]
fn every_profile_of_the_program_is_whole() {
    for name in Profile::names() {
        let profile = builtin(name);
        assert_eq!(profile.name, name);
        assert_eq!(profile.detect.is_some(), name != NONE, "{name}");
        for (choice, option) in &profile.choices {
            assert_ne!(
                choice.default_option(),
                *option,
                "{name} says what is default"
            );
        }
        for (feature, setting) in [("http", "http"), ("store", "store")] {
            let has = profile.has(Feature::find(feature).unwrap());
            let starts = profile.settings.has(setting);
            assert!(
                has || !starts,
                "{name} lacks {feature} and is started with it"
            );
        }
    }
}

#[test]
fn profiles_are_found_by_evidence() {
    let glued = "ERR UNKNOWN_COMMAND Unknown+server+commandgearbench";
    let plain = "ERR UNKNOWN_COMMAND Unknown+server+command";
    for (version, refusal, name) in [
        ("1.1.20+ds", glued, "gearmand-1.1"),
        ("1.1.21", glued, "gearmand-1.1"),
        ("2.0.0", glued, "gearmand-2.0"),
        ("0.1.0", plain, "gearbench"),
        ("some-rustygear-version", plain, "rustygeard"),
        ("v1.130.1", "ERR unknown_command", "perl-gearman-server"),
        ("9", "what?", NONE),
    ] {
        let evidence = Evidence {
            version: Some(version.to_owned()),
            refusal: Some(refusal.to_owned()),
            ..Evidence::default()
        };
        let (profile, sentences) = detect(&evidence);
        assert_eq!(profile.name, name);
        assert_eq!(sentences[0], format!("`version` says {version:?}"));
        assert_eq!(sentences[1], format!("an unknown command gets {refusal:?}"));
    }
    let silent = Evidence {
        echo: Some(false),
        status: Some("0,0,,".to_owned()),
        ..Evidence::default()
    };
    assert_eq!(detect(&silent).0.name, "python-gear");
    assert_eq!(detect(&Evidence::default()).0.name, NONE);
}

#[test]
fn settings_become_arguments() {
    let c = builtin("gearmand-1.1");
    let arguments = c.arguments(&settings("job-retries", 3));
    assert_eq!(arguments.unwrap(), ["--job-retries=3"]);
    let arguments = c.arguments(&settings("store", true)).unwrap();
    assert_eq!(arguments[2..], ["--libsqlite3-db", "{dir}/queue.db"]);
    let arguments = builtin("perl-gearman-server").arguments(&settings("http", true));
    assert_eq!(arguments.unwrap_err(), "http");
    for name in Setting::NAMES {
        assert!(c.settings.has(name), "{name}");
    }
}

#[test]
fn needs_are_held_against_the_profile() {
    let c = builtin("gearmand-1.1");
    let perl = builtin("perl-gearman-server");
    let none = Profile::none();
    for (need, expected) in [
        ("reduce", [true, false, true]),
        ("timeout=requeue", [true, false, false]),
        ("timeout=fail", [false, true, true]),
        ("worker-lost-background=drop", [false, true, false]),
    ] {
        let need = need.parse().unwrap();
        assert_eq!(
            [&c, &perl, &none].map(|profile| profile.meets(need)),
            expected
        );
    }
}

#[test]
fn mistakes_are_named_with_their_place() {
    for (text, expected) in [
        (
            "lacks = [\"echo\",\n  \"reduc\"]",
            "x.toml:6:3: \"reduc\" is no feature; the nearest is reduce",
        ),
        (
            "lack = []",
            "x.toml:5:1: unknown field `lack`, expected one of `name`, `title`, `make`, `about`, \
             `detect`, `lacks`, `choices`, `settings`, `quirks`, `known`, `divergence`",
        ),
        (
            "[choices]\ntimeouts = \"fail\"",
            "x.toml:6:1: \"timeouts\" is no choice; the nearest is timeout",
        ),
        (
            "[settings]\nhttp = \"-p {}\"",
            "x.toml:5:1: http has no value for the {} in its arguments",
        ),
        (
            "[[known]]\ncase = \"a\"\nreason = \"b\"\nsource = \"c\"\nsymptom = []",
            "x.toml:9:11: expected what the failure says: an empty symptom would excuse any failure",
        ),
        (
            "[[known]]\ncase = \"a\"\nreason = \" \"",
            "x.toml:7:10: expected some words",
        ),
        (
            "[[divergence]]\ncase = \"a\"\nreason = \"b\"\nsource = \"c\"",
            "x.toml:5:1: a divergence has one of `follow`, `avoid` and `symptom`",
        ),
        (
            "[[divergence]]\ncase = \"a\"\nreason = \"b\"\nsource = \"c\"\nfollow = \"abilities\"",
            "x.toml:9:10: \"abilities\" is no deviation; the nearest is abilities-add-up",
        ),
        (
            "quirks = ",
            "x.toml:5:10: string values must be quoted, expected literal string",
        ),
    ] {
        assert_eq!(refused(text), expected);
    }
    let missing = Profile::builtin("gearmand").unwrap_err().to_string();
    assert_eq!(
        missing,
        "there is no profile \"gearmand\"; there are gearbench, gearmand-1.1, gearmand-2.0, \
         perl-gearman-server, python-gear, rustygeard, none; a file is named by a path, such as \
         ./my.toml"
    );
    let path = Path::new("/nowhere/x.toml");
    let unread = Profile::from_file(path).unwrap_err().to_string();
    assert!(
        unread.starts_with("cannot read the profile /nowhere/x.toml: "),
        "{unread}"
    );
}
