//! Every scenario over real sockets on loopback, and again from its saved evidence: both verdicts are the
//! expected one.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::sync::Arc;

use smtp_preflight::cli::{FailOn, Tally};
use smtp_preflight::evidence::EvidenceFile;
use smtp_preflight::judge::{Check, judge};
use smtp_preflight::lab::{Lab, Outcome, Scenario};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// Scenarios at once: most of their time is waiting.
const AT_ONCE: usize = 12;

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
    let Outcome { evidence, heard, target } = outcome;
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
