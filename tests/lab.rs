//! The lab itself, seen through raw sockets and raw DNS messages: what a scenario says is what a client meets.
#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "these tests are the client")]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hickory_resolver::proto::op::{Edns, Message, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RecordType};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_millis(700);

/// A scenario of these parts; what must come of it is of no weight here.
fn scenario(dns: &str, peer: &str) -> Scenario {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 0\n{dns}\n{peer}\n[[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\n\
         ptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Scenario::parse("test", &text).unwrap()
}

async fn world(dns: &str, peer: &str) -> RunningLab {
    Lab::start(&scenario(dns, peer)).await.unwrap()
}

fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message.edns.get_or_insert_with(Edns::new).set_max_payload(1232);
    message
}

async fn over_udp(at: SocketAddr, question: &Message) -> Option<Message> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(&question.to_vec().unwrap(), at).await.unwrap();
    let mut buffer = [0; 4096];
    let n = timeout(PATIENCE, socket.recv(&mut buffer)).await.ok()?.ok()?;
    Message::from_vec(&buffer[..n]).ok()
}

async fn over_tcp(at: SocketAddr, question: &Message) -> Option<Message> {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let octets = question.to_vec().unwrap();
    stream.write_u16(u16::try_from(octets.len()).unwrap()).await.unwrap();
    stream.write_all(&octets).await.unwrap();
    let length = timeout(PATIENCE, stream.read_u16()).await.ok()?.ok()?;
    let mut buffer = vec![0; length.into()];
    stream.read_exact(&mut buffer).await.ok()?;
    Message::from_vec(&buffer).ok()
}

/// Reads until the peer closes, or until nothing comes for a while.
async fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut got = Vec::new();
    let mut buffer = vec![0; 65536];
    while let Ok(Ok(n @ 1..)) = timeout(Duration::from_millis(300), stream.read(&mut buffer)).await {
        got.extend_from_slice(&buffer[..n]);
        if got.len() > 4 << 20 {
            break;
        }
    }
    got
}

async fn talk(at: SocketAddr, lines: &[&str]) -> String {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let mut got = rest(&mut stream).await;
    for line in lines {
        let _ = stream.write_all(line.as_bytes()).await;
        got.extend(rest(&mut stream).await);
    }
    String::from_utf8_lossy(&got).into_owned()
}

const ZONE: &str = r#"
[[dns]]
zone = """
$ORIGIN example.net.
mail A {ip}
$ORIGIN 127.in-addr.arpa.
{reverse}. PTR mail.example.net.
"""
"#;

#[tokio::test]
async fn zones_are_served_over_udp_and_tcp() {
    let lab = world(ZONE, "[[peer]]\naddress = '127.7.1.1'").await;
    let name = smtp_preflight::dns::reverse_name(lab.peers()[0].ip()) + ".";
    for answer in [
        over_udp(lab.resolvers[0], &query(&name, RecordType::PTR)).await.unwrap(),
        over_tcp(lab.resolvers[0], &query(&name, RecordType::PTR)).await.unwrap(),
    ] {
        assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
        assert!(answer.metadata.recursion_available && !answer.metadata.authoritative);
        assert_eq!(answer.answers[0].data.to_string(), "mail.example.net.");
    }
    let none = over_udp(lab.resolvers[0], &query("no.example.org.", RecordType::A)).await.unwrap();
    assert_eq!(none.metadata.response_code, ResponseCode::NXDomain);
    assert_eq!(none.authorities.len(), 1);
}

