//! What the program does not begin: requests that make no sense, targets that are none.

use super::{BOUND, exits, gearbench, on, refuses};
use crate::support::run_with_deadline;
use gearbench::cli::exit;
use gearbench::protocol::{Body, Response};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// Seconds that a target with a deadline of 2 s may take in all, on a machine with other things
/// to do.
const SOON: u64 = 15;

#[track_caller]
fn is_usage(arguments: &str, words: &[&str]) {
    let arguments: Vec<&str> = arguments.split(' ').collect();
    let finished = run_with_deadline(gearbench().args(arguments), BOUND);
    refuses(&finished, exit::USAGE, words);
}

#[test]
fn nonsense_is_refused_by_the_name_of_its_flag() {
    for (arguments, word) in [
        ("--nosuch", "--nosuch"),
        ("nosuch", "nosuch"),
        ("--budget 1s", "--budget"),
        ("--budget soon", "--budget"),
        ("--budget inf", "--budget"),
        ("--budget 99999h", "--budget"),
        ("saturate --budget 0s", "--budget"),
        ("saturate --budget 99999h", "--budget"),
        ("-t http://x", "--target"),
        ("-t host:0", "--target"),
        ("-t host:99999", "--target"),
        ("-t ", "--target"),
        ("check --seed x", "--seed"),
        ("check --i-own :", "--i-own"),
        ("run -t a:b:c:d:e:", "--target"),
        ("run --rate 0", "--rate"),
        ("run --rate nan", "--rate"),
        ("run --rate=-5", "--rate"),
        ("run --rate -5", "--rate"),
        ("run --rate 1e300", "--rate"),
        ("run --jobs 0", "--jobs"),
        ("run --duration 0s", "--duration"),
        ("run --connect-rate 1e-300", "--connect-rate"),
        ("run --payload 100m --outstanding 64", "--outstanding"),
        ("run --arrival burst", "--arrival"),
        ("run --duration 99999999999d", "--duration"),
        ("run --duration 10parsecs", "--duration"),
        ("run --connect-rate 0", "--connect-rate"),
        ("run --background 101", "--background"),
        ("run --payload 23", "--payload"),
        ("run --payload 99g", "--payload"),
        ("run --result 5", "--result"),
        ("run --priority high=0", "--priority"),
        ("run --percentiles 50,100", "--percentiles"),
        ("run --format yaml", "--format"),
        ("run --label x", "--label"),
        ("run --outstanding 0", "--outstanding"),
        ("run --threads 9", "--threads"),
        ("run --prefetch 0", "--prefetch"),
        ("run --functions 0", "--functions"),
        ("run --functions 100000000", "--functions"),
        ("run --out /dev/null/x", "/dev/null/x"),
        ("run /dev/null", "/dev/null: it says nothing"),
        ("saturate --out /dev/null/x", "/dev/null/x"),
        (
            "versus --target a --against b --out /dev/null/x",
            "/dev/null/x",
        ),
        ("sweep --vary clients=1,2 --out /dev/null/x", "/dev/null/x"),
        ("conform --json /dev/null/x", "cannot make /dev/null"),
        ("conform --junit /dev/null/x", "cannot make /dev/null"),
        ("conform --md /", "cannot write /"),
        ("submit -f f --data x --timeout 0s", "--timeout"),
        (
            "work -f f --connect-timeout 0s -- true",
            "--connect-timeout",
        ),
        ("run --clients 18446744073709551615", "--clients"),
    ] {
        is_usage(arguments, &[word]);
    }
}

#[test]
fn contradictions_are_refused_by_the_names_of_their_flags() {
    for (arguments, words) in [
        ("run --mode closed --rate 5", &["--mode", "--rate"][..]),
        ("run --mode open", &["--mode", "--rate"]),
        ("run --rate 5 --outstanding 2", &["--rate", "--outstanding"]),
        ("run --arrival poisson", &["--arrival", "--rate"]),
        ("run --clients 0", &["clients", "backlog"]),
        ("run --workers 0", &["workers", "--background"]),
        ("-t localhost serve", &["--target", "serve"]),
    ] {
        is_usage(arguments, words);
    }
}

#[test]
fn nonsense_in_the_environment_is_refused_too() {
    for (variable, command, word) in [
        ("GEARBENCH_TARGET", "run", "--target"),
        ("GEARBENCH_RATE", "run", "--rate"),
    ] {
        let mut gearbench = gearbench();
        gearbench.env(variable, "a:b").arg(command);
        refuses(
            &run_with_deadline(&mut gearbench, BOUND),
            exit::USAGE,
            &[word],
        );
    }
}

