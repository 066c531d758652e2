//! The peer in Rust, with the crate gearman. What peers do stands in ../../peers.rs.

use futures::StreamExt;
use futures::future::{join_all, pending, try_join_all};
use gearman::client::{Client, ClientBuilder, JobEvent, Priority, SubmitOptions};
use gearman::worker::{WorkError, WorkerBuilder, WorkerJob};
use std::collections::HashSet;
use std::error::Error;
use std::time::Duration;

type Bytes = Vec<u8>;
type Done = Result<(), Box<dyn Error>>;

fn reversed(bytes: &[u8]) -> Bytes {
    bytes.iter().rev().copied().collect()
}

async fn talks(job: WorkerJob) -> Result<(), gearman::GearmanError> {
    let reporter = job.reporter;
    reporter.send_data("one").await?;
    reporter.report_status(1, 2).await?;
    reporter.warn("careful").await?;
    reporter.send_data("two").await?;
    reporter.report_status(2, 2).await
}

async fn work(address: String) -> Done {
    let _worker = WorkerBuilder::new()
        .servers([address])
        .concurrency(1)
        .register("reverse", |job: WorkerJob| async move {
            Ok(reversed(&job.payload).into())
        })
        .register("talks", |job: WorkerJob| async move {
            talks(job).await.map_err(|_| WorkError::Fail)?;
            Ok("three".into())
        })
        .register("throws", |_: WorkerJob| async {
            Err(WorkError::Exception("boom".into()))
        })
        .register("fails", |_: WorkerJob| async { Err(WorkError::Fail) })
        .run();
    pending().await
}

/// What a job is told until its end, an event after the other.
async fn told(client: &Client, function: &str) -> Result<Vec<String>, Box<dyn Error>> {
    let job = client.submit(function, None, "x", SubmitOptions::foreground());
    let events = job.await?.events.ok_or("a foreground job has events")?;
    let text = |data: &[u8]| String::from_utf8_lossy(data).into_owned();
    let said = events.map(|event| match event {
        JobEvent::Status {
            numerator,
            denominator,
        } => format!("status {numerator}/{denominator}"),
        JobEvent::Data(data) => format!("data {}", text(&data)),
        JobEvent::Warning(data) => format!("warning {}", text(&data)),
        JobEvent::Complete(data) => format!("complete {}", text(&data)),
        JobEvent::Fail => "fail".to_owned(),
        JobEvent::Exception(data) => format!("exception {}", text(&data)),
    });
    Ok(said.collect().await)
}

async fn verbs(client: &Client) -> Done {
    let priorities = [
        ("normal", Priority::Normal),
        ("high", Priority::High),
        ("low", Priority::Low),
    ];
    for (name, priority) in priorities {
        let options = SubmitOptions::foreground().with_priority(priority);
        let job = client.submit("reverse", None, "abc", options).await?;
        let mut events = job.events.ok_or("a foreground job has events")?;
        match events.next().await {
            Some(JobEvent::Complete(result)) => {
                println!("{name} {}", String::from_utf8_lossy(&result))
            }
            other => println!("{name} {other:?}"),
        }
    }
    for function in ["talks", "throws", "fails"] {
        println!("{function} {}", told(client, function).await?.join("|"));
    }
    Ok(())
}

async fn many(client: &Client, count: usize) -> Done {
    let jobs = (0..count).map(|number| async move {
        let body = format!("job {number}").into_bytes();
        let result = client.submit_fg("reverse", body.clone()).await;
        result.is_ok_and(|result| result == reversed(&body))
    });
    let whole = join_all(jobs).await;
    println!("{}", whole.into_iter().filter(|whole| *whole).count());
    Ok(())
}

async fn large(client: &Client, size: usize) -> Done {
    let body: Bytes = (0..size).map(|at| (at % 251) as u8).collect();
    let result = client.submit_fg("reverse", body.clone()).await?;
    println!(
        "{}",
        if result == reversed(&body) {
            "whole"
        } else {
            "damaged"
        }
    );
    Ok(())
}

async fn background(client: &Client, count: usize) -> Done {
    let jobs = (0..count).map(|number| client.submit_bg("reverse", number.to_string()));
    let handles: HashSet<_> = try_join_all(jobs).await?.into_iter().collect();
    println!("{}", handles.len());
    Ok(())
}

async fn coalesce(client: &Client) -> Done {
    let one = || client.submit("nobody", Some("same"), "x", SubmitOptions::background());
    let (first, second) = (one().await?, one().await?);
    let same = first.handle.as_str() == second.handle.as_str();
    println!("{}", if same { "one job" } else { "two jobs" });
    Ok(())
}

async fn status(client: &Client) -> Done {
    let waiting = client.submit_bg("nobody", "x").await?;
    let status = client.get_status(&waiting).await?;
    print!(
        "{}",
        if status.known && !status.running {
            "waiting"
        } else {
            "wrong"
        }
    );
    let running = client.submit_bg("reverse", "x").await?;
    while client.get_status(&running).await?.known {}
    println!(", done");
    Ok(())
}

/// The library leaves patience to the runtime.
async fn timeout(client: &Client) -> Done {
    let answer = client.submit_fg("nobody", "x");
    match tokio::time::timeout(Duration::from_millis(300), answer).await {
        Err(_) => println!("timeout"),
        Ok(answer) => println!("{answer:?}"),
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, host, port, rest @ ..] = &words[..] else {
        return Err("peer MODE HOST PORT [COUNT]".into());
    };
    let address = format!("{host}:{port}");
    if mode == "work" {
        return work(address).await;
    }
    let count = rest.first().map_or(Ok(0), |text| text.parse())?;
    let client = ClientBuilder::new()
        .servers([address])
        .with_exceptions(true);
    let client = client.connect().await?;
    match mode.as_str() {
        "verbs" => verbs(&client).await,
        "many" => many(&client, count).await,
        "large" => large(&client, count).await,
        "background" => background(&client, count).await,
        "coalesce" => coalesce(&client).await,
        "status" => status(&client).await,
        "timeout" => timeout(&client).await,
        _ => Err("an unknown mode".into()),
    }
}
