//! What the receivers' rules need is asked by a check itself: beside the agreement, bounded, and only where wanted.

#![expect(clippy::disallowed_methods, reason = "the test runs the program and reads what it saved")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fmt::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use smtp_preflight::dns::{RecordType, Status};
use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::judge;
use smtp_preflight::judge::receivers::{MAX_ASKED, Selection, questions};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};

/// A check of 198.51.100.25 that says `ehlo`, in this zone and with these faults.
fn scenario(ehlo: &str, zone: &str, faults: &str) -> Scenario {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['198.51.100.25']\nehlo = '{ehlo}'\ntry_ms = 200\n[[dns]]\nzone = '''\n{zone}\n'''\n{faults}\n\
         [[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Scenario::parse("receivers", &text).unwrap()
}

async fn observed(ehlo: &str, zone: &str, faults: &str) -> Evidence {
    let scenario = scenario(ehlo, zone, faults);
    let lab = Lab::start(&scenario).await.unwrap();
    lab.observe(&scenario).await.unwrap().remove(0)
}

fn statuses(evidence: &Evidence, kind: RecordType, name: &str) -> Vec<Status> {
    let about = |l: &&smtp_preflight::dns::Lookup| l.question.kind == kind && l.question.name == name;
    evidence.lookups.iter().filter(about).map(|l| l.status).collect()
}

const GOOD: &str =
    "$ORIGIN example.net.\nmail A 198.51.100.25\n$ORIGIN 100.51.198.in-addr.arpa.\n25 PTR mail.example.net.";

/// The MX decides nothing where the EHLO name has an address, so a silent MX is not waited for; it would be a
/// timeout in the evidence otherwise. Where it does decide, it is waited for like any other answer.
#[tokio::test]
async fn an_answer_is_waited_for_only_while_a_rule_hangs_on_it() {
    let silent = "[[dns.fault]]\nname = 'NAME.'\ntype = 'MX'\nfault = 'silence'";
    let evidence = observed("mail.example.net", GOOD, &silent.replace("NAME", "mail.example.net")).await;
    assert_eq!(statuses(&evidence, RecordType::A, "mail.example.net"), [Status::Found]);
    assert_eq!(statuses(&evidence, RecordType::Mx, "mail.example.net"), []);
    let check = judge(&evidence);
    assert_eq!(check.not_predicted, []);
    let evidence = observed("gone.example.net", GOOD, &silent.replace("NAME", "gone.example.net")).await;
    assert_eq!(statuses(&evidence, RecordType::Mx, "gone.example.net"), [Status::Timeout]);
    let check = judge(&evidence);
    let rule = check.receivers.iter().find(|p| p.rule == "reject_unknown_helo_hostname").unwrap();
    assert_eq!(rule.reply.as_ref().unwrap().to_string(), "450 4.7.1");
    assert!(rule.because.contains("could not be looked up"), "{}", rule.because);
    assert_eq!(check.not_predicted, []);
}

/// Postfix does not count an address behind an alias to what is no host name: the MX decides, so it is waited for.
#[tokio::test]
async fn an_address_behind_an_odd_alias_leaves_the_question_of_the_mx_open() {
    let zone = "$ORIGIN example.net.\nmail CNAME a/b\na/b A 198.51.100.25\n\
         $ORIGIN 100.51.198.in-addr.arpa.\n25 PTR mail.example.net.";
    let late = "[[dns.fault]]\nname = 'mail.example.net.'\ntype = 'MX'\nfault = 'delay'\ndelay_ms = 100";
    let evidence = observed("mail.example.net", zone, late).await;
    assert_eq!(statuses(&evidence, RecordType::Mx, "mail.example.net"), [Status::Nodata]);
    let check = judge(&evidence);
    let rule = check.receivers.iter().find(|p| p.rule == "reject_unknown_helo_hostname").unwrap();
    assert!(rule.because.contains("with a name that is none"), "{}", rule.because);
    assert_eq!(check.not_predicted, []);
}

/// Exim 4.96 takes a PTR name with an underscore or a slash for one, 4.97 does not: said where it changes the answer.
#[tokio::test]
async fn exim_takes_odd_ptr_names_by_its_version() {
    for (ptr, more, rule, assumes) in [
        ("mail_out", "", "verify_reverse_host_lookup", Some("550")),
        ("mail/out", "", "verify_reverse_host_lookup", Some("550")),
        // Another name confirms, so that nothing hangs on the odd one; and a plain name is no question.
        ("mail_out", "\n25 PTR mail.example.net.", "verify_reverse_host_lookup", None),
        ("mail", "", "verify_reverse_host_lookup", None),
        // The EHLO name has the address itself.
        ("mail_out", "", "verify_helo", None),
    ] {
        let zone = format!(
            "$ORIGIN example.net.\nmail A 198.51.100.25\nmail_out A 198.51.100.25\nmail/out A 198.51.100.25\n\
             $ORIGIN 100.51.198.in-addr.arpa.\n25 PTR {ptr}.example.net.{more}"
        );
        let check = judge(&observed("mail.example.net", &zone, "").await);
        let prediction = check.receivers.iter().find(|p| p.receiver == "exim" && p.rule == rule).unwrap();
        assert_eq!(prediction.reply.as_ref().unwrap().to_string(), "250", "{ptr}: {}", prediction.because);
        let told: Vec<String> = prediction.assumes.iter().map(ToString::to_string).collect();
        let found = told.iter().find(|a| a.contains("4.97"));
        assert_eq!(found.is_some(), assumes.is_some(), "{ptr}{more}: {told:?}");
        assert!(found.is_none_or(|f| f.contains(ptr) && f.ends_with(assumes.unwrap())), "{told:?}");
    }
}

/// Sixty PTR names of which none confirms: some are asked for, and the rule that looks at all is not guessed.
#[tokio::test]
async fn a_crowd_of_ptr_names_is_bounded_and_said() {
    let mut zone = String::from("$ORIGIN example.net.\nmail A 192.0.2.1\n$ORIGIN 100.51.198.in-addr.arpa.\n");
    for n in 0..60 {
        writeln!(zone, "25 PTR tenant{n}.example.net.").unwrap();
    }
    let evidence = observed("mail.example.net", &zone, "").await;
    let asked = evidence.lookups.iter().filter(|l| l.question.name.starts_with("tenant")).count();
    assert_eq!(asked, 2 * MAX_ASKED);
    assert_eq!(questions(&evidence, &Selection::All, MAX_ASKED), []);
    let check = judge(&evidence);
    let open = check.not_predicted.iter().find(|n| n.rule == "verify_reverse_host_lookup").unwrap();
    assert!(open.because.contains("was not asked"), "{open:?}");
    assert!(check.receivers.iter().any(|p| p.rule == "reject_unknown_client_hostname"));
}

/// A name that OpenSMTPD writes down in another way than the DNS has it, and the hosts behind an MX.
#[tokio::test]
async fn what_only_one_receiver_asks_for_is_there() {
    let long = format!("{}.{}.example.net", "a".repeat(40), "b".repeat(40));
    let zone = format!(
        "$ORIGIN example.net.\n@ MX 10 mx.example.net.\nmx A 198.51.100.26\n{long}. A 198.51.100.25\n\
         $ORIGIN 100.51.198.in-addr.arpa.\n25 PTR {long}."
    );
    let evidence = observed("example.net", &zone, "").await;
    assert_eq!(statuses(&evidence, RecordType::A, &long[..64]), [Status::Nxdomain]);
    assert_eq!(statuses(&evidence, RecordType::A, "mx.example.net"), [Status::Found]);
    assert_eq!(judge(&evidence).not_predicted, []);
}

async fn run(lab: &RunningLab, more: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    program.args(["check", "--no-connect", "--ip", "198.51.100.25", "--ehlo", "example.net", "--format", "json"]);
    program.args(["--resolver", &lab.resolvers[0].to_string()]).args(more).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || program.output().unwrap()).await.unwrap()
}

fn receivers(out: &Output) -> Vec<String> {
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let all = report["checks"][0]["receivers"].as_array().unwrap();
    all.iter().map(|p| p["receiver"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_chosen() {
    let lab = Lab::start(&Lab::scenario("ehlo-mx-only").unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let saved = folder.path().join("evidence.json");
    let save = ["--save", saved.to_str().unwrap()];
    let asked = || std::fs::read_to_string(&saved).unwrap();

    let all = run(&lab, &save).await;
    assert!(receivers(&all).len() > 30 && asked().contains("\"mx2.example.net\""));
    // What was saved predicts the same, and another choice can be made of it.
    let replay = |more: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        program.args(["check", "--replay", saved.to_str().unwrap(), "--format", "json"]).args(more);
        program.output().unwrap()
    };
    assert_eq!(replay(&[]).stdout, all.stdout);
    assert_eq!(receivers(&replay(&["--receivers", "gmail"])), ["gmail"; 2]);

    let named = run(&lab, &["--receivers", "exim,rspamd-3.4"]).await;
    assert_eq!(receivers(&named), ["exim", "exim", "exim", "rspamd-3.4"]);

    let none = run(&lab, &[&save[..], &["--receivers", "none"]].concat()).await;
    assert_eq!(receivers(&none), Vec::<String>::new());
    assert!(!asked().contains("mx2.example.net") && !asked().contains("\"MX\""), "{}", asked());

    let unknown = run(&lab, &["--receivers", "postfix,qmail"]).await;
    assert_eq!((unknown.status.code(), unknown.stdout.len()), (Some(2), 0));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains("`qmail` is not a receiver; known are: all, none, postfix, exim"), "{said}");
}
