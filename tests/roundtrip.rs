//! `roundtrip`, the built program on loopback, through relays that the test plays. Real servers: `tests/real_peers`.

#![cfg(unix)]
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the test plays the relay")]
#![allow(clippy::unwrap_used, reason = "a test may")]

#[path = "listen/client.rs"]
mod client;

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use client::{Client, Wire};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

const WORLD: &str = "
[[dns]]
zone = '''
$ORIGIN example.net.
greet A 127.0.0.1
out A 127.0.0.1
$ORIGIN 0.0.127.in-addr.arpa.
1 PTR out.example.net.
'''
";

/// What a relay does with a message that it has taken over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Does {
    Deliver,
    Keep,
    Bounce,
    RefuseRecipient,
    Greylist,
    WantLogin,
    /// Says nothing.
    BeSilent,
    /// Breaks the handshake off.
    BreakTls,
    /// Closes the connection after the whole message, and delivers it or not.
    CloseAfterMessage {
        deliver: bool,
    },
    /// Has the program interrupted once the whole message is there, and says nothing to it.
    HangAfterMessage,
    /// Has it interrupted as soon as it has connected, and does not greet.
    HangAtConnect,
    /// Quotes the password in its refusal of the sender, in clear text and as it came.
    QuotePassword,
    /// Does not like our EHLO name, and says so at RCPT.
    RefuseHello,
    /// Asks the recipient's server first whether it takes the recipient; then refuses it.
    VerifyAndRefuse,
    /// Asks the sender's server first whether there is such a sender, and delivers when there is.
    VerifySender,
    /// The same, and refuses the recipient all the same.
    VerifySenderAndRefuse,
}

/// A relay: greets as greet.example.net, sends as out.example.net; takes `sender`/`open sesame`.
struct Relay {
    address: SocketAddr,
    /// Every line that it was told, over all connections.
    heard: Arc<Mutex<Vec<String>>>,
    /// Where the mail of the recipient's domain goes.
    door: Arc<Mutex<Option<SocketAddr>>>,
    /// The program that is tried.
    pid: Arc<Mutex<u32>>,
}

impl Relay {
    async fn start(does: Does, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (heard, door) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Option<SocketAddr>>>::default());
        let pid = Arc::<Mutex<u32>>::default();
        let relay = Self { address, heard: heard.clone(), door: door.clone(), pid: pid.clone() };
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (heard, door, tls, pid) = (heard.clone(), door.clone(), tls.clone(), pid.clone());
                tokio::spawn(async move { serve(Box::new(stream), does, tls, &heard, &door, &pid).await });
            }
        });
        relay
    }

    fn heard(&self) -> String {
        self.heard.lock().unwrap().join("\n")
    }
}

