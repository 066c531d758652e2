//! From the end of a job to an answer.

use super::link::Outcome;
use crate::server::front::web::{Answer, answer, sentence};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderValue;

/// The answer that tells of an outcome.
pub(super) fn of(outcome: Outcome) -> Answer {
    let bad = StatusCode::BAD_GATEWAY;
    match outcome {
        Outcome::Queued { handle } => {
            let answer = answer(StatusCode::OK, Bytes::new());
            named(answer, "JOB_CREATED", &handle)
        }
        Outcome::Complete { handle, result } => {
            named(answer(StatusCode::OK, result), "WORK_COMPLETE", &handle)
        }
        Outcome::Failed { handle } => named(answer(bad, Bytes::new()), "WORK_FAIL", &handle),
        Outcome::Exception { handle, exception } => {
            named(answer(bad, exception), "WORK_EXCEPTION", &handle)
        }
        Outcome::TooLarge { handle } => {
            let answer = sentence(bad, "the result is larger than an answer may be\n");
            named(answer, "WORK_COMPLETE", &handle)
        }
        Outcome::Refused { code, text } => {
            let text = [&code[..], b": ", &text, b"\n"].concat();
            with(sentence(status(&code), text), "x-gearman-command", b"ERROR")
        }
    }
}

/// The status that tells why there is no job. What is not the request's fault may be gone later.
fn status(code: &[u8]) -> StatusCode {
    match code {
        b"ARGUMENT_TOO_LARGE" | b"INVALID_FUNCTION_NAME" | b"INVALID_ARGUMENTS" => {
            StatusCode::BAD_REQUEST
        }
        _ => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn named(answer: Answer, command: &'static str, handle: &[u8]) -> Answer {
    let answer = with(answer, "x-gearman-job-handle", handle);
    with(answer, "x-gearman-command", command.as_bytes())
}

/// The answer with one header more, if the value can be one.
fn with(mut answer: Answer, name: &'static str, value: &[u8]) -> Answer {
    if let Ok(value) = HeaderValue::from_bytes(value) {
        answer.headers_mut().insert(name, value);
    }
    answer
}