#[tokio::test]
async fn every_dns_fault_is_what_it_says() {
    use ResponseCode as R;
    let faults = [
        "servfail",
        "refused",
        "formerr",
        "notimp",
        "nodata",
        "nxdomain",
        "silence",
        "delay",
        "truncate_udp",
        "truncate_always",
        "tcp_drop",
        "malformed",
        "wrong_question",
        "alias_loop",
        "records_with_servfail",
    ];
    let mut dns = String::from("[[dns]]\nzone = '''\n$ORIGIN example.net.\n");
    for fault in faults {
        dns.extend([&fault.replace('_', "-"), " A 203.0.113.1\n"]);
    }
    dns += "twice A 203.0.113.1\n'''\n";
    for fault in faults {
        let name = fault.replace('_', "-");
        dns.extend(["[[dns.fault]]\nname = '", &name, ".example.net.'\nfault = '", fault]);
        dns += "'\ndelay_ms = 100\nede = 22\n";
    }
    dns += "[[dns.fault]]\nname = 'twice.example.net.'\ntype = 'A'\nfault = 'servfail'\nfirst = 2\n";
    let lab = world(&dns, "[check]\nip = ['203.0.113.1']").await;
    let at = lab.resolvers[0];
    let ask = async |label: &str, tcp: bool| {
        let question = query(&format!("{label}.example.net."), RecordType::A);
        let answer = if tcp { over_tcp(at, &question).await } else { over_udp(at, &question).await };
        answer.map(|a| {
            (
                a.metadata.response_code,
                a.metadata.truncation,
                a.answers.len(),
                a.queries[0].name() == question.queries[0].name(),
            )
        })
    };
    for (label, udp, tcp) in [
        ("servfail", Some((R::ServFail, false, 0, true)), Some((R::ServFail, false, 0, true))),
        ("refused", Some((R::Refused, false, 0, true)), Some((R::Refused, false, 0, true))),
        ("formerr", Some((R::FormErr, false, 0, true)), Some((R::FormErr, false, 0, true))),
        ("notimp", Some((R::NotImp, false, 0, true)), Some((R::NotImp, false, 0, true))),
        ("nodata", Some((R::NoError, false, 0, true)), Some((R::NoError, false, 0, true))),
        ("nxdomain", Some((R::NXDomain, false, 0, true)), Some((R::NXDomain, false, 0, true))),
        ("silence", None, None),
        ("delay", Some((R::NoError, false, 1, true)), Some((R::NoError, false, 1, true))),
        ("truncate-udp", Some((R::NoError, true, 0, true)), Some((R::NoError, false, 1, true))),
        ("truncate-always", Some((R::NoError, true, 0, true)), Some((R::NoError, true, 0, true))),
        ("tcp-drop", Some((R::NoError, true, 0, true)), None),
        ("malformed", None, None),
        ("wrong-question", Some((R::NoError, false, 1, false)), Some((R::NoError, false, 1, false))),
        ("alias-loop", Some((R::NoError, false, 2, true)), Some((R::NoError, false, 2, true))),
        ("records-with-servfail", Some((R::ServFail, false, 1, true)), Some((R::ServFail, false, 1, true))),
    ] {
        let begin = Instant::now();
        assert_eq!(ask(label, false).await, udp, "{label} over UDP");
        assert!(begin.elapsed() >= Duration::from_millis(100), "{label} came at once");
        assert_eq!(ask(label, true).await, tcp, "{label} over TCP");
    }
    let question = query("servfail.example.net.", RecordType::A);
    let options = over_udp(at, &question).await.unwrap().edns.unwrap();
    assert!(format!("{options:?}").contains("Unknown(15, [0, 22])"), "{options:?}");
    let codes = [ask("twice", false).await, ask("twice", false).await, ask("twice", false).await];
    assert_eq!(codes.map(|c| c.unwrap().0), [R::ServFail, R::ServFail, R::NoError]);
}

#[tokio::test]
async fn a_large_answer_is_truncated_by_itself() {
    let names: Vec<String> = (0..60).map(|n| format!("@ PTR host-number-{n}.of.a.long.list.example.")).collect();
    let dns = format!("[[dns]]\nzone = '''\n$ORIGIN 1.113.0.203.in-addr.arpa.\n{}\n'''", names.join("\n"));
    let lab = world(&dns, "[check]\nip = ['203.0.113.1']").await;
    let question = query("1.113.0.203.in-addr.arpa.", RecordType::PTR);
    let udp = over_udp(lab.resolvers[0], &question).await.unwrap();
    assert!(udp.metadata.truncation && udp.answers.len() < 60);
    assert_eq!(over_tcp(lab.resolvers[0], &question).await.unwrap().answers.len(), 60);
}

#[tokio::test]
async fn the_polite_peer_and_its_journal() {
    let lab = world(ZONE, "[[peer]]\naddress = '127.7.1.2'\nname = 'relay.example.net'").await;
    let got = talk(lab.peers()[0], &["EHLO probe.example\r\n", "MAIL FROM:<>\r\n", "QUIT\r\n"]).await;
    assert!(got.starts_with("220 relay.example.net ESMTP\r\n250-relay.example.net\r\n250-PIPELINING\r\n"), "{got}");
    let heard = lab.heard();
    assert_eq!(heard.len(), 1);
    assert!(heard[0].said("EHLO") && heard[0].said("MAIL") && heard[0].said("QUIT") && !heard[0].said("RCPT"));
    assert_eq!(heard[0].commands[0].argument, "probe.example");
    assert!(!heard[0].early && !heard[0].pipelined);
}