async fn serve(
    mut wire: Box<dyn Wire>,
    does: Does,
    mut tls: Option<TlsAcceptor>,
    heard: &Mutex<Vec<String>>,
    door: &Mutex<Option<SocketAddr>>,
    pid: &Mutex<u32>,
) -> Option<()> {
    let interrupt = || {
        let kill = format!("kill -INT {}", pid.lock().unwrap());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    };
    if does == Does::HangAtConnect {
        interrupt();
    }
    if matches!(does, Does::BeSilent | Does::HangAtConnect) {
        return wire.read_u8().await.map(|_| ()).ok();
    }
    wire.write_all(b"220 greet.example.net ESMTP Postfix\r\n").await.ok()?;
    let (mut envelope, mut message) = (Vec::new(), None::<String>);
    loop {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            line.push(wire.read_u8().await.ok()?);
        }
        let line = String::from_utf8(line).unwrap();
        if let Some(text) = &mut message {
            if line == ".\r\n" {
                if does == Does::HangAfterMessage {
                    interrupt();
                    return wire.read_u8().await.map(|_| ()).ok();
                }
                let closes = matches!(does, Does::CloseAfterMessage { .. });
                if !closes {
                    wire.write_all(b"250 2.0.0 Ok: queued as 4Xyz1k2Vtqz3xfS\r\n").await.ok()?;
                }
                let (envelope, text) = (std::mem::take(&mut envelope), message.take().unwrap());
                let to = *door.lock().unwrap();
                tokio::spawn(async move { pass_on(to.unwrap(), does, &envelope, &text).await });
                if closes {
                    return None;
                }
            } else {
                text.push_str(&line);
            }
            continue;
        }
        heard.lock().unwrap().push(line.trim_end().to_owned());
        let reply = match line.split([' ', '\r']).next().unwrap() {
            "EHLO" if tls.is_some() || does == Does::BreakTls => "250-greet.example.net\r\n250 STARTTLS\r\n",
            "EHLO" => "250-greet.example.net\r\n250 AUTH PLAIN\r\n",
            "STARTTLS" if does == Does::BreakTls => {
                wire.write_all(b"220 go\r\n").await.ok()?;
                return None;
            }
            "STARTTLS" => {
                wire.write_all(b"220 go\r\n").await.ok()?;
                wire = Box::new(tls.take()?.accept(wire).await.ok()?);
                continue;
            }
            "AUTH" if line.contains("AHNlbmRlcgBvcGVuIHNlc2FtZQ==") => "235 2.7.0 welcome\r\n",
            "AUTH" => "535 5.7.8 who?\r\n",
            "RCPT" if does == Does::RefuseRecipient => "554 5.7.1 Relay access denied\r\n",
            "RCPT" if does == Does::RefuseHello => {
                "504 5.5.2 <vm>: Helo command rejected: need fully-qualified hostname\r\n"
            }
            "MAIL" if does == Does::QuotePassword => {
                "550 5.7.1 open sesame is no password, nor AHNlbmRlcgBvcGVuIHNlc2FtZQ, nor b3BlbiBzZXNhbWU=\r\n"
            }
            "RCPT" if does == Does::Greylist => "450 4.2.0 Greylisted, try again in 300 s\r\n",
            "MAIL" if does == Does::WantLogin => "530 5.7.0 Authentication required\r\n",
            "RCPT" if does == Does::VerifyAndRefuse => {
                let to = *door.lock().unwrap();
                assert_eq!(verify(to.unwrap(), &line).await, 250);
                "550 5.1.1 not verified\r\n"
            }
            "RCPT" if matches!(does, Does::VerifySender | Does::VerifySenderAndRefuse) => {
                let (to, sender) = (*door.lock().unwrap(), envelope[0].replace("MAIL FROM", "RCPT TO"));
                match verify(to.unwrap(), &sender).await {
                    250 if does == Does::VerifySender => {
                        envelope.push(line.clone());
                        "250 2.1.5 Ok\r\n"
                    }
                    250 => "550 5.7.1 no relaying\r\n",
                    _ => "450 4.1.7 Sender address rejected: unverified address\r\n",
                }
            }
            "MAIL" | "RCPT" => {
                envelope.push(line.clone());
                "250 2.1.0 Ok\r\n"
            }
            "DATA" => {
                message = Some(String::new());
                "354 go on\r\n"
            }
            "QUIT" => "221 bye\r\n",
            _ => "250 Ok\r\n",
        };
        wire.write_all(reply.as_bytes()).await.ok()?;
    }
}

/// Verification of an address by callout, as Exim and Postfix do it: no message comes. Gives the reply to RCPT.
async fn verify(door: SocketAddr, recipient: &str) -> u16 {
    let mut client = Client::greeted(door).await;
    client.say("EHLO callout.example.net").await;
    client.say("MAIL FROM:<>").await;
    let code = client.say(recipient.trim_end()).await;
    client.say("QUIT").await;
    code
}

