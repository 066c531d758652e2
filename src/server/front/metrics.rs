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
//! | `gearbench_jobs_bytes` | bytes | payloads and uniques of these jobs, with a share for each job |
//! | `gearbench_connections` | connections | open, with those by HTTP that asked for a job |
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
//! What happened is counted from the start. A job that timed out is also counted as requeued or
//! given up.
//!
//! `/healthz` is 200 and `ok`, or 503 and the reason: the server is shutting down, the owner of
//! the engine does not answer within a second, or nothing can be stored.

mod process;
mod text;

use super::crowd::Crowd;
use super::web::{self, Answer, Answering};
use super::{Context, Phase};
use crate::server::figures::Figures;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::Service;
use hyper::{Method, Request, StatusCode};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// How long the owner of the engine may take for an answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// The type of the text that Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Connections at the most.
const INSTRUMENTS: usize = 64;

const OWNER_SILENT: &str = "the job server does not answer\n";

/// Answers instruments, until the front's end: that the server takes its leave is news for whoever
/// watches it.
pub(super) async fn listen(listener: TcpListener, context: Context) {
    let crowd = Crowd::new(INSTRUMENTS, None);
    // Nobody says that a request is the last one.
    let (_open, never) = watch::channel(Phase::default());
    let serve = |stream, _| web::serve(stream, never.clone(), Metrics(context.clone()));
    match crowd.listen(&listener, serve).await {}
}

/// What instruments ask.
#[derive(Clone, Debug)]
struct Metrics(Context);

impl Metrics {
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
        if self.0.phase.borrow().draining {
            return Err("the server is shutting down\n".to_owned());
        }
        let figures = self.figures().await.ok_or(OWNER_SILENT)?;
        match figures.store.and_then(|store| store.failure) {
            Some(failure) => Err(format!("nothing can be stored: {failure}\n")),
            None => Ok(()),
        }
    }

    async fn figures(&self) -> Option<Figures> {
        let asked = tokio::time::timeout(PATIENCE, self.0.door.ask());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::figures::StoreFigures;
    use crate::server::front::door::{Door, Visit};
    use crate::wire;

    /// What `/healthz` says while the owner of the engine answers so, or not at all.
    fn health(answer: Option<Figures>) -> Result<(), String> {
        let (door, mut visits) = Door::new(1);
        let (_open, phase) = watch::channel(Phase::default());
        let metrics = Metrics(Context { door, phase });
        let owner = async {
            let Some(Visit::Ask(sender)) = visits.recv().await else {
                panic!("expected a question");
            };
            match answer {
                Some(figures) => drop(sender.send(figures)),
                // Holds the question, and says nothing.
                None => std::future::pending().await,
            }
            std::future::pending().await
        };
        let asked = async {
            tokio::select! {
                health = metrics.health() => health,
                () = owner => panic!("it ends with the test"),
            }
        };
        wire::block_on(asked).expect("a runtime")
    }

    #[test]
    fn health_is_that_of_the_owner_and_of_the_store() {
        let store = |failure: Option<&str>| {
            let store = StoreFigures {
                failure: failure.map(str::to_owned),
                ..StoreFigures::default()
            };
            let store = Some(store);
            Some(Figures {
                store,
                ..Figures::default()
            })
        };
        assert_eq!(health(Some(Figures::default())), Ok(()));
        assert_eq!(health(store(None)), Ok(()));
        let full = "nothing can be stored: disk full\n".to_owned();
        assert_eq!(health(store(Some("disk full"))), Err(full));
        assert_eq!(health(None), Err(OWNER_SILENT.to_owned()));
    }
}
