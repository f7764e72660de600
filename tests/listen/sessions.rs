//! What is heard of a session, and judged.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::world::Ear;

fn codes(line: &Value) -> Vec<&str> {
    line["remarks"].as_array().unwrap().iter().map(|r| r["code"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_name_inside_tls_both_shown_and_the_second_judged() {
    let ear = Ear::start(&["--once"]).await;
    let mut client = Client::greeted(ear.doors[0]).await;
    assert_eq!(client.say("EHLO localhost").await, 250);
    client.starttls().await;
    assert_eq!(client.say("EHLO mail.example.net").await, 250);
    assert_eq!(client.say("MAIL FROM:<a@example.net>").await, 250);
    assert_eq!(client.say("RCPT TO:<b@probe.example>").await, 451);
    assert_eq!(client.say("QUIT").await, 221);
    let ended = ear.ended().await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.err);
    let lines = ended.lines();
    assert_eq!(lines.len(), 1);
    let session = &lines[0]["session"];
    assert_eq!(
        session["helos"],
        json!([
            {"verb": "EHLO", "name": "localhost", "secure": false},
            {"verb": "EHLO", "name": "mail.example.net", "secure": true},
        ])
    );
    assert_eq!(session["ehlo_before_tls"], "localhost");
    assert_eq!(session["ehlo"], "mail.example.net");
    assert_eq!(session["ehlo_same"], false);
    assert_eq!(session["tls"]["version"], "TLSv1.3");
    assert_eq!(session["tls"]["server_name"], "probe.example.net");
    assert_eq!(session["mail_from"], json!(["a@example.net"]));
    assert_eq!(session["rcpt_to"], json!(["b@probe.example"]));
    assert_eq!(session["ended"], "quit");
    assert_eq!(codes(&lines[0]), ["ehlo-changed"]);
    let check = &lines[0]["check"];
    assert_eq!(check["client"]["ehlo"], "mail.example.net");
    assert_eq!(check["client"]["ehlo_source"], "listened");
    assert_eq!(check["client"]["ip"], "127.0.0.1");
    assert_eq!(check["client"]["ip_source"], "listened");
    assert_eq!(check["client"]["assumes_greets_as_it_sends"], false);
    assert_eq!(check["agreement"]["verdict"], "agree", "{check:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_shows_both_names_and_the_verdict() {
    let ear = Ear::start(&["--once", "--format", "table"]).await;
    let mut client = Client::greeted(ear.doors[0]).await;
    client.say("EHLO localhost").await;
    client.starttls().await;
    client.say("EHLO other.example.net").await;
    client.say("QUIT").await;
    let ended = ear.ended().await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.err);
    for words in [
        "EHLO localhost before TLS, EHLO other.example.net inside TLS",
        "receivers judge the second",
        "DIFFERS\n",
        "│ EHLO other.example.net │ PTR  mail.example.net │ ✗ differ │",
    ] {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn manners() {
    let ear = Ear::start(&["--count", "4", "--greet-delay", "2s"]).await;
    let mut early = Client::connect(ear.doors[0]).await;
    early.send(b"EHLO mail.example.net\r\n").await.unwrap();
    assert_eq!((early.reply().await, early.reply().await), (220, 250));
    early.say("QUIT").await;
    let mut hasty = Client::greeted(ear.doors[0]).await;
    hasty.send(b"HELO mail.example.net\r\nMAIL FROM:<a@example.net>\r\nQUIT\r\n").await.unwrap();
    assert_eq!((hasty.reply().await, hasty.reply().await, hasty.reply().await), (250, 250, 221));
    let mut injector = Client::greeted(ear.doors[0]).await;
    injector.say("EHLO mail.example.net").await;
    injector.send(b"STARTTLS\r\nMAIL FROM:<>\r\n").await.unwrap();
    injector.reply().await;
    injector.secure().await;
    assert_eq!(injector.say("RCPT TO:<a@b.example>").await, 503, "what came before TLS is forgotten");
    assert_eq!(injector.say("EHLO mail.example.net").await, 250, "and has no reply");
    injector.say("QUIT").await;
    let mut shy = Client::greeted(ear.doors[0]).await;
    shy.say("GET / HTTP/1.1").await;
    shy.say("AUTH PLAIN AGEAc2VjcmV0").await;
    shy.say("QUIT").await;
    let mut plain = Client::greeted(ear.doors[0]).await;
    plain.say("EHLO mail.example.net").await;
    plain.say("MAIL FROM:<a@example.net>").await;
    drop(plain);
    let ended = ear.ended().await;
    assert!(!ended.out.contains("AGEAc2VjcmV0"), "a password is not written down");
    let mut lines = ended.lines();
    lines.sort_by_key(|l| l["session"]["number"].as_u64());
    let seen: Vec<Vec<&str>> = lines.iter().map(codes).collect();
    assert_eq!(
        seen,
        [
            vec!["spoke-early"],
            vec!["pipelined-early", "no-tls"],
            vec!["pipelined-early", "injected-before-tls"],
            vec!["no-ehlo"],
            vec!["no-tls"]
        ]
    );
    assert_eq!(lines[3]["check"], Value::Null);
    assert_eq!(lines[3]["session"]["unknown"], json!(["GET", "AUTH"]));
    assert_eq!(lines[4]["session"]["ended"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_is_one_result_however_many_are_there() {
    let ear = Ear::start(&["--once", "--accept", "--format", "table"]).await;
    let mut clients = Vec::new();
    for _ in 0..5 {
        let mut client = Client::greeted(ear.doors[0]).await;
        client.say("EHLO mail.example.net").await;
        clients.push(client);
    }
    let mut first = clients.remove(0);
    for line in ["MAIL FROM:<a@example.net>", "RCPT TO:<b@probe.example>", "DATA"] {
        assert!([250, 354].contains(&first.say(line).await));
    }
    assert_eq!(first.say("Received: from a.example by b.example; now\r\n\r\n.").await, 250);
    assert_eq!(first.say("QUIT").await, 221);
    for mut client in clients {
        assert_eq!(client.reply().await, 421);
    }
    let ended = ear.ended().await;
    assert_eq!(ended.out.matches("Session ").count(), 1, "{}", ended.out);
    for words in ["Taken  1 message, and dropped", "Hop    from a.example by b.example; now"] {
        assert!(ended.out.contains(words), "{words}: {}", ended.out);
    }
    assert!(ended.err.contains("4 more sessions ended behind the last one asked for"), "{}", ended.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_token_is_reported_and_ends_the_wait() {
    let ear = Ear::start(&["--once", "--only", "t1", "--accept"]).await;
    let mut other = Client::greeted(ear.doors[0]).await;
    other.say("EHLO mail.example.net").await;
    other.say("MAIL FROM:<>").await;
    assert_eq!(other.say("RCPT TO:<t2@probe.example>").await, 451);
    other.say("QUIT").await;
    let mut ours = Client::greeted(ear.doors[0]).await;
    ours.say("EHLO mail.example.net").await;
    ours.say("MAIL FROM:<a@example.net>").await;
    assert_eq!(ours.say("RCPT TO:<box+t1@probe.example>").await, 250);
    assert_eq!(ours.say("DATA").await, 354);
    let message = "Received: from a.example by b.example\r\n\twith SMTP; now\r\nSubject: secret\r\n\r\nsecret\r\n.";
    assert_eq!(ours.say(message).await, 250);
    ours.say("QUIT").await;
    let ended = ear.ended().await;
    let lines = ended.lines();
    assert_eq!(lines.len(), 1, "{}", ended.out);
    assert_eq!(lines[0]["session"]["matched"], true);
    assert_eq!(lines[0]["session"]["messages"], 1);
    assert_eq!(lines[0]["session"]["received"], json!(["from a.example by b.example\twith SMTP; now"]));
    assert!(!ended.out.contains("secret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn implicit_tls_and_a_given_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let params = rcgen::CertificateParams::new(vec!["probe.example.net".into()]).unwrap();
    let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert_file, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_file, key.serialize_pem()).unwrap();
    let (cert, key) = (cert_file.to_str().unwrap(), key_file.to_str().unwrap());
    let ear = Ear::start(&["--bind", "smtps://127.0.0.1:0", "--cert", cert, "--key", key, "--once"]).await;
    let mut client = Client::connect(ear.doors[0]).await;
    client.secure().await;
    assert_eq!(client.reply().await, 220);
    assert_eq!(client.say("EHLO mail.example.net").await, 250);
    assert_eq!(client.say("STARTTLS").await, 502);
    client.say("QUIT").await;
    let lines = ear.ended().await.lines();
    let session = &lines[0]["session"];
    assert_eq!(session["implicit_tls"], true);
    assert_eq!(session["tls"]["version"], "TLSv1.3");
    assert_eq!((&session["ehlo_before_tls"], &session["ehlo_same"]), (&Value::Null, &Value::Null));
    assert_eq!(lines[0]["check"]["agreement"]["verdict"], "agree");
}

/// A PROXY header of version 2 for TCP over IPv4.
fn proxy_header(source: [u8; 4]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    header.extend(source);
    header.extend([192, 0, 2, 1]);
    header.extend(40_000_u16.to_be_bytes());
    header.extend(25_u16.to_be_bytes());
    header
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_balancer_names_the_client() {
    let ear = Ear::start(&["--proxy-from", "127.0.0.0/8", "--count", "1"]).await;
    let mut client = Client::connect(ear.doors[0]).await;
    client.send(&proxy_header([203, 0, 113, 10])).await.unwrap();
    assert_eq!(client.reply().await, 220);
    client.say("EHLO relay.example.net").await;
    client.say("QUIT").await;
    let mut silent = Client::connect(ear.doors[0]).await;
    silent.send(b"EHLO x\r\n..........").await.ok();
    assert_eq!(silent.reply().await, 0, "without a header there is no session");
    let mut lines = ear.ended().await.lines();
    lines.sort_by_key(|l| l["session"]["number"].as_u64());
    let session = &lines[0]["session"];
    assert_eq!((&session["client"], &session["local"]), (&json!("203.0.113.10:40000"), &json!("192.0.2.1:25")));
    assert!(session["proxy"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert_eq!(session["early"], false, "the header is the balancer's, not the client's");
    assert_eq!(lines[0]["check"]["client"]["ip"], "203.0.113.10");
    assert_eq!(lines[0]["check"]["dns"]["ptr"]["names"], json!(["relay.example.net"]));
    if let Some(second) = lines.get(1) {
        assert_eq!(second["session"]["ended"], "proxy-refused");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_behind_a_balancer_are_counted_by_their_own_addresses() {
    let ear = Ear::start(&["--proxy-from", "127.0.0.1", "--max-per-address", "2"]).await;
    let named = async |source: [u8; 4]| {
        let mut client = Client::connect(ear.doors[0]).await;
        client.send(&proxy_header(source)).await.unwrap();
        let code = client.reply().await;
        (client, code)
    };
    let (_one, first) = named([203, 0, 113, 10]).await;
    let (two, second) = named([203, 0, 113, 10]).await;
    let (_, third) = named([203, 0, 113, 10]).await;
    assert_eq!((first, second, third), (220, 220, 421));
    let mut others = Vec::new();
    for last in 20..25 {
        let (client, code) = named([203, 0, 113, last]).await;
        assert_eq!(code, 220, "the balancer's own address does not count");
        others.push(client);
    }
    drop(two);
    let (mut again, mut code) = (None, 421);
    for _ in 0..100 {
        if code == 220 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        let (client, got) = named([203, 0, 113, 10]).await;
        (again, code) = (Some(client), got);
    }
    assert_eq!(code, 220, "a place that was left is free again");
    drop(again);
    ear.signal("TERM");
    let ended = ear.ended().await;
    assert!(ended.err.contains("too many at once from one address"), "{}", ended.err);
    let mut numbers: Vec<u64> = ended.lines().iter().map(|l| l["session"]["number"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=8).collect::<Vec<_>>(), "who was turned away has no number");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balancer_that_speaks_for_itself_is_answered_and_not_reported() {
    let ear = Ear::start(&["--proxy-from", "127.0.0.1", "--once"]).await;
    let mut health = Client::connect(ear.doors[0]).await;
    health.send(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").await.unwrap();
    assert_eq!((health.reply().await, health.say("EHLO localhost").await), (220, 250));
    health.say("QUIT").await;
    let mut client = Client::connect(ear.doors[0]).await;
    client.send(&proxy_header([203, 0, 113, 10])).await.unwrap();
    assert_eq!((client.reply().await, client.say("EHLO relay.example.net").await), (220, 250));
    client.say("QUIT").await;
    let ended = ear.ended().await;
    let lines = ended.lines();
    assert_eq!(lines.len(), 1, "{}", ended.out);
    assert_eq!(
        (&lines[0]["session"]["number"], &lines[0]["session"]["ehlo"]),
        (&json!(1), &json!("relay.example.net"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_header_from_anyone_else_is_refused() {
    let ear = Ear::start(&["--count", "1"]).await;
    for header in [proxy_header([203, 0, 113, 10]), b"PROXY TCP4 203.0.113.10 192.0.2.1 40000 25\r\n".to_vec()] {
        let mut client = Client::connect(ear.doors[0]).await;
        client.send(&header).await.unwrap();
        assert_eq!(client.reply().await, 554);
        assert_eq!(client.reply().await, 0);
    }
    // In pieces, as a network may deliver it.
    for (first, rest) in [
        (&b"PROXY"[..], &b" TCP4 203.0.113.10 192.0.2.1 40000 25\r\nEHLO x\r\n"[..]),
        (b"\r\n\r\n", &proxy_header([203, 0, 113, 10])[4..]),
    ] {
        let mut client = Client::greeted(ear.doors[0]).await;
        client.send(first).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        client.send(rest).await.unwrap();
        let mut code = 500;
        while code == 500 {
            code = client.reply().await;
        }
        assert_eq!((code, client.reply().await), (554, 0));
    }
    let mut client = Client::greeted(ear.doors[0]).await;
    client.say("EHLO mail.example.net").await;
    client.say("QUIT").await;
    let mut lines = ear.ended().await.lines();
    lines.sort_by_key(|l| l["session"]["number"].as_u64());
    assert_eq!(lines.len(), 5);
    for refused in &lines[..4] {
        assert_eq!(refused["session"]["ended"], "proxy-refused");
        assert!(refused["session"]["client"].as_str().unwrap().starts_with("127.0.0.1:"));
        assert_eq!(refused["check"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_json_forms_keep_to_their_schema() {
    let ear = Ear::start(&["--count", "2", "--format", "json"]).await;
    for name in ["mail.example.net", "\u{9b}31m<b>|`x`"] {
        let mut client = Client::greeted(ear.doors[0]).await;
        client.say(&format!("EHLO {name}")).await;
        client.say("QUIT").await;
    }
    let ended = ear.ended().await;
    let report: Value = serde_json::from_str(&ended.out).unwrap();
    let schema: Value = serde_json::from_str(&smtp_preflight::report::listen_schema_json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> = validator.iter_errors(&report).map(|e| format!("{e} at {}", e.instance_path)).collect();
    assert_eq!(faults, [""; 0]);
    assert_eq!(report["summary"]["sessions"], 2);
    assert_eq!(report["summary"]["checks"], 2);
    assert!(!ended.out.contains('\u{9b}'));
}
