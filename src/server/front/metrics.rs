//! What the operator's instruments read: `GET /metrics` and `GET /healthz`.
//!
//! `/metrics` is OpenMetrics text, which Prometheus reads. `F` marks what has a label `function`:
//! functions beyond the first 1,000 are summed under the empty name, which none can have; names
//! with control characters, backslashes or bytes that are not UTF-8 are escaped as in `\xff`.
//!
//! | name | unit | what |
//! |---|---|---|
//! | `gearbench_build_info` | | 1; label `version` |
//! | `gearbench_functions` | functions | known functions |
//! | `gearbench_jobs_queued` F | jobs | wait for a worker; label `priority`: high, normal, low |
//! | `gearbench_jobs_running` F | jobs | held by a worker |
//! | `gearbench_jobs_delayed` F | jobs | wait for their time |
//! | `gearbench_workers` F | connections | can run the function |
//! | `gearbench_jobs` | jobs | of any state |
//! | `gearbench_connections` | connections | open, those by TLS and HTTP included |
//! | `gearbench_connections_accepted_total` | connections | taken in |
//! | `gearbench_connections_refused_total` | connections | closed at once: too many |
//! | `gearbench_workers_sleeping` | connections | wait for a NOOP |
//! | `gearbench_wakeups_total` | NOOPs | sent |
//! | `gearbench_submits_total` | submissions | label `outcome`: foreground, background, joined, refused_full, refused_draining |
//! | `gearbench_jobs_ended_total` | jobs | label `how`: completed, failed, exception, given_up, abandoned, cancelled |
//! | `gearbench_jobs_requeued_total` | jobs | went back to their queue |
//! | `gearbench_jobs_timed_out_total` | jobs | whose worker took longer than allowed |
//! | `gearbench_store_healthy` | | 1, or 0 once nothing is stored any more |
//! | `gearbench_store_waiting` | records | not yet stored |
//! | `gearbench_store_commit_seconds` | seconds | histogram: how long commits take |
//! | `process_resident_memory_bytes` | bytes | memory of the process |
//! | `process_open_fds` | descriptors | open |
//!
//! The store's are there when there is a store; the process's where the system has `/proc`.
//! What happened is counted from the start, but a `gearbench_jobs_timed_out_total` may also end
//! or go back to its queue: it is counted in both.
//!
//! `/healthz` is 200 and `ok`, or 503 and the reason: the server is shutting down, the owner of
//! the engine does not answer within a second, or nothing can be stored.

mod process;
mod text;

use super::Phase;
use super::door::Door;
use super::web::{self, Answer, Answering};
use crate::server::figures::Figures;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::Service;
use hyper::{Method, Request, StatusCode};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How long the owner of the engine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The type of the text that Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const OWNER_SILENT: &str = "the job server does not answer\n";

/// What instruments ask.
#[derive(Clone, Debug)]
pub(super) struct Metrics {
    /// The way to the owner of the engine.
    pub(super) door: Door,
    /// What the owner says of the server's life.
    pub(super) phase: watch::Receiver<Phase>,
}

impl Metrics {
    /// Serves a connection to its end.
    pub(super) async fn serve(self, stream: TcpStream) {
        // Asked to the end: that a server takes its leave is news for whoever watches it.
        let (_open, never) = watch::channel(Phase::default());
        web::serve(stream, never, self).await;
    }

    async fn answer(self, request: Request<Incoming>) -> Answer {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return web::not_allowed("GET, HEAD");
        }
        match request.uri().path() {
            "/metrics" => self.metrics().await,
            "/healthz" => match self.health().await {
                Ok(()) => web::sentence(StatusCode::OK, "ok\n"),
                Err(why) => web::sentence(StatusCode::SERVICE_UNAVAILABLE, why),
            },
            _ => web::sentence(StatusCode::NOT_FOUND, "there are /metrics and /healthz\n"),
        }
    }

    async fn metrics(&self) -> Answer {
        let silent = || web::sentence(StatusCode::SERVICE_UNAVAILABLE, OWNER_SILENT);
        let Some(figures) = self.figures().await else {
            return silent();
        };
        let Ok(text) = text::of(&figures, process::figures()) else {
            let text = "the figures cannot be written\n";
            return web::sentence(StatusCode::INTERNAL_SERVER_ERROR, text);
        };
        let mut answer = web::answer(StatusCode::OK, text);
        let kind = HeaderValue::from_static(OPEN_METRICS);
        answer.headers_mut().insert(CONTENT_TYPE, kind);
        answer
    }

    /// Whether the server does what it is there for; else why not.
    async fn health(&self) -> Result<(), String> {
        if self.phase.borrow().draining {
            return Err("the server is shutting down\n".to_owned());
        }
        let figures = self.figures().await.ok_or(OWNER_SILENT)?;
        match figures.store.and_then(|store| store.failure) {
            Some(failure) => Err(format!("nothing can be stored: {failure}\n")),
            None => Ok(()),
        }
    }

    async fn figures(&self) -> Option<Figures> {
        let asked = tokio::time::timeout(PATIENCE, self.door.ask());
        asked.await.ok().flatten()
    }
}

impl Service<Request<Incoming>> for Metrics {
    type Response = Answer;
    type Error = std::convert::Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let metrics = self.clone();
        Box::pin(async move { Ok(metrics.answer(request).await) })
    }
}
