//! A run on a machine that has few descriptors left: it does fewer checks at once, and no server is blamed.
#![allow(clippy::format_collect, reason = "a test reads from above to below")]
#![expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "the test runs the program on a file")]
#![allow(clippy::unwrap_used, dead_code, missing_docs, unreachable_pub, reason = "a test may")]

#[path = "benches/bulk/world/mod.rs"]
mod world;

use std::process::Command;
use std::time::Duration;

use smtp_preflight::evidence::{Dialogue, EvidenceFile, Fault, FaultKind};
use smtp_preflight::smtp::Phase;

#[test]
fn few_descriptors_make_a_run_slow_and_nothing_wrong() {
    let plan = world::Plan { smtp_delay: Duration::from_millis(20), ..world::Plan::default() };
    let world = world::start(plan, 0, 0).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list");
    let text: String = (0..300).map(|i| format!("{}\n", world::address(i))).collect();
    std::fs::write(&list, text).unwrap();
    // More at once than there are descriptors, on purpose.
    let script = format!(
        "ulimit -n 60 && exec '{}' check --format ndjson --control none --tls off --helo-as probe.example.net \
         --resolver {} --port {} --concurrency 200 --input '{}'",
        env!("CARGO_BIN_EXE_smtp-preflight"),
        world.dns,
        world.smtp_port,
        list.display()
    );
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let good = text.lines().filter(|l| l.contains("\"verdict\":\"agree\"")).count();
    assert_eq!((good, text.lines().count()), (300, 300), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Where it lasts until the time is over, the finding says whose trouble it is.
#[test]
fn a_lasting_shortage_is_this_machines() {
    let text = include_str!("../fixtures/evidence/agree.json");
    let mut evidence = EvidenceFile::from_json(text).unwrap().evidence.remove(0);
    let fault = Fault { phase: Phase::Connect, kind: FaultKind::Shortage, detail: "Too many open files".into() };
    evidence.smtp = Some(Dialogue { fault: Some(fault), ..Dialogue::default() });
    let check = smtp_preflight::judge::judge(&evidence);
    let codes: Vec<String> = check.findings.iter().map(|f| f.code.to_string()).collect();
    assert!(codes.contains(&"local-shortage".to_owned()), "{codes:?}");
    assert_eq!(serde_json::to_value(check.agreement.verdict).unwrap(), "unknown");
}
