//! The built program from outside: exit codes, the two streams, bad input, saved evidence.

#![expect(clippy::disallowed_methods, reason = "the test plays the servers and writes the files")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use smtp_preflight::judge::Code;
use smtp_preflight::lab::{Lab, RunningLab};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.env_remove("NO_COLOR").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// A scenario's servers, and the arguments that check it.
async fn world(name: &str) -> (RunningLab, Vec<String>) {
    let lab = Lab::start(&Lab::scenario(name).unwrap()).await.unwrap();
    let mut args: Vec<String> =
        ["check", "--helo-as", "probe.example.net", "--control", "none"].map(String::from).into();
    args.extend(lab.target.clone());
    args.extend(lab.ips.iter().flat_map(|ip| ["--ip".into(), ip.to_string()]));
    args.extend(lab.ehlo.iter().flat_map(|e| ["--ehlo".into(), e.clone()]));
    args.extend(lab.resolvers.iter().flat_map(|r| ["--resolver".into(), r.to_string()]));
    args.extend(["--timeout".into(), format!("{}ms", lab.timeout.as_millis())]);
    (lab, args)
}

/// Runs beside the lab, whose servers live on this runtime.
async fn run_in(args: &[String], more: &[&str]) -> Output {
    let mut command = program();
    command.args(args).args(more);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[test]
fn bad_usage_is_one_sentence_and_exit_2() {
    let missing = "/nonexistent/evidence.json";
    for (args, words) in [
        (vec!["check"], "nothing to check: give a TARGET"),
        (vec!["check", "--no-connect", "mail.example.net"], "--no-connect needs --ip"),
        (vec!["check", "a..b"], "target `a..b`: the name has an empty label"),
        (vec!["check", "http://mail.example.net"], "scheme `http`"),
        (vec!["check", "user@example.net"], "this is a mailbox"),
        (vec!["check", "mail.example.net:smtp"], "`smtp` is not a port"),
        (
            vec!["check", "mail.example.net", "--resolver", "dns.example"],
            "--resolver dns.example: give the server's IP",
        ),
        (vec!["check", "mail.example.net", "--timeout", "soon"], "--timeout soon: give a time"),
        (vec!["check", "--ip", "10.0.0.0/8"], "a range of 2^24 addresses is too large"),
        (vec!["check", "--ip", "mail.example.net"], "give an IP address or a range"),
        (vec!["check", "--ip", "192.0.2.1", "--ehlo", ""], "the EHLO name `` cannot be used"),
        (vec!["check", "--ip", "192.0.2.1", "--ehlo", "a\u{1b}[2Jb"], "the EHLO name `a\\x1b[2Jb` cannot be used"),
        (vec!["check", "--replay", missing], "--replay /nonexistent/evidence.json: No such file"),
        (
            vec!["check", "--input", missing, "--resolver", "127.0.0.1"],
            "--input /nonexistent/evidence.json: No such file",
        ),
        (vec!["check", "--input", missing, "mail.example.net"], "--input brings its own targets"),
        (
            vec!["check", "192.0.2.1", "--save", "/nonexistent/evidence.json"],
            "--save /nonexistent/evidence.json: No such file",
        ),
        (vec!["check", "192.0.2.1", "--save", "/"], "--save /: is a directory"),
        (vec!["demo", "no-such-scenario"], "there is no scenario no-such-scenario"),
    ] {
        let out = run(&args);
        let err = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
        assert_eq!(err.lines().count(), 1, "one sentence: {err}");
        assert!(err.starts_with("smtp-preflight: "), "{err}");
        assert_eq!(text(&out.stdout), "", "{args:?}");
    }
    for args in [vec!["chekc"], vec!["check", "--no-such-option"], vec!["check", "x", "--port", "0"], vec![]] {
        let out = run(&args);
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(!out.stderr.is_empty() && out.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn broken_evidence_files_are_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("e.json");
    for (content, words) in [
        ("", "not saved evidence"),
        ("{", "not saved evidence"),
        ("[1,2]", "not saved evidence"),
        (r#"{"schema":"smtp-preflight-evidence/9","evidence":[]}"#, "its schema is `smtp-preflight-evidence/9`"),
        (r#"{"schema":"smtp-preflight-evidence/1","evidence":[]}"#, "nothing to check"),
        (r#"{"schema":"smtp-preflight-evidence/1"}"#, "missing field `evidence`"),
        (r#"{"schema":"smtp-preflight-evidence/1","evidence":[{}]}"#, "missing field"),
        ("\u{1b}[31m", "not saved evidence"),
    ] {
        std::fs::write(&file, content).unwrap();
        let out = run(&["check", "--replay", file.to_str().unwrap()]);
        let err = text(&out.stderr);
        assert_eq!(out.status.code(), Some(2), "{content}: {err}");
        assert!(err.contains(words) && err.lines().count() == 1 && !err.contains('\u{1b}'), "{content}: {err}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_and_streams() {
    for (name, code) in
        [("agree", 0), ("ptr-missing", 1), ("ptr-servfail", 3), ("port-closed", 3), ("resolver-dead", 3)]
    {
        let (_lab, args) = world(name).await;
        let out = run_in(&args, &[]).await;
        assert_eq!(out.status.code(), Some(code), "{name}: {}", text(&out.stderr));
        assert!(!out.stdout.is_empty(), "{name}: what was learnt is printed");
        assert!(!text(&out.stdout).contains('\u{1b}'), "{name}: no colour in a pipe");
    }
    let (_lab, args) = world("ptr-missing").await;
    assert_eq!(run_in(&args, &["--fail-on", "never"]).await.status.code(), Some(0));
    assert_eq!(run_in(&args, &["--fail-on", "error"]).await.status.code(), Some(1));
    let out = run_in(&args, &["-q"]).await;
    assert_eq!((text(&out.stdout).lines().count(), text(&out.stderr).as_str()), (1, ""), "{}", text(&out.stdout));
    let out = run_in(&args, &["--color", "always"]).await;
    assert!(text(&out.stdout).contains("\u{1b}["), "colour when told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trouble_is_one_sentence_beside_the_report() {
    for (name, words) in [
        ("port-closed", "Connection refused"),
        ("target-unresolvable", "has neither A nor AAAA"),
        ("not-smtp-http", "does not begin with a reply code"),
        ("greeting-never-comes", "no complete reply in time"),
        ("plain-port-dialled-with-tls", "leave out smtps://"),
    ] {
        let (_lab, args) = world(name).await;
        let out = run_in(&args, &[]).await;
        let err = text(&out.stderr);
        assert!(err.lines().count() == 1 && err.contains(words), "{name}: {err}");
        assert_eq!(out.status.code(), Some(3), "{name}");
    }
}

/// The other finding, on the PTR, is as heavy and comes first.
#[test]
fn the_sentence_advises_on_the_trouble_and_on_nothing_else() {
    let port = hostile(b"HTTP/1.1 400 Bad Request\r\n\r\n", Duration::from_millis(10));
    let out = run(&[
        "check",
        &format!("127.0.0.1:{port}"),
        "--resolver",
        "127.0.0.1:1",
        "--control",
        "none",
        "--timeout",
        "5s",
    ]);
    let err = text(&out.stderr);
    let advice = Code::NotSmtp.entry().remedy;
    assert!(err.trim_end().ends_with(&format!("does not begin with a reply code. {advice}")), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replayed_evidence_gives_the_same_report_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.json");
    let file = file.to_str().unwrap();
    for name in
        ["agree-starttls", "ptr-missing", "resolvers-disagree", "pool", "banner-escape-sequences", "port-closed"]
    {
        for format in ["table", "json", "ndjson", "markdown"] {
            let (lab, args) = world(name).await;
            let live = run_in(&args, &["--format", format, "--save", file]).await;
            drop(lab);
            let replayed = run(&["check", "--replay", file, "--format", format]);
            assert!(!live.stdout.is_empty(), "{name} {format}: {}", text(&live.stderr));
            assert_eq!(text(&live.stdout), text(&replayed.stdout), "{name} {format}");
            assert_eq!(live.status.code(), replayed.status.code(), "{name} {format}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_the_contract() {
    let (_lab, args) = world("ptr-missing").await;
    let report: Value = serde_json::from_slice(&run_in(&args, &["--format", "json"]).await.stdout).unwrap();
    assert_eq!(report["schema"], "smtp-preflight/1");
    let check = &report["checks"][0];
    assert_eq!(check["client"]["ip_source"], "dialled");
    assert_eq!(check["client"]["ehlo_source"], "replied");
    assert_eq!(check["client"]["ehlo"], "mail.example.net");
    assert_eq!(check["smtp"]["banner"]["code"], 220);
    assert_eq!(check["smtp"]["ehlo"]["name"], "mail.example.net");
    assert_eq!(check["dns"]["ptr"]["status"], "nxdomain");
    assert_eq!(check["agreement"]["verdict"], "differ");
    assert_eq!(check["agreement"]["ptr_forward"]["state"], "absent");
    assert_eq!(check["iprev"], "permerror");
    assert_eq!(check["findings"][0]["code"], "ptr-missing");
    assert!(check["findings"][0]["fix"]["records"][0].as_str().unwrap().ends_with("IN PTR mail.example.net."));
    assert_eq!(report["summary"]["differ"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn input_streams_with_labels_and_survives_bad_lines() {
    let (lab, args) = world("agree").await;
    let target = lab.target.clone().unwrap();
    let ip = lab.peers()[0].ip();
    let lines = format!(
        "{target}\n# a note\n\na..b\n{{\"ip\":\"{ip}\",\"ehlo\":\"other.example.net\",\"label\":{{\"ticket\":7}}}}\n{{\"target\":\"{target}\",\"label\":\"second\"}}\n"
    );
    let args: Vec<String> = args.into_iter().filter(|a| *a != target).collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    std::fs::write(&file, lines).unwrap();
    let out = run_in(&args, &["--input", file.to_str().unwrap(), "--format", "ndjson"]).await;
    assert_eq!(out.status.code(), Some(2), "a line could not be read");
    assert!(text(&out.stderr).contains("input line 4: target `a..b`"), "{}", text(&out.stderr));
    let mut checks: Vec<Value> = text(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    checks.sort_by_key(|c| c["label"].to_string());
    let seen: Vec<(Value, Value)> =
        checks.iter().map(|c| (c["label"].clone(), c["agreement"]["verdict"].clone())).collect();
    assert_eq!(
        seen,
        [
            ("second".into(), "agree".into()),
            (Value::Null, "agree".into()),
            (serde_json::json!({"ticket": 7}), "differ".into()),
        ]
        .map(|(l, v): (Value, Value)| (l, v))
    );
    let rows = run_in(&args, &["--input", file.to_str().unwrap()]).await;
    let rows = text(&rows.stdout);
    assert_eq!(
        rows.split("\nFindings\n")
            .next()
            .unwrap()
            .lines()
            .filter(|l| l.contains("agree") || l.contains("differ"))
            .count(),
        4,
        "three rows and a summary:\n{rows}"
    );
    std::fs::write(&file, format!("# one target, many lines\n\n{target}\n")).unwrap();
    let one = run_in(&args, &["--input", file.to_str().unwrap()]).await;
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
    assert!(text(&one.stdout).contains("AGREES"), "a table for the only one:\n{}", text(&one.stdout));
}

/// The target names the check where nothing is dialled, and a label comes back as it was given.
#[test]
fn what_the_caller_says_of_a_check_comes_back_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let (list, saved) = (folder.path().join("list"), folder.path().join("evidence.json"));
    let label = r#"[12345678901234567890123,-0.10,1e+400,{"b":1,"a":"ü"}]"#;
    std::fs::write(&list, format!(r#"{{"target":"relay.example","ip":"127.0.0.2","label":{label}}}"#)).unwrap();
    let (list, saved) = (list.to_str().unwrap(), saved.to_str().unwrap());
    let dns_only = ["check", "--no-connect", "--resolver", "127.0.0.1:1", "--format", "ndjson"];
    let live = run(&[&dns_only[..], &["--input", list, "--save", saved]].concat());
    let replayed = run(&["check", "--replay", saved, "--format", "ndjson"]);
    let given = run(&[&dns_only[..], &["relay.example", "--ip", "127.0.0.2"]].concat());
    for (out, label) in [(&live, label), (&replayed, label), (&given, "null")] {
        let printed = text(&out.stdout);
        assert!(printed.starts_with(&format!(r#"{{"label":{label},"#)), "{printed}");
        let check: Value = serde_json::from_str(&printed).unwrap();
        assert_eq!(check["target"]["host"], "relay.example", "{printed}");
        assert_eq!(check["target"]["input"], "relay.example");
        assert_eq!(check["target"]["port"], Value::Null, "nothing was to be dialled");
        assert_eq!(check["client"]["ip"], "127.0.0.2");
        assert_eq!(check["smtp"], Value::Null);
    }
    assert_eq!(live.stdout, replayed.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_leaves_ends_the_writing_quietly() {
    let (lab, args) = world("agree").await;
    let target = lab.target.clone().unwrap();
    let args: Vec<String> = args.into_iter().filter(|a| *a != target).collect();
    let list = format!("{target}\n").repeat(50);
    let (code, err) = tokio::task::spawn_blocking(move || {
        let mut child = program()
            .args(&args)
            .args(["--input", "-", "--format", "ndjson"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
        let mut first = [0; 1];
        child.stdout.take().unwrap().read_exact(&mut first).unwrap();
        let out = child.wait_with_output().unwrap();
        (out.status.code(), text(&out.stderr))
    })
    .await
    .unwrap();
    assert_eq!((code, err.as_str()), (Some(0), ""));
}

#[test]
fn an_input_that_holds_no_target_is_not_a_success() {
    for content in ["", "\n", "# only a note\n\n"] {
        let mut child = program()
            .args(["check", "--input", "-", "--resolver", "127.0.0.1"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(content.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        let err = text(&out.stderr);
        assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(2), ""), "{content:?}");
        assert!(err.contains("--input: nothing to check") && err.lines().count() == 1, "{content:?}: {err}");
    }
}

/// Who cannot write the evidence learns it before anything is dialled, and nothing half-written is left.
#[test]
fn evidence_that_cannot_be_saved_stops_the_run_before_it_dials() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let target = listener.local_addr().unwrap().to_string();
    // A folder in the way of the file to be.
    std::fs::create_dir(folder.path().join("e.json.part")).unwrap();
    let check = |file: &str, more: &[&str]| {
        let file = folder.path().join(file);
        run(&[&["check", "--resolver", "127.0.0.1:1", "--save", file.to_str().unwrap()], more].concat())
    };
    let out = check("e.json", &[&target]);
    assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(2), ""));
    assert!(text(&out.stderr).contains("give a file that can be written"), "{}", text(&out.stderr));
    assert!(listener.accept().is_err(), "it was dialled");
    let out = check("f.json", &["--input", "/nonexistent/list"]);
    assert_eq!(out.status.code(), Some(2));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["e.json.part"], "nothing is left of a run that checked nothing");
}

#[cfg(unix)]
fn interrupt(child: &Child) {
    let kill = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// A run that reads its targets from us, and the pipe to give them by.
#[cfg(unix)]
fn batch(args: &[String], more: &[&str]) -> (Child, ChildStdin) {
    let mut command = program();
    command.args(args).args(["--input", "-"]).args(more);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let input = child.stdin.take().unwrap();
    (child, input)
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_batch_ends_with_what_is_running_and_is_not_all_judged() {
    let (lab, args) = world("agree").await;
    let target = lab.target.clone().unwrap();
    let args: Vec<String> = args.into_iter().filter(|a| *a != target).collect();
    let out = tokio::task::spawn_blocking(move || {
        let (mut child, mut input) = batch(&args, &["--format", "ndjson"]);
        input.write_all(format!("{target}\n").as_bytes()).unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        printed.read_line(&mut line).unwrap();
        assert!(line.contains(r#""verdict":"agree""#), "{line}");
        // The input stays open: only the interrupt can end the run.
        interrupt(&child);
        let out = child.wait_with_output().unwrap();
        drop(input);
        out
    })
    .await
    .unwrap();
    assert_eq!(out.status.code(), Some(3), "all that was checked agrees, and not all was checked");
    assert!(text(&out.stderr).contains("interrupted"), "{}", text(&out.stderr));
}

#[cfg(unix)]
#[test]
fn a_second_interrupt_drops_what_is_running_and_keeps_what_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.json");
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let args = ["check", "--resolver", "127.0.0.1:1", "--control", "none", "--timeout", "100s"].map(String::from);
    let begun = Instant::now();
    let (mut child, mut input) = batch(&args, &["--format", "json", "-v", "--save", file.to_str().unwrap()]);
    let silent_port = silent.local_addr().unwrap();
    input.write_all(format!("{{\"ip\":\"192.0.2.1\"}}\n{silent_port}\n").as_bytes()).unwrap();
    let held_open = silent.accept().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut read_until = |words: &str| {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert_ne!(said.read_line(&mut line).unwrap(), 0, "the run ended without saying {words}");
        }
    };
    // Its transcript: the first check is done.
    read_until("1.2.0.192.in-addr.arpa");
    interrupt(&child);
    read_until("letting the checks in flight end");
    interrupt(&child);
    read_until("dropped");
    let out = child.wait_with_output().unwrap();
    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", begun.elapsed());
    assert_eq!(out.status.code(), Some(3));
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["summary"]["checks"], 1, "what is done is printed");
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(saved["evidence"].as_array().unwrap().len(), 1, "and saved");
    assert!(!folder.path().join("evidence.json.part").exists());
    drop(held_open);
}

/// A server that sends what it is told, over and over, until the client goes away.
fn hostile(octets: &'static [u8], pause: Duration) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while Instant::now() < end && stream.write_all(octets).is_ok() {
            std::thread::sleep(pause);
        }
    });
    port
}

#[test]
fn hostile_greetings_end_in_time_in_little_memory_and_print_nothing_raw() {
    let mut megabyte = vec![b'A'; 1 << 20];
    megabyte.push(b'\n');
    let megabyte: &'static [u8] = Box::leak(megabyte.into_boxed_slice());
    let escapes = b"220 \x1b]0;owned\x07\x1b[2J\xe2\x80\xae mail\r\n";
    let cases: [(&str, &'static [u8], u64); 7] = [
        ("endless lines", b"220-again\r\n", 0),
        ("an endless line", b"220 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 0),
        ("one octet a second", b"2", 1000),
        ("a megabyte in a line", megabyte, 0),
        ("binary", b"\x00\x01\xff\xfe\x9b\x1b[31m\r\n", 0),
        ("escape sequences, then silence", escapes, 20_000),
        ("escape sequences for ever", escapes, 0),
    ];
    for (what, octets, pause) in cases {
        let port = hostile(octets, Duration::from_millis(pause));
        let begun = Instant::now();
        let target = format!("127.0.0.1:{port}");
        let mut child = program()
            .args(["check", &target, "--resolver", "127.0.0.1:1", "--timeout", "3s", "-v", "--control", "none"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            peak = peak.max(resident_kib(child.id()));
            std::thread::sleep(Duration::from_millis(5));
        }
        let out = child.wait_with_output().unwrap();
        assert!(begun.elapsed() < Duration::from_secs(8), "{what}: {:?}", begun.elapsed());
        assert_eq!(out.status.code(), Some(3), "{what}");
        assert!(peak < 32 << 10, "{what}: {peak} KiB");
        for stream in [&out.stdout, &out.stderr] {
            let printed = text(stream);
            let raw = printed.chars().find(|c| c.is_control() && *c != '\n' || ('\u{202a}'..='\u{202e}').contains(c));
            assert_eq!(raw, None, "{what}:\n{printed}");
        }
    }
}

/// The peak resident memory so far, in KiB; 0 where this system does not tell.
fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.trim().parse().ok()).unwrap_or_default()
}

#[test]
fn help_version_completions_and_man() {
    for (args, words) in [
        (vec!["--help"], "Exit codes: 0 agrees"),
        (vec!["--version"], env!("CARGO_PKG_VERSION")),
        (vec!["check", "--help"], "--resolver"),
        (vec!["bounce", "--help"], "3 a cause in the sender's identity that could not be checked again"),
        (vec!["completions", "bash"], "_smtp__preflight()"),
        (vec!["completions", "zsh"], "#compdef smtp-preflight"),
        (vec!["man"], ".TH"),
    ] {
        let out = run(&args);
        assert_eq!(out.status.code(), Some(0), "{args:?}");
        let printed = text(&out.stdout);
        assert!(printed.contains(words), "{args:?}: {printed}");
        for markup in ["](", "[`", "crate::"] {
            assert!(args[0] == "completions" || !printed.contains(markup), "{args:?}: {markup} in\n{printed}");
        }
    }
}

/// The codes of the first check's findings.
fn codes(out: &Output) -> Vec<String> {
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let findings = report["checks"][0]["findings"].as_array().unwrap();
    findings.iter().map(|f| f["code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_the_target_has_not_and_more_addresses_than_are_dialled_are_said() {
    let out = run(&["check", "-4", "::1", "--resolver", "127.0.0.1:1", "--timeout", "2s", "--format", "json"]);
    assert_eq!(out.status.code(), Some(3), "{}", text(&out.stderr));
    assert!(codes(&out).contains(&"target-other-family".into()), "{}", text(&out.stdout));

    let many = (1..=20).map(|n| format!("relay A 127.9.9.{n}")).collect::<Vec<_>>().join("\n");
    let scenario = format!(
        "title = \"x\"\nabout = \"x\"\nexit = 3\n[check]\ntarget = \"relay.example.net:1\"\n\
         [[dns]]\nzone = \"\"\"\n$ORIGIN example.net.\n{many}\n\"\"\"\n\
         [[expect]]\nverdict = \"unknown\"\nehlo_ptr = \"unknown\"\nptr_forward = \"unknown\"\nehlo_forward = \"unknown\"\n\
         iprev = \"temperror\"\nfindings = []\n"
    );
    let lab = Lab::start(&smtp_preflight::lab::Scenario::parse("many", &scenario).unwrap()).await.unwrap();
    let resolver = lab.resolvers[0].to_string();
    let args = ["check", "relay.example.net:1", "--timeout", "4s", "--control", "none"].map(String::from);
    let out = run_in(&args, &["--resolver", &resolver, "--format", "json"]).await;
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report["checks"].as_array().unwrap().len(), 16);
    assert!(codes(&out).contains(&"target-many-addresses".into()), "{:?}", codes(&out));
}

#[test]
fn rows_in_a_pipe_keep_every_code_and_bad_lines_outweigh_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list");
    let ask = |lines: &str| {
        std::fs::write(&file, lines).unwrap();
        let path = file.to_str().unwrap();
        run(&["check", "--input", path, "--resolver", "127.0.0.1:1", "--timeout", "3s", "--control", "none"])
    };
    let identity = r#"{"ip":"203.0.113.10","ehlo":"mail.example.net"}"#;
    let out = ask(&format!("{identity}\n{identity}\n"));
    assert_eq!(text(&out.stdout).matches("ptr-lookup-failed ehlo-lookup-failed").count(), 2, "{}", text(&out.stdout));
    let out = ask(&format!("{identity}\nnot a host!\n"));
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("the others were checked"), "{}", text(&out.stderr));
    let out = ask("not a host!\n");
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("nothing was checked"), "{}", text(&out.stderr));
}

#[test]
fn a_ticket_asks_for_what_is_wrong_already() {
    let out = run(&[
        "check",
        "--ip",
        "203.0.113.10",
        "--ehlo",
        "bad_name!",
        "--resolver",
        "127.0.0.1:1",
        "--timeout",
        "3s",
        "--ticket",
        "customer",
    ]);
    let ticket = text(&out.stdout);
    assert!(ticket.contains("Choose the server's full name") && !ticket.contains("do nothing"), "{ticket}");
}

#[test]
fn the_demo_shows_identities_that_are_alike_once() {
    let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    let out = program.args(["demo", "--color", "never"]).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    let rows: Vec<&str> = text.lines().filter(|l| l.starts_with("target-many-addresses ")).collect();
    assert!(rows.len() == 1 && rows[0].contains("16×"), "{rows:?}");
}

/// What a check was asked of whom is kept in its evidence: a replay prints the same command.
#[tokio::test]
async fn the_check_afterwards_names_the_resolver_that_was_named() {
    let (lab, args) = world("ptr-missing").await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("evidence.json");
    let file = file.to_str().unwrap();
    let live = text(&run_in(&args, &["--save", file]).await.stdout);
    let named = format!("--no-connect --resolver {}", lab.resolvers[0]);
    assert!(live.contains(&named), "{live}");
    let replayed = text(&program().args(["check", "--replay", file]).output().unwrap().stdout);
    assert!(replayed.contains(&named), "{replayed}");
}
