//! Our own identities and what the real servers answered to them, against the predictions.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    clippy::unwrap_used,
    reason = "a test that reads files and prints counts"
)]

mod receivers_zone;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use receivers_zone::Zone;
use serde::Deserialize;
use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::judge;
use smtp_preflight::judge::receivers::{
    Basis, Lacking, MAX_NAMES, Outcome, Prediction, Selection, predict, questions, receiver_names, unpredicted,
};

/// The rules of each server, in the order of a fixture's answers.
const RULES: &[(&str, &[&str])] = &[
    (
        "postfix",
        &[
            "base",
            "reject_unknown_reverse_client_hostname",
            "reject_unknown_client_hostname",
            "reject_invalid_helo_hostname",
            "reject_non_fqdn_helo_hostname",
            "reject_unknown_helo_hostname",
        ],
    ),
    ("exim", &["base", "verify_reverse_host_lookup", "verify_helo"]),
    ("opensmtpd", &["base", "rdns", "fcrdns"]),
    ("sendmail", &["base", "require_rdns"]),
];
const FILTERS: &[&str] = &["rspamd", "rspamd-3.4", "spamassassin"];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    world: Vec<String>,
    identity: Vec<Identity>,
}

#[derive(Deserialize)]
struct Identity {
    id: String,
    ip: IpAddr,
    ehlo: String,
    zone: Vec<String>,
    #[serde(flatten)]
    answers: BTreeMap<String, String>,
}

fn zone(records: &[&String]) -> Zone {
    let mut zone = Zone::default();
    for record in records {
        let [name, kind, data] = record.splitn(3, ' ').collect::<Vec<_>>()[..] else { panic!("{record}") };
        zone.add(name, kind, data);
    }
    zone
}

fn files() -> Vec<(String, File)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/receivers");
    let mut files: Vec<(String, File)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display())))
        })
        .collect();
    files.sort_by(|a, b| a.0.cmp(&b.0));
    files
}

fn evidence(file: &File, identity: &Identity) -> Evidence {
    zone(&file.world.iter().chain(&identity.zone).collect::<Vec<_>>()).evidence(identity.ip, &identity.ehlo)
}

/// A prediction as a fixture writes it: `450/4.7.1`, or a filter's symbols in order.
fn written(prediction: &Prediction) -> String {
    if let Some(reply) = &prediction.reply {
        return reply.to_string().replace(' ', "/");
    }
    let names: BTreeSet<&str> = prediction.symbols.iter().map(|s| s.name.as_ref()).collect();
    let score = prediction.score.unwrap_or(f64::NAN);
    names.into_iter().fold(score.to_string(), |text, name| text + " " + name)
}

#[test]
fn every_answer_is_predicted() {
    let everything: Selection = receiver_names().join(",").parse().unwrap();
    let (mut identities, mut answers, mut differing) = (0, 0, Vec::new());
    for (path, file) in &files() {
        for identity in &file.identity {
            let predictions = predict(&evidence(file, identity), &everything);
            assert!(!identity.answers.is_empty(), "{} has no answer", identity.id);
            identities += 1;
            for (receiver, said) in &identity.answers {
                let own: Vec<&Prediction> = predictions.iter().filter(|p| p.receiver == *receiver).collect();
                let predicted: Vec<String> = own.iter().map(|p| written(p)).collect();
                if let Some((_, rules)) = RULES.iter().find(|(name, _)| name == receiver) {
                    let named: Vec<&str> = own.iter().map(|p| p.rule.as_ref()).collect();
                    assert_eq!(named, *rules, "{}", identity.id);
                } else {
                    assert!(FILTERS.contains(&receiver.as_str()), "{}: {receiver} is no receiver", identity.id);
                }
                answers += predicted.len();
                if predicted.join(" ") != *said {
                    differing.push(format!(
                        "{path}: {} {receiver}: said {said}, predicted {}",
                        identity.id,
                        predicted.join(" ")
                    ));
                }
            }
        }
    }
    println!("{identities} identities, {answers} answers");
    assert!(identities >= 120 && answers >= 1500, "the fixtures shrank: {identities} identities, {answers} answers");
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

fn clean() -> Zone {
    let mut zone = Zone::default();
    for (name, kind, data) in [
        ("10.100.51.198.in-addr.arpa", "PTR", "mail.example.net."),
        ("mail.example.net", "A", "198.51.100.10"),
        ("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", "PTR", "v6.example.net."),
        ("v6.example.net", "A", "198.51.100.10"),
        ("11.100.51.198.in-addr.arpa", "PTR", "other.example.net."),
        ("11.100.51.198.in-addr.arpa", "PTR", "mail11.example.net."),
        ("other.example.net", "A", "192.0.2.1"),
        ("mail11.example.net", "A", "198.51.100.11"),
        ("12.100.51.198.in-addr.arpa", "PTR", "!SERVFAIL"),
    ] {
        zone.add(name, kind, data);
    }
    zone
}

fn of<'a>(predictions: &'a [Prediction], receiver: &str, rule: &str) -> &'a Prediction {
    predictions.iter().find(|p| p.receiver == receiver && p.rule == rule).unwrap()
}