#[tokio::test]
async fn a_strict_peer_refuses_the_hasty() {
    let peer = "[[peer]]\naddress = '127.7.1.3'\nstrict = true\n[[peer.script]]\non = 'greeting'\n\
        do = [{ send = \"220-wait\\r\\n\" }, { wait_ms = 500 }, { send = \"220 now\\r\\n\" }]";
    let lab = world(ZONE, peer).await;
    let got = talk(lab.peers()[0], &["EHLO probe.example\r\n"]).await;
    assert!(got.starts_with("220-wait\r\n554 "), "{got}");
    assert!(lab.heard()[0].early);

    let mut patient = TcpStream::connect(lab.peers()[0]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(rest(&mut patient).await, b"220-wait\r\n220 now\r\n");
    patient.write_all(b"EHLO probe.example\r\nQUIT\r\n").await.unwrap();
    assert!(rest(&mut patient).await.starts_with(b"554 "));
    assert!(lab.heard()[1].pipelined && !lab.heard()[1].early);

    let lab = world(ZONE, "[[peer]]\naddress = '127.7.1.3'\nstrict = true").await;
    let mut hasty = TcpStream::connect(lab.peers()[0]).await.unwrap();
    let _ = hasty.write_all(b"EHLO probe.example\r\n").await;
    let got = rest(&mut hasty).await;
    assert!(got.starts_with(b"554 ") || got.starts_with(b"220 "), "either it was seen early or it came in time");
}

#[tokio::test]
async fn hostile_scripts() {
    let script =
        |steps: &str| format!("[[peer]]\naddress = '127.7.1.4'\n[[peer.script]]\non = 'greeting'\ndo = [{steps}]");
    let lab = world(ZONE, &script(r#"{ send_hex = "16 03 01 ff" }, "close""#)).await;
    let mut stream = TcpStream::connect(lab.peers()[0]).await.unwrap();
    assert_eq!(rest(&mut stream).await, [0x16, 3, 1, 0xff]);

    let lab = world(ZONE, &script(r#"{ fill = { text = "a", count = 1000000 } }, "close""#)).await;
    let mut stream = TcpStream::connect(lab.peers()[0]).await.unwrap();
    assert_eq!(rest(&mut stream).await.len(), 1_000_000);

    let lab = world(ZONE, &script(r#"{ repeat = "220-on\r\n" }"#)).await;
    let mut stream = TcpStream::connect(lab.peers()[0]).await.unwrap();
    assert!(rest(&mut stream).await.len() > 4 << 20);

    let lab = world(ZONE, &script(r#"{ drip = { text = "220 x\r\n", every_ms = 10 } }"#)).await;
    let begin = Instant::now();
    let mut stream = TcpStream::connect(lab.peers()[0]).await.unwrap();
    assert_eq!(rest(&mut stream).await, b"220 x\r\n");
    assert!(begin.elapsed() >= Duration::from_millis(60));

    let lab = world(ZONE, &script(r#""hang""#)).await;
    let mut stream = TcpStream::connect(lab.peers()[0]).await.unwrap();
    assert!(rest(&mut stream).await.is_empty());
}

#[tokio::test]
async fn nobody_listens() {
    let lab = world(ZONE, "[[peer]]\naddress = '127.7.1.5'\nlisten = 'closed'").await;
    assert_eq!(TcpStream::connect(lab.peers()[0]).await.unwrap_err().kind(), std::io::ErrorKind::ConnectionRefused);
    let lab = world(ZONE, "[[peer]]\naddress = '127.7.1.6'\nlisten = 'blackhole'").await;
    assert!(timeout(PATIENCE, TcpStream::connect(lab.peers()[0])).await.is_err(), "the connection was answered");
    let lab = world("[[dns]]\nclosed = true", "[[peer]]\naddress = '127.7.1.7'").await;
    assert!(over_udp(lab.resolvers[0], &query("example.net.", RecordType::A)).await.is_none());
}

#[tokio::test]
async fn a_lab_stops_when_dropped() {
    let lab = world(ZONE, "[[peer]]\naddress = '127.7.1.8'").await;
    let (dns, peer) = (lab.resolvers[0], lab.peers()[0]);
    assert!(over_udp(dns, &query("mail.example.net.", RecordType::A)).await.is_some());
    drop(lab);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(over_udp(dns, &query("mail.example.net.", RecordType::A)).await.is_none());
    assert!(TcpStream::connect(peer).await.is_err());
}

#[tokio::test]
async fn a_delay_holds_back_every_answer() {
    let mut slow = scenario(ZONE, "[[peer]]\naddress = '127.7.1.9'");
    slow.delay_ms = Some(120);
    let lab = Lab::start(&slow).await.unwrap();
    let begin = Instant::now();
    assert!(over_udp(lab.resolvers[0], &query("mail.example.net.", RecordType::A)).await.is_some());
    assert!(begin.elapsed() >= Duration::from_millis(120));
    let begin = Instant::now();
    let mut stream = TcpStream::connect(lab.peers()[0]).await.unwrap();
    let mut buffer = [0; 512];
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
    assert!(begin.elapsed() >= Duration::from_millis(120));
    stream.write_all(b"EHLO probe.example\r\n").await.unwrap();
    assert!(stream.read(&mut buffer).await.unwrap() > 0);
    assert!(begin.elapsed() >= Duration::from_millis(240));
}

#[test]
fn every_scenario_file_is_in_the_binary_and_reads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/scenarios");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let known: Vec<String> = Lab::scenarios().map(|s| s.unwrap().name).collect();
    assert_eq!(known, files, "the table in src/lab/embedded.rs, in order");
    for scenario in Lab::scenarios().map(Result::unwrap) {
        let kebab = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(scenario.name.bytes().all(kebab), "{}", scenario.name);
        assert!(!scenario.title.is_empty() && scenario.about.ends_with('.'), "{}", scenario.name);
    }
    assert!(matches!(Lab::scenario("no-such"), Err(fault) if fault.to_string().contains("no-such")));
}
