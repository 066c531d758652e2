//! Jobs by HTTP: what the conformance cases cannot show.

use crate::support::{Admin, Gear, Http, Site, ask_until};
use gearbench::engine::Policy;
use gearbench::protocol::{Body, Work};
use gearbench::server::{Command, Settings};
use std::net::TcpStream;

fn site() -> Site {
    Site::start(Settings::default())
}

/// One whose packets hold so many bytes.
fn site_of_packets(packet: u32) -> Site {
    let mut settings = Settings::default();
    settings.wire.limits.packet = packet;
    Site::start(settings)
}

/// The jobs of a function, queued or running.
fn jobs(site: &Site, function: &str) -> u32 {
    let mut admin = Admin::connect(site.gear).expect("a server that accepts");
    admin.counts(function).jobs
}

fn noise(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at * at / 7) as u8).collect()
}

#[test]
fn a_hundred_jobs_at_once_each_get_their_own_result() {
    let site = site();
    let mut clients: Vec<Http> = (0..100).map(|_| Http::connect(site.http)).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.post("/f", "", format!("job {number}").as_bytes());
    }
    let mut worker = Gear::worker(&site, b"f");
    for _ in 0..100 {
        worker.echo(b"!");
    }
    let mut handles = std::collections::BTreeSet::new();
    for (number, client) in clients.iter_mut().enumerate() {
        let reply = client.receive();
        assert_eq!(
            (reply.status, reply.text()),
            (200, &*format!("job {number}!"))
        );
        assert_eq!(reply.header("x-gearman-command"), "WORK_COMPLETE");
        handles.insert(reply.header("x-gearman-job-handle").to_owned());
    }
    assert_eq!(handles.len(), 100);
}

#[test]
fn a_connection_is_kept_and_requests_sent_ahead_are_answered_in_order() {
    let site = site();
    let mut worker = Gear::worker(&site, b"f");
    let mut client = Http::connect(site.http);
    for number in ["one", "two", "three"] {
        client.post("/f", "", number.as_bytes());
        worker.echo(b"");
        assert_eq!(client.receive().text(), number);
    }
    client.post("/f", "", b"four");
    client.post("/f", "X-Gearman-Background: true\r\n", b"five");
    client.get("/");
    client.post("/f", "Connection: close\r\n", b"six");
    for _ in 0..3 {
        worker.echo(b"");
    }
    assert_eq!(client.receive().text(), "four");
    assert_eq!(client.receive().header("x-gearman-command"), "JOB_CREATED");
    assert_eq!(client.receive().status, 404);
    assert_eq!(client.receive().text(), "six");
    assert!(client.is_closed());
}

#[test]
fn large_bodies_with_any_bytes_go_both_ways() {
    let site = site();
    let mut worker = Gear::worker(&site, b"f");
    let mut client = Http::connect(site.http);
    let payload = noise(8 << 20);
    assert!(payload.contains(&0));
    client.post("/f", "", &payload);
    let [handle, _, received] = worker.job();
    assert!(received == payload, "the payload differs");
    let (first, last) = payload.split_at(5 << 20);
    worker.work(&handle, Work::Data(Body::new(first)));
    worker.work(&handle, Work::Complete(Body::new(last)));
    assert!(client.receive().body == payload, "the result differs");
    // In one piece.
    client.get("/f");
    let [handle, unique, received] = worker.job();
    assert_eq!((&*unique, received.len()), (b"-".as_slice(), 0));
    worker.work(&handle, Work::Complete(Body::new(&payload)));
    assert!(client.receive().body == payload, "the result differs");
}

#[test]
fn the_job_of_a_client_that_is_gone_is_dropped() {
    let site = site();
    let mut stays = Http::connect(site.http);
    stays.post("/f", "", b"stays");
    let mut leaves = Http::connect(site.http);
    leaves.post("/f", "", b"leaves");
    ask_until("two jobs", || (jobs(&site, "f") == 2).then_some(()));
    drop(leaves);
    ask_until("one job less", || (jobs(&site, "f") == 1).then_some(()));
    let mut worker = Gear::worker(&site, b"f");
    worker.echo(b"");
    assert_eq!(stays.receive().text(), "stays");
}

