//! A job in service: its steps, its end, and what follows once the answer has left.

use crate::load::draw::{Fate, Spec};
use crate::load::payload::{HEADER, Kind, part};
use crate::load::shard::Shard;
use crate::protocol::{Body, ConnId, Request, Work};
use crate::wire::Io;
use std::cmp::Reverse;

impl Shard {
    /// Steps of each job that its client is told of.
    fn steps(&self) -> u32 {
        self.plan.chunks.max(self.plan.progress)
    }

    /// Has the job go on when its next step is due: all steps and the end are spread evenly over
    /// its time.
    pub(super) fn next_step(&mut self, index: u32, number: u64, step: u32, now: u64) {
        let steps = u64::from(self.steps()) + 1;
        let Some(job) = self.jobs.get(number) else {
            return;
        };
        let into = u128::from(job.spec.service_ns) * u128::from(step) / u128::from(steps);
        let at = (job.t3 + into as u64).max(now);
        self.due.push(Reverse((at, index, number)));
        self.pacer.wake_at(at);
    }

    /// Takes the jobs further whose next step is due, and answers those that are done.
    pub(crate) fn serve_due(&mut self, now: u64, io: &mut Io) {
        while let Some(&Reverse((at, index, number))) = self.due.peek() {
            if at > now {
                return;
            }
            self.due.pop();
            let all = self.steps();
            let worker = &mut self.workers[index as usize];
            let at = worker.held.iter().position(|held| held.number == number);
            let (Some(at), Some(conn)) = (at, worker.conn) else {
                continue;
            };
            if worker.stalled_until > now {
                let until = worker.stalled_until;
                self.due.push(Reverse((until, index, number)));
                continue;
            }
            let held = &mut worker.held[at];
            if held.steps < all {
                held.steps += 1;
                let held = *held;
                self.tell_step(conn, held.handle.bytes(), number, held.steps, io);
                self.next_step(index, number, held.steps + 1, now);
                continue;
            }
            let held = worker.held.swap_remove(at);
            self.complete(index, conn, held.handle.bytes(), Some(number), all, io);
        }
    }

    /// Tells the client of a job how far it is, and sends it a part of the result.
    fn tell_step(&mut self, conn: ConnId, handle: &[u8], number: u64, step: u32, io: &mut Io) {
        if step <= self.plan.progress {
            let (mut far, mut all) = (itoa::Buffer::new(), itoa::Buffer::new());
            let work = Work::Status {
                numerator: far.format(step).as_bytes(),
                denominator: all.format(self.plan.progress).as_bytes(),
            };
            io.request(conn, &Request::Work { handle, work });
        }
        if step <= self.plan.chunks {
            let size = self.jobs.get(number).map_or(0, |job| job.spec.result);
            self.with_part(number, step - 1, size, |body| {
                let work = Work::Data(body);
                io.request(conn, &Request::Work { handle, work });
            });
        }
    }

    /// Makes a part of a job's result, never smaller than what says whose it is.
    fn with_part(&mut self, number: u64, step: u32, size: u32, send: impl FnOnce(Body<'_>)) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let size = size.max(HEADER as u32);
        self.bodies
            .write(&mut scratch, Kind::Part, part(number, step), size);
        send(Body::new(&scratch));
        self.scratch = scratch;
    }

    /// Answers a job, of which its client has been told so many steps, and asks for the next, in
    /// one write.
    #[inline]
    pub(super) fn complete(
        &mut self,
        index: u32,
        conn: ConnId,
        handle: &[u8],
        number: Option<u64>,
        told: u32,
        io: &mut Io,
    ) {
        let mut spec = Spec::default();
        if let Some(number) = number {
            spec = self.jobs.get(number).map_or(spec, |job| job.spec);
            for step in told..self.steps() {
                self.tell_step(conn, handle, number, step + 1, io);
            }
            if spec.warns {
                self.with_part(number, 0, 0, |body| {
                    let work = Work::Warning(body);
                    io.request(conn, &Request::Work { handle, work });
                });
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        if let Some(number) = number {
            self.bodies
                .write(&mut scratch, Kind::Result, number, spec.result);
            self.workers[index as usize].unstamped.push(number);
        }
        let body = Body::new(&scratch);
        let work = match spec.fate {
            Fate::Complete => Work::Complete(body),
            Fate::Fail => Work::Fail,
            Fate::Exception => Work::Exception(body),
        };
        io.request(conn, &Request::Work { handle, work });
        self.scratch = scratch;
        io.stamp(conn);
        let worker = &self.workers[index as usize];
        if worker.grabs + worker.held.len() < self.plan.prefetch {
            self.grab(index, conn, io);
        }
    }

    /// The bytes of the last results leave: that is t4.
    #[inline]
    pub(crate) fn worker_flushed(&mut self, index: u32, now: u64) {
        let mut numbers = std::mem::take(&mut self.workers[index as usize].unstamped);
        for number in numbers.drain(..) {
            let Some(job) = self.jobs.get(number) else {
                continue;
            };
            job.t4 = now;
            let job = *job;
            if self.coalesces {
                self.shared_done(number, job.handle, now);
            }
            self.share_time(index, &job);
            match (job.spec.background, job.t2 > 0) {
                (true, true) => self.background_done(number, &job),
                // Its client will not hear of it.
                _ if job.orphan => self.jobs.end(number),
                _ => {}
            }
        }
        self.workers[index as usize].unstamped = numbers;
    }

    /// The job of this handle is answered: with it ends what its other submissions had to wait
    /// for, as far as they hear nothing of it.
    fn shared_done(&mut self, runner: u64, handle: u64, now: u64) {
        for number in self.groups.done(handle, now) {
            let Some(job) = self.jobs.get(number).map(|job| *job) else {
                continue;
            };
            if number == runner {
                continue;
            }
            match job.spec.background {
                true => self.background_done(number, &job),
                false if job.orphan => self.jobs.end(number),
                false => {}
            }
        }
    }
}
