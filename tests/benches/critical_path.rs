//! Does one check cost more wall time than its longest chain of dependent round trips?
//!
//! `cargo bench --bench critical_path`. A world in which every DNS answer and every SMTP reply is held
//! back by the same time, and the EHLO name is not the PTR name (so that its address is a question of its
//! own, asked last); in turn, run by run: the chain alone, link by link with bare blocking sockets;
//! the library; the built program as a whole process. Printed: the medians, and their ratio to the
//! chain's in the same run; and, of library and program, the ratio with the receivers' questions and predictions
//! to the same without them (`--receivers none`). The chain (docs/architecture.md): greeting, EHLO, [STARTTLS, TLS handshake,
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
use std::time::{Duration, Instant};

use smtp_preflight::judge::judge_for;
use smtp_preflight::judge::receivers::{MAX_ASKED, Selection, questions};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use smtp_preflight::observe::{Dns, Further, Observer, Options, Request};
use smtp_preflight::smtp::TlsMode;
use smtp_preflight::target::Target;

const RUNS: usize = 15;
/// A check may take this much longer for the receivers' sake.
const GROWTH: f64 = 1.05;

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

fn program(lab: &RunningLab, tls: bool, receivers: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command
        .args([
            "check",
            "--receivers",
            receivers,
            lab.target.as_deref().unwrap(),
            "--resolver",
            &lab.resolvers[0].to_string(),
        ])
        .args(["--helo-as", "probe.example.net", "--tls", if tls { "auto" } else { "off" }]);
    command
}

/// A check by the library, judged: with all receivers or with none.
async fn checked(lab: &RunningLab, receivers: bool, tls: bool) {
    let selection = if receivers { Selection::All } else { Selection::None };
    let further = Further::new(|evidence| questions(evidence, &Selection::All, MAX_ASKED));
    let options = Options {
        helo_as: Some("probe.example.net".into()),
        tls: if tls { TlsMode::Auto } else { TlsMode::Off },
        further: receivers.then_some(further),
        ..Options::default()
    };
    let dns = Dns::each_of(&lab.resolvers, Duration::from_secs(3));
    let target = Target::parse(lab.target.as_deref().unwrap(), None).unwrap();
    let request = Request { target: Some(target), ..Request::default() };
    let evidence = Observer::new(dns, options).unwrap().observe(&request).await;
    let check = judge_for(&evidence[0], &selection);
    assert_eq!(check.receivers.is_empty(), !receivers);
    assert!(check.not_predicted.is_empty(), "{:?}", check.not_predicted);
}

async fn ran(mut command: Command) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Both, the first one first in every other run.
async fn in_turn<F: Future<Output = f64>>(run: usize, work: impl Fn(bool) -> F) -> (f64, f64) {
    if run.is_multiple_of(2) {
        let on = work(true).await;
        (on, work(false).await)
    } else {
        let off = work(false).await;
        (work(true).await, off)
    }
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
        let (mut growth, mut process_growth) = (Vec::new(), Vec::new());
        for run in 0..=RUNS {
            let bare = tokio::task::spawn_blocking(move || chain(peer, resolver, tls)).await.unwrap();
            let ours = timed(async { lab.observe(&scenario).await.unwrap() }).await;
            let (on, off) = in_turn(run, |on| timed(checked(&lab, on, tls))).await;
            let (whole, without) =
                in_turn(run, |on| timed(ran(program(&lab, tls, if on { "all" } else { "none" })))).await;
            // The first round warms the caches.
            if run > 0 {
                alone.push(bare);
                library.push((ours, ours / bare));
                process.push((whole, whole / bare));
                growth.push(on / off);
                process_growth.push(whole / without);
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
        let (growth, process_growth) = (median(&mut growth), median(&mut process_growth));
        println!("              with receivers to without: library {growth:.3}  program {process_growth:.3}");
        assert!(cfg!(debug_assertions) || growth.max(process_growth) <= GROWTH, "more than {GROWTH} times as long");
    }
}