#[test]
fn failures_of_the_worker_are_bad_gateways_and_the_connection_goes_on() {
    let site = site();
    let mut worker = Gear::worker(&site, b"f");
    let mut client = Http::connect(site.http);
    client.post("/f", "", b"1");
    let [handle, ..] = worker.job();
    worker.work(&handle, Work::Data(Body::new(b"in vain")));
    worker.work(&handle, Work::Fail);
    let reply = client.receive();
    assert_eq!((reply.status, reply.text()), (502, ""));
    assert_eq!(reply.header("x-gearman-command"), "WORK_FAIL");
    assert_eq!(reply.header("x-gearman-job-handle").as_bytes(), handle);

    client.post("/f", "", b"2");
    let [handle, ..] = worker.job();
    worker.work(&handle, Work::Exception(Body::new(b"thrown")));
    assert_eq!(client.receive().status, 502);

    client.post("/f", "", b"3");
    worker.echo(b"");
    assert_eq!(client.receive().text(), "3");
}

#[test]
fn an_exception_is_told_where_exceptions_are_on() {
    let site = Site::start(Settings {
        policy: Policy {
            exceptions: true,
            ..Policy::default()
        },
        ..Settings::default()
    });
    let mut worker = Gear::worker(&site, b"f");
    let mut client = Http::connect(site.http);
    client.get("/f");
    let [handle, ..] = worker.job();
    worker.work(&handle, Work::Exception(Body::new(b"thrown")));
    let reply = client.receive();
    assert_eq!((reply.status, reply.text()), (502, "thrown"));
    assert_eq!(reply.header("x-gearman-command"), "WORK_EXCEPTION");
}

