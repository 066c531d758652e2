//! The matrix as one HTML file that needs nothing else.

use super::Matrix;
use crate::report::conform::Conformance;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, Error, Value, context};

/// The page. Its name ends in `.html`, so that whatever is put into it is escaped.
const TEMPLATE: &str = include_str!("matrix.html");

/// Servers × cases as one HTML file: light and dark, wide and narrow, on paper too, without
/// scripts.
pub fn matrix_html(reports: &[Conformance]) -> Result<String, Error> {
    let mut environment = Environment::new();
    let mut syntax = SyntaxConfig::builder();
    environment.set_syntax(syntax.trim_blocks(true).lstrip_blocks(true).build()?);
    environment.add_template("matrix.html", TEMPLATE)?;
    let matrix = Value::from(Serde(Matrix::of(reports)));
    environment
        .get_template("matrix.html")?
        .render(context! { matrix, version => env!("CARGO_PKG_VERSION") })
}