#[test]
fn a_clean_identity_is_accepted_by_all() {
    let evidence = clean().evidence("198.51.100.10".parse().unwrap(), "mail.example.net");
    let check = judge(&evidence);
    assert!(check.receivers.len() > 30);
    assert!(check.receivers.iter().all(|p| matches!(p.outcome, Outcome::Accept | Outcome::Score)));
    assert!(check.receivers.iter().all(|p| p.score.unwrap_or(0.0) < 1.0 || p.receiver == "spamassassin"));
    assert!(check.receivers.iter().all(|p| !p.because.is_empty() && !p.source.is_empty()));
    let text = serde_json::to_string(&check.receivers).unwrap();
    assert_eq!(serde_json::from_str::<Vec<Prediction>>(&text).unwrap(), check.receivers);
    assert_eq!(unpredicted(&evidence, &Selection::All), []);
}

#[test]
fn policies_keep_the_families_apart() {
    let zone = clean();
    let v6 = predict(&zone.evidence("2001:db8::10".parse().unwrap(), "v6.example.net"), &Selection::All);
    let gmail = of(&v6, "gmail", "5.7.25");
    assert_eq!((gmail.outcome, gmail.basis), (Outcome::Reject, Basis::Documented));
    assert_eq!(of(&v6, "microsoft", "4.7.25").outcome, Outcome::Accept);
    let v4 = predict(&zone.evidence("198.51.100.99".parse().unwrap(), "mail.example.net"), &Selection::All);
    assert_eq!(of(&v4, "microsoft", "PTR for IPv4").outcome, Outcome::Accept);
    assert!(!v4.iter().any(|p| p.rule == "4.7.25" || p.rule == "IPv6AuthError"));
    for (receiver, rule) in [("gmail", "5.7.25"), ("yahoo", "5.7.25"), ("gmx", "c=rdns"), ("cox", "no rDNS")] {
        assert_eq!(of(&v4, receiver, rule).outcome, Outcome::Reject, "{receiver}");
    }
}

#[test]
fn trouble_is_not_absence() {
    let evidence = clean().evidence("198.51.100.12".parse().unwrap(), "mail.example.net");
    let predictions = predict(&evidence, &Selection::All);
    assert_eq!(of(&predictions, "cox", "DNS check failure").outcome, Outcome::Defer);
    assert!(!predictions.iter().any(|p| p.receiver == "gmail" && p.rule == "5.7.25"));
    let open = unpredicted(&evidence, &Selection::All);
    assert!(open.iter().any(|u| u.receiver == "gmail" && u.lacking == Lacking::Unpublished));
}

#[test]
fn the_order_of_records_is_an_assumption() {
    let evidence = clean().evidence("198.51.100.11".parse().unwrap(), "mail11.example.net");
    let predictions = predict(&evidence, &Selection::All);
    let postfix = of(&predictions, "postfix", "reject_unknown_client_hostname");
    assert_eq!(postfix.outcome, Outcome::Defer);
    assert!(postfix.assumes.iter().any(|a| a.contains("mail11.example.net first the answer is accept 250")));
    assert_eq!(of(&predictions, "exim", "verify_reverse_host_lookup").outcome, Outcome::Accept);
}

#[test]
fn what_was_not_asked_is_not_guessed() {
    let mut evidence = clean().evidence("198.51.100.10".parse().unwrap(), "mail.example.net");
    evidence.lookups.retain(|l| l.question.kind.to_string() != "PTR");
    let open = unpredicted(&evidence, &Selection::All);
    assert!(open.iter().any(
        |u| u.receiver == "postfix" && matches!(&u.lacking, Lacking::Lookup(q) if q.name.ends_with("in-addr.arpa"))
    ));
    assert!(!predict(&evidence, &Selection::All).iter().any(|p| p.rule == "require_rdns"));
    assert_eq!(questions(&evidence, &Selection::All, MAX_NAMES).len(), 1);
    assert_eq!(questions(&evidence, &Selection::None, MAX_NAMES), []);
    evidence.client.ehlo = None;
    let open = unpredicted(&evidence, &Selection::All);
    assert!(open.iter().any(|u| u.rule == "reject_unknown_helo_hostname" && u.lacking == Lacking::Ehlo));
}

#[test]
fn the_documentation_names_every_rule() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/receivers.md")).unwrap();
    for (receiver, rule) in RULES.iter().flat_map(|(receiver, rules)| rules.iter().map(move |rule| (receiver, rule))) {
        assert!(text.contains(&format!("| `{receiver}` | `{rule}` |")), "{receiver}/{rule}");
    }
    for name in receiver_names() {
        assert!(text.contains(&format!("`{name}`")), "{name}");
    }
}
