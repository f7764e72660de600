//! Every scenario over real sockets on loopback, and again from its saved evidence: both verdicts are the
//! expected one.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use smtp_preflight::cli::{FailOn, Tally};
use smtp_preflight::evidence::{Evidence, EvidenceFile};
use smtp_preflight::judge::{Check, judge};
use smtp_preflight::lab::{Lab, LabFault, Outcome, Scenario};
use smtp_preflight::report::{TableOptions, check_ndjson, markdown, row, table, transcript};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Scenarios at once: most of their time is waiting.
const AT_ONCE: usize = 12;

/// Control characters that some report lets through.
fn leaks(evidence: &Evidence, check: &Check) -> Vec<String> {
    let options = TableOptions { width: 80, color: false, explain: false };
    [
        ("table", table(check, &options)),
        ("row", row(check, &options)),
        ("markdown", markdown(std::slice::from_ref(check))),
        ("ndjson", check_ndjson(check)),
        ("transcript", transcript(evidence)),
    ]
    .into_iter()
    .filter(|(_, text)| text.chars().any(|c| c.is_control() && c != '\n'))
    .map(|(format, text)| format!("the {format} lets control characters through: {text:?}"))
    .collect()
}

/// What is wrong with a scenario's outcome, in lines; empty when nothing is.
async fn faults(scenario: &Scenario) -> Vec<String> {
    let outcome = match Lab::run(scenario).await {
        Ok(outcome) => outcome,
        Err(fault) => return vec![fault.to_string()],
    };
    let mut faults = outcome.differences(scenario);
    let checks = outcome.checks();
    let mut tally = Tally::default();
    for check in &checks {
        tally.add(check, FailOn::Warning);
    }
    if tally.exit().code() != scenario.exit {
        faults.push(format!("exit {}, not {}", tally.exit().code(), scenario.exit));
    }
    let Outcome { evidence, heard, target, .. } = outcome;
    faults.extend(evidence.iter().zip(&checks).flat_map(|(evidence, check)| leaks(evidence, check)));
    let saved = EvidenceFile::new(evidence).to_json().unwrap();
    let replayed: Vec<Check> = EvidenceFile::from_json(&saved).unwrap().evidence.iter().map(judge).collect();
    if replayed != checks {
        faults.push("the verdict from saved evidence is another".into());
    }
    for heard in heard {
        for verb in ["MAIL", "RCPT", "DATA", "AUTH"] {
            if heard.said(verb) {
                faults.push(format!("the client said {verb}"));
            }
        }
        // TLS before the greeting, asked for at a port that speaks plain text, is early by its nature.
        let tls_first = target.as_ref().is_some_and(|t| t.starts_with("smtps://"));
        if !tls_first && (heard.early || heard.pipelined || heard.injected > 0) {
            faults.push(format!("the client spoke out of turn: {heard:?}"));
        }
    }
    faults
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_scenario_comes_out_as_its_file_says() {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut total = 0;
    for scenario in Lab::scenarios().map(Result::unwrap) {
        let turns = Arc::clone(&turns);
        total += 1;
        running.spawn(async move {
            let _turn = turns.acquire().await.unwrap();
            let lines = faults(&scenario).await;
            lines.into_iter().map(|line| format!("{}: {line}", scenario.name)).collect::<Vec<_>>()
        });
    }
    assert!(total >= 100, "{total} scenarios");
    let mut all: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    all.sort();
    assert!(all.is_empty(), "{}", all.join("\n"));
}

/// A test of the test: each wrong expectation is noticed.
#[tokio::test]
async fn a_wrong_expectation_is_noticed() {
    let text = include_str!("../fixtures/scenarios/agree.toml");
    for (from, to, words) in [
        ("ehlo_ptr = \"agree\"", "ehlo_ptr = \"differ\"", "ehlo_ptr is Agree"),
        ("ptr_forward = \"agree\"", "ptr_forward = \"absent\"", "ptr_forward is Agree"),
        ("ehlo_forward = \"agree\"", "ehlo_forward = \"unknown\"", "ehlo_forward is Agree"),
        ("verdict = \"agree\"", "verdict = \"unknown\"", "verdict is Agree"),
        ("iprev = \"pass\"", "iprev = \"fail\"", "iprev is Pass"),
        ("findings = []", "findings = [\"ptr-multiple\"]", "findings is , not ptr-multiple"),
        ("findings = []", "findings = []\nshows = { \"dns.ptr.status\" = \"servfail\" }", "it is not shown"),
        ("findings = []", "findings = []\nshows = { \"dns.ptr.statu\" = \"found\" }", "there is no field"),
        ("exit = 0", "exit = 1", "exit 0"),
        (
            "mail A {ip}",
            "mail A {ip}\nmail A 192.0.2.1\n$ORIGIN {reverse}.\n@ PTR second.example.net.",
            "findings is ptr-",
        ),
    ] {
        let wrong = text.replace(from, to);
        assert_ne!(wrong, text, "{from}");
        let faults = faults(&Scenario::parse("agree", &wrong).unwrap()).await;
        assert!(faults.iter().any(|f| f.contains(words)), "{to}: {faults:?}");
    }
}

/// The same world over IPv6, where this machine has its loopback address.
#[tokio::test]
async fn a_dialled_ipv6_peer_agrees() {
    let text = include_str!("../fixtures/scenarios/agree.toml").replace("mail A {ip}", "mail AAAA {ip}");
    let (before, after) = text.split_once("address = \"127.").unwrap();
    let (_, after) = after.split_once('"').unwrap();
    let scenario = Scenario::parse("agree", &format!("{before}address = \"::1\"{after}")).unwrap();
    if let Err(LabFault::Machine { .. }) = Lab::start(&scenario).await {
        return;
    }
    assert_eq!(faults(&scenario).await, Vec::<String>::new());
}

/// On a machine with IPv6 alone a control is of use only when it is asked for its AAAA.
#[tokio::test]
async fn a_control_is_tried_over_the_targets_family() {
    let text = include_str!("../fixtures/scenarios/port-silent-no-time.toml");
    let (before, after) = text.split_once("address = \"127.7.0.129\"").unwrap();
    let (after, expect) = (after.split_once("[[peer]]").unwrap().0, text.split_once("[[expect]]").unwrap().1);
    let text = format!("{before}address = \"::1\"{after}[[expect]]{expect}")
        .replace("{ip2}:{port}", "control.example.net:{port}")
        .replace("mail A {ip}", "mail AAAA {ip}\ncontrol AAAA 2001:db8::25\ncontrol A 127.7.0.130");
    let scenario = Scenario::parse("control", &text).unwrap();
    match Lab::run(&scenario).await {
        Err(LabFault::Machine { .. }) => {}
        outcome => {
            let controls = &outcome.unwrap().evidence[0].controls;
            assert_eq!(controls[0].address, Some("2001:db8::25".parse().unwrap()), "{controls:?}");
        }
    }
}
