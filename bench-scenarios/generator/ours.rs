//! The same loads by our own generator, and what its report says.

use crate::Result;
use crate::raw::{Cost, Length, Load};
use crate::server::Server;
use gearbench::load::{self, Arrival, Control, Grab, Pace, Plan, RunId, ServiceTime, Size};
use gearbench::protocol::GrabKind;
use gearbench::report::Report;
use std::time::Duration;

impl Load {
    fn plan(&self, server: &Server) -> Plan {
        let mut plan = Plan::new(server.address(), RunId::fresh(), 1);
        (plan.clients, plan.workers) = (self.clients, self.workers);
        plan.pace = match self.rate {
            Some(rate) => Pace::Open {
                rate,
                arrival: Arrival::Poisson,
            },
            None => Pace::Closed {
                outstanding: self.in_flight,
            },
        };
        plan.service = self
            .service
            .map_or(ServiceTime::None, ServiceTime::Exponential);
        plan.payload = Size::fixed(self.payload as u32);
        plan.result = Size::fixed(self.result as u32);
        plan.grab = Grab(GrabKind::Classic);
        plan.server_pid = Some(server.pid());
        (plan.jobs, plan.duration, plan.warmup) = (None, None, Duration::ZERO);
        match self.length {
            Length::Jobs(jobs) if self.background => plan.backlog = jobs,
            Length::Jobs(jobs) => plan.jobs = Some(jobs),
            Length::Time(warmup, time) => (plan.warmup, plan.duration) = (warmup, Some(time)),
        }
        plan
    }
}

/// Runs a plan, and stops where its books are not as they should be.
pub(crate) fn run(plan: Plan) -> Result<Report> {
    let report = load::run(plan, Control::default())?.report;
    let books = &report.ledger;
    if books.lost + books.phantom + books.duplicated + books.wrong_body > 0 {
        return Err(format!("{:?}", report.verdict).into());
    }
    Ok(report)
}

/// Plays a load on a server. The server's processor time is that of its own books.
pub(crate) fn play(server: &Server, load: Load) -> Result<Cost> {
    let report = run(load.plan(server))?;
    let phase = match load.background {
        true => report.phases.first(),
        false => report.headline(),
    };
    let phase = phase.ok_or("no phase")?;
    let response = phase.stage("response");
    let p50 = response.and_then(|stage| stage.latency.percentile(50.0));
    Ok(Cost {
        per_second: phase.completed_per_second,
        p50_us: p50.map_or(0.0, |ns| ns as f64 / 1e3),
        own_us: phase.generator_cpu_seconds * 1e6 / phase.completed.max(1) as f64,
        server_us: phase.server.map_or(0.0, |server| server.cpu_us_per_job),
    })
}
