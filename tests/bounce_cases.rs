//! The bounce desk measured against a public collection of bounces, where it is present.
//!
//! The collection stands outside the project (`../shared/cases/bounces`, or the folder that
//! `SMTP_PREFLIGHT_CASES` names, with `bounces/` in it), so this test is ignored until asked for:
//! `cargo test --test bounce_cases -- --ignored`; the project's own samples are in `bounce_samples.rs`.
//! `BOUNCE_DETAIL=1` prints every difference, `BOUNCE_HALF=a|b` takes every other case only.

#![allow(clippy::disallowed_methods, clippy::disallowed_macros, reason = "a test reads files and prints its figures")]

use std::collections::HashMap;
use std::path::PathBuf;

use smtp_preflight::bounce::{self, Bounce};

/// A unit variant's name as JSON has it.
fn word<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

fn cases() -> Option<PathBuf> {
    let roots = [
        std::env::var("SMTP_PREFLIGHT_CASES").map(PathBuf::from).ok(),
        Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cases")),
    ];
    roots.into_iter().flatten().map(|r| r.join("bounces")).find(|r| r.join("expected.tsv").is_file())
}

/// Hits over all.
#[derive(Default)]
struct Score {
    right: usize,
    all: usize,
}

impl Score {
    fn add(&mut self, right: bool) {
        self.all += 1;
        self.right += usize::from(right);
    }

    fn percent(&self) -> f64 {
        100.0 * self.right as f64 / self.all.max(1) as f64
    }
}

#[test]
#[ignore = "needs the recorded cases beside the project: ../shared/cases/bounces"]
#[allow(clippy::too_many_lines, reason = "one pass over one table")]
fn the_public_bounces() {
    let root = cases().expect("the recorded cases, in ../shared/cases or where SMTP_PREFLIGHT_CASES says");
    let detail = std::env::var("BOUNCE_DETAIL").is_ok();
    let half = std::env::var("BOUNCE_HALF").unwrap_or_default();
    let table = std::fs::read_to_string(root.join("expected.tsv")).unwrap();
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let (mut family, mut leg, mut stated, mut reply) =
        (Score::default(), Score::default(), Score::default(), Score::default());
    let (mut false_alarms, mut misses, mut wrong, mut open) = (Vec::new(), Vec::new(), Vec::new(), 0);
    let mut likely = Score::default();
    for (n, line) in lines.enumerate() {
        let by_half = match half.as_str() {
            "a" => n % 2 == 0,
            "b" => n % 2 == 1,
            _ => true,
        };
        if !by_half {
            continue;
        }
        let row: HashMap<&str, &str> = names.iter().copied().zip(line.split('\t')).collect();
        let file = row["file"];
        let bytes = std::fs::read(root.join("mail").join(file)).unwrap();
        let got: Bounce = bounce::read(&bytes);
        let cause = word(&got.cause);
        let want = row["family"];
        let tell = |what: &str, want: &str, got_text: &str| {
            if detail {
                println!(
                    "{file}: {what} want {want:?} got {got_text:?} | {} | {:?} | {:?}",
                    row["reason"],
                    got.reply.as_ref().map(|r| (
                        r.code,
                        r.enhanced.clone(),
                        r.text.chars().take(110).collect::<String>()
                    )),
                    got.matched.as_ref().map(|m| m.what.clone())
                );
            }
        };
        if !want.is_empty() {
            family.add(cause == want);
            if cause != want {
                tell("family", want, &cause);
            }
        }
        match (want == "sender-identity", cause == "sender-identity") {
            (true, false) => misses.push(file.to_owned()),
            (false, true) => {
                false_alarms.push(file.to_owned());
                tell("false alarm", want, &cause);
            }
            _ => {}
        }
        if !row["identity"].is_empty() {
            let got_leg = got.identity.map(|i| word(&i)).unwrap_or_default();
            leg.add(got_leg == row["identity"]);
            if got_leg != row["identity"] {
                tell("leg", row["identity"], &got_leg);
            }
        }
        let ip = got.sending_ip.ip.map(|i| i.to_string()).unwrap_or_default();
        if row["outbound_ip"].is_empty() {
            if !ip.is_empty() {
                wrong.push(format!("{file} {ip}"));
                tell("claimed", row["outbound_evidence"], &format!("{:?}", got.sending_ip));
            }
            if row["outbound_evidence"].ends_with('?') {
                open += 1;
                likely.add(got.sending_ip.likely.is_some());
            }
        } else {
            stated.add(ip == row["outbound_ip"]);
            if ip != row["outbound_ip"] {
                tell("ip", row["outbound_ip"], &format!("{ip} {:?} {:?}", got.sending_ip.source, got.writer));
            }
        }
        if !row["reply"].is_empty() && row["reply"].starts_with(['4', '5']) {
            let code = got.reply.as_ref().and_then(|r| r.code).map(|c| c.to_string()).unwrap_or_default();
            reply.add(code == row["reply"]);
        }
    }
    println!("identity: {} false alarms {false_alarms:?}, {} misses {misses:?}", false_alarms.len(), misses.len());
    println!("leg: {}/{}", leg.right, leg.all);
    println!(
        "outbound IP: {}/{} ({:.1} %), wrong claims {} {wrong:?}",
        stated.right,
        stated.all,
        stated.percent(),
        wrong.len()
    );
    println!("family: {}/{} ({:.1} %)", family.right, family.all, family.percent());
    println!(
        "reply code: {}/{}; open cases {open}, of them with a likely address {}",
        reply.right, reply.all, likely.right
    );
    assert!(false_alarms.len() <= 1 && misses.is_empty(), "identity or not");
    assert!(leg.right + 1 >= leg.all, "leg");
    assert!(stated.percent() >= 95.0, "outbound IP");
    assert!(wrong.is_empty(), "an address that the bounce does not state was claimed");
    assert!(family.percent() >= 92.0, "family");
}
