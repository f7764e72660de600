//! `explain` from outside, and the catalogue kept whole: every code has its words, its page and a scenario
//! that brings it up.

#![expect(clippy::disallowed_methods, reason = "the test runs the program and reads the page")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use smtp_preflight::bounce;
use smtp_preflight::desk::Entry;
use smtp_preflight::judge::receivers::rule_entries;
use smtp_preflight::judge::{Code, Severity};
use smtp_preflight::knowledge::{mtas, providers};
use smtp_preflight::lab::Lab;
use smtp_preflight::report::{
    TableOptions, bounce_table, codes_of, explain_code, explain_mta, explain_provider, explain_refusal, explain_rule,
};

fn explain(what: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_smtp-preflight")).arg("explain").args(what).output().unwrap()
}

fn said(output: &Output) -> (String, String, i32) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr), output.status.code().unwrap())
}

/// As one line, so that it does not matter where it was folded.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Codes that no scenario can bring up, each with the reason and the test that does instead.
const ELSEWHERE: &[(Code, &str, &str)] = &[
    (Code::SelfBehindNat, "a scenario runs `check`, not `check --self`", "tests/own_address.rs"),
    (Code::SelfAddressDisagrees, "a scenario runs `check`, not `check --self`", "tests/own_address.rs"),
    (Code::LocalShortage, "a scenario cannot use up this machine's sockets", "tests/bulk_limits.rs"),
    (Code::Defect, "no scenario is known to bring up a defect", "src/cli/judged.rs"),
];

#[test]
fn every_code_is_hit_by_a_scenario() {
    let hit: BTreeSet<Code> =
        Lab::scenarios().flat_map(|s| s.unwrap().expect.into_iter().flat_map(|e| e.findings)).collect();
    let elsewhere = |code| ELSEWHERE.iter().any(|(known, ..)| *known == code);
    let missed: Vec<&str> =
        Code::all().filter(|e| !hit.contains(&e.code) && !elsewhere(e.code)).map(|e| e.slug).collect();
    assert!(missed.is_empty(), "no scenario of fixtures/scenarios brings up {missed:?}");
    for (code, _, test) in ELSEWHERE {
        assert!(!hit.contains(code), "{code} has a scenario; the exception is not needed");
        let source = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(test)).unwrap();
        assert!(source.contains(&format!("\"{code}\"")), "{test} does not bring up {code}");
    }
}

#[test]
fn every_code_has_its_words() {
    let mut titles = BTreeSet::new();
    for entry in Code::all() {
        let slug = entry.slug;
        for words in [entry.meaning, entry.precise, entry.why, entry.remedy] {
            assert!(words.len() > 12 && words.ends_with('.') && !words.contains("  "), "{slug}: {words:?}");
        }
        for words in [entry.title, entry.who] {
            assert!(words.len() >= 3 && !words.ends_with('.') && !words.contains("  "), "{slug}: {words:?}");
        }
        let sentences = entry.meaning.matches(". ").count() + 1;
        assert!((2..=4).contains(&sentences), "{slug}: {sentences} sentences for a support desk");
        assert!(
            ["RFC ", "POSIX.1 ", "none"].iter().any(|s| entry.reference.starts_with(s)),
            "{slug}: {}",
            entry.reference
        );
        assert!(titles.insert(entry.title), "{slug}: a second `{}`", entry.title);
        assert!(!entry.unknown || entry.severity == Severity::Info, "{slug}: what was not seen is no fault");
    }
}

/// Receivers see the address, its names and the EHLO name; an error or a warning there names who acts on it.
#[test]
fn what_is_graded_for_receivers_names_them() {
    // Known by their source or documentation, and not predicted.
    const BESIDE: &[&str] = &["haraka", "stalwart"];
    let known = smtp_preflight::judge::receivers::receiver_names();
    for subject in &Code::subjects()[..3] {
        for entry in subject.entries {
            // A reply to us, and what differs from one asker to the next, are nothing that one receiver sees.
            let unseen = matches!(entry.code, Code::ResolversDisagree | Code::SelfAddressDisagrees | Code::EhloNoName);
            let graded = entry.severity >= Severity::Warning && !unseen;
            assert!(!graded || !entry.receivers.is_empty(), "{}: who acts on it?", entry.slug);
        }
    }
    for entry in Code::all() {
        let mut names = BTreeSet::new();
        for rule in entry.receivers {
            let receiver = rule.name.split(' ').next().unwrap();
            assert!(known.contains(&receiver) || BESIDE.contains(&receiver), "{}: {}", entry.slug, rule.name);
            assert!(!rule.does.is_empty() && names.insert(rule.name), "{}: {}", entry.slug, rule.name);
        }
    }
}

