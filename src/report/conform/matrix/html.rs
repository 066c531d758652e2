//! The matrix as one HTML file that needs nothing else.

use super::Matrix;
use crate::report::conform::Conformance;
use crate::report::page;
use minijinja::value::Serde;
use minijinja::{Error, Value, context};

/// The page.
const TEMPLATE: &str = include_str!("matrix.html");

/// Servers × cases as one HTML file: light and dark, wide and narrow, on paper too, without
/// scripts.
pub fn matrix_html(reports: &[Conformance]) -> Result<String, Error> {
    let matrix = Value::from(Serde(Matrix::of(reports)));
    let context = context! { matrix, version => env!("CARGO_PKG_VERSION") };
    page::render("matrix.html", TEMPLATE, context)
}