/// With a wait for connections that outlasts this test: it ends only if none is tried.
#[test]
fn load_on_a_public_address_is_refused_before_any_packet() {
    for target in ["192.0.2.1", "192.0.2.1:4731", "[2001:db8::1]:4730"] {
        let mut run = gearbench();
        run.args(["run", "--connect-timeout", "24h", "-t", target]);
        let finished = run_with_deadline(&mut run, BOUND);
        refuses(&finished, exit::USAGE, &["--i-own", "public", target]);

        run.args(["--i-own", "192.0.2.2"]);
        let finished = run_with_deadline(&mut run, BOUND);
        refuses(&finished, exit::USAGE, &["--i-own", target]);
    }
}

#[test]
fn unknown_hosts_and_closed_ports_are_no_targets() {
    // Reserved by RFC 6761: no resolver knows it.
    for command in ["check", "run"] {
        let mut unknown = gearbench();
        unknown.args([command, "-t", "nobody.invalid:4730"]);
        let finished = run_with_deadline(&mut unknown, BOUND);
        refuses(&finished, exit::TARGET, &["nobody.invalid:4730"]);

        let port = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = port.local_addr().expect("an address");
        drop(port);
        let finished = run_with_deadline(&mut on(address, command, ""), BOUND);
        let address = address.to_string();
        refuses(&finished, exit::TARGET, &[&address, "cannot connect"]);
    }
}

/// A server that treats each connection like this.
fn stranger(treat: impl Fn(&mut TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            treat(&mut stream);
        }
    });
    address
}

/// Waits until the other side has gone.
fn stay(stream: &mut TcpStream) {
    let _ = stream.read_to_end(&mut Vec::new());
}

#[track_caller]
fn is_no_target(address: SocketAddr, words: &[&str]) {
    for (command, arguments) in [("check", ""), ("run", "--connect-timeout 2s")] {
        let finished = run_with_deadline(&mut on(address, command, arguments), SOON);
        refuses(&finished, exit::TARGET, words);
        assert!(finished.err().contains(&address.to_string()));
    }
}

#[test]
fn a_target_that_says_nothing_is_left_at_its_deadline() {
    is_no_target(stranger(stay), &["did not answer ECHO_REQ within 2s"]);
}

/// Each byte comes within any limit for a single read.
#[test]
fn a_target_that_dribbles_is_left_at_its_deadline() {
    let dribbles = stranger(|stream| {
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(20));
        }
    });
    is_no_target(dribbles, &["xxx", "ECHO_REQ"]);
}

#[test]
fn a_target_that_hangs_up_is_no_server() {
    let rude = stranger(|stream| {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    });
    is_no_target(rude, &["ends connections"]);
}

#[test]
fn garbage_is_shown_and_called_by_its_name() {
    for (garbage, shown) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], "HTTP/1.1 400"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH-2.0"),
        (b"-ERR unknown command\r\n", "-ERR unknown command"),
        (b"\0REX\0\0\0\x11\0\0\0\0", "magic"),
        // The type of an answer, the magic of a request.
        (b"\0REQ\0\0\0\x11\0\0\0\x09gearbench", "REQ"),
        (b"\0RES\0\0\0\x11\xff\xff\xff\xff", ""),
        (b"\0RES\0\0\0\x11\0\0\0\x04else", "ECHO_RES"),
        // A TLS alert: it has neither a line end nor a header.
        (b"\x15\x03\x01\0\x02\x02\x0a", "\\x15\\x03\\x01"),
    ] {
        for hangs_up in [false, true] {
            let odd = stranger(move |stream| {
                let _ = stream.write_all(garbage);
                if !hangs_up {
                    stay(stream);
                }
            });
            is_no_target(odd, &["not a Gearman server", shown]);
        }
    }
}

#[test]
fn endless_text_is_no_gearman() {
    let endless = stranger(|stream| while stream.write_all(&[b'x'; 4096]).is_ok() {});
    is_no_target(endless, &["not a Gearman server"]);
}

/// A server that answers the first ECHO_REQ and nothing after.
fn falls_silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        let mut silent = Vec::new();
        for mut stream in listener.incoming().flatten() {
            // The header and the word of the program's own ECHO_REQ.
            let mut request = [0; 12 + 9];
            if silent.is_empty() && stream.read_exact(&mut request).is_ok() {
                let mut answer = Vec::new();
                let body = Body::new(&request[12..]);
                Response::EchoRes { body }.encode(&mut answer);
                let _ = stream.write_all(&answer);
            }
            silent.push(stream);
        }
    });
    address
}

#[test]
fn a_target_that_falls_silent_is_left_at_its_deadline() {
    let address = falls_silent();
    let mut run = on(address, "run", "--connect-timeout 2s");
    let finished = run_with_deadline(&mut run, SOON);
    let words = ["connections", &address.to_string()];
    refuses(&finished, exit::TARGET, &words);

    let mut check = on(falls_silent(), "check", "--budget 5s");
    let finished = run_with_deadline(&mut check, SOON);
    exits(&finished, exit::TARGET);
    assert!(finished.out().contains("\nverdict    FAILED"));
}
