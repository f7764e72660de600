//! What a report says of the receivers' answers: its headline, and its end where the agreement alone is in order.

#![allow(clippy::unwrap_used, reason = "a test may")]

use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::receivers::{Outcome, Selection};
use smtp_preflight::judge::{Check, judge, judge_for};
use smtp_preflight::lab::{Lab, Scenario};
use smtp_preflight::report::{Format, TableOptions, row, table, whole};

/// The evidence of 198.51.100.25, named `ptr`, which says `ehlo`; `zone` is more of example.net, `faults` of the DNS.
async fn observed(ptr: &str, ehlo: &str, zone: &str, faults: &str) -> Evidence {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['198.51.100.25']\nehlo = '{ehlo}'\n[[dns]]\nzone = '''\n\
         $ORIGIN example.net.\nmail A 198.51.100.25\n{zone}\n\
         $ORIGIN 100.51.198.in-addr.arpa.\n25 PTR {ptr}.\n'''\n{faults}\n\
         [[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\n\
         iprev = 'pass'\nfindings = []\n"
    );
    let scenario = Scenario::parse("told", &text).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    lab.observe(&scenario).await.unwrap().remove(0)
}

/// The report, each paragraph in one line.
fn told(check: &Check) -> String {
    let text = table(check, &TableOptions { width: 120, ..TableOptions::default() });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn worst(check: &Check) -> String {
    let row = row(check, &TableOptions { width: 160, ..TableOptions::default() });
    let words = ["reject", "(reject)", "defer", "(defer)", "spam", "greylist", "accept", "-"];
    row.split("  ").map(str::trim).find(|cell| words.contains(cell)).unwrap_or_else(|| panic!("{row}")).to_owned()
}

/// A rule on the EHLO alone, or none at all, is no word on a client of which nothing is known.
#[tokio::test]
async fn of_nobody_nothing_is_predicted() {
    let scenario = Lab::scenario("target-unresolvable").unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    let check = judge(&lab.observe(&scenario).await.unwrap().remove(0));
    assert_eq!(check.receivers, []);
    let text = told(&check);
    assert!(text.contains("Receivers: not predicted: neither address nor EHLO name is known"), "{text}");
    assert_eq!(text.matches("not predicted").count(), 1, "{text}");
    assert_eq!(worst(&check), "-");
}

#[tokio::test]
async fn trouble_is_not_called_absence() {
    let fault = "[[dns.fault]]\nname = 'nine.example.net.'\nfault = 'servfail'";
    let check = judge(&observed("nine.example.net", "mail.example.net", "", fault).await);
    let fcrdns = check.receivers.iter().find(|p| p.receiver == "opensmtpd" && p.rule == "fcrdns").unwrap();
    assert_eq!(fcrdns.outcome, Outcome::Reject);
    let because = "the PTR nine.example.net could not be looked up (servfail), which counts as not leading back";
    assert_eq!(fcrdns.because, because);
}

/// A filter's own threshold is an answer; "accepted by all" is only said where none is reached.
#[tokio::test]
async fn a_score_that_does_something_is_said() {
    let both = |name: &str| format!("{name} A 198.51.100.25");
    let greylisted = judge(&observed("static.example.net", "static.example.net", &both("static"), "").await);
    let text = told(&greylisted);
    assert!(text.contains("Receivers: greylisted by rspamd (4.1; 4 greylists) · accepted by all others"), "{text}");
    assert!(!text.contains("accepted by all (") && worst(&greylisted) == "greylist", "{text}");
    // Nothing of the three names is at fault, and somebody does not simply take the mail.
    assert!(greylisted.findings.is_empty() && !text.contains("Nothing to change"), "{text}");
    assert!(text.contains("Still greylisted by rspamd (4.1; 4 greylists): ONCE_RECEIVED_STRICT 4"), "{text}");
    let markdown = whole(Format::Markdown, std::slice::from_ref(&greylisted), None).unwrap();
    assert!(markdown.contains("Still greylisted by rspamd") && !markdown.contains("Nothing to change"), "{markdown}");

    let name = "static-dynamic-100.example.net";
    let marked = judge(&observed(name, "mail.example.net", &both("static-dynamic-100"), "").await);
    let score = marked.receivers.iter().find(|p| p.receiver == "rspamd").unwrap();
    assert!(score.score >= score.threshold, "{score:?}");
    let text = told(&marked);
    assert!(text.contains("marked as spam by rspamd (") && !text.contains("rspamd adds"), "{text}");
    assert_eq!(worst(&marked), "spam");
}

/// A rule that no stock server has is not the server.
#[tokio::test]
async fn a_rule_that_is_off_in_a_stock_server_is_told_apart() {
    let check = judge(&observed("mail.example.net", "nowhere.example.net", "", "").await);
    let text = told(&check);
    let said = "Receivers: refused by exim where it checks this · deferred for days by postfix where it checks this ·";
    assert!(text.contains(said), "{text}");
    assert_eq!(worst(&check), "(reject)");
    let none = judge(&observed("gone.example.net", "mail.example.net", "", "").await);
    let text = told(&none);
    assert!(
        text.contains("refused by gmail, yahoo, t-online and 1 more; and by exim, opensmtpd where they check this")
    );
    assert!(text.contains("deferred for days by godaddy; and by postfix, sendmail where they check this"), "{text}");
    assert_eq!(worst(&none), "reject");
    // EHLO with a character that stock Exim refuses: its bare name.
    let stock = judge(&observed("mail.example.net", "a_b.example.net", "", "").await);
    assert!(told(&stock).contains("refused by exim ·"), "{}", told(&stock));
}

/// What asks for nothing accepts nothing, and one is not many.
#[tokio::test]
async fn rules_are_counted() {
    let evidence = observed("mail.example.net", "mail.example.net", "", "").await;
    let of = |receivers: &str| told(&judge_for(&evidence, &receivers.parse::<Selection>().unwrap()));
    assert!(of("microsoft").contains("Receivers: microsoft: no rule is published for IPv4"));
    assert!(!of("microsoft").contains("accepted"));
    assert!(of("yahoo").contains("Receivers: accepted by all (1 rule)"));
    assert!(of("yahoo,microsoft").contains("Receivers: accepted by all (1 rule)"));
    assert!(of("gmail,yahoo").contains("Receivers: accepted by all (3 rules)"));
}

/// Nobody with a rule on generic names publishes its shapes: what those who do say alike stands in, and is named; where
/// they disagree nothing is predicted.
#[tokio::test]
async fn what_is_generic_is_not_made_up() {
    const RULES: [(&str, &str); 3] = [("t-online", "DIAL"), ("comcast", "ES000010"), ("mail.ru", "generic PTR")];
    for (name, outcome) in [
        ("mail.example.net", Some(Outcome::Accept)),
        // Both have it for generic; only SpamAssassin; only we, who know the provider's default.
        ("100-51-198-25.dyn.example.net", Some(Outcome::Reject)),
        ("mail-a1-2.example.net", None),
        ("static.25.100.51.198.clients.your-server.de", None),
    ] {
        let zone = format!("$ORIGIN {}.\n{name}. A 198.51.100.25", name.split_once('.').unwrap().1);
        let evidence = observed(name, "mail.example.net", &zone, "").await;
        let check = judge(&evidence);
        for (receiver, rule) in RULES {
            let found = check.receivers.iter().find(|p| p.receiver == receiver && p.rule == rule);
            assert_eq!(found.map(|p| p.outcome), outcome, "{name}: {found:?}");
            if let Some(p) = found {
                assert!(p.assumes.iter().any(|a| a.contains("RDNS_DYNAMIC")), "{p:?}");
            } else {
                let open = check.not_predicted.iter().find(|n| n.receiver == receiver && n.rule == rule).unwrap();
                assert!(open.because.contains("does not publish its shapes"), "{open:?}");
            }
        }
    }
}

/// Where the three names agree and a shape of theirs is refused all the same, a finding says so, with what removes it.
#[tokio::test]
async fn a_shape_that_is_refused_is_a_finding() {
    let long = format!("{}.{}.example.net", "a".repeat(26), "b".repeat(26));
    for (name, more, codes) in [(&long[1..], 0, &[][..]), (&long[..], 1, &["ptr-too-long"])] {
        assert_eq!(name.len(), 64 + more);
        let check = judge(&observed(name, name, &format!("{name}. A 198.51.100.25"), "").await);
        let found: Vec<String> = check.findings.iter().map(|f| f.code.to_string()).collect();
        assert_eq!(found, codes, "{name}");
        let fcrdns = check.receivers.iter().find(|p| p.rule == "fcrdns").unwrap();
        assert_eq!(fcrdns.outcome == Outcome::Reject, more > 0, "{fcrdns:?}");
        let text = told(&check);
        assert_eq!(text.contains("Choose a name of 64 characters or fewer"), more > 0, "{text}");
    }
    let check = judge(&observed("mail.example.net", "mail.example.net.", "", "").await);
    let found: Vec<String> = check.findings.iter().map(|f| f.code.to_string()).collect();
    assert_eq!(found, ["ehlo-final-dot"]);
    let refused: Vec<&str> =
        check.receivers.iter().filter(|p| p.outcome > Outcome::Score).map(|p| p.receiver.as_ref()).collect();
    assert_eq!(refused, ["postfix", "opensmtpd", "opensmtpd", "opensmtpd"]);
    assert!(told(&check).contains("Make the server say mail.example.net in EHLO"), "{}", told(&check));
}
