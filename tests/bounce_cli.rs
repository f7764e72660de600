//! The bounce desk from outside: the built program over the samples, with the lab's DNS beside it.
//!
//! `fixtures/desk.toml` holds the DNS: some of the samples' addresses are repaired in it, some are not.

#![expect(clippy::disallowed_methods, reason = "the test writes the mail and reads what is printed")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use smtp_preflight::lab::{Lab, RunningLab, Scenario};

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("NO_COLOR").stdin(Stdio::null());
    command.arg("bounce").args(args);
    command
}

fn run(args: &[&str]) -> Output {
    program(args).output().unwrap()
}

fn run_with_stdin(args: &[&str], stdin: &[u8]) -> Output {
    let mut child = program(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let octets = stdin.to_vec();
    let writing = std::thread::spawn(move || drop(pipe.write_all(&octets)));
    let out = child.wait_with_output().unwrap();
    writing.join().unwrap();
    out
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

fn sample(start: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bounces");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    found.retain(|p| p.file_name().unwrap().to_string_lossy().starts_with(start));
    assert_eq!(found.len(), 1, "{start}");
    found.remove(0)
}

fn at(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Everything printed may stand on a terminal.
fn harmless(out: &Output) {
    for stream in [&out.stdout, &out.stderr] {
        let printed = text(stream);
        let raw = printed.chars().find(|c| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c));
        assert_eq!(raw, None, "{printed}");
    }
}

async fn lab() -> (RunningLab, String) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/desk.toml");
    let scenario = Scenario::parse("desk", &std::fs::read_to_string(path).unwrap()).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    let resolver = lab.resolvers[0].to_string();
    (lab, resolver)
}

/// Runs beside the lab, whose servers live on this runtime.
async fn run_in(resolver: &str, args: &[&str]) -> Output {
    let mut command = program(args);
    command.args(["--resolver", resolver, "--timeout", "5s"]);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn json(out: &Output) -> Value {
    serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out.stdout)))
}

