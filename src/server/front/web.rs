//! One connection that speaks HTTP: what jobs by HTTP and the metrics have in common.

use super::Phase;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;

/// How long a peer may take for the head of a request, the silence before it included.
const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a connection that we end may take to take the last bytes, and then to end its side.
const LINGER: Duration = Duration::from_secs(5);
/// Bytes of a head at the most.
const MAX_HEAD: usize = 64 * 1024;

/// What a request is answered with.
pub(super) type Answer = Response<Full<Bytes>>;

/// A request being answered; boxed, since hyper moves it.
pub(super) type Answering = Pin<Box<dyn Future<Output = Result<Answer, Infallible>>>>;

/// An answer of a status and a body.
pub(super) fn answer(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    let length = HeaderValue::from(body.len());
    let mut answer = Response::new(Full::new(body));
    *answer.status_mut() = status;
    // Of an empty answer to HEAD, too, for which hyper would leave it out.
    answer.headers_mut().insert(header::CONTENT_LENGTH, length);
    let server = HeaderValue::from_static(concat!("gearbench/", env!("CARGO_PKG_VERSION")));
    answer.headers_mut().insert(header::SERVER, server);
    answer
}

/// An answer of a status and a sentence.
pub(super) fn sentence(status: StatusCode, text: impl Into<Bytes>) -> Answer {
    let mut answer = answer(status, text);
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(header::CONTENT_TYPE, plain);
    answer
}

/// The refusal of a method, with those that are taken.
pub(super) fn not_allowed(allow: &'static str) -> Answer {
    let mut answer = answer(StatusCode::METHOD_NOT_ALLOWED, Bytes::new());
    let allow = HeaderValue::from_static(allow);
    answer.headers_mut().insert(header::ALLOW, allow);
    answer
}

/// Answers the requests of a connection, one after the other, until either side ends it or the
/// server takes its leave: then the request that is being answered is the last.
pub(super) async fn serve<S>(stream: TcpStream, mut phase: watch::Receiver<Phase>, service: S)
where
    S: Service<Request<Incoming>, Response = Answer, Error = Infallible, Future = Answering>
        + Unpin,
{
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(MAX_HEAD)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service);
    let mut leaving = false;
    let ended = loop {
        let drained = phase.wait_for(|phase| phase.draining);
        tokio::select! {
            ended = poll_fn(|cx| connection.poll_without_shutdown(cx)) => break ended,
            seen = drained, if !leaving => {
                leaving = true;
                if seen.is_ok() {
                    Pin::new(&mut connection).graceful_shutdown();
                }
            }
        }
    };
    let parts = connection.into_parts();
    // Ends the pair to the owner, too: nobody waits for the job any more.
    drop(parts.service);
    if let Err(error) = ended {
        tracing::debug!(%error, "HTTP connection ended");
    }
    tokio::select! {
        biased;
        _ = tokio::time::timeout(LINGER, linger(parts.io.into_inner())) => {}
        () = async { while phase.changed().await.is_ok() {} } => {}
    }
}

/// Ends our side, then reads and drops what still comes, so that the system does not answer it
/// with a reset that would overtake our last bytes.
async fn linger(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut bin = tokio::io::sink();
    tokio::io::copy(&mut stream, &mut bin).await?;
    Ok(())
}