#[test]
fn every_code_is_on_the_page_and_explained() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/findings.md")).unwrap();
    for entry in Code::all() {
        assert!(page.contains(&format!("### `{}`", entry.slug)), "{}", entry.slug);
        for width in [40, 80, 160] {
            let text = explain_code(entry, &TableOptions { width, ..TableOptions::default() });
            assert!(text.lines().all(|l| l.chars().count() <= width), "{} at {width}:\n{text}", entry.slug);
            assert!(!text.contains('\u{1b}') && text.ends_with('\n'));
        }
        let text = flat(&explain_code(entry, &TableOptions { width: 160, ..TableOptions::default() }));
        for words in [entry.meaning, entry.precise, entry.why, entry.remedy, entry.who, entry.reference] {
            assert!(text.contains(&flat(words)), "{}: {words}", entry.slug);
        }
        for rule in entry.receivers {
            assert!(text.contains(&flat(rule.name)) && text.contains(&flat(rule.does)), "{}", entry.slug);
        }
    }
}

#[test]
fn all_codes_one_code_and_no_code() {
    let (list, _, exit) = said(&explain(&[]));
    assert_eq!(exit, 0);
    let list = flat(&list);
    for entry in Code::all() {
        assert!(list.contains(&format!(" {} {}", entry.slug, entry.title)), "{}:\n{list}", entry.slug);
    }
    for word in ["ptr-missing", "PTR-MISSING", "ptr_missing"] {
        let (text, _, exit) = said(&explain(&[word]));
        assert_eq!(exit, 0);
        assert!(text.starts_with("ptr-missing (error): No PTR record\n"), "{text}");
        assert!(text.contains("gmail 550-5.7.25") && !text.contains('\u{1b}'), "{text}");
    }
    assert_eq!(said(&explain(&["ptr", "missing"])).2, 0);
    let (text, error, exit) = said(&explain(&["ptr-mising"]));
    assert_eq!((text.as_str(), exit), ("", 2));
    assert!(error.contains("`ptr-mising`") && error.contains("ptr-missing") && error.lines().count() == 1, "{error}");
    for word in ["", "5.7.25", "postfix/reject_nothing", "\u{1b}[31m"] {
        let (text, error, exit) = said(&explain(&[word]));
        assert_eq!((text.as_str(), exit, error.lines().count()), ("", 2, 1), "{word:?}: {error}");
        assert!(!error.contains('\u{1b}'));
    }
}

