//! `check --self`, the built program against fake "what is my address" services on loopback.
#![expect(clippy::disallowed_methods, reason = "the test measures how long a run takes")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use smtp_preflight::lab::{Lab, LabFault, RunningLab, Scenario};

/// The resolver of the check: every address that the tests are told has a PTR that agrees.
const WORLD: &str = "
[[dns]]
zone = '''
$ORIGIN example.net.
mail A 203.0.113.10
 A 127.0.0.9
 AAAA 2001:db8::10
$ORIGIN 113.0.203.in-addr.arpa.
10 PTR mail.example.net.
$ORIGIN 0.0.127.in-addr.arpa.
9 PTR mail.example.net.
$ORIGIN 8.b.d.0.1.0.0.2.ip6.arpa.
0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.example.net.
'''
";

/// A service that says this of `me.example`.
fn says(records: &str) -> String {
    format!("[[dns]]\nzone = '''\n$ORIGIN me.example.\n@ {records}\n'''\n")
}

/// A service to which this happens at every question.
fn failing(fault: &str) -> String {
    format!("{}[[dns.fault]]\nname = '*'\nfault = '{fault}'\n", says("A 203.0.113.10"))
}

/// A service that is asked over IPv6.
fn over_ipv6(service: &str) -> String {
    service.replace("[[dns]]", "[[dns]]\naddress = '::1'")
}

/// A world with services; they are `resolvers[1..]`.
async fn start(services: &[String]) -> Result<RunningLab, LabFault> {
    let text = format!("{WORLD}{}", services.concat());
    Lab::start(&Scenario::world("own", &text).unwrap()).await
}

async fn lab(services: &[String]) -> RunningLab {
    start(services).await.unwrap()
}

