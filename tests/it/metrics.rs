//! What instruments read, and what the log says.

use crate::support::{Gear, Http, Peer, Site, TempDir, ask_until};
use gearbench::protocol::{Body, Priority, Request, Submit, Work};
use gearbench::server::{Settings, StoreSettings};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

fn submit<'a>(function: &'a [u8], unique: &'a [u8], priority: Priority) -> Request<'a> {
    Request::Submit(Submit {
        function,
        unique,
        priority,
        background: true,
        epoch: None,
        reducer: None,
        body: Body::new(b"x"),
    })
}

/// The lines of the text, each of which must be one of the format.
fn metrics(site: &Site) -> BTreeMap<String, f64> {
    let mut client = Http::connect(site.metrics);
    client.get("/metrics");
    let reply = client.receive();
    assert_eq!(reply.status, 200);
    let kind = reply.header("content-type");
    assert!(kind.starts_with("application/openmetrics-text;"), "{kind}");
    let text = reply.text().strip_suffix("# EOF\n").expect("the end");
    let mut values = BTreeMap::new();
    let mut family = "";
    for line in text.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            let word = words.next().expect("a word");
            assert!(["HELP", "TYPE", "UNIT"].contains(&word), "{line}");
            family = words.next().expect("a name");
            continue;
        }
        let (name, value) = line.rsplit_once(' ').expect("a value");
        assert!(name.starts_with(family), "{line} is not of {family}");
        let is_sound = name.bytes().all(|b| b >= b' ');
        assert!(is_sound, "{line:?}");
        let value: f64 = value.parse().expect("a number");
        let before = values.insert(name.to_owned(), value);
        assert_eq!(before, None, "twice: {name}");
    }
    values
}