#[test]
fn a_refusal_is_explained_with_what_to_run_next() {
    let (text, _, exit) = said(&explain(&[
        "550-5.7.25 [203.0.113.10] The IP address sending this message does not have a PTR record setup, or the corresponding\n\
         550 5.7.25 forward DNS entry does not point to the sending IP",
    ]));
    assert_eq!(exit, 0);
    for words in [
        "550 5.7.25: refused for who the sender says it is",
        "Gmail",
        "ptr-missing: No PTR record",
        "ptr-unconfirmed: PTR not confirmed",
        "    smtp-preflight check --ip 203.0.113.10 --ehlo NAME",
        "5xx reply is permanent",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    // The words of a shell that was given no quotes.
    let (text, _, exit) = said(&explain(&[
        "450",
        "4.7.25",
        "Client",
        "host",
        "rejected:",
        "cannot",
        "find",
        "your",
        "hostname,",
        "[203.0.113.10]",
    ]));
    assert_eq!(exit, 0);
    for words in ["Postfix", "ptr-lookup-failed", "4xx reply is temporary", "--ip 203.0.113.10"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    let (text, _, exit) = said(&explain(&["554 no words known here"]));
    assert_eq!(exit, 3);
    assert!(text.contains("    smtp-preflight check --self\n"), "{text}");
}

/// The leg that a reply names, as findings; nothing for a reply that is not about the identity.
#[test]
fn a_refusal_names_its_findings() {
    use Code::*;
    let cases: &[(&str, &[Code])] = &[
        (
            "450 4.7.1 Client host rejected: cannot find your reverse hostname, [203.0.113.10]",
            &[PtrMissing, PtrLookupFailed],
        ),
        ("550 5.7.25 Forward-confirmed reverse DNS failed", &[PtrUnconfirmed, PtrMissing]),
        ("550 Sorry, no FCrDNS match found", &[PtrUnconfirmed]),
        ("550 5.7.25", &[PtrMissing, PtrUnconfirmed]),
        ("504 5.5.2 <mailhost>: Helo command rejected: need fully-qualified hostname", &[EhloNotFqdn]),
        ("504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname", &[EhloLocalhost]),
        ("450 4.7.1 <mail.example.net>: Helo command rejected: Host not found", &[EhloUnresolvable, EhloLookupFailed]),
        ("550 5.7.1 <mail.example.net>: Helo command rejected: Host not found", &[EhloUnresolvable]),
        ("450 4.7.1 <x>: Helo command rejected: Host not found", &[EhloNotFqdn, EhloUnresolvable, EhloLookupFailed]),
        ("501 5.5.4 HELO/EHLO argument MAILSRV invalid, closing connection.", &[EhloNotFqdn]),
        ("501-5.5.4 HELO/EHLO argument \"localhost\" invalid, closing connection.", &[EhloLocalhost]),
        ("554 5.7.1 <unknown[203.0.113.9]>: Client host rejected: Access denied", &[PtrMissing, PtrUnconfirmed]),
        ("554 5.7.1 <mail.example.net[203.0.113.9]>: Client host rejected: Access denied", &[]),
        ("421 4.7.23", &[PtrMissing, PtrUnconfirmed]),
        ("550 5.7.23", &[]),
        (
            "501 Syntactically invalid EHLO argument(s)",
            &[EhloInvalid, EhloNotHostname, EhloNotAscii, EhloLiteralSyntax],
        ),
        ("501 5.5.4 Invalid domain name", &[EhloInvalid, EhloNotHostname, EhloNotAscii, EhloLiteralSyntax]),
        ("501 5.0.0 Invalid domain name", &[EhloInvalid, EhloNotHostname, EhloNotAscii, EhloLiteralSyntax]),
        ("501 5.1.3 Invalid domain name", &[]),
        ("553 5.1.3 <bob@b.example>... Invalid domain name", &[]),
        ("550 5.1.1 user unknown", &[]),
        ("550 5.7.23 SPF validation failed", &[]),
        ("550 5.7.1 Relaying denied. IP name lookup failed [203.0.113.10]", &[]),
        ("550 5.7.1", &[]),
    ];
    for (reply, codes) in cases {
        assert_eq!(codes_of(&bounce::read(reply.as_bytes())), *codes, "{reply}");
    }
    // A code alone rules nothing out.
    let text = explain_refusal(&bounce::read(b"550 5.7.1"), &TableOptions::default());
    assert!(text.contains("among what it may stand for") && text.contains("smtp-preflight check"), "{text}");
}

/// Words of the network stay words: no control character, no line wider than the terminal but a command.
#[test]
fn a_hostile_refusal_does_no_harm() {
    let long = "550 5.7.25 ".to_owned() + &"\u{202e}x\u{1b}]0;title\u{7} 例え ".repeat(500);
    for reply in
        [&*long, "550 5.7.1 <$(reboot)>: Helo command rejected: Host not found", "550 \u{9b}31m", "550-\r\n550-\r\n"]
    {
        for width in [40, 80] {
            let read = bounce::read(reply.as_bytes());
            let text = explain_refusal(&read, &TableOptions { width, ..TableOptions::default() });
            assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
            for line in text.lines().filter(|l| !l.starts_with("    ")) {
                assert!(line.chars().count() <= width, "{line:?}");
            }
            assert!(!text.lines().any(|l| l.starts_with("    smtp-preflight") && l.contains('$')), "{text}");
        }
    }
}

/// The rule named in the issue, to the point: what it looks at, the stock reply, what 550 changes, where it stands.
#[test]
fn a_receivers_rule_is_explained() {
    let (out, err, code) = said(&explain(&["postfix/reject_unknown_client_hostname"]));
    assert_eq!((code, err.as_str()), (0, ""));
    let out = flat(&out);
    for words in [
        "the first PTR leads back to the address",
        "450 4.7.25 Client host rejected: cannot find your hostname",
        "unknown_client_reject_code, as shipped 450: deferred for days, then bounced. Otherwise: 550 refuses at once",
        "postconf(5); measured with postfix 3.7.11",
    ] {
        assert!(out.contains(words), "no {words:?} in {out}");
    }
    // Every rule, by the name that a report shows; case does not matter, and neither do quotes around a blank.
    for entry in rule_entries() {
        let handle = entry.handle();
        let text = explain_rule(&entry, &TableOptions::default());
        assert!(text.starts_with(&handle) && flat(&text).contains(&flat(entry.source)), "{text}");
        // The address of a page is wider than a terminal now and then, and stays whole.
        assert!(text.lines().all(|l| l.chars().count() <= 80 || l.contains("https://")), "{text}");
        assert!(!text.contains("  \n"), "{text}");
    }
    let (out, _, code) = said(&explain(&["t-online/4.1", "host", "name"]));
    assert_eq!((code, out.starts_with("t-online/4.1 host name\n")), (0, true), "{out}");
    let (out, _, code) = said(&explain(&["Gmail"]));
    assert_eq!((code, out.lines().filter(|l| l.trim().starts_with("gmail/")).count()), (0, 3), "{out}");
    let (out, err, code) = said(&explain(&["postfix/reject_everything"]));
    assert_eq!((code, out.as_str(), err.lines().count()), (2, "", 1), "{err}");
    assert!(err.contains("there is no rule `postfix/reject_everything`"), "{err}");
    let (list, ..) = said(&explain(&[]));
    assert!(rule_entries().iter().all(|e| list.contains(&e.handle())), "{list}");
}

/// Words that leave two readings open are explained as both, and say so.
#[test]
fn what_is_open_is_said_to_be_open() {
    let (text, _, exit) = said(&explain(&["421 4.7.23"]));
    let text = flat(&text);
    assert_eq!(exit, 0);
    for words in ["the code stands for both", "RFC 7372", "Gmail", "SPF record", "ptr-missing", "ptr-unconfirmed"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    for (reply, untold) in [
        ("550 Administrative prohibition", true),
        ("451 Temporary local problem - please try later", true),
        ("550 5.7.1 Access denied", true),
        ("550 Message rejected: contains a virus", false),
        ("550 5.7.1 Relaying denied", false),
        ("550 Administrative prohibition: relaying not permitted", false),
        ("451 4.4.1 connection timed out", false),
    ] {
        let text = flat(&explain_refusal(&bounce::read(reply.as_bytes()), &TableOptions::default()));
        let (open, closed) = ("About not told; PTR and EHLO name are among", "About not the sender's PTR or EHLO name");
        assert!(text.contains(if untold { open } else { closed }), "{text}");
        assert_eq!(text.contains("smtp-preflight check --ip IP --ehlo NAME"), untold, "{text}");
        // The desk says the same of the same reply.
        let entry = Entry::unchecked(bounce::read(reply.as_bytes()));
        let desk = bounce_table(&entry, &TableOptions::default());
        assert_eq!(desk.contains("REASON NOT TOLD"), untold, "{desk}");
        assert_eq!(flat(&desk).contains("PTR and EHLO name are among what it may stand for"), untold, "{desk}");
    }
    let denied = "554 5.7.1 <unknown[203.0.113.9]>: Client host rejected: Access denied";
    let (text, _, exit) = said(&explain(&[denied]));
    let text = flat(&text);
    assert_eq!(exit, 0);
    for words in ["refused by a rule of the receiver", "access table", "which may be the reason", "Perhaps ptr-missing"]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(text.contains("smtp-preflight check --ip 203.0.113.9 --ehlo NAME") && !text.contains("Findings"), "{text}");
}

#[test]
fn success_is_said_to_be_success() {
    for (reply, words) in [
        ("250 2.0.0 Ok: queued as 4F2", "250: success, not a refusal"),
        ("250-mx.example.net\n250 STARTTLS", "250: success, not a refusal"),
        ("220 mx.example.net ESMTP", "220: success, not a refusal"),
        ("250", "250: success, not a refusal"),
        ("354 End data with <CR><LF>.<CR><LF>", "354: go on, not a refusal"),
    ] {
        let (text, _, exit) = said(&explain(&[reply]));
        assert_eq!((exit, text.starts_with(words), text.contains("--ehlo")), (0, true, false), "{text}");
    }
    // A dialogue that ends in a refusal is a refusal.
    let (text, ..) = said(&explain(&["250 ok\n550 5.7.25 no PTR record"]));
    assert!(text.starts_with("550 5.7.25: refused"), "{text}");
}

#[test]
fn nothing_far_from_a_name_is_offered() {
    for (word, near) in
        [("hetzer", Some("hetzner")), ("ptr-mising", Some("ptr-missing")), ("xyzzy", None), ("????", None)]
    {
        let (_, error, exit) = said(&explain(&[word]));
        assert_eq!((exit, error.lines().count(), error.contains("did you mean")), (2, 1, near.is_some()), "{error}");
        assert!(near.is_none_or(|n| error.contains(n)) && error.contains("'550 5.7.25 …'"), "{error}");
    }
    let (_, error, exit) = said(&explain(&[""]));
    assert_eq!((exit, error.contains("nothing is given")), (2, true), "{error}");
}

/// One wrong name among several is no refusal: it is named, and nothing is explained.
#[test]
fn a_slip_in_a_list_of_names_is_told() {
    for (args, wrong, near) in [
        (vec!["ptr-missing", "ehlo-locahost"], "`ehlo-locahost`", Some("ehlo-localhost")),
        (vec!["ptr-missing,ehlo-locahost"], "`ehlo-locahost`", Some("ehlo-localhost")),
        (vec!["ptr-missing, ehlo-locahost"], "`ehlo-locahost`", Some("ehlo-localhost")),
        (vec!["potsfix", "hetzner"], "`potsfix`", Some("postfix")),
        (vec!["hetzner", "xyzzy"], "`xyzzy`", None),
        (vec!["postfix/base", "exim/bse"], "`exim/bse`", Some("exim/base")),
        (vec!["base"], "`base`", Some("postfix/base")),
    ] {
        let (text, error, exit) = said(&explain(&args));
        assert_eq!((exit, text.as_str(), error.lines().count()), (2, "", 1), "{args:?}: {error}");
        assert!(error.contains(wrong) && error.contains("did you mean") == near.is_some(), "{args:?}: {error}");
        assert!(near.is_none_or(|near| error.contains(near)), "{args:?}: {error}");
    }
    let (text, _, exit) = said(&explain(&["ptr-missing,", "hetzner,postfix"]));
    assert_eq!((exit, text.contains("\nhetzner (hosting")), (0, true), "{text}");
}

#[test]
fn a_rule_goes_by_its_own_name_too() {
    for (name, handle) in [
        ("reject_unknown_client_hostname", "postfix/reject_unknown_client_hostname"),
        ("verify_helo", "exim/verify_helo"),
        ("Require_RDNS", "sendmail/require_rdns"),
    ] {
        let (text, error, exit) = said(&explain(&[name]));
        assert_eq!((exit, error.as_str()), (0, ""), "{name}");
        assert!(text.starts_with(&format!("{handle}\n")), "{name}: {text}");
    }
}

#[test]
fn several_names_are_explained_in_turn() {
    let (text, error, exit) = said(&explain(&["ptr-missing", "postfix/base", "hetzner"]));
    assert_eq!((exit, error.as_str()), (0, ""));
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}: {text}"));
    assert!(at("ptr-missing (error)") < at("\npostfix/base\n") && at("\npostfix/base\n") < at("\nhetzner (hosting"));
    // A text in which names stand is a reply.
    assert_eq!(
        said(&explain(&["550", "5.7.25", "ptr-missing"])).0.lines().next().unwrap().split(':').next(),
        Some("550 5.7.25")
    );
}

/// Every mail server and every provider: how it is recognised, where the setting is, source, age, and what is sure.
#[test]
fn mail_servers_and_providers_are_explained() {
    let (list, ..) = said(&explain(&[]));
    let list = flat(&list);
    for mta in mtas::all() {
        let text = explain_mta(mta, &TableOptions::default());
        let words = flat(&text);
        let facts =
            [Some(&mta.place), mta.directive.as_ref(), mta.apply.as_ref(), Some(&mta.source), Some(&mta.checked)];
        for fact in facts.into_iter().flatten().chain(&mta.notes).chain(&mta.banner).chain([&mta.documentation]) {
            assert!(words.contains(&flat(fact)), "{}: {fact}\n{text}", mta.slug);
        }
        for line in mta.example.iter().chain(&mta.example_debian) {
            assert!(text.lines().any(|l| l.trim_start() == line.trim_start()), "{}: {line}\n{text}", mta.slug);
        }
        assert_eq!(words.contains("not verified"), !mta.verified, "{text}");
        assert!(text.contains("How it is recognised") && list.contains(&mta.slug), "{text}");
    }
    for provider in providers::all() {
        let text = explain_provider(provider, &TableOptions::default());
        let words = flat(&text);
        let facts = [provider.panel.as_ref(), provider.api.as_ref(), provider.who.as_ref(), Some(&provider.source)];
        let more =
            [provider.ipv6.as_ref(), provider.port25.as_ref(), Some(&provider.documentation), Some(&provider.checked)];
        for fact in facts.into_iter().chain(more).flatten().chain(&provider.limits).chain(&provider.unverified) {
            assert!(words.contains(&flat(fact)), "{}: {fact}\n{text}", provider.slug);
        }
        if let Some(line) = &provider.command {
            let note = provider.command_note.as_ref().map(|note| format!("  # {note}")).unwrap_or_default();
            assert!(text.lines().any(|l| l.trim_start() == line.clone() + &note), "{}: {line}\n{text}", provider.slug);
        }
        assert_eq!(words.contains("not verified"), !provider.verified, "{text}");
        assert!(text.contains("Where the PTR is set") && list.contains(&provider.slug), "{text}");
    }
    let (text, error, exit) = said(&explain(&["Hetzner"]));
    assert_eq!((exit, error.as_str()), (0, ""));
    assert!(text.contains("    hcloud server set-rdns SERVER --ip IP --hostname NAME\n"), "{text}");
    let (text, ..) = said(&explain(&["zimbra"]));
    assert!(text.contains("    zmprov ms SERVER zimbraMtaSmtpHeloName NAME\n"), "{text}");
    // What is both a receiver and a mail server is explained as both.
    let (text, ..) = said(&explain(&["postfix"]));
    assert!(text.contains("postfix/reject_unknown_client_hostname") && text.contains("smtp_helo_name"), "{text}");
}

/// What `explain` says of a finding and what a report predicts for it are one account of each published rule.
#[test]
fn published_rules_stand_at_their_findings() {
    use smtp_preflight::knowledge::receivers::{Condition, policies};
    for policy in policies() {
        let codes: &[Code] = match policy.when {
            Condition::NoPtr => &[Code::PtrMissing],
            Condition::Unconfirmed => &[Code::PtrMissing, Code::PtrUnconfirmed],
            Condition::PtrTrouble => &[Code::PtrLookupFailed],
            Condition::Generic => &[Code::PtrGeneric],
            Condition::EhloMalformed => &[Code::EhloInvalid],
            Condition::Never => &[],
        };
        let reply = policy.code.map(|code| code.to_string()).unwrap_or_default();
        let status = policy.enhanced.clone().unwrap_or_default();
        for code in codes {
            let own = code.entry().receivers.iter().filter(|r| r.name.starts_with(&format!("{} ", policy.receiver)));
            let said: Vec<String> = own.map(|r| format!("{} {}", r.name, r.does)).collect();
            // Gmail's words for IPv6 are a second reply to the same fault.
            let told =
                said.iter().any(|s| s.contains(&reply) && (s.contains(&status) || policy.rule == "IPv6AuthError"));
            assert!(
                told,
                "{}: {}/{} answers {reply} {status}, and it says {said:?}",
                code, policy.receiver, policy.rule
            );
        }
    }
}