/// Sends the message on to the door; a bounce goes to its sender instead.
async fn pass_on(door: SocketAddr, does: Does, envelope: &[String], text: &str) {
    if matches!(does, Does::Keep | Does::CloseAfterMessage { deliver: false }) {
        return;
    }
    let mut client = Client::greeted(door).await;
    client.say("EHLO localhost").await;
    client.starttls().await;
    client.say("EHLO out.example.net").await;
    if does == Does::Bounce {
        client.say("MAIL FROM:<>").await;
        let sender = envelope[0].trim_end().replace("MAIL FROM", "RCPT TO");
        assert_eq!((client.say(&sender).await, client.say("DATA").await), (250, 354));
        assert_eq!(client.say("Subject: Undelivered\r\n\r\nsorry\r\n.").await, 250, "it stays in no queue");
    } else {
        for line in envelope {
            assert_eq!(client.say(line.trim_end()).await, 250);
        }
        assert_eq!(client.say("DATA").await, 354);
        let hop = "Received: from probe.example.net (unknown [192.0.2.7])\r\n\tby greet.example.net (Postfix) with \
                   ESMTPS id 4Xyz1k2Vtqz3xfS\r\n\tfor <t1@probe.example>; Fri, 27 Nov 2026 12:00:00 +0000 (UTC)\r\n";
        assert_eq!(client.say(&format!("{hop}{text}.")).await, 250);
    }
    client.say("QUIT").await;
}

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

impl Ran {
    #[track_caller]
    fn trip(&self) -> Value {
        let report: Value = serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err));
        report["roundtrip"].clone()
    }
}

/// Runs `roundtrip` through this relay; tells the relay where our door is.
async fn run(relay: &Relay, more: &[&str]) -> Ran {
    run_with(relay, more, &[]).await
}

