//! Encrypted connections.

use crate::support::{PATIENCE, Serve, Server, TempDir, ask_until};
use gearbench::protocol::{Body, Request};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::Command;
use std::sync::Arc;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

type Encrypted = StreamOwned<ClientConnection, TcpStream>;

/// Who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate and its key, PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Authority {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    fn identity(&self) -> Identity {
        let params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        let key = KeyPair::generate().expect("a key");
        let signed = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            certificate: signed.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A server with a certificate of `authority`.
fn serve(files: &TempDir, authority: &Authority, more: &[&str]) -> Serve {
    write(files, &authority.identity());
    let [certificate, key] = ["certificate.pem", "key.pem"].map(|name| files.file(name));
    let mut args = vec!["--ssl", "--ssl-certificate", certificate.to_str().unwrap()];
    args.extend(["--ssl-key", key.to_str().unwrap()]);
    args.extend(more);
    Serve::start(&args)
}

fn write(files: &TempDir, identity: &Identity) {
    std::fs::write(files.file("certificate.pem"), &identity.certificate).expect("a file");
    std::fs::write(files.file("key.pem"), &identity.key).expect("a file");
}

/// A connection of a client that trusts `authority` and may show who it is.
fn connect(
    server: &impl Server,
    authority: &Authority,
    version: &'static SupportedProtocolVersion,
    identity: Option<&Identity>,
) -> Encrypted {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).expect("PEM");
    roots.add(root).expect("a root");
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .expect("a version")
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes());
            builder
                .with_client_auth_cert(vec![certificate.expect("PEM")], key.expect("PEM"))
                .expect("a certificate and its key")
        }
    };
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(server.address()).expect("the server listens");
    stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
    StreamOwned::new(connection, stream)
}

/// Whether the server sends so many bytes back.
fn echoes(stream: &mut Encrypted, size: usize) -> std::io::Result<bool> {
    let sent: Vec<u8> = (0..size).map(|at| (at ^ (at >> 8)) as u8).collect();
    let mut request = Vec::new();
    let body = Body::new(&sent);
    Request::Echo { body }.encode(&mut request);
    stream.write_all(&request)?;
    stream.flush()?;
    let mut answer = vec![0; request.len()];
    stream.read_exact(&mut answer)?;
    Ok(answer.starts_with(b"\0RES") && answer[12..] == sent)
}

#[test]
fn both_versions_of_tls_are_spoken() {
    let (files, authority) = (TempDir::new(), Authority::new());
    let server = serve(&files, &authority, &[]);
    for version in [&TLS12, &TLS13] {
        let mut stream = connect(&server, &authority, version, None);
        assert!(echoes(&mut stream, 100).expect("an answer"));
        assert_eq!(stream.conn.protocol_version(), Some(version.version));
    }
}

#[test]
fn large_bodies_pass_both_ways() {
    let (files, authority) = (TempDir::new(), Authority::new());
    let server = serve(&files, &authority, &[]);
    let mut stream = connect(&server, &authority, &TLS13, None);
    // The answer begins once the request is whole, so neither side waits for the other.
    assert!(echoes(&mut stream, 8 << 20).expect("an answer"));
}

#[test]
fn a_client_without_the_right_certificate_is_refused() {
    let (files, authority) = (TempDir::new(), Authority::new());
    let clients = Authority::new();
    std::fs::write(files.file("clients.pem"), &clients.pem).expect("a file");
    let ca = files.file("clients.pem");
    let server = serve(&files, &authority, &["--ssl-ca-file", ca.to_str().unwrap()]);
    for version in [&TLS12, &TLS13] {
        let (right, wrong) = (clients.identity(), authority.identity());
        for identity in [None, Some(&wrong)] {
            let mut stream = connect(&server, &authority, version, identity);
            assert!(echoes(&mut stream, 5).is_err());
        }
        let mut stream = connect(&server, &authority, version, Some(&right));
        assert!(echoes(&mut stream, 5).expect("an answer"));
    }
}

