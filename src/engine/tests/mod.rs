//! The rules, one script each. The tags in the comments name the requirement that is shown.

mod admin;
mod coalesce;
mod disconnect;
mod epoch;
mod framing;
mod limits;
mod options;
mod priority;
mod random;
mod reduce;
mod status;
mod submit;
mod wakeup;
mod work;
mod worker;

use crate::conformance::{check, check_with};
use crate::engine::Policy;