#[test]
fn what_the_server_refuses_is_refused_with_the_reason() {
    let site = site();
    let mut admin = Admin::connect(site.gear).expect("a server that accepts");
    assert_eq!(admin.ask("maxqueue full 1").expect("an answer"), "OK");
    let mut client = Http::connect(site.http);
    let background = "X-Gearman-Background: true\r\n";
    client.post("/full", background, b"1");
    assert_eq!(client.receive().status, 200);
    client.post("/full", background, b"2");
    let reply = client.receive();
    assert_eq!(
        (reply.status, reply.header("x-gearman-command")),
        (503, "ERROR")
    );
    assert_eq!(reply.text(), "QUEUE_ERROR: Job queue is full\n");

    let long = format!("X-Gearman-Unique: {}\r\n", "u".repeat(65));
    client.post("/f", &long, b"");
    assert_eq!(client.receive().status, 400);
    client.get(&format!("/{}", "f".repeat(513)));
    assert_eq!(client.receive().status, 400);

    client.send("DELETE /f HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let reply = client.receive();
    assert_eq!(
        (reply.status, reply.header("allow")),
        (405, "GET, HEAD, POST, PUT")
    );
    assert_eq!(jobs(&site, "f"), 0);
}

#[test]
fn bodies_and_results_are_bounded() {
    let site = site_of_packets(1000);
    let mut worker = Gear::worker(&site, b"f");
    let mut client = Http::connect(site.http);
    // Function and unique are part of the packet.
    let fits = noise(1000 - "f\0-\0".len());
    client.post("/f", "", &fits);
    let [handle, ..] = worker.job();
    worker.work(&handle, Work::Complete(Body::new(&fits[..900])));
    assert_eq!(client.receive().body, fits[..900]);

    // Refused by what is announced: the body is not waited for.
    let mut announced = Http::connect(site.http);
    announced.send("POST /f HTTP/1.1\r\nHost: h\r\nContent-Length: 997\r\n\r\n");
    assert_eq!(announced.receive().status, 413);

    // Refused by what comes.
    let mut chunked = Http::connect(site.http);
    chunked.send("POST /f HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..3 {
        chunked.send([b"190\r\n".as_slice(), &[b'x'; 400], b"\r\n"].concat());
    }
    assert_eq!(chunked.receive().status, 413);

    // A result in parts that are more than an answer may hold.
    client.post("/f", "", b"more");
    let [handle, ..] = worker.job();
    for _ in 0..2 {
        worker.work(&handle, Work::Data(Body::new(&[b'x'; 600])));
    }
    let reply = client.receive();
    assert_eq!(reply.status, 502);
    worker.work(&handle, Work::Complete(Body::new(b"")));
    // What the worker still sent is not taken for the next answer.
    client.post("/f", "", b"next");
    worker.echo(b"");
    assert_eq!(client.receive().text(), "next");
}

#[test]
fn bodies_come_when_they_are_asked_for_and_in_chunks() {
    let site = site();
    let mut worker = Gear::worker(&site, b"f");
    let mut client = Http::connect(site.http);
    client.send("PUT /f HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(client.receive_head().status, 100);
    client.send("ab");
    worker.echo(b"c");
    assert_eq!(client.receive().text(), "abc");

    client.send("POST /f HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    worker.echo(b"");
    assert_eq!(client.receive().text(), "abcde");

    client.send("HEAD /f HTTP/1.1\r\nHost: h\r\n\r\n");
    worker.echo(b"seven!!");
    let reply = client.receive_head();
    assert_eq!((reply.status, reply.header("content-length")), (200, "7"));
    client.get("/f");
    worker.echo(b"");
    assert_eq!(client.receive().status, 200);
}

/// The bound is ten seconds.
#[test]
fn a_client_that_does_not_get_on_is_cut_and_others_are_served() {
    let site = site();
    let mut worker = Gear::worker(&site, b"f");
    let mut slow = Http::connect(site.http);
    slow.send("GET /f HTTP/1.1\r\nHo");
    let mut client = Http::connect(site.http);
    client.get("/f");
    worker.echo(b"served");
    assert_eq!(client.receive().text(), "served");
    assert!(slow.is_closed());
    assert_eq!(jobs(&site, "f"), 0);
}

#[test]
fn a_server_that_takes_its_leave_takes_no_jobs() {
    let site = site();
    let mut worker = Gear::worker(&site, b"f");
    let mut runs = Http::connect(site.http);
    runs.get("/f");
    let [handle, ..] = worker.job();
    let mut late = Http::connect(site.http);
    late.send("POST /f HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    assert_eq!(late.receive_head().status, 100);
    let mut watch = Http::connect(site.metrics);
    watch.get("/healthz");
    assert_eq!(watch.receive().status, 200);
    site.command(Command::Drain);
    ask_until("no new connections", || TcpStream::connect(site.gear).err());
    watch.get("/healthz");
    let reply = watch.receive();
    assert_eq!(
        (reply.status, reply.text()),
        (503, "the server is shutting down\n")
    );
    watch.get("/metrics");
    assert_eq!(watch.receive().status, 200);
    late.send("ab");
    assert_eq!(late.receive().status, 503);
    assert!(late.is_closed());
    worker.work(&handle, Work::Complete(Body::new(b"done")));
    assert_eq!(runs.receive().text(), "done");
    site.ended();
}

/// A connection that waits for a result is one of those that may be open.
#[test]
fn too_many_connections_are_told_or_closed() {
    let site = Site::start(Settings {
        max_connections: 2,
        ..Settings::default()
    });
    let mut worker = Gear::worker(&site, b"f");
    let mut first = Http::connect(site.http);
    first.get("/f");
    let [handle, ..] = worker.job();
    let mut second = Http::connect(site.http);
    second.get("/f");
    assert_eq!(second.receive().status, 503);
    let mut third = Http::connect(site.http);
    assert!(third.is_closed());
    worker.work(&handle, Work::Complete(Body::new(b"done")));
    assert_eq!(first.receive().text(), "done");
}
