//! What the engine does where servers may differ, and what holds of its state. The rules of the
//! protocol are the cases in `conformance/`. The tags in the comments name the requirement.

mod admin;
mod census;
mod disconnect;
mod durable;
mod epoch;
mod framing;
mod grabs;
mod priority;
mod random;
mod submit;
mod wakeup;
mod work;
mod worker;

use crate::conformance::{check, check_with};
use crate::engine::Policy;