async fn run_with(relay: &Relay, more: &[&str], env: &[(&str, &str)]) -> Ran {
    let lab: RunningLab = Lab::start(&Scenario::world("trip", WORLD).unwrap()).await.unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["roundtrip", "--relay", &relay.address.to_string(), "--to", "t1@probe.example"]);
    command.args(["--bind", "127.0.0.1:0", "--name", "probe.example.net", "--resolver", &lab.resolvers[0].to_string()]);
    command.args(more).envs(env.iter().copied()).env_remove("NO_COLOR");
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    *relay.pid.lock().unwrap() = child.id();
    let door = relay.door.clone();
    tokio::task::spawn_blocking(move || {
        let _lab = lab;
        let mut err = String::new();
        for line in BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap) {
            if let Some((_, place)) = line.split_once("listening as probe.example.net at ") {
                *door.lock().unwrap() = Some(place.parse().unwrap());
            }
            err += &(line + "\n");
        }
        let mut out = String::new();
        child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        Ran { exit: child.wait().unwrap().code().unwrap(), out, err }
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_of_a_relay() {
    let relay = Relay::start(Does::Deliver, None).await;
    let ran = run(&relay, &["--tls", "auto", "--format", "json"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"]), (0, &json!("arrived")), "{trip:#}");
    let comparison = &trip["comparison"];
    assert_eq!(
        comparison["name"],
        json!({"greeting": "greet.example.net", "sending": "out.example.net", "same": false})
    );
    assert_eq!(comparison["address"]["same"], true);
    assert_eq!(comparison["tls"], json!({"greeting": "plain text", "sending": "TLSv1.3", "same": false}));
    assert_eq!(comparison["verdict"], json!({"greeting": "differ", "sending": "agree", "same": false}));
    assert_eq!(comparison["differences"].as_array().unwrap().len(), 3);
    assert_eq!(
        comparison["judged"],
        "Receivers judge the sending side: EHLO out.example.net from 127.0.0.1, verdict agree."
    );
    assert_eq!(trip["arrival"]["session"]["ehlo_before_tls"], "localhost");
    assert_eq!(trip["hops"][0]["by"], "greet.example.net");
    assert_eq!(trip["hops"][0]["ip"], "192.0.2.7");
    assert_eq!(trip["sending"]["queue_id"], "4Xyz1k2Vtqz3xfS");
    let schema: Value = serde_json::from_str(&smtp_preflight::report::roundtrip_schema_json()).unwrap();
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&report).map(|e| format!("{e} at {}", e.instance_path)).collect();
    assert_eq!(faults, [""; 0]);
    for format in ["table", "markdown"] {
        let ran = run(&relay, &["--tls", "auto", "--format", format]).await;
        for words in
            ["greet.example.net", "out.example.net", "AGREES", "4Xyz1k2Vtqz3xfS", "Receivers judge the sending side"]
        {
            assert!(ran.out.contains(words), "{format}: {words}: {}", ran.out);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_does_not_come() {
    let relay = Relay::start(Does::Keep, None).await;
    let ran = run(&relay, &["--tls", "auto", "--format", "json", "--wait", "1s"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"]), (3, &json!("not-arrived")));
    let look = trip["where_to_look"].to_string();
    for words in ["queued it as 4Xyz1k2Vtqz3xfS", "Postfix: postqueue -p", "The MX of probe.example must lead"] {
        assert!(look.contains(words), "{words}: {look}");
    }
    assert!(!look.contains("exim -bp"), "{look}");

    let relay = Relay::start(Does::Bounce, None).await;
    let trip = run(&relay, &["--tls", "auto", "--format", "json", "--wait", "3s"]).await.trip();
    assert_eq!(trip["outcome"], "not-arrived", "a bounce is not the message");
    assert!(trip["where_to_look"].to_string().contains("a bounce or a delivery report"), "{trip:#}");
    assert_eq!(trip["others"][0]["session"]["mail_from"], json!([""]));

    let relay = Relay::start(Does::RefuseRecipient, None).await;
    let ran = run(&relay, &["--tls", "auto"]).await;
    assert_eq!(ran.exit, 3);
    assert!(ran.out.contains("NOT SENT") && ran.out.contains("554 5.7.1 Relay access denied"), "{}", ran.out);

    let relay = Relay::start(Does::VerifyAndRefuse, None).await;
    let ran = run(&relay, &["--tls", "auto", "--format", "json"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"]), (3, &json!("not-sent")), "asked for the recipient only: {trip:#}");
    assert_eq!(trip["arrival"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_handed_over_says_so_and_what_to_do() {
    let table = async |does| {
        let relay = Relay::start(does, None).await;
        let ran = run(&relay, &["--tls", "auto", "--format", "table"]).await;
        assert_eq!(ran.exit, 3, "{}", ran.out);
        (ran.out.split_whitespace().collect::<Vec<_>>().join(" "), relay.address)
    };
    let (out, address) = table(Does::WantLogin).await;
    for words in [
        &format!("NOT SENT Dialled {address} · 530 5.7.0 Authentication required"),
        "wants a login: give --credentials FILE",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(!out.contains("Handed over"), "{out}");
    let (out, _) = table(Does::Greylist).await;
    for words in ["450 4.2.0", "try again later", "greylists", "--to t1@probe.example --from t1-sender@probe.example"] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let relay = Relay::start(Does::RefuseRecipient, None).await;
    run(&relay, &["--tls", "auto"]).await;
    let heard = relay.heard();
    let commands = heard.lines().skip_while(|l| !l.starts_with("RCPT")).collect::<Vec<_>>();
    assert_eq!(commands, ["RCPT TO:<t1@probe.example>", "QUIT"], "it takes its leave");
    let (out, _) = table(Does::RefuseRecipient).await;
    assert!(out.contains("from those only that it knows: give --credentials FILE"), "{out}");
    let (out, address) = table(Does::BreakTls).await;
    assert!(out.contains(&format!("Dialled {address} Where to look")), "a reply before the fault is not its: {out}");
    assert!(out.contains("the TLS handshake failed") && !out.contains("The relay's words"), "{out}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_closes_after_the_message_may_have_taken_it() {
    let relay = Relay::start(Does::CloseAfterMessage { deliver: false }, None).await;
    let ran = run(&relay, &["--tls", "auto", "--wait", "1s", "--format", "json"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"], &trip["sending"]["accepted"]), (3, &json!("not-arrived"), &json!(false)));
    assert_eq!(trip["sending"]["fault"]["stage"], "message");
    let look = trip["where_to_look"].to_string();
    assert!(look.contains("It is not known whether the relay took it over: the relay closed the connection"), "{look}");
    // Without close_notify, as many do.
    let secure = Some(certified("127.0.0.1", &authority()));
    let relay = Relay::start(Does::CloseAfterMessage { deliver: false }, secure).await;
    let ran = run(&relay, &["--wait", "1s", "--format", "json"]).await;
    assert!(ran.out.contains("took it over: the relay closed the connection after the message"), "{}", ran.out);
    assert!(!ran.out.contains("rustls"), "{}", ran.out);
    let relay = Relay::start(Does::CloseAfterMessage { deliver: true }, None).await;
    let trip = run(&relay, &["--tls", "auto", "--format", "json"]).await.trip();
    assert_eq!(trip["outcome"], "arrived", "it is waited for all the same: {trip:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_leaves_what_is_known() {
    let relay = Relay::start(Does::HangAfterMessage, None).await;
    let ran = run(&relay, &["--tls", "auto", "--format", "json", "--timeout", "10m"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"], &trip["sending"]["accepted"]), (3, &json!("not-arrived"), &json!(false)));
    assert_eq!(trip["sending"]["fault"]["stage"], "message");
    let look = trip["where_to_look"].to_string();
    assert!(look.contains("It is not known whether the relay took it over: interrupted before the relay"), "{look}");
    let stages: Vec<&str> =
        trip["sending"]["stages"].as_array().unwrap().iter().map(|s| s["stage"].as_str().unwrap()).collect();
    assert_eq!(stages, ["greeting", "mail", "rcpt", "data"], "the evidence stays");
    assert!(trip["greeting"].is_object());
    assert!(ran.err.contains("interrupted: what is known by now is told"), "{}", ran.err);

    let relay = Relay::start(Does::HangAtConnect, None).await;
    let ran = run(&relay, &["--tls", "auto", "--format", "json", "--timeout", "10m"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"]), (3, &json!("not-sent")));
    assert!(trip["where_to_look"].to_string().contains("interrupted while the relay was dialled"), "{trip:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_name_is_warned_about_and_its_refusal_is_no_call_for_a_login() {
    let relay = Relay::start(Does::RefuseHello, None).await;
    let ran = run(&relay, &["--tls", "auto", "--helo-as", "vm"]).await;
    assert!(ran.err.contains("says EHLO vm, which is no full name: a relay may refuse it; give --name"), "{}", ran.err);
    let out = ran.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains("The relay does not like the name that we say in EHLO: give --name"), "{out}");
    assert!(!out.contains("--credentials"), "{out}");
    let ran = run(&relay, &["--tls", "auto"]).await;
    assert!(!ran.err.contains("no full name"), "{}", ran.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_relay_takes_the_time_once() {
    let relay = Relay::start(Does::BeSilent, None).await;
    let ran = run(&relay, &["--tls", "auto", "--timeout", "2s", "--format", "json"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"], &trip["sending"]), (3, &json!("not-sent"), &Value::Null));
    assert!(trip["where_to_look"][0].as_str().unwrap().starts_with("The relay does not greet: "), "{trip:#}");
    let ran = run(&relay, &["--tls", "auto", "--timeout", "1s"]).await;
    assert!(ran.out.contains("NOT SENT\n\nWhere to look\n1. The relay does not greet"), "{}", ran.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_verifies_the_sender() {
    let relay = Relay::start(Does::VerifySender, None).await;
    let ran = run(&relay, &["--tls", "auto", "--format", "json"]).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"]), (0, &json!("arrived")), "{trip:#}");
    assert_eq!(trip["arrival"]["session"]["ehlo"], "out.example.net", "the callout is not the arrival");
    let callout = &trip["others"][0]["session"];
    assert_eq!((&callout["rcpt_to"], &callout["arrived"]), (&json!(["t1-sender@probe.example"]), &json!(false)));

    let relay = Relay::start(Does::VerifySenderAndRefuse, None).await;
    let trip = run(&relay, &["--tls", "auto", "--format", "json"]).await.trip();
    assert_eq!(trip["outcome"], "not-sent");
    let look = trip["where_to_look"].to_string();
    assert!(look.contains("it asked whether the envelope sender t1-sender@probe.example exists (a callout)"), "{look}");
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_never_leave_in_clear_text() {
    let relay = Relay::start(Does::Deliver, None).await;
    let login = [("SMTP_PREFLIGHT_USER", "sender"), ("SMTP_PREFLIGHT_PASSWORD", "open sesame")];
    let ran = run_with(&relay, &["--tls", "auto", "--format", "json"], &login).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["sending"]["fault"]["stage"]), (3, &json!("auth")), "{trip:#}");
    assert!(!relay.heard().contains("AUTH") && !relay.heard().contains("MAIL"), "{}", relay.heard());
    let ran = run_with(&relay, &["--tls", "off"], &login).await;
    assert_eq!(ran.exit, 2);
    assert!(ran.err.contains("credentials are never sent in clear text"), "{}", ran.err);
    let trip = run(&relay, &["--format", "json"]).await.trip();
    assert_eq!(trip["sending"]["fault"]["stage"], "tls", "STARTTLS is required unless told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_to_a_certificate_that_is_vouched_for() {
    let issuer = authority();
    let relay = Relay::start(Does::Deliver, Some(certified("127.0.0.1", &issuer))).await;
    let folder = tempfile::tempdir().unwrap();
    let ca = folder.path().join("ca.pem");
    std::fs::write(&ca, issuer.pem()).unwrap();
    let login = [("SMTP_PREFLIGHT_USER", "sender"), ("SMTP_PREFLIGHT_PASSWORD", "open sesame")];

    let ran = run_with(&relay, &["--format", "json"], &login).await;
    assert_eq!(ran.trip()["sending"]["fault"]["stage"], "auth", "{}", ran.out);
    assert!(ran.out.contains("the credentials were not sent") && !relay.heard().contains("AUTH"));
    let ran = run_with(&relay, &["--format", "json", "--ca", ca.to_str().unwrap()], &login).await;
    let trip = ran.trip();
    assert_eq!((ran.exit, &trip["outcome"], &trip["sending"]["authenticated"]), (0, &json!("arrived"), &json!(true)));
    assert!(!ran.out.contains("sesame") && !ran.err.contains("sesame"));
    let wrong = [("SMTP_PREFLIGHT_USER", "sender"), ("SMTP_PREFLIGHT_PASSWORD", "wrong")];
    let ran = run_with(&relay, &["--any-certificate"], &wrong).await;
    assert_eq!(ran.exit, 3);
    assert!(ran.out.contains("535 5.7.8"), "{}", ran.out);
    assert!(!ran.out.contains("who?"), "a reply to AUTH may quote the credentials: {}", ran.out);

    let relay = Relay::start(Does::QuotePassword, Some(certified("127.0.0.1", &issuer))).await;
    let ran = run_with(&relay, &["--format", "json", "--ca", ca.to_str().unwrap()], &login).await;
    let said = "(the password) is no password, nor (the password), nor (the password)";
    assert!(ran.out.contains(said), "{}", ran.out);
    assert!(!ran.out.contains("sesame") && !ran.out.contains("b3Blbi"), "{}", ran.out);

    let relay = Relay::start(Does::Deliver, Some(certified("other.example", &issuer))).await;
    let ran = run_with(&relay, &["--format", "json", "--ca", ca.to_str().unwrap()], &login).await;
    assert_eq!(ran.trip()["sending"]["fault"]["stage"], "auth", "{}", ran.out);
    assert!(
        ran.out.contains("dial it as other.example, the name in its certificate") && !relay.heard().contains("AUTH"),
        "{}",
        ran.out
    );
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(rcgen::DnType::CommonName, "Test Authority");
    CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_goes_to_the_very_certificate_that_was_given() {
    let login = [("SMTP_PREFLIGHT_USER", "sender"), ("SMTP_PREFLIGHT_PASSWORD", "open sesame")];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.pem");
    // As `openssl req -x509` makes them: self-signed, and an authority's by its words.
    for (host, outcome) in [("127.0.0.1", "arrived"), ("other.example", "not-sent")] {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![host.into()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let own = params.self_signed(&key).unwrap();
        std::fs::write(&file, own.pem()).unwrap();
        let relay = Relay::start(Does::Deliver, Some(showing(own.der().clone(), &key))).await;
        let ran = run_with(&relay, &["--format", "json", "--ca", file.to_str().unwrap()], &login).await;
        let trip = ran.trip();
        assert_eq!(trip["outcome"], outcome, "{host}: {trip:#}");
        assert_eq!(relay.heard().contains("AUTH"), outcome == "arrived", "{host}");
    }
}

/// TLS with a certificate for this host, signed by the authority.
fn certified(host: &str, issuer: &CertifiedIssuer<'_, KeyPair>) -> TlsAcceptor {
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec![host.into()]).unwrap().signed_by(&key, issuer).unwrap();
    showing(leaf.der().clone(), &key)
}

fn showing(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::try_from(key.serialize_der()).unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[test]
fn setup_prints_the_records_and_bad_usage_is_one_sentence() {
    let program = |args: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        program.stdin(Stdio::null()).env_remove("SMTP_PREFLIGHT_USER").arg("roundtrip").args(args).output().unwrap()
    };
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    let ip = ["--address", "203.0.113.5", "--address", "2001:db8::5"];
    let setup = program(&[&["--setup", "--to", "probe.example", "--name", "mx.probe.example"], &ip[..]].concat());
    assert_eq!(setup.status.code(), Some(0));
    assert_eq!(
        text(setup.stdout),
        "probe.example. 300 IN MX 10 mx.probe.example.\nmx.probe.example. 300 IN A 203.0.113.5\n\
         mx.probe.example. 300 IN AAAA 2001:db8::5\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("login");
    std::fs::write(&file, "one line\n").unwrap();
    let file = file.to_str().unwrap();
    let relay = ["--relay", "127.0.0.1", "--to", "probe.example", "--bind", "127.0.0.1:0", "-q"];
    for (args, words) in [
        (vec!["--setup", "--to", "probe.example", "--name", "mx.probe.example"], "which address do the records name?"),
        (
            vec!["--setup", "--to", "probe.example", "--address", "127.0.0.1", "--name", "mx.probe.example"],
            "--address 127.0.0.1: no other machine reaches that",
        ),
        (
            vec!["--setup", "--to", "probe.example", "--address", "203.0.113.5", "--format", "json"],
            "--setup prints lines for a zone file",
        ),
        (vec!["--relay", "127.0.0.1", "--to", "a b@probe.example"], "--to a b: give 1 to 64 letters"),
        (vec!["--relay", "127.0.0.1", "--to", "a..b"], "--to a..b: "),
        (vec!["--relay", "http://x", "--to", "probe.example"], "--relay: target `http://x`: scheme"),
        ([&relay[..], &["--from", "a>b@example.net"]].concat(), "--from a>b@example.net: give an address"),
        ([&relay[..], &["--auth", "plain"]].concat(), "--auth needs credentials"),
        ([&relay[..], &["--credentials", "/nonexistent"]].concat(), "--credentials /nonexistent: No such file"),
        ([&relay[..], &["--credentials", file]].concat(), "it has not these two lines"),
        ([&relay[..], &["--auth-user", "x"]].concat(), "there is no terminal to ask for the password"),
        ([&relay[..], &["--ca", "Cargo.toml"]].concat(), "--ca Cargo.toml: there is no certificate in it"),
        ([&relay[..], &["--wait", "0"]].concat(), "--wait 0: give a time from 1s to 24h"),
    ] {
        let output = program(&args);
        let err = text(output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(words) && err.lines().count() == 1, "{args:?}: {err}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}