async fn has_ipv6() -> bool {
    start(&[over_ipv6(&says("AAAA 2001:db8::10"))]).await.is_ok()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

async fn program(args: Vec<String>) -> Output {
    let run = move || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        command.env_remove("NO_COLOR").stdin(Stdio::null()).args(args).output().unwrap()
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// `check --self` in this world, its services asked for these types (an empty one is the family's own).
async fn check(lab: &RunningLab, kinds: &[&str], more: &[&str]) -> Output {
    let mut args: Vec<String> =
        ["check", "--self", "--ehlo", "mail.example.net", "--resolver"].map(String::from).into();
    args.push(lab.resolvers[0].to_string());
    for (server, kind) in lab.resolvers[1..].iter().zip(kinds) {
        args.extend(["--whoami".into(), format!("me.example{kind}@{server}")]);
    }
    args.extend(more.iter().map(ToString::to_string));
    program(args).await
}

/// The checks of a run with `--format json`, its exit code and its standard error.
async fn json(lab: &RunningLab, kinds: &[&str], more: &[&str]) -> (Vec<Value>, Option<i32>, String) {
    let out = check(lab, kinds, &[&["--format", "json"], more].concat()).await;
    let err = text(&out.stderr);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {err}"));
    let schema = serde_json::from_str(&smtp_preflight::report::schema_json()).unwrap();
    assert!(jsonschema::is_valid(&schema, &report), "{report}");
    (report["checks"].as_array().unwrap().clone(), out.status.code(), err)
}

fn codes(check: &Value) -> Vec<&str> {
    check["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect()
}

fn ips(checks: &[Value]) -> Vec<&str> {
    checks.iter().map(|c| c["client"]["ip"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nat() {
    let lab = lab(&[says("A 203.0.113.10")]).await;
    let (checks, exit, err) = json(&lab, &[""], &[]).await;
    assert_eq!((checks.len(), exit, err.as_str()), (1, Some(0), ""));
    let seen = &checks[0];
    assert_eq!(seen["client"]["ip"], "203.0.113.10");
    assert_eq!(seen["client"]["ip_source"], "reported");
    assert_eq!(seen["client"]["ehlo_source"], "given");
    assert_eq!(seen["self"]["local"], "127.0.0.1");
    assert_eq!(seen["self"]["outside"], "203.0.113.10");
    assert_eq!(seen["self"]["nat"], true);
    assert_eq!(seen["self"]["ehlo_from"], "given with --ehlo");
    assert_eq!(seen["agreement"]["verdict"], "agree");
    assert_eq!(codes(seen), ["self-behind-nat"]);
    let table = text(&check(&lab, &[""], &[]).await.stdout);
    for words in ["this machine has 127.0.0.1", "203.0.113.10", "NAT", "given with --ehlo", "AGREES"] {
        assert!(table.contains(words), "{words}:\n{table}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nat_and_from_a_chosen_source() {
    let lab = lab(&[says("A 127.0.0.9")]).await;
    let (checks, exit, _) = json(&lab, &[""], &["--source", "127.0.0.9"]).await;
    assert_eq!((ips(&checks), exit), (vec!["127.0.0.9"], Some(0)));
    assert_eq!(checks[0]["self"]["local"], "127.0.0.9");
    assert_eq!(checks[0]["self"]["nat"], false);
    assert_eq!(codes(&checks[0]), Vec::<&str>::new());
    assert!(text(&check(&lab, &[""], &["--source", "127.0.0.9"]).await.stdout).contains("no NAT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_service_costs_a_second_and_no_more() {
    let lab = lab(&[failing("silence"), says("TXT edns0-client-subnet 10.0.0.0/24\n TXT 203.0.113.10")]).await;
    let begun = Instant::now();
    let (checks, exit, err) = json(&lab, &["", "/TXT"], &[]).await;
    let took = begun.elapsed();
    assert!(Duration::from_secs(1) < took && took < Duration::from_secs(5), "{took:?}");
    assert_eq!((ips(&checks), exit, err.as_str()), (vec!["203.0.113.10"], Some(0), ""));
    let services = &checks[0]["self"]["services"];
    assert!(services[0]["trouble"].as_str().unwrap().contains("timeout"), "{services}");
    assert_eq!(services[1]["address"], "203.0.113.10");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_tells_and_the_interface_is_private() {
    let lab = lab(&[failing("silence"), failing("refused")]).await;
    let begun = Instant::now();
    let out = check(&lab, &["", ""], &["--timeout", "4s"]).await;
    let err = text(&out.stderr);
    assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(3), ""), "{err}");
    assert_eq!(err.lines().count(), 1, "{err}");
    for words in ["no service told", "timeout", "refused", "127.0.0.1, a loopback address", "--ip"] {
        assert!(err.contains(words), "{words}: {err}");
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_disagree_are_a_finding_and_the_first_wins() {
    let lab = lab(&[says("A 203.0.113.10"), says("A 203.0.113.77")]).await;
    let (checks, exit, _) = json(&lab, &["", ""], &[]).await;
    assert_eq!((ips(&checks), exit), (vec!["203.0.113.10"], Some(1)));
    assert_eq!(codes(&checks[0]), ["self-address-disagrees", "self-behind-nat"]);
    let detail = checks[0]["findings"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("203.0.113.10") && detail.contains("203.0.113.77"), "{detail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_private_answers_are_no_outside() {
    let garbage = says("TXT \\027]0_owned\\007<html>");
    let lab = lab(&[garbage, says("A 10.9.9.9"), says("TXT 2001:db8::10"), says("A 203.0.113.10")]).await;
    let kinds = ["/TXT", "", "/TXT", ""];
    let (checks, exit, _) = json(&lab, &kinds, &[]).await;
    assert_eq!((ips(&checks), exit), (vec!["203.0.113.10"], Some(0)));
    let services = checks[0]["self"]["services"].as_array().unwrap();
    for (service, words) in
        services.iter().zip(["is no address", "10.9.9.9 is a private address", "other address family", ""])
    {
        let trouble = service["trouble"].as_str().unwrap_or_default();
        assert!(trouble.contains(words) && trouble.is_empty() == words.is_empty(), "{service}");
    }
    for (kinds, code) in [(&kinds[..], 0), (&kinds[..3], 3)] {
        for format in ["table", "json", "markdown"] {
            let out = check(&lab, kinds, &["--format", format, "-v"]).await;
            for printed in [text(&out.stdout), text(&out.stderr)] {
                assert!(!printed.chars().any(|c| c.is_control() && c != '\n'), "{format}: {printed:?}");
            }
            assert!(text(&out.stderr).contains("\\x1b]0"), "{format}: it is shown, made harmless");
            assert_eq!(out.status.code(), Some(code), "{}", text(&out.stderr));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_families_are_judged_each_by_itself() {
    if !has_ipv6().await {
        return;
    }
    let lab = lab(&[says("A 203.0.113.10"), over_ipv6(&says("AAAA 2001:db8::10"))]).await;
    let (checks, exit, _) = json(&lab, &["", ""], &[]).await;
    assert_eq!((ips(&checks), exit), (vec!["203.0.113.10", "2001:db8::10"], Some(0)));
    assert_eq!(checks[1]["self"]["local"], "::1");
    assert_eq!(ips(&json(&lab, &["", ""], &["-4"]).await.0), ["203.0.113.10"]);
    assert_eq!(ips(&json(&lab, &["", ""], &["-6"]).await.0), ["2001:db8::10"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_ipv6_the_other_family_is_judged() {
    let lab = lab(&[says("A 203.0.113.10")]).await;
    let (checks, exit, err) = json(&lab, &[""], &["--whoami", "me.example@[::1]:1"]).await;
    assert_eq!((ips(&checks), exit), (vec!["203.0.113.10"], Some(0)), "{err}");
    if has_ipv6().await {
        assert!(err.lines().count() == 1 && err.contains("so IPv6 is not judged"), "{err}");
    } else {
        assert_eq!(err, "");
    }
    let (_, _, err) = json(&lab, &[""], &["--whoami", "me.example@[::1]:1", "-q"]).await;
    assert_eq!(err, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn saved_evidence_gives_the_same_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.json").to_str().unwrap().to_owned();
    let lab = lab(&[says("A 203.0.113.10"), says("A 203.0.113.77")]).await;
    for format in ["table", "json", "markdown"] {
        let live = check(&lab, &["", ""], &["--format", format, "--save", &file]).await;
        let replayed = program(["check", "--format", format, "--replay", &file].map(String::from).to_vec()).await;
        assert!(!live.stdout.is_empty());
        assert_eq!((text(&live.stdout), live.status.code()), (text(&replayed.stdout), replayed.status.code()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_go_together_is_usage() {
    for (args, words) in [
        (vec!["--self", "mail.example.net"], "cannot be used with"),
        (vec!["--self", "--ip", "192.0.2.1"], "cannot be used with"),
        (vec!["--self", "--input", "-"], "cannot be used with"),
        (vec!["--self", "--replay", "x"], "cannot be used with"),
        (vec!["--whoami", "me.example@127.0.0.1", "--ip", "192.0.2.1"], "--whoami is for --self"),
        (vec!["--self", "--whoami", "me.example"], "there is no server"),
    ] {
        let args: Vec<String> = [vec!["check"], args].concat().into_iter().map(String::from).collect();
        let out = program(args.clone()).await;
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains(words), "{args:?}: {}", text(&out.stderr));
    }
}
