//! From a request to a job.

use crate::protocol::{Limits, Priority};
use crate::server::front::web::{self, Answer};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, StatusCode, Uri};
use std::time::Duration;

/// How long the next part of a body may take.
const BODY_PATIENCE: Duration = Duration::from_secs(30);

const ALLOW: &str = "GET, HEAD, POST, PUT";

/// A job that was asked for.
#[derive(Debug)]
pub(super) struct Job {
    uri: Uri,
    pub(super) unique: Bytes,
    pub(super) priority: Priority,
    pub(super) background: bool,
    pub(super) body: Bytes,
}

/// The function that is named: all behind the leading slashes.
fn function(uri: &Uri) -> &str {
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    path.trim_start_matches('/')
}

impl Job {
    /// Takes a request in; or the answer that it gets at once.
    pub(super) async fn receive(
        request: Request<Incoming>,
        limits: Limits,
    ) -> Result<Self, Answer> {
        let (head, body) = request.into_parts();
        let has_body = matches!(head.method, Method::POST | Method::PUT);
        if !has_body && !matches!(head.method, Method::GET | Method::HEAD) {
            return Err(web::not_allowed(ALLOW));
        }
        if function(&head.uri).is_empty() {
            let alive = head.method == Method::HEAD;
            let status = match alive {
                true => StatusCode::OK,
                false => StatusCode::NOT_FOUND,
            };
            return Err(web::answer(status, Bytes::new()));
        }
        let mut job = Job::of_headers(head.uri, &head.headers);
        // A function and a unique that are too long are refused by the owner; a packet that is
        // too large would end the connection to it.
        let names = job.function().len() + job.unique.len() + 2;
        let room = (limits.packet as usize).checked_sub(names);
        let room = room.ok_or_else(too_large)?;
        if has_body {
            job.body = collect(body, room).await?;
        }
        Ok(job)
    }

    fn of_headers(uri: Uri, headers: &HeaderMap) -> Self {
        let header = |name| {
            headers
                .get(name)
                .map(|value: &hyper::header::HeaderValue| value.as_bytes())
        };
        let is = |name, word: &str| {
            header(name).is_some_and(|value| value.eq_ignore_ascii_case(word.as_bytes()))
        };
        let priority = match () {
            () if is("x-gearman-priority", "high") => Priority::High,
            () if is("x-gearman-priority", "low") => Priority::Low,
            () => Priority::Normal,
        };
        Job {
            unique: Bytes::copy_from_slice(header("x-gearman-unique").unwrap_or(b"-")),
            priority,
            background: is("x-gearman-background", "true"),
            body: Bytes::new(),
            uri,
        }
    }

    pub(super) fn function(&self) -> &[u8] {
        function(&self.uri).as_bytes()
    }
}

fn too_large() -> Answer {
    let text = "the body is larger than a packet may be\n";
    web::sentence(StatusCode::PAYLOAD_TOO_LARGE, text)
}

/// The whole body. What it claims to be long reserves no memory.
async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, Answer> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).map_or(true, |announced| announced > limit) {
        return Err(too_large());
    }
    let mut whole = BytesMut::new();
    loop {
        let Ok(frame) = tokio::time::timeout(BODY_PATIENCE, body.frame()).await else {
            let text = "the body stopped coming\n";
            return Err(web::sentence(StatusCode::REQUEST_TIMEOUT, text));
        };
        match frame {
            None => return Ok(whole.freeze()),
            Some(Ok(frame)) => {
                let data = frame.into_data().unwrap_or_default();
                if data.len() > limit - whole.len() {
                    return Err(too_large());
                }
                whole.extend_from_slice(&data);
            }
            Some(Err(_)) => {
                let text = "the body cannot be read\n";
                return Err(web::sentence(StatusCode::BAD_REQUEST, text));
            }
        }
    }
}