/// Sockets that say nothing, break off a handshake or send something else block nobody, and
/// nothing of them stays.
#[test]
fn broken_handshakes_block_nobody() {
    let (files, authority) = (TempDir::new(), Authority::new());
    let server = serve(&files, &authority, &[]);
    let directory = format!("/proc/{}/fd", server.pid());
    let open = || std::fs::read_dir(&directory).expect("/proc").count();
    // All that serves is there once one was served.
    let mut first = connect(&server, &authority, &TLS13, None);
    assert!(echoes(&mut first, 5).expect("an answer"));
    let before = open();
    let raw = || TcpStream::connect(server.address()).expect("the server listens");
    let silent: Vec<TcpStream> = (0..20).map(|_| raw()).collect();
    for number in 0..200_usize {
        let mut stream = raw();
        // The beginning of a hello, cut anywhere, or garbage.
        let hello = [22, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3];
        let bytes = match number % 2 {
            0 => &hello[..number % hello.len()],
            _ => b"GET / HTTP/1.0\r\n\r\n".as_slice(),
        };
        // It may have been closed on us by now.
        let _ = stream.write_all(bytes);
    }
    let mut stream = connect(&server, &authority, &TLS13, None);
    assert!(echoes(&mut stream, 5).expect("an answer"));
    drop((stream, silent, first));
    ask_until("the descriptors to be closed", || {
        (open() <= before).then_some(())
    });
}

#[test]
fn certificates_are_read_again_at_a_hangup() {
    let (files, old) = (TempDir::new(), Authority::new());
    let server = serve(&files, &old, &[]);
    let mut stream = connect(&server, &old, &TLS13, None);
    assert!(echoes(&mut stream, 5).expect("an answer"));

    let new = Authority::new();
    let hang_up = || {
        let status = Command::new("kill")
            .args(["-HUP", &server.pid().to_string()])
            .status();
        assert!(status.expect("kill runs").success());
    };
    // What cannot be used changes nothing.
    std::fs::write(files.file("key.pem"), "no key at all").expect("a file");
    hang_up();
    assert!(echoes(&mut connect(&server, &old, &TLS13, None), 5).expect("an answer"));

    write(&files, &new.identity());
    hang_up();
    ask_until("the new certificate", || {
        echoes(&mut connect(&server, &new, &TLS13, None), 5).ok()
    });
    assert!(echoes(&mut connect(&server, &old, &TLS13, None), 5).is_err());
    // Who was there stays.
    assert!(echoes(&mut stream, 5).expect("an answer"));
}

/// All that is heard after a last request and `end`, which ends the direction of the client.
fn last_words(server: &Serve, authority: &Authority, end: fn(&mut Encrypted)) -> Vec<u8> {
    let mut stream = connect(server, authority, &TLS13, None);
    assert!(echoes(&mut stream, 5).expect("an answer"));
    let mut request = Vec::new();
    let body = Body::new(b"last words");
    Request::Echo { body }.encode(&mut request);
    stream.write_all(&request).expect("a request");
    end(&mut stream);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("a good end");
    answer
}

/// Who has said all still hears all, and then that it was all.
#[test]
fn a_client_that_ended_its_direction_is_answered() {
    let (files, authority) = (TempDir::new(), Authority::new());
    let server = serve(&files, &authority, &[]);
    let notified: fn(&mut Encrypted) = |stream| {
        stream.conn.send_close_notify();
        stream.flush().expect("a notice");
    };
    let silent: fn(&mut Encrypted) = |stream| {
        stream.flush().expect("a request");
        stream.sock.shutdown(Shutdown::Write).expect("a socket");
    };
    for end in [notified, silent] {
        let answer = last_words(&server, &authority, end);
        assert!(answer.starts_with(b"\0RES"));
        assert!(answer.ends_with(b"last words"));
    }
}

/// Peers that the server has ended hold nothing, though they keep their own sides open.
#[test]
fn nothing_stays_of_connections_that_the_server_ended() {
    let (files, authority) = (TempDir::new(), Authority::new());
    let server = serve(&files, &authority, &[]);
    let directory = format!("/proc/{}/fd", server.pid());
    let open = || std::fs::read_dir(&directory).expect("/proc").count();
    let before = open();
    let mut ended = Vec::new();
    for _ in 0..10 {
        let mut stream = connect(&server, &authority, &TLS13, None);
        assert!(echoes(&mut stream, 5).expect("an answer"));
        stream.write_all(b"\0BAD").expect("no Gearman");
        stream.write_all(&[0; 64]).expect("no Gearman");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("a good end");
        ended.push(stream);
    }
    ask_until("the descriptors to be closed", || {
        (open() <= before).then_some(())
    });
    drop(ended);
}
