//! Does one check cost more wall time than its longest chain of dependent round trips?
//!
//! `cargo bench --bench critical_path`. A world in which every DNS answer and every SMTP reply is held
//! back by the same time, and the EHLO name is not the PTR name (so that its address is a question of its
//! own, asked last); in turn, run by run: the chain alone, link by link with bare blocking sockets;
//! the library; the built program as a whole process. Printed: the medians, and their ratio to the
//! chain's in the same run. The chain (docs/architecture.md): greeting, EHLO, [STARTTLS, TLS handshake,
//! EHLO], and A of the EHLO name where that comes later.

#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a benchmark measures with bare sockets and the clock"
)]
#![expect(clippy::disallowed_macros, reason = "a benchmark prints its figures")]
#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark may")]

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use smtp_preflight::lab::{Lab, RunningLab, Scenario};

const RUNS: usize = 15;

fn scenario(delay_ms: u64, tls: bool) -> Scenario {
    let (extra, mode) = if tls { ("[peer.tls]\nnames = [\"mail.example.net\"]\n", "auto") } else { ("", "off") };
    let text = format!(
        "title = \"x\"\nabout = \"x\"\ndelay_ms = {delay_ms}\nexit = 0\n[check]\ntls = \"{mode}\"\n\
         [[dns]]\nzone = \"\"\"\n$ORIGIN example.net.\nmail A {{ip}}\nhost A {{ip}}\n$ORIGIN {{reverse_zone}}.\n{{reverse}}. PTR host.example.net.\n\"\"\"\n\
         [[peer]]\naddress = \"127.7.9.{}\"\n{extra}\n\
         [[expect]]\nverdict = \"differ\"\nehlo_ptr = \"differ\"\nptr_forward = \"agree\"\nehlo_forward = \"agree\"\niprev = \"pass\"\nfindings = []\n",
        delay_ms % 200 + u64::from(tls)
    );
    Scenario::parse("critical-path", &text).unwrap()
}

/// One reply, read to its last line.
fn reply(reader: &mut impl BufRead) {
    let mut line = String::new();
    while {
        line.clear();
        reader.read_line(&mut line).unwrap();
        line.as_bytes().get(3) == Some(&b'-')
    } {}
}

/// The links of the chain, one after the other, and nothing else.
fn chain(peer: SocketAddr, resolver: SocketAddr, tls: bool) -> f64 {
    let begun = Instant::now();
    let mut stream = TcpStream::connect(peer).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    reply(&mut reader);
    stream.write_all(b"EHLO bare.example.net\r\n").unwrap();
    reply(&mut reader);
    if tls {
        stream.write_all(b"STARTTLS\r\n").unwrap();
        reply(&mut reader);
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anything))
            .with_no_client_auth();
        let name = "mail.example.net".try_into().unwrap();
        let mut client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut secure = BufReader::new(rustls::Stream::new(&mut client, &mut stream));
        secure.get_mut().write_all(b"EHLO bare.example.net\r\n").unwrap();
        reply(&mut secure);
    } else {
        question(resolver);
    }
    begun.elapsed().as_secs_f64() * 1000.0
}

/// `A mail.example.net`, and its answer.
fn question(resolver: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut query = vec![1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in ["mail", "example", "net"] {
        query.push(u8::try_from(label.len()).unwrap());
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    socket.send_to(&query, resolver).unwrap();
    socket.recv(&mut [0; 1500]).unwrap();
}

/// The chain is a stopwatch, not a client to trust.
#[derive(Debug)]
struct Anything;

impl rustls::client::danger::ServerCertVerifier for Anything {
    fn verify_server_cert(
        &self,
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &[rustls::pki_types::CertificateDer<'_>],
        _: &rustls::pki_types::ServerName<'_>,
        _: &[u8],
        _: rustls::pki_types::UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, rustls::Error> {
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &rustls::pki_types::CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

fn program(lab: &RunningLab, tls: bool) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", lab.target.as_deref().unwrap(), "--resolver", &lab.resolvers[0].to_string()]).args([
        "--helo-as",
        "probe.example.net",
        "--tls",
        if tls { "auto" } else { "off" },
    ]);
    command
}

async fn timed<F: Future>(work: F) -> f64 {
    let begun = Instant::now();
    work.await;
    begun.elapsed().as_secs_f64() * 1000.0
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    println!("ms, medians of {RUNS} runs in turn; in brackets the median of the ratio to the chain of the same run");
    for (delay, tls) in [(20, false), (20, true), (50, false), (50, true)] {
        let scenario = scenario(delay, tls);
        let lab = Lab::start(&scenario).await.unwrap();
        let (peer, resolver) = (lab.peers()[0], lab.resolvers[0]);
        let (mut alone, mut library, mut process) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..=RUNS {
            let bare = tokio::task::spawn_blocking(move || chain(peer, resolver, tls)).await.unwrap();
            let ours = timed(async { lab.observe(&scenario).await.unwrap() }).await;
            let mut command = program(&lab, tls);
            let whole = timed(async {
                let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
                assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
            })
            .await;
            // The first round warms the caches.
            if run > 0 {
                alone.push(bare);
                library.push((ours, ours / bare));
                process.push((whole, whole / bare));
            }
        }
        let both = |pairs: &[(f64, f64)]| {
            let (mut times, mut ratios): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            format!("{:6.1} [{:.3}]", median(&mut times), median(&mut ratios))
        };
        let links = if tls { "greeting, EHLO, STARTTLS, TLS, EHLO" } else { "greeting, EHLO, A" };
        println!(
            "delay {delay:2} ms  chain {:6.1} ({links})  library {}  program {}",
            median(&mut alone),
            both(&library),
            both(&process)
        );
    }
}
