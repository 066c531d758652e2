//! Pages about several runs: a curve or two, the figures behind them, and the method.

mod saturation;
mod sweep;

use super::facts::{Fact, fact, plan};
use super::{Picture, STYLE};
use crate::report::quantity::utc;
use crate::report::{Origin, page};
use minijinja::value::Serde;
use minijinja::{Error, Value, context};
pub use saturation::saturation;
use serde::Serialize;
pub use sweep::sweep;

/// The page.
const TEMPLATE: &str = include_str!("search.html");

/// Everything on the page.
#[derive(Serialize)]
struct Page<'a> {
    title: String,
    origin: &'a Origin,
    began: String,
    class: &'static str,
    word: String,
    sentence: String,
    figures: Vec<Figure>,
    /// Lines that have a name, each with its class.
    keys: Vec<(String, String)>,
    table: Table,
    method: Vec<Fact>,
    plan: Vec<Fact>,
}

/// A picture under its heading.
#[derive(Serialize)]
struct Figure {
    heading: &'static str,
    picture: Picture,
    caption: &'static str,
}

/// The figures behind the pictures: the first cells of a row name it, the last one is words.
#[derive(Serialize)]
struct Table {
    heading: &'static str,
    head: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    cells: Vec<String>,
    class: &'static str,
    words: String,
}

impl Page<'_> {
    fn render(&self) -> Result<String, Error> {
        let context = context! {
            style => Value::from_safe_string(STYLE.to_owned()),
            page => Value::from(Serde(self)),
        };
        page::render("search.html", TEMPLATE, context)
    }
}

/// Where the figures come from.
fn method(origin: &Origin) -> Vec<Fact> {
    let environment = &origin.environment;
    vec![
        fact("target", &*origin.target.address),
        fact(
            "its version",
            origin.target.version.as_deref().unwrap_or("unknown"),
        ),
        fact("began", utc(origin.started_unix)),
        fact("seed", origin.seed.to_string()),
        fact(
            "machine",
            format!(
                "{}, {} processors, {} {}",
                environment.cpu, environment.cpus, environment.os, environment.kernel
            ),
        ),
        fact("gearbench", &*origin.version),
    ]
}

/// A page without its pictures and its table.
fn blank(origin: &Origin) -> Page<'_> {
    Page {
        title: format!("gearbench {} {}", origin.command, origin.target.address),
        origin,
        began: utc(origin.started_unix),
        class: "unclear",
        word: String::new(),
        sentence: String::new(),
        figures: Vec::new(),
        keys: Vec::new(),
        table: Table {
            heading: "",
            head: Vec::new(),
            rows: Vec::new(),
        },
        method: method(origin),
        plan: plan(&origin.plan),
    }
}
