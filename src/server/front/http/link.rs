//! A connection to the owner of the engine, as a client's: one job at a time.

use super::request::Job;
use crate::protocol::{Body, Decoder, Frame, Limits, Request, Response, Submit, Work};
use bytes::{BufMut, Bytes, BytesMut};
use std::io;
use std::ops::ControlFlow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// Bytes read at once.
const SCRATCH: usize = 8 * 1024;

/// A client of the job server.
#[derive(Debug)]
pub(super) struct Link {
    stream: UnixStream,
    decoder: Decoder,
    limits: Limits,
}

/// How a request ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The background job is queued.
    Queued {
        /// Its handle.
        handle: Bytes,
    },
    /// The job is done.
    Complete {
        /// Its handle.
        handle: Bytes,
        /// All that the worker sent.
        result: Bytes,
    },
    /// The worker failed it.
    Failed {
        /// Its handle.
        handle: Bytes,
    },
    /// The worker threw.
    Exception {
        /// Its handle.
        handle: Bytes,
        /// What the worker said of it.
        exception: Bytes,
    },
    /// The result is larger than an answer may be.
    TooLarge {
        /// The handle of the job.
        handle: Bytes,
    },
    /// There is no job.
    Refused {
        /// Why, in one word.
        code: Bytes,
        /// Why, in a sentence.
        text: Bytes,
    },
}

impl Outcome {
    /// Whether nothing more of the job can come.
    pub(super) fn is_last_word(&self) -> bool {
        !matches!(self, Outcome::TooLarge { .. })
    }
}

impl Link {
    pub(super) fn new(stream: UnixStream, limits: Limits) -> Self {
        Link {
            stream,
            decoder: Decoder::new(limits),
            limits,
        }
    }

    /// Whether the owner keeps its end, as far as is known, and has nothing to say.
    pub(super) fn is_open(&self) -> bool {
        let silent = self.stream.try_read(&mut [0; 1]);
        matches!(silent, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Submits a job, and waits for the packet that ends the request.
    pub(super) async fn run(&mut self, job: &Job) -> io::Result<Outcome> {
        let mut head = Vec::new();
        let submit = Submit {
            function: job.function(),
            unique: &job.unique,
            priority: job.priority,
            background: job.background,
            epoch: None,
            reducer: None,
            body: Body::new(&job.body),
        };
        Request::Submit(submit).encode_head(&mut head);
        self.stream.write_all(&head).await?;
        self.stream.write_all(&job.body).await?;
        let mut progress = Progress::new(job.background, self.limits);
        loop {
            self.read(&mut progress).await?;
            if let Some(outcome) = progress.outcome.take() {
                return Ok(outcome);
            }
        }
    }

    /// One read.
    async fn read(&mut self, progress: &mut Progress) -> io::Result<()> {
        let sink = |frame: Frame<'_>| {
            progress.take(frame);
            ControlFlow::Continue(())
        };
        if let Some((data, missing)) = self.decoder.large_buffer() {
            let mut data = data.limit(missing);
            if self.stream.read_buf(&mut data).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let _ = self.decoder.finish_large(sink);
            return Ok(());
        }
        self.stream.readable().await?;
        // Only here, so that whoever waits for a result holds no buffer.
        let mut scratch = [0; SCRATCH];
        match self.stream.try_read(&mut scratch) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                let fed = self.decoder.feed(&scratch[..count], sink);
                fed.map(|_| ()).map_err(io::Error::other)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// What is known of a job on its way.
#[derive(Debug)]
struct Progress {
    background: bool,
    limit: usize,
    handle: Bytes,
    /// What came by WORK_DATA.
    data: BytesMut,
    outcome: Option<Outcome>,
}

impl Progress {
    fn new(background: bool, limits: Limits) -> Self {
        Progress {
            background,
            limit: limits.packet as usize,
            handle: Bytes::new(),
            data: BytesMut::new(),
            outcome: None,
        }
    }

    fn take(&mut self, frame: Frame<'_>) {
        if self.outcome.is_some() {
            return;
        }
        // The owner sends nothing else; what a client does not ask for, such as a status, is not
        // the end of its request.
        let Frame::Packet(packet) = frame else { return };
        match Response::parse(&packet) {
            Ok(Response::JobCreated { handle }) => {
                self.handle = Bytes::copy_from_slice(handle);
                if self.background {
                    let handle = self.handle.clone();
                    self.outcome = Some(Outcome::Queued { handle });
                }
            }
            Ok(Response::Error { code, text }) => {
                let [code, text] = [code, text].map(Bytes::copy_from_slice);
                self.outcome = Some(Outcome::Refused { code, text });
            }
            Ok(Response::Work { work, .. }) => self.work(work),
            _ => {}
        }
    }

    fn work(&mut self, work: Work<'_>) {
        let handle = self.handle.clone();
        let outcome = match work {
            Work::Data(body) | Work::Complete(body)
                if self.data.len() + body.len() > self.limit =>
            {
                Outcome::TooLarge { handle }
            }
            Work::Data(body) => return self.data.extend_from_slice(&body),
            Work::Complete(body) => Outcome::Complete {
                handle,
                result: self.result(body),
            },
            Work::Fail => Outcome::Failed { handle },
            Work::Exception(body) => Outcome::Exception {
                handle,
                exception: owned(body),
            },
            Work::Warning(_) | Work::Status { .. } => return,
        };
        self.outcome = Some(outcome);
    }

    /// What came before, and then the end.
    fn result(&mut self, end: Body<'_>) -> Bytes {
        let mut data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return owned(end);
        }
        data.extend_from_slice(&end);
        data.freeze()
    }
}

/// The body, not copied where it lies in a buffer of its own.
fn owned(body: Body<'_>) -> Bytes {
    body.to_shared()
        .unwrap_or_else(|| Bytes::copy_from_slice(body.bytes()))
}
