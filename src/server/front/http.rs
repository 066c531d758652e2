//! Jobs by HTTP: `METHOD /function`, as gearmand's HTTP module has it, with honest answers.
//!
//! | request | what it does |
//! |---|---|
//! | `POST /f`, `PUT /f` | a job of the function `f`; the body is its payload |
//! | `GET /f`, `HEAD /f` | a job without a payload; `HEAD` is answered by a head |
//! | `HEAD /` | nothing: a cheap look whether the server lives |
//!
//! All leading slashes are left out; the rest, a query included, is the function, byte for byte:
//! `%20` stays `%20`. `X-Gearman-Unique` is the unique, `-` where it is absent, so that equal
//! payloads are one job; an empty one makes each request a job of its own. With
//! `X-Gearman-Background: true` the answer comes at once; `X-Gearman-Priority` is `high`, `low`,
//! or else normal.
//!
//! Answers carry `X-Gearman-Job-Handle` and `X-Gearman-Command`, the packet that ended the
//! request. The body is what the worker sent by WORK_DATA and then WORK_COMPLETE.
//!
//! | status | why |
//! |---|---|
//! | 200 | the job is done; or queued, if it is a background job |
//! | 400 | what was sent is not HTTP, or the function or the unique is not valid |
//! | 404 | no function was named |
//! | 405 | the method is none of the four |
//! | 408 | the body stopped coming |
//! | 413 | the body is larger than a packet may be |
//! | 502 | the worker failed the job, threw, or sent more than the answer may hold |
//! | 503 | the queue is full, the server is shutting down or takes no more connections |
//!
//! A connection is a Gearman client of the job server, and its end before the answer is the end
//! of that client; with further requests already sent ahead, the end is seen at the answer. It is
//! kept for the next request; requests that were sent ahead are answered in
//! their order.

mod answer;
mod link;
mod request;

use super::Context;
use super::crowd::Crowd;
use super::door::Door;
use super::web::{self, Answer, Answering};
use crate::protocol::Limits;
use crate::server::quiet::{Quiet, Visible};
use hyper::body::Incoming;
use hyper::service::Service;
use hyper::{Request, StatusCode};
use link::{Link, Outcome};
use request::Job;
use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use tokio::net::{TcpListener, TcpStream};

/// Takes jobs by HTTP, over the connections of `crowd`, until the server takes its leave.
/// `limits` are those of a packet: the bound of a request, and of a result.
pub(super) async fn listen(listener: TcpListener, context: Context, limits: Limits, crowd: Crowd) {
    let mut phase = context.phase.clone();
    let serve = |stream: TcpStream, address| {
        let client = Client(Rc::new(Shared {
            door: context.door.clone(),
            limits,
            address,
            socket: Socket(stream.as_raw_fd()),
            link: RefCell::new(None),
        }));
        web::serve(stream, context.phase.clone(), client)
    };
    tokio::select! {
        never = crowd.listen(&listener, serve) => match never {},
        _ = phase.wait_for(|phase| phase.draining) => {}
    }
}

/// The number of the client's socket, as `workers` shows it.
#[derive(Debug)]
struct Socket(RawFd);

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0
    }
}

#[derive(Debug)]
struct Shared {
    /// The way to the owner of the engine.
    door: Door,
    limits: Limits,
    address: SocketAddr,
    socket: Socket,
    /// The way to the owner while no request uses it.
    link: RefCell<Option<Link>>,
}

/// The service of one connection.
#[derive(Debug)]
struct Client(Rc<Shared>);

impl Service<Request<Incoming>> for Client {
    type Response = Answer;
    type Error = std::convert::Infallible;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let shared = Rc::clone(&self.0);
        Box::pin(async move { Ok(shared.answer(request).await) })
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let job = match Job::receive(request, self.limits).await {
            Ok(job) => job,
            Err(refusal) => return refusal,
        };
        match self.run(&job).await {
            Ok(outcome) => {
                self.log_refused(&job, &outcome);
                answer::of(outcome)
            }
            Err(error) => {
                tracing::debug!(address = %self.address, %error, "job by HTTP lost");
                let text = "the job server ended the connection\n";
                web::sentence(StatusCode::SERVICE_UNAVAILABLE, text)
            }
        }
    }

    fn log_refused(&self, job: &Job, outcome: &Outcome) {
        static REFUSED: Quiet = Quiet::new();
        if let Outcome::Refused { code, .. } = outcome
            && let Some(missed) = REFUSED.line()
        {
            let (function, code) = (Visible(job.function()), Visible(code));
            tracing::info!(address = %self.address, %function, %code, "job by HTTP refused{missed}");
        }
    }

    /// Runs a job. The future that is dropped, since its client is gone, ends the link, and with
    /// it the job that nobody waits for any more.
    async fn run(&self, job: &Job) -> io::Result<Outcome> {
        // What the owner ended between two requests is no use any more.
        let idle = self.link.take().filter(Link::is_open);
        let mut link = match idle {
            Some(link) => link,
            None => {
                let door = &self.door;
                let pair = door.enter(&self.socket, self.address).await?;
                Link::new(pair, self.limits)
            }
        };
        let outcome = link.run(job).await?;
        if outcome.is_last_word() {
            self.link.replace(Some(link));
        }
        Ok(outcome)
    }
}