#[tokio::test(flavor = "multi_thread")]
async fn then_and_now() {
    let (_lab, resolver) = lab().await;
    for (start, standing, because, code) in [
        ("01-", "still-broken", "203.0.113.10 has no PTR (nxdomain)", 1),
        ("03-", "fixed-since", "twelve.sender.example has A 203.0.113.12", 0),
        ("02-", "could-not-tell", "could not be looked up (servfail)", 3),
        ("13-", "still-broken", "eighteen.sender.example is 198.51.100.18", 1),
        ("08-", "still-broken", "dyn-203-0-113-14.isp.example", 1),
        ("09-", "not-visible", "six.sender.example has AAAA 2001:db8:9::25", 3),
        ("35-", "fixed-since", "out.sender.example has A 203.0.113.33", 0),
        ("25-", "could-not-tell", "does not state which address", 3),
        ("04-", "could-not-tell", "does not state which address", 3),
    ] {
        let path = sample(start);
        let out = run_in(&resolver, &[at(&path), "--format", "json"]).await;
        let report = json(&out);
        let entry = &report["bounces"][0];
        assert_eq!(entry["since"]["standing"], standing, "{start}: {}", entry["since"]);
        assert!(entry["since"]["because"].as_str().unwrap().contains(because), "{start}: {}", entry["since"]);
        assert_eq!(out.status.code(), Some(code), "{start}");
        assert_eq!(entry["check"].is_null(), entry["sending_ip"]["ip"].is_null(), "{start}");
        assert_eq!(report["summary"]["since"][0]["what"], standing, "{start}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ehlo_name_is_held_against_the_address() {
    let (_lab, resolver) = lab().await;
    let line = |ip: &str, name: &str, why: &str| {
        format!(
            "Mar 12 10:11:12 mx postfix/smtpd[9]: NOQUEUE: reject: RCPT from unknown[{ip}]: 450 4.7.1 <{name}>: Helo \
             command rejected: {why}; from=<a@sender.example> to=<b@receiver.example> proto=ESMTP helo=<{name}>"
        )
    };
    for (line, standing, code) in [
        (line("203.0.113.33", "out.sender.example", "Host not found"), "fixed-since", 0),
        (line("203.0.113.12", "out.sender.example", "Host not found"), "still-broken", 1),
        (line("203.0.113.33", "nowhere.sender.example", "Host not found"), "still-broken", 1),
        (line("203.0.113.33", "mailhost", "need fully-qualified hostname"), "not-visible", 3),
    ] {
        let out = run_in(&resolver, &["--text", &line, "--format", "ndjson"]).await;
        let entry = json(&out);
        assert_eq!(entry["identity"], "ehlo-bad", "{line}");
        assert_eq!(entry["since"]["standing"], standing, "{line}: {}", entry["since"]);
        assert_eq!(out.status.code(), Some(code), "{line}");
        assert_eq!(entry["check"]["client"]["ehlo_source"], "received");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_and_the_schema() {
    let (_lab, resolver) = lab().await;
    let out = run_in(&resolver, &["fixtures/bounces", "--format", "json"]).await;
    let report = json(&out);
    let schema = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/bounces.json"));
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema.unwrap()).unwrap()).unwrap();
    let faults: Vec<String> = validator.iter_errors(&report).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    let mut broken = report.clone();
    broken["bounces"][0]["since"]["standing"] = "perhaps".into();
    assert!(!validator.is_valid(&broken), "the schema lets anything through");

    assert_eq!(report["schema"], "smtp-preflight/1");
    let bounces = report["bounces"].as_array().unwrap();
    assert!(bounces.len() >= 70 && report["summary"]["messages"] == bounces.len());
    let first = &bounces[0];
    assert_eq!(first["file"], "fixtures/bounces/01-postfix-gmail-ptr.eml");
    for (field, value) in [("kind", "dsn"), ("cause", "sender-identity"), ("identity", "ptr-missing")] {
        assert_eq!(first[field], value);
    }
    assert_eq!((&first["reply"]["code"], &first["reply"]["enhanced"]), (&550.into(), &"5.7.25".into()));
    assert_eq!((&first["receiver"], &first["ehlo"]), (&"Gmail".into(), &Value::Null));
    assert_eq!(first["sending_ip"]["ip"], "203.0.113.10");
    assert_eq!(first["sending_ip"]["source"], "diagnostic");
    let check = &first["check"];
    assert_eq!(check["client"]["ip_source"], "reported");
    assert_eq!(check["agreement"]["ptr_forward"]["state"], "absent");
    assert_eq!((&check["iprev"], &check["smtp"]), (&"permerror".into(), &Value::Null));
    assert_eq!(check["dns"]["ptr"]["zone"]["contact"], "hostmaster@host.example");
    let received = bounces.iter().find(|b| b["sending_ip"]["source"] == "received").unwrap();
    assert_eq!(received["check"]["client"]["ip_source"], "received");

    let lines = run_in(&resolver, &["fixtures/bounces", "--format", "ndjson"]).await;
    let lines: Vec<Value> = text(&lines.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), bounces.len());
    assert!(lines.iter().zip(bounces).all(|(l, b)| l["file"] == b["file"] && l["since"] == b["since"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_asked_about_once() {
    let (_lab, resolver) = lab().await;
    let folder = tempfile::tempdir().unwrap();
    for n in 0..40 {
        std::fs::copy(sample("01-"), folder.path().join(format!("{n:02}.eml"))).unwrap();
    }
    let out = run_in(&resolver, &[at(folder.path()), "-v"]).await;
    let transcript = text(&out.stderr);
    assert_eq!(transcript.matches("PTR 10.113.0.203.in-addr.arpa").count(), 1, "{transcript}");
    let printed = text(&out.stdout);
    assert_eq!(printed.lines().filter(|l| l.contains("broken") && l.contains("203.0.113.10")).count(), 40);
    let sentence = "203.0.113.10, accounts for 40 of the 40 refusals";
    assert!(printed.replace('\n', " ").contains(sentence), "{printed}");
    assert_eq!(out.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_full_report_and_the_answer_say_it_all() {
    let (_lab, resolver) = lab().await;
    let path = sample("01-");
    let words = [
        "STILL BROKEN",
        "Gmail refused the message because 203.0.113.10 has no PTR record",
        "550 5.7.25 [203.0.113.10] The IP address sending this message",
        "Recipient  bert@receiver.example",
        "203.0.113.10 · the receiver quotes it",
        "Then       ✗ no PTR record, said Gmail",
        "✗ 203.0.113.10 has no PTR (nxdomain)",
        "for 5 min",
        "What to do",
        "113.0.203.in-addr.arpa",
    ];
    let out = run_in(&resolver, &[at(&path)]).await;
    harmless(&out);
    let printed = text(&out.stdout);
    for words in words {
        assert!(printed.contains(words), "{words} is not in\n{printed}");
    }
    // A command is never folded: broken in two it cannot be pasted.
    let command = |l: &str| l.trim_start().starts_with("smtp-preflight check");
    assert!(printed.lines().all(|l| l.chars().count() <= 80 || command(l)), "{printed}");
    assert_eq!(text(&out.stderr), "");
    for args in [["--ticket", "customer"], ["--format", "markdown"]] {
        let out = run_in(&resolver, &[at(&path), args[0], args[1]]).await;
        let printed = text(&out.stdout).split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "");
        for words in ["203.0.113.10", "no PTR record", "5.7.25", "has no PTR (nxdomain)", "zone 113.0.203.in-addr.arpa"]
        {
            assert!(printed.contains(words), "{args:?}: {words} is not in\n{printed}");
        }
    }
    let fixed = text(&run_in(&resolver, &[at(&sample("03-")), "--ticket", "customer"]).await.stdout);
    assert!(fixed.contains("Fixed since") && fixed.contains("Send the message again"), "{fixed}");
    assert!(!fixed.contains("need you to do"), "{fixed}");
    let guess = text(&run_in(&resolver, &[at(&sample("05-"))]).await.stdout);
    assert!(
        guess.contains("calls itself out.sender.example, now") && guess.contains("203.0.113.33, a guess"),
        "{guess}"
    );
    assert!(guess.contains("COULD NOT TELL") && guess.contains("check --ip 203.0.113.33 --ehlo"), "{guess}");
    let hop = text(&run_in(&resolver, &[at(&sample("63-"))]).await.stdout);
    assert!(hop.contains("It left the sender's network from 203.0.113.46"), "{hop}");
    assert!(hop.contains("mail.sender.example has A 203.0.113.46"), "{hop}");
}

#[test]
fn exit_codes_without_a_network() {
    for (start, args, code) in [
        ("01-", vec![], 1),
        ("01-", vec!["--fail-on", "error"], 3),
        ("01-", vec!["--fail-on", "never"], 0),
        ("45-", vec![], 0),
        ("66-", vec![], 0),
        ("39-", vec![], 0),
    ] {
        let path = sample(start);
        let out = run(&[&[at(&path), "--no-check"], args.as_slice()].concat());
        assert_eq!(out.status.code(), Some(code), "{start} {args:?}: {}", text(&out.stderr));
        assert_eq!(text(&out.stderr), "");
    }
    for (args, words) in [
        (vec!["--timeout", "soon"], "--timeout soon: give a time"),
        (vec!["--resolver", "dns.example"], "--resolver dns.example: give the server's IP"),
    ] {
        let out = run(&args);
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).contains(words) && text(&out.stderr).lines().count() == 1);
        assert!(out.stdout.is_empty());
    }
    for args in
        [&["--text", "x", "y.eml"][..], &["--ticket", "provider"], &["--ticket", "customer", "--format", "json"]]
    {
        assert_eq!(run(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn standard_input_and_pasted_words() {
    let line = "550-5.7.25 [203.0.113.10] The IP address sending this message does not have a PTR record setup, or \
                the corresponding\n550 5.7.25 forward DNS entry does not point to the sending IP";
    for (args, stdin) in [
        (vec!["--no-check"], line.as_bytes()),
        (vec!["--no-check", "-"], line.as_bytes()),
        (vec!["--no-check", "--text", line], b"".as_slice()),
    ] {
        let out = run_with_stdin(&args, stdin);
        let printed = text(&out.stdout);
        assert_eq!(out.status.code(), Some(1), "{args:?}");
        assert!(printed.contains("203.0.113.10 has no PTR record"), "{args:?}: {printed}");
    }
    let mail = std::fs::read(sample("01-")).unwrap();
    assert!(text(&run_with_stdin(&["--no-check"], &mail).stdout).contains("Gmail refused the message"));
    let nothing = run_with_stdin(&["--no-check"], b" \n");
    assert_eq!(nothing.status.code(), Some(2));
    assert_eq!(text(&nothing.stderr), "smtp-preflight: -: empty: there is no text in it\n");
}

/// An mbox of samples, and how many.
fn mbox() -> (Vec<u8>, usize) {
    let samples = ["01-", "02-", "45-", "63-", "08-"];
    let mut mbox = Vec::new();
    for start in samples {
        mbox.extend(b"From MAILER-DAEMON  Fri Apr 30 01:02:03 2010\n");
        mbox.extend(std::fs::read(sample(start)).unwrap());
        mbox.extend(b"\n\n");
    }
    (mbox, samples.len())
}

#[test]
fn maildirs_directories_and_mboxes() {
    let folder = tempfile::tempdir().unwrap();
    let maildir = folder.path().join("Maildir");
    for part in ["cur", "new", "tmp"] {
        std::fs::create_dir_all(maildir.join(part)).unwrap();
    }
    std::fs::copy(sample("01-"), maildir.join("cur/1700000000.M1.host:2,S")).unwrap();
    std::fs::copy(sample("02-"), maildir.join("new/1700000001.M2.host")).unwrap();
    std::fs::copy(sample("03-"), maildir.join("tmp/half-written")).unwrap();
    std::fs::write(maildir.join("dovecot-uidlist"), "3 V1 N2").unwrap();
    let files = |args: &[&str]| -> Vec<String> {
        let out = run(&[args, &["--no-check", "--format", "ndjson"]].concat());
        harmless(&out);
        let of = |l: &str| serde_json::from_str::<Value>(l).unwrap()["file"].as_str().unwrap().to_owned();
        text(&out.stdout).lines().map(of).collect()
    };
    let read = files(&[at(&maildir)]);
    assert_eq!(read.len(), 2, "{read:?}");
    assert!(read[0].ends_with("cur/1700000000.M1.host:2,S") && read[1].ends_with("new/1700000001.M2.host"));

    let (mbox, messages) = mbox();
    let file = folder.path().join("box");
    std::fs::write(&file, &mbox).unwrap();
    let read = files(&[at(&file)]);
    assert_eq!(read.len(), messages);
    assert!(read[4].ends_with("box#5"), "{read:?}");
    let out = run_with_stdin(&["--no-check"], &mbox);
    assert!(text(&out.stdout).contains("5 messages, 4 bounces"), "{}", text(&out.stdout));

    std::fs::create_dir(folder.path().join("deeper")).unwrap();
    std::fs::copy(sample("45-"), folder.path().join("deeper/one.eml")).unwrap();
    std::fs::write(folder.path().join(".hidden"), "x").unwrap();
    assert_eq!(files(&[at(folder.path())]).len(), 2 + messages + 1);
}

#[test]
fn an_empty_directory_is_said_to_be_one() {
    let folder = tempfile::tempdir().unwrap();
    for format in [&[][..], &["--format", "json"]] {
        let out = run(&[&[at(folder.path()), "--no-check"], format].concat());
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).contains("nothing to read"), "{}", text(&out.stderr));
    }
}

/// What is no mail is a row that says why; a service's event is read, named or not, and each of several by itself.
#[test]
fn what_is_no_mail_says_why_and_an_event_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    let event = |ip: &str| {
        format!(
            r#"{{"event":"bounce","reason":"550-5.7.25 [{ip}] no PTR record\n550 5.7.25 refused","status":"5.7.25"}}"#
        )
    };
    file("a.json", &event("203.0.113.1"));
    let delivered = r#"{"event":"delivered","response":"250 2.0.0 OK"}"#;
    file("b.log", &format!("{}\n{delivered}\n{}\n", event("203.0.113.2"), event("203.0.113.3")));
    file("c-settings.json", r#"{"title":"two words","list":[1,2]}"#);
    file("d-table.tsv", "file\tcause\tip\na.eml\t550 5.7.25 no PTR\t203.0.113.9\n");
    file("e.html", "<!DOCTYPE html><p>550 5.7.25 no PTR");
    file("f-cut.log", &format!("{}\n{{\"event\":\"bou", event("203.0.113.4")));
    std::fs::copy(sample("01-"), folder.path().join("g.eml")).unwrap();
    for format in [&[][..], &["--format", "json"], &["--format", "markdown"], &["--format", "table"], &["-q"]] {
        let out = run(&[&[at(folder.path()), "--no-check"], format].concat());
        harmless(&out);
        let said = text(&out.stdout);
        for why in ["JSON with no refusal in it", "a table of values", "XML or HTML"] {
            assert_eq!(said.matches(why).count(), 1, "{why}: {said}");
        }
    }
    let report = json(&run(&[at(folder.path()), "--no-check", "--format", "json"]));
    let entries = report["bounces"].as_array().unwrap();
    let rows: Vec<(&str, &str)> = entries
        .iter()
        .map(|b| {
            (b["file"].as_str().unwrap().rsplit('/').next().unwrap(), b["sending_ip"]["ip"].as_str().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        rows,
        [
            ("a.json", "203.0.113.1"),
            ("b.log#1", "203.0.113.2"),
            ("b.log#3", "203.0.113.3"),
            ("c-settings.json", ""),
            ("d-table.tsv", ""),
            ("e.html", ""),
            ("f-cut.log#1", "203.0.113.4"),
            ("f-cut.log", ""),
            ("g.eml", "203.0.113.10"),
        ]
    );
    assert_eq!((&report["summary"]["skipped"], &report["summary"]["bounces"]), (&3.into(), &5.into()));
    for (row, entry) in entries.iter().enumerate() {
        let (skipped, bounce) = (entry["skipped"].as_str(), entry["bounce"] == true);
        let unreadable = entry["unreadable"].as_str();
        let one = [skipped.is_some(), unreadable.is_some(), bounce].into_iter().filter(|yes| *yes).count();
        assert_eq!(one, 1, "{row}: {entry}");
        assert!(unreadable.is_none_or(|why| why.contains("is no JSON; the events before that were read")), "{entry}");
        assert!(skipped.is_none_or(|why| why.ends_with("give the file by its own name to have it read all the same")));
    }
    // By its own name a log is read to its fault, and the fault is said.
    let cut = folder.path().join("f-cut.log");
    let out = run(&[at(&cut), "--no-check"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("it is no JSON; the events before that were read"), "{}", text(&out.stderr));
    assert!(text(&out.stdout).contains("203.0.113.4"));
    // Where nothing was read at all, that is no success.
    let only = tempfile::tempdir().unwrap();
    std::fs::write(only.path().join("x.json"), "{}").unwrap();
    let out = run(&[at(only.path()), "--no-check"]);
    assert_eq!((out.status.code(), text(&out.stderr).lines().count()), (Some(2), 1));
    assert!(text(&out.stderr).contains("no file in there is mail") && text(&out.stdout).contains("SKIPPED"));
}

#[cfg(unix)]
#[test]
fn what_cannot_be_read_is_a_row_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &[u8]| std::fs::write(folder.path().join(name), content).unwrap();
    file("a-binary", &[0, 1, 2, 3, 255, 254].repeat(500));
    file("b-empty", b"");
    file("c-truncated", &std::fs::read(sample("01-")).unwrap()[..900]);
    let parts = (0..20_000).map(|n| format!("Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n"));
    let nested: Vec<String> = std::iter::once("Subject: x\nMIME-Version: 1.0\n".to_owned()).chain(parts).collect();
    file("d-nested", nested.concat().as_bytes());
    file("e-escapes", "Subject: \u{1b}]0;x\u{7}\u{202e}\n\n550 5.7.1 \u{1b}[2J\u{9b}31m no PTR\n".as_bytes());
    file("f-huge", &b"Subject: x\n\n550 5.7.1 no PTR, and so on and so on\n".repeat((50 << 20) / 48));
    std::os::unix::fs::symlink("/nonexistent", folder.path().join("g-dangling")).unwrap();
    std::os::unix::fs::symlink(folder.path(), folder.path().join("h-loop")).unwrap();
    std::fs::copy(sample("01-"), folder.path().join("i-\u{1b}[31mgood.eml")).unwrap();
    let begun = Instant::now();
    for format in [&[][..], &["--format", "json"], &["--format", "markdown"], &["--format", "table"], &["-q"]] {
        let out = run(&[&[at(folder.path()), "--no-check"], format].concat());
        harmless(&out);
        assert_eq!(out.status.code(), Some(2), "{format:?}: {}", text(&out.stderr));
        assert!(text(&out.stderr).contains("could not be read, the others were"), "{}", text(&out.stderr));
        assert_eq!(text(&out.stderr).lines().count(), 1);
    }
    let report = json(&run(&[at(folder.path()), "--no-check", "--format", "json"]));
    let of = |name: &str| {
        let bounces = report["bounces"].as_array().unwrap();
        bounces.iter().find(|b| b["file"].as_str().unwrap().contains(name)).unwrap_or_else(|| panic!("{name}"))
    };
    for (name, why) in [
        ("a-binary", "binary"),
        ("b-empty", "empty"),
        ("f-huge", "too large: more than 32 MiB"),
        ("g-dangling", "cannot be opened: No such file"),
    ] {
        assert!(of(name)["unreadable"].as_str().unwrap().starts_with(why), "{}", of(name));
    }
    assert_eq!(of("good.eml")["identity"], "ptr-missing");
    assert_eq!(of("d-nested")["truncated"], true);
    assert!(!report["bounces"].as_array().unwrap().iter().any(|b| b["file"].as_str().unwrap().contains("h-loop")));
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
}

/// The peak resident memory of a run over a directory, in KiB; 0 where this system does not tell.
fn peak(folder: &Path) -> u64 {
    let mut child = program(&["--no-check", "-q", at(folder)]).stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kib = line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or_default();
        peak = peak.max(kib);
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

#[test]
fn memory_does_not_grow_with_the_number_of_messages() {
    let folder = tempfile::tempdir().unwrap();
    let (mbox, _) = mbox();
    std::fs::write(folder.path().join("box"), mbox.repeat(20)).unwrap();
    let few = peak(folder.path());
    std::fs::write(folder.path().join("box"), mbox.repeat(200)).unwrap();
    let many = peak(folder.path());
    assert!(many < few + 8192, "{few} KiB for a hundred, {many} KiB for a thousand");
}

#[test]
fn a_reader_who_leaves_ends_the_run_quietly() {
    let mut child = program(&["--no-check", "fixtures/bounces", "fixtures/bounces", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let out = child.wait_with_output().unwrap();
    assert_eq!((out.status.code(), text(&out.stderr).as_str()), (Some(1), ""));
}

#[test]
fn width_and_colour() {
    let path = sample("01-");
    let out = run(&[at(&path), "--no-check", "--color", "always"]);
    assert!(text(&out.stdout).contains("\u{1b}["), "colour when told");
    let out = run(&["fixtures/bounces", "--no-check"]);
    let printed = text(&out.stdout);
    let wide: Vec<&str> = printed.lines().filter(|l| l.chars().count() > 80 && !l.contains("2001:")).collect();
    assert!(wide.is_empty(), "{wide:#?}");
}
