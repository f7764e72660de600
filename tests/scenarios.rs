//! Every scenario over real sockets on loopback, and again from its saved evidence: both verdicts are the
//! expected one.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::sync::Arc;

use smtp_preflight::evidence::{Evidence, EvidenceFile};
use smtp_preflight::judge::{Check, Code, judge};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use smtp_preflight::observe::{Dns, Observer, Options, Request};
use smtp_preflight::target::Target;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Scenarios at once: most of their time is waiting.
const AT_ONCE: usize = 12;

/// The check of a running lab, through the library.
async fn observe(lab: &RunningLab) -> Vec<Evidence> {
    let target = |text: &str| Target::parse(text, None).unwrap();
    let options = Options {
        timeout: lab.timeout,
        connect_timeout: lab.connect_timeout,
        helo_as: Some("probe.example".into()),
        tls: lab.tls,
        controls: lab.controls.iter().map(|c| target(c)).collect(),
        ..Options::default()
    };
    let request = Request {
        target: lab.target.as_deref().map(target),
        ips: lab.ips.clone(),
        ehlo: lab.ehlo.clone(),
        ..Request::default()
    };
    Observer::new(Dns::each_of(&lab.resolvers, lab.per_try), options).unwrap().observe(&request).await
}

/// What is wrong with a scenario's outcome, in lines; empty when nothing is.
async fn faults(scenario: &Scenario) -> Vec<String> {
    let lab = match Lab::start(scenario).await {
        Ok(lab) => lab,
        Err(fault) => return vec![fault.to_string()],
    };
    let evidence = observe(&lab).await;
    let checks: Vec<Check> = evidence.iter().map(judge).collect();
    let mut faults = Vec::new();
    if checks.len() != scenario.expect.len() {
        faults.push(format!("{} checks, not {}", checks.len(), scenario.expect.len()));
    }
    for (place, (check, expected)) in checks.iter().zip(&scenario.expect).enumerate() {
        let agreement = &check.agreement;
        for (what, got, want) in [
            ("ehlo_ptr", &agreement.ehlo_ptr, expected.ehlo_ptr),
            ("ptr_forward", &agreement.ptr_forward, expected.ptr_forward),
            ("ehlo_forward", &agreement.ehlo_forward, expected.ehlo_forward),
        ] {
            if got.state != want {
                faults.push(format!("check {place}: {what} is {:?}, not {want:?}: {}", got.state, got.because));
            }
        }
        if agreement.verdict != expected.verdict {
            faults.push(format!("check {place}: verdict {:?}, not {:?}", agreement.verdict, expected.verdict));
        }
        if check.iprev != expected.iprev {
            faults.push(format!("check {place}: iprev {:?}, not {:?}", check.iprev, expected.iprev));
        }
        let got: BTreeSet<Code> = check.findings.iter().map(|f| f.code).collect();
        let want: BTreeSet<Code> = expected.findings.iter().copied().collect();
        for code in got.difference(&want) {
            let detail = check.findings.iter().find(|f| f.code == *code).map_or("", |f| f.detail.as_str());
            faults.push(format!("check {place}: unexpected {code}: {detail}"));
        }
        faults.extend(want.difference(&got).map(|code| format!("check {place}: no {code}")));
    }
    let saved = EvidenceFile::new(evidence).to_json().unwrap();
    let replayed: Vec<Check> = EvidenceFile::from_json(&saved).unwrap().evidence.iter().map(judge).collect();
    if replayed != checks {
        faults.push("the verdict from saved evidence is another".into());
    }
    for heard in lab.heard() {
        for verb in ["MAIL", "RCPT", "DATA", "AUTH"] {
            if heard.said(verb) {
                faults.push(format!("the client said {verb}"));
            }
        }
        // TLS before the greeting, asked for at a port that speaks plain text, is early by its nature.
        let tls_first = lab.target.as_ref().is_some_and(|t| t.starts_with("smtps://"));
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
    assert!(total >= 45, "{total} scenarios");
    let mut all: Vec<String> = running.join_all().await.into_iter().flatten().collect();
    all.sort();
    assert!(all.is_empty(), "{}", all.join("\n"));
}
