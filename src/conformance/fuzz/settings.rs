//! Settings that servers are started with, drawn from a seed.

use crate::conformance::features::{Setting, Settings};
use crate::conformance::generate::Draws;
use crate::conformance::profile::Templates;
use crate::model::Rules;

/// Draws the settings of one server, of those that it can be started with.
pub(super) fn draw(seed: u64, templates: &Templates) -> Settings {
    let mut draws = Draws::new(seed);
    let mut some = |times: u8, setting: fn(u8) -> Setting| {
        let setting = setting(draws.below(3));
        (draws.once_in(times) && templates.has(setting.name())).then_some(setting)
    };
    let drawn = [
        some(2, |n| Setting::JobRetries(1 + i16::from(n))),
        some(2, |n| Setting::WorkerWakeup(1 + u32::from(n))),
        some(2, |_| Setting::RoundRobin),
        some(2, |_| Setting::Exceptions),
        some(2, |_| Setting::Store),
    ];
    drawn.into_iter().flatten().collect()
}

/// The model's rules on a server with these settings.
pub(super) fn rules(settings: &Settings, rules: Rules) -> Rules {
    settings.iter().fold(rules, |rules, setting| match setting {
        Setting::JobRetries(times) => Rules {
            job_retries: u8::try_from(*times).ok(),
            ..rules
        },
        Setting::Exceptions => Rules {
            exceptions: true,
            ..rules
        },
        _ => rules,
    })
}

/// The field of a case file that asks for the settings; nothing for none.
pub(super) fn field(settings: &Settings) -> String {
    let rows = settings.iter().map(|setting| {
        let value = setting.value().unwrap_or_else(|| "true".to_owned());
        format!("{} = {value}", setting.name())
    });
    match settings.is_empty() {
        true => String::new(),
        false => format!("settings = {{ {} }}\n", rows.collect::<Vec<_>>().join(", ")),
    }
}