#[test]
fn the_figures_are_those_of_the_traffic() {
    let site = Site::start(Settings::default());
    let mut client = Gear::connect(&site);
    for (unique, priority) in [
        (b"1", Priority::High),
        (b"2", Priority::High),
        (b"3", Priority::Normal),
        (b"4", Priority::Low),
        (b"4", Priority::Low),
    ] {
        client.send(submit(b"f", unique, priority));
        client.receive();
    }
    client.send(submit(b"odd\xff\"", b"", Priority::Low));
    client.receive();
    let mut worker = Gear::worker(&site, b"f");
    let [handle, ..] = worker.job();
    worker.work(&handle, Work::Complete(Body::new(b"")));
    let [handle, ..] = worker.job();
    worker.work(&handle, Work::Fail);
    worker.job();
    let mut idle = Gear::worker(&site, b"idle");
    idle.send(Request::PreSleep);
    idle.barrier();
    let mut web = Http::connect(site.http);
    web.post("/web", "X-Gearman-Background: true\r\n", b"x");
    assert_eq!(web.receive().status, 200);

    let values = metrics(&site);
    for (name, value) in [
        (
            r#"gearbench_jobs_queued{function="f",priority="high"}"#,
            0.0,
        ),
        (
            r#"gearbench_jobs_queued{function="f",priority="normal"}"#,
            0.0,
        ),
        (r#"gearbench_jobs_queued{function="f",priority="low"}"#, 1.0),
        (
            r#"gearbench_jobs_queued{function="odd\\xff\\\"",priority="low"}"#,
            1.0,
        ),
        (
            r#"gearbench_jobs_queued{function="web",priority="normal"}"#,
            1.0,
        ),
        (r#"gearbench_jobs_running{function="f"}"#, 1.0),
        (r#"gearbench_workers{function="f"}"#, 1.0),
        (r#"gearbench_workers{function="idle"}"#, 1.0),
        ("gearbench_functions", 4.0),
        ("gearbench_jobs", 4.0),
        // Client, two workers and the one by HTTP.
        ("gearbench_connections", 4.0),
        ("gearbench_connections_accepted_total", 4.0),
        ("gearbench_connections_refused_total", 0.0),
        ("gearbench_workers_sleeping", 1.0),
        (r#"gearbench_submits_total{outcome="background"}"#, 6.0),
        (r#"gearbench_submits_total{outcome="joined"}"#, 1.0),
        (r#"gearbench_submits_total{outcome="foreground"}"#, 0.0),
        (r#"gearbench_jobs_ended_total{how="completed"}"#, 1.0),
        (r#"gearbench_jobs_ended_total{how="failed"}"#, 1.0),
        ("gearbench_jobs_requeued_total", 0.0),
    ] {
        assert_eq!(values.get(name), Some(&value), "{name} in {values:#?}");
    }
    assert!(values["gearbench_jobs_bytes"] >= 4.0);
    assert!(values["process_resident_memory_bytes"] > 1e6);
    assert!(values["process_open_fds"] > 5.0);

    // A lost worker's job goes back; that the server has noticed is seen by asking.
    drop(worker);
    ask_until("the lost worker", || {
        (metrics(&site)["gearbench_jobs_requeued_total"] == 1.0).then_some(())
    });
}

/// The store's figures are those of what it did.
#[test]
fn commits_are_counted() {
    let files = TempDir::new();
    let site = Site::start(Settings {
        store: Some(StoreSettings {
            path: files.file("jobs.db"),
            take_over: None,
            max_bytes: None,
        }),
        ..Settings::default()
    });
    let mut client = Gear::connect(&site);
    client.send(submit(b"f", b"", Priority::Normal));
    client.receive();
    // The answer may be on its way before the commit is counted.
    let values = ask_until("a commit", || {
        let values = metrics(&site);
        let (commits, waiting) = (
            "gearbench_store_commit_seconds_count",
            "gearbench_store_waiting",
        );
        (values[commits] >= 1.0 && values[waiting] == 0.0).then_some(values)
    });
    let commits = values["gearbench_store_commit_seconds_count"];
    let all = r#"gearbench_store_commit_seconds_bucket{le="+Inf"}"#;
    assert_eq!(values.get(all), Some(&commits));
    assert_eq!(values.get("gearbench_store_healthy"), Some(&1.0));
}

#[test]
fn functions_beyond_a_thousand_are_summed_up() {
    let site = Site::start(Settings::default());
    let mut client = Gear::connect(&site);
    for number in 0..1100 {
        let function = format!("function-{number}");
        client.send(submit(function.as_bytes(), b"", Priority::Normal));
        client.receive();
    }
    let values = metrics(&site);
    let normal = |name: &&String| {
        name.starts_with("gearbench_jobs_queued{") && name.contains(r#"priority="normal""#)
    };
    let rows: Vec<&String> = values.keys().filter(normal).collect();
    assert_eq!(rows.len(), 1001);
    let queued: f64 = rows.iter().map(|&name| values[name]).sum();
    assert!((queued - 1100.0).abs() < 0.5);
    let others = r#"gearbench_jobs_queued{function="",priority="normal"}"#;
    assert_eq!(values.get(others), Some(&100.0));
    assert_eq!(values.get("gearbench_functions"), Some(&1100.0));
}

#[test]
fn health_is_a_page_and_there_is_nothing_else() {
    let site = Site::start(Settings::default());
    let mut client = Http::connect(site.metrics);
    client.get("/healthz");
    let reply = client.receive();
    assert_eq!((reply.status, reply.text()), (200, "ok\n"));
    client.get("/");
    assert_eq!(client.receive().status, 404);
    client.post("/metrics", "", b"");
    let reply = client.receive();
    assert_eq!((reply.status, reply.header("allow")), (405, "GET, HEAD"));
}

#[test]
fn no_byte_of_a_peer_is_raw_in_the_log() {
    let files = TempDir::new();
    let path = files.file("server.log");
    let mut serve = Command::new(env!("CARGO_BIN_EXE_gearbench"));
    serve.args(["serve", "--port", "0", "--verbose", "DEBUG", "-l"]);
    serve.arg(&path).args(["-r", "http", "--http-port", "0"]);
    let mut server = Peer::start(&mut serve);
    let line = server.line();
    let address = line.strip_prefix("listening on ").expect("an address");
    let line = server.line();
    let http = line.strip_prefix("http on ").expect("an address");
    let http: SocketAddr = http.parse().expect("an address");

    let gear = |bytes: &[u8]| {
        let mut stream = TcpStream::connect(address).expect("a server that accepts");
        stream.write_all(bytes).expect("the server reads");
        // Its last word comes after what it logs.
        let mut rest = Vec::new();
        stream
            .shutdown(std::net::Shutdown::Write)
            .expect("a socket");
        std::io::Read::read_to_end(&mut stream, &mut rest).expect("the server answers");
    };
    let evil = b"\x1b[2J\x1b]0;evil\x07\nforged line";
    let mut bytes = Vec::new();
    Request::SetClientId { id: evil }.encode(&mut bytes);
    submit(evil, b"", Priority::Normal).encode(&mut bytes);
    submit(b"f", &[b'\x1b'; 65], Priority::Normal).encode(&mut bytes);
    bytes.extend_from_slice(b"drop function \x1b[2J\x07\n");
    bytes.extend_from_slice(b"\0\x1b[2J\0\0\0\0\0\0\0\0");
    gear(&bytes);
    gear(b"\x1b[2J\n");
    let mut client = Http::connect(http);
    client.send(
        [
            b"GET /\xc2\x9b2J".as_slice(),
            &[b'f'; 600],
            b" HTTP/1.0\r\n\r\n",
        ]
        .concat(),
    );
    assert_eq!(client.receive().status, 400);
    server.signal("TERM");
    assert_eq!(server.status().code(), Some(0));

    let log = std::fs::read(&path).expect("a log");
    let text = String::from_utf8_lossy(&log);
    for told in [
        "request refused",
        "not Gearman",
        r"job by HTTP refused",
        r"\xc2\x9b2J",
    ] {
        assert!(text.contains(told), "no {told:?} in {text}");
    }
    let raw = log
        .iter()
        .find(|&&b| b != b'\n' && !(b' '..=b'~').contains(&b));
    assert_eq!(raw, None, "{text}");
    assert!(
        !text.lines().any(|line| line.starts_with("forged")),
        "{text}"
    );
}
