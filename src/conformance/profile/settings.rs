//! The arguments that start a server with a setting.

use crate::conformance::features::{Setting, Settings};
use crate::diagnose::nearest;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;

/// What the value of the setting is written in place of.
const VALUE: &str = "{}";

/// The arguments that start a server with a setting: `job-retries = "--job-retries={}"`.
///
/// They are split into words like a command. `{}` is the value of the setting; `{dir}`,
/// `{http-port}`, `{tls-certificate}` and `{tls-key}` are left for the launcher.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates(BTreeMap<&'static str, Vec<String>>);

impl Templates {
    /// Whether a server can be started with the setting of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// All arguments for these settings, or the name of one that the server does not have.
    pub fn arguments(&self, settings: &Settings) -> Result<Vec<String>, &'static str> {
        let mut arguments = Vec::new();
        for setting in settings.iter() {
            let template = self.0.get(setting.name()).ok_or(setting.name())?;
            let value = setting.value().unwrap_or_default();
            arguments.extend(template.iter().map(|word| word.replace(VALUE, &value)));
        }
        Ok(arguments)
    }
}

impl<'de> Deserialize<'de> for Templates {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = BTreeMap::<String, String>::deserialize(deserializer)?;
        let rows = rows.iter().map(|(name, template)| row(name, template));
        let rows: Result<_, String> = rows.collect();
        rows.map(Templates).map_err(de::Error::custom)
    }
}

fn row(name: &str, template: &str) -> Result<(&'static str, Vec<String>), String> {
    let known = Setting::NAMES.into_iter().find(|known| *known == name);
    let name = known.ok_or_else(|| {
        let nearest = nearest(name, Setting::NAMES).unwrap_or_default();
        format!("{name:?} is no setting; the nearest is {nearest}")
    })?;
    let words = shlex::split(template)
        .ok_or_else(|| format!("the arguments of {name} have a quote that is not closed"))?;
    let takes = matches!(name, "job-retries" | "worker-wakeup" | "handle-prefix");
    match (takes, template.contains(VALUE)) {
        (true, false) => Err(format!(
            "the arguments of {name} have no place {{}} for its value"
        )),
        (false, true) => Err(format!("{name} has no value for the {{}} in its arguments")),
        _ => Ok((name, words)),
    }
}
