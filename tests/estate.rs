//! `--mx` and `--spf` on the built program: a domain's DNS on loopback, and what is made of it.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use smtp_preflight::lab::{Lab, RunningLab, Scenario};

/// A resolver with these zones, and a peer that greets as mail.example.net.
async fn world(zone: &str) -> RunningLab {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 0\n[[peer]]\naddress = '127.0.0.1'\n[[dns]]\nzone = '''\n{zone}'''\n[[expect]]\n\
         verdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Lab::start(&Scenario::parse("estate", &text).unwrap()).await.unwrap()
}

async fn run(lab: &RunningLab, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", "--tls", "off", "--control", "none", "--timeout", "5s", "--helo-as", "probe.example.org"]);
    command.args(["--resolver", &lab.resolvers[0].to_string()]).args(args).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// Address, label and verdict of each check, sorted by address.
fn checks(out: &Output) -> Vec<(String, String, String)> {
    let one = |line: &str| {
        let check: Value = serde_json::from_str(line).unwrap();
        let of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (of(&check["client"]["ip"]), of(&check["label"]), of(&check["agreement"]["verdict"]))
    };
    let mut all: Vec<_> = text(&out.stdout).lines().map(one).collect();
    all.sort();
    all
}

const SPF: &str = r"
$ORIGIN example.net.
@ TXT v=spf1\032include:_spf.esp.example\032ip4:203.0.113.8/30\032-ip4:203.0.113.40\032ip4:203.0.113.40/31\032exists:%{i}.x.example\032ip4:198.51.0.0/16\032ip6:2001:db8::/64\032-all
mail A 203.0.113.8
$ORIGIN esp.example.
_spf TXT v=spf1\032a:out.esp.example\032-all
out A 203.0.113.77
$ORIGIN 113.0.203.in-addr.arpa.
8 PTR mail.example.net.
9 PTR mail.example.net.
10 PTR mail.example.net.
11 PTR mail.example.net.
41 PTR mail.example.net.
77 PTR out.esp.example.
";

#[tokio::test(flavor = "multi_thread")]
async fn spf_judges_each_address_and_says_what_brought_it_and_what_it_leaves_out() {
    let lab = world(SPF).await;
    let out = run(&lab, &["--spf", "example.net", "--ehlo", "mail.example.net", "--format", "ndjson"]).await;
    let include = "example.net include:_spf.esp.example a:out.esp.example";
    let own = "example.net ip4:203.0.113.8/30";
    let expected = [
        ("203.0.113.10", own, "differ"),
        ("203.0.113.11", own, "differ"),
        ("203.0.113.41", "example.net ip4:203.0.113.40/31", "differ"),
        ("203.0.113.77", include, "differ"),
        ("203.0.113.8", own, "agree"),
        ("203.0.113.9", own, "differ"),
    ];
    let expected: Vec<_> = expected.iter().map(|(a, b, c)| ((*a).into(), (*b).into(), (*c).into())).collect();
    assert_eq!(checks(&out), expected, "{}", text(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "findings outweigh what was left out");
    let err = text(&out.stderr);
    let said: Vec<&str> = err.lines().collect();
    assert_eq!(said.len(), 3, "{err}");
    for (line, words) in said.iter().zip([
        "`exists:%{i}.x.example` is left out",
        "ip4:198.51.0.0/16: 65536 addresses, more than 256, are left out; --sample N judges N of them",
        "ip6:2001:db8::/64: 2^64 addresses",
    ]) {
        assert!(line.contains(words), "{line}");
    }
    // A sample is the same each time, and spread.
    let sampled = ["--spf", "example.net", "--sample", "4", "--format", "ndjson"];
    let (first, second) = (run(&lab, &sampled).await, run(&lab, &sampled).await);
    let ips: Vec<String> = checks(&first).into_iter().map(|c| c.0).collect();
    assert_eq!(ips, checks(&second).into_iter().map(|c| c.0).collect::<Vec<_>>());
    let of_range: Vec<&str> = ips.iter().map(String::as_str).filter(|ip| ip.starts_with("198.51.")).collect();
    assert_eq!(of_range, ["198.51.160.0", "198.51.224.0", "198.51.32.0", "198.51.96.0"]);
    assert_eq!(ips.iter().filter(|ip| ip.starts_with("2001:db8:")).count(), 4);
    assert_eq!(text(&first.stderr).lines().count(), 1, "{}", text(&first.stderr));
    // Rows and a summary without a format.
    let rows = run(&lab, &["--spf", "example.net", "--ehlo", "mail.example.net"]).await;
    let printed = text(&rows.stdout);
    assert!(printed.starts_with("VERDICT") && printed.contains("6 checks: 1 agree, 5 differ"), "{printed}");
    assert!(printed.contains("Worst") && printed.contains("ptr-unconfirmed (error)"), "{printed}");
}

/// A pipe has no width of its own; who gives one gets rows that keep to it, with every code whole.
#[tokio::test(flavor = "multi_thread")]
async fn a_pipe_keeps_to_columns_where_they_are_given() {
    let lab = world("$ORIGIN 113.0.203.in-addr.arpa.\n10 PTR gone.example.net.\n$ORIGIN example.net.\n@ NS ns\n").await;
    for (columns, lines) in [(None, 1), (Some("60"), 3)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        command.args(["check", "--ip", "203.0.113.10", "--no-connect", "-q", "--ehlo", "mail.example.net"]);
        command.args(["--timeout", "5s", "--resolver", &lab.resolvers[0].to_string()]).env_remove("COLUMNS");
        command.envs(columns.map(|columns| ("COLUMNS", columns))).stdin(Stdio::null());
        let out = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let printed = text(&out.stdout);
        assert!(printed.lines().count() >= lines && (lines > 1 || printed.lines().count() == 1), "{printed}");
        assert!(columns.is_none() || printed.lines().all(|line| line.chars().count() <= 60), "{printed}");
        assert!(printed.contains("ptr-unconfirmed") && !printed.contains('…'), "{printed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_spf_record_that_is_none_is_exit_3_and_one_sentence() {
    let lab = world(
        "$ORIGIN example.net.\ntwo TXT v=spf1\\032-all\ntwo TXT v=spf1\\032a\nloop TXT v=spf1\\032include:loop.example.net\n\
         none TXT hello\nnothing TXT v=spf1\\032-all\n",
    )
    .await;
    for (domain, words) in [
        ("two.example.net", "has 2 SPF records, and may have one"),
        ("loop.example.net", "loop.example.net includes itself"),
        ("none.example.net", "has no SPF record; there is no address"),
        ("gone.example.net", "(the name does not exist)"),
    ] {
        let out = run(&lab, &["--spf", domain]).await;
        let err = text(&out.stderr);
        assert_eq!((out.status.code(), err.lines().count()), (Some(3), 1), "{domain}: {err}");
        assert!(err.contains(words), "{domain}: {err}");
        assert_eq!(text(&out.stdout), "", "{domain}");
    }
    let out = run(&lab, &["--spf", "nothing.example.net"]).await;
    assert_eq!(out.status.code(), Some(3), "it authorises nobody: {}", text(&out.stderr));
    assert_eq!(text(&out.stderr).lines().count(), 1, "{}", text(&out.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn mx_checks_each_host_and_says_null_and_implicit_mx() {
    let lab = world(
        "$ORIGIN example.net.\n@ MX 20 mail\n@ MX 10 away\nmail A {ip}\nnull MX 0 .\nimplicit A {ip}\n\
         $ORIGIN {reverse_zone}.\n{reverse}. PTR mail.example.net.\n",
    )
    .await;
    let port = lab.peers()[0].port().to_string();
    let out = run(&lab, &["--mx", "example.net", "--port", &port, "--format", "ndjson"]).await;
    let all = checks(&out);
    assert_eq!(all.len(), 2, "{}", text(&out.stderr));
    assert_eq!((all[0].1.as_str(), all[0].2.as_str()), ("example.net MX 10", "unknown"), "it has no address");
    assert_eq!((all[1].1.as_str(), all[1].2.as_str()), ("example.net MX 20", "agree"));
    assert_eq!(out.status.code(), Some(3));
    // Whoever asks for little is told the only reason all the same; a monitor in its line.
    for more in [&[][..], &["-q"], &["--format", "nagios"], &["--format", "nagios", "-q"]] {
        for (domain, words) in [("null", "accepts no mail (null MX, RFC 7505)"), ("gone", "does not exist (nxdomain)")]
        {
            let out = run(&lab, &[&["--mx", &format!("{domain}.example.net")], more].concat()).await;
            let (printed, err) = (text(&out.stdout), text(&out.stderr));
            assert_eq!((out.status.code(), err.lines().count()), (Some(3), 1), "{more:?}: {err}");
            assert!(err.contains(words), "{more:?}: {err}");
            let status = format!("SMTP IDENTITY UNKNOWN - nothing was checked; {domain}.example.net {words}");
            assert!(
                if more.contains(&"nagios") { printed.starts_with(&status) } else { printed.is_empty() },
                "{printed}"
            );
        }
    }
    let out = run(&lab, &["--mx", "implicit.example.net", "--port", &port, "--format", "ndjson"]).await;
    assert!(text(&out.stderr).contains("implicit MX, RFC 5321 §5.1"), "{}", text(&out.stderr));
    assert_eq!(checks(&out)[0].1, "implicit.example.net implicit MX");
    for (args, words) in [
        (vec!["--mx"], "--mx needs a domain"),
        (vec!["--spf", "203.0.113.1"], "--spf 203.0.113.1: give a domain"),
        (vec!["--mx", "example.net:25"], "a port is given with --port"),
    ] {
        let out = run(&lab, &args).await;
        assert_eq!(out.status.code(), Some(2));
        assert!(text(&out.stderr).contains(words) && text(&out.stderr).lines().count() == 1, "{}", text(&out.stderr));
    }
}
