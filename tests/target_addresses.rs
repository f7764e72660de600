//! Which addresses of a target are dialled, and what is said of those that are not.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::net::IpAddr;
use std::process::Command;
use std::time::Duration;

use smtp_preflight::cli::{Exit, FailOn, Tally};
use smtp_preflight::dns::RecordType;
use smtp_preflight::evidence::{Evidence, FaultKind};
use smtp_preflight::judge::{Code, judge};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use smtp_preflight::observe::{Dns, Family, Observer, Options, Request};
use smtp_preflight::target::Target;

async fn world(records: &str, faults: &str) -> RunningLab {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 0\n[check]\nip = ['203.0.113.1']\n[[dns]]\nzone = '''\n\
         $ORIGIN example.net.\n{records}'''\n{faults}\n[[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\n\
         ptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Lab::start(&Scenario::parse("addresses", &text).unwrap()).await.unwrap()
}

/// What is seen of a target at a port where nobody listens.
async fn seen(lab: &RunningLab, target: &str, family: Family) -> Vec<Evidence> {
    let options = Options { timeout: Duration::from_secs(5), family, ..Options::default() };
    let dns = Dns::each_of(&lab.resolvers, Duration::from_secs(1));
    let target = Some(Target::parse(target, Some(1)).unwrap());
    Observer::new(dns, options).unwrap().observe(&Request { target, ..Request::default() }).await
}

fn dialled(evidence: &[Evidence]) -> Vec<IpAddr> {
    evidence.iter().filter_map(|e| e.target.address).collect()
}

fn fault(evidence: &[Evidence]) -> (FaultKind, String) {
    assert_eq!(evidence.len(), 1);
    let fault = evidence[0].smtp.as_ref().unwrap().fault.clone().unwrap();
    (fault.kind, fault.detail)
}

fn asked(evidence: &[Evidence], name: &str, kind: RecordType) -> bool {
    evidence.iter().flat_map(|e| &e.lookups).any(|l| l.question.name == name && l.question.kind == kind)
}

#[tokio::test]
async fn a_long_list_is_cut_and_said_to_be() {
    let many = (1..=20).map(|n| format!("many A 127.7.3.{n}\n")).collect::<Vec<_>>().concat();
    let lab = world(&format!("{many}many AAAA ::1\n"), "").await;
    let evidence = seen(&lab, "many.example.net", Family::Both).await;
    assert_eq!(dialled(&evidence).len(), 16);
    let mut tally = Tally::default();
    for check in evidence.iter().map(judge) {
        let found = check.findings.iter().find(|f| f.code == Code::TargetManyAddresses).unwrap();
        assert_eq!(found.detail, "It has 21 addresses; the first 16 were dialled.");
        tally.add(&check, FailOn::Never);
    }
    assert_eq!(tally.exit(), Exit::Unknown);
    let six = seen(&lab, "many.example.net", Family::V6).await;
    assert_eq!(dialled(&six), ["::1".parse::<IpAddr>().unwrap()], "the list is cut after the family is chosen");
    assert!(judge(&six[0]).findings.iter().all(|f| f.code != Code::TargetManyAddresses));
}

#[tokio::test]
async fn a_family_that_is_not_wanted_is_not_asked_for_and_not_missed() {
    let servfail =
        |kind: &str| format!("[[dns.fault]]\nname = 'half.example.net.'\ntype = '{kind}'\nfault = 'servfail'");
    let lab = world("half A 127.7.3.1\n", &servfail("AAAA")).await;
    let four = seen(&lab, "half.example.net", Family::V4).await;
    assert_eq!(dialled(&four).len(), 1);
    assert!(!asked(&four, "half.example.net", RecordType::Aaaa));
    let codes = |e: &Evidence| judge(e).findings.iter().map(|f| f.code).collect::<Vec<_>>();
    assert!(!codes(&four[0]).contains(&Code::TargetLookupFailed));
    assert!(codes(&seen(&lab, "half.example.net", Family::Both).await[0]).contains(&Code::TargetLookupFailed));
    let (kind, detail) = fault(&seen(&lab, "half.example.net", Family::V6).await);
    assert_eq!(kind, FaultKind::LookupFailed, "{detail}");
    assert!(detail.starts_with("AAAA of half.example.net could not be looked up"), "{detail}");
}

#[tokio::test]
async fn none_of_the_family_is_not_none_at_all() {
    let lab = world("four A 127.7.3.1\n", "").await;
    for (target, kind, words) in [
        ("four.example.net", FaultKind::OtherFamily, "four.example.net has no AAAA, and only IPv6 is to be dialled"),
        ("127.7.3.1", FaultKind::OtherFamily, "127.7.3.1 is an IPv4 address, and only IPv6 is to be dialled"),
        ("none.example.net", FaultKind::NoAddress, "none.example.net does not exist (nxdomain)"),
    ] {
        let evidence = seen(&lab, target, Family::V6).await;
        assert_eq!(fault(&evidence), (kind, words.to_owned()));
        let want = if kind == FaultKind::NoAddress { Code::TargetUnresolvable } else { Code::TargetOtherFamily };
        assert_eq!(judge(&evidence[0]).findings.last().unwrap().code, want);
    }
}

/// A check from an address of one family is not failed by the other family's addresses.
#[tokio::test(flavor = "multi_thread")]
async fn a_source_implies_its_family() {
    let lab = world("both A 127.7.3.1\nboth AAAA ::1\n", "").await;
    let resolver = lab.resolvers[0].to_string();
    let out = tokio::task::spawn_blocking(move || {
        Command::new(env!("CARGO_BIN_EXE_smtp-preflight"))
            .args(["check", "both.example.net:1", "--source", "127.0.0.1", "--format", "json", "--resolver", &resolver])
            .output()
            .unwrap()
    });
    let report: serde_json::Value = serde_json::from_slice(&out.await.unwrap().stdout).unwrap();
    let checks = report["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 1);
    assert_eq!(
        (&checks[0]["target"]["address"], &checks[0]["smtp"]["fault"]["kind"]),
        (&"127.7.3.1".into(), &"connection-refused".into())
    );
}

#[test]
fn the_other_family_on_the_command_line() {
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"))
            .args(["check", "--control", "none", "--resolver", "127.0.0.1:1", "--timeout", "2s"])
            .args(args)
            .output()
            .unwrap();
        (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (code, words) = run(&["-4", "[::1]:1"]);
    assert_eq!(code, 3);
    assert!(words.contains("::1 is an IPv6 address, and only IPv4 is to be dialled. Leave out -4"), "{words}");
    assert!(!words.contains("spelling"), "{words}");
    let (code, words) = run(&["--source", "127.0.0.1", "[::1]:1"]);
    assert_eq!(code, 3);
    assert!(words.contains("::1 is an IPv6 address") && words.contains("--source"), "{words}");
    for (family, source, why) in [("-4", "::1", "-4 dials IPv4 only"), ("-6", "127.0.0.1", "-6 dials IPv6 only")] {
        let (code, words) = run(&[family, "--source", source, "localhost:1"]);
        assert!(code == 2 && words.contains(why) && words.lines().count() == 1, "{words}");
    }
}
