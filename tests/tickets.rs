//! Tickets as they are sent: one for each holder of a zone, nothing in them that was not seen, nothing left to fill
//! in that is known.

#![allow(clippy::unwrap_used, reason = "a test may")]

use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::{Check, judge};
use smtp_preflight::lab::{Lab, Scenario};
use smtp_preflight::report::{Ticket, Tickets};

/// These addresses say `ehlo` in these zones, where the A of `failing` is answered with SERVFAIL.
async fn seen(ips: &[&str], ehlo: Option<&str>, zone: &str, failing: &str) -> Vec<Evidence> {
    let ehlo = ehlo.map(|e| format!("ehlo = '{e}'\n")).unwrap_or_default();
    let fault = match failing {
        "" => String::new(),
        name => format!("[[dns.fault]]\nname = '{name}.'\nfault = 'servfail'\n"),
    };
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = {ips:?}\n{ehlo}no_connect = true\n[[dns]]\nzone = '''\n\
         {zone}\n'''\n{fault}[[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\n\
         ehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    let scenario = Scenario::parse("ticket", &text).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    lab.observe(&scenario).await.unwrap()
}

async fn checks(ips: &[&str], ehlo: Option<&str>, zone: &str) -> Vec<Check> {
    seen(ips, ehlo, zone, "").await.iter().map(judge).collect()
}

/// What is sent, and what is said beside it.
fn written(checks: &[Check], to: Ticket) -> (String, Vec<String>) {
    let mut tickets = Tickets::new(to);
    for check in checks {
        tickets.add(check);
    }
    tickets.finish()
}

const REVERSE: &str = "$ORIGIN 100.51.198.in-addr.arpa.\n";
const FORWARD: &str = "$ORIGIN example.net.\nmail A 198.51.100.25\nmail A 198.51.100.26\nmail AAAA 2001:db8:6::25\n";

#[tokio::test]
async fn an_ipv6_ticket_gives_the_whole_name_and_speaks_of_aaaa() {
    let found = checks(&["2001:db8:6::25"], Some("mail.example.net"), FORWARD).await;
    let (letter, remarks) = written(&found, Ticket::Provider);
    let name = "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.";
    assert!(letter.contains(&format!("    {name} 3600 IN PTR mail.example.net.\n")), "{letter}");
    assert!(letter.contains("mail.example.net has AAAA 2001:db8:6::25"), "{letter}");
    assert_eq!(remarks, [""; 0]);
}

#[tokio::test]
async fn a_ticket_without_a_name_says_what_it_lacks_and_claims_nothing() {
    let found = checks(&["198.51.100.25"], None, REVERSE).await;
    let (letter, remarks) = written(&found, Ticket::Provider);
    assert!(
        remarks.len() == 1 && remarks[0].contains("lacks the name") && remarks[0].contains("--ehlo"),
        "{remarks:?}"
    );
    assert!(letter.starts_with("Subject: Reverse DNS (PTR) for 198.51.100.25\n"), "{letter}");
    assert!(letter.contains("25.100.51.198.in-addr.arpa. IN PTR NAME."), "{letter}");
    assert!(!letter.contains("forward record"), "{letter}");
}

#[tokio::test]
async fn behind_an_alias_the_zone_is_named() {
    let zone = format!("{FORWARD}{REVERSE}25 CNAME 25.0-127\n$ORIGIN 0-127.100.51.198.in-addr.arpa.\n");
    let found = checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await;
    let (letter, _) = written(&found, Ticket::Provider);
    let owner = "25.0-127.100.51.198.in-addr.arpa";
    assert!(letter.contains(&format!("    {owner}. 3600 IN PTR mail.example.net.\n")), "{letter}");
    assert!(
        letter.contains("the zone\n0-127.100.51.198.in-addr.arpa")
            || letter.contains("zone 0-127.100.51.198.in-addr.arpa"),
        "{letter}"
    );
    assert!(letter.contains("- CNAME 25.100.51.198.in-addr.arpa: 25.0-127.100.51.198.in-addr.arpa"), "{letter}");
    assert!(letter.replace('\n', " ").contains("If that zone is delegated to us, please tell us"), "{letter}");
    let (customer, _) = written(&found, Ticket::Customer);
    assert!(customer.contains("perhaps you"), "{customer}");
}

#[tokio::test]
async fn the_holder_of_a_delegated_zone_stands_in_the_finding() {
    let zone = format!(
        "{FORWARD}{REVERSE}25 CNAME 25.0-127\n$ORIGIN 0-127.100.51.198.in-addr.arpa.\n25 PTR mail.example.net.\n"
    );
    let found = checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await;
    let delegated = found[0].findings.iter().find(|f| f.code.to_string() == "ptr-delegated").unwrap();
    let who =
        "holder of the zone 0-127.100.51.198.in-addr.arpa, delegated by alias (RFC 2317): perhaps you; its contact is ";
    assert!(delegated.fix.who.starts_with(who), "{}", delegated.fix.who);
}

#[tokio::test]
async fn refusal_is_claimed_only_where_the_ptr_was_seen_to_fail() {
    let zone = format!("{FORWARD}old A 198.51.100.25\n{REVERSE}25 PTR old.example.net.");
    let found = checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await;
    for to in [Ticket::Provider, Ticket::Customer] {
        let (letter, _) = written(&found, to);
        assert!(!letter.contains("refuse our mail") && !letter.contains("taken for forged"), "{letter}");
        assert!(letter.contains("old.example.net"), "{letter}");
    }
    let open = seen(&["198.51.100.25"], Some("other.example.net"), &zone, "old.example.net").await;
    let open: Vec<Check> = open.iter().map(judge).collect();
    let (letter, _) = written(&open, Ticket::Customer);
    assert!(!letter.contains("forged"), "{letter}");
}

#[tokio::test]
async fn a_customer_reads_every_error() {
    let zone = format!("{FORWARD}{REVERSE}25 PTR old.example.net.");
    let found = checks(&["198.51.100.25"], Some("localhost"), &zone).await;
    let errors: Vec<String> = found[0]
        .findings
        .iter()
        .filter(|f| f.severity == smtp_preflight::judge::Severity::Error)
        .map(|f| f.title.clone())
        .collect();
    assert!(errors.len() >= 2, "{errors:?}");
    let (letter, _) = written(&found, Ticket::Customer);
    for title in &errors {
        assert!(letter.contains(title.as_str()), "{title}: {letter}");
    }
}

#[tokio::test]
async fn the_addresses_of_a_zone_are_one_ticket() {
    let zone = format!("{FORWARD}mail A 198.51.100.27\n{REVERSE}27 PTR mail.example.net.");
    let ips = ["198.51.100.25", "198.51.100.26", "198.51.100.27"];
    let found = checks(&ips, Some("mail.example.net"), &zone).await;
    let (letter, remarks) = written(&found, Ticket::Provider);
    assert_eq!(letter.matches("Subject: ").count(), 1, "{letter}");
    assert!(letter.contains("Reverse DNS (PTR) for 2 addresses"), "{letter}");
    for ip in &ips[..2] {
        assert!(letter.contains(&format!("    {ip}  mail.example.net\n")), "{letter}");
    }
    assert_eq!(remarks, ["there is nothing to ask of the provider of 198.51.100.27: its PTR needs no change"]);
}

#[tokio::test]
async fn too_many_names_are_told_as_that_and_one_address_has_its_names() {
    let names = |n: usize| (1..=n).map(|n| format!("\n25 PTR h{n}.example.net.")).collect::<Vec<_>>().concat();
    let hosts = |n: usize| (1..=n).map(|n| format!("h{n} A 198.51.100.25\n")).collect::<Vec<_>>().concat();
    let zone = format!("{FORWARD}{}{REVERSE}{}", hosts(12), names(12));
    let (letter, _) = written(&checks(&["198.51.100.25"], Some("h1.example.net"), &zone).await, Ticket::Provider);
    assert!(letter.contains("It has 12 reverse names."), "{letter}");
    assert!(!letter.contains("not lead back"), "{letter}");
    let zone = format!("{FORWARD}stray A 198.51.100.99\n{REVERSE}25 PTR mail.example.net.\n25 PTR stray.example.net.");
    let (letter, _) = written(&checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await, Ticket::Provider);
    assert!(letter.replace('\n', " ").contains("Some of its reverse names do not lead back to it."), "{letter}");
}

#[tokio::test]
async fn what_one_resolver_keeps_is_not_told_of_every_server() {
    let vultr = "198.51.100.25.vultrusercontent.com";
    let zone =
        format!("{FORWARD}$ORIGIN vultrusercontent.com.\n198.51.100.25 A 198.51.100.25\n{REVERSE}25 PTR {vultr}.");
    let (letter, _) = written(&checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await, Ticket::Customer);
    let letter = letter.replace('\n', " ");
    assert!(!letter.contains("every server sees it"), "{letter}");
    assert!(letter.contains("Vultr may take up to 12 h until it publishes the change."), "{letter}");
    assert!(letter.contains("the resolver that we asked may give the old answer for another"), "{letter}");
}

#[tokio::test]
async fn where_the_block_has_no_reverse_zone_no_registry_is_written_to() {
    let zone = format!("{FORWARD}$ORIGIN in-addr.arpa.\n");
    let found = checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await;
    let asked = found[0].dns.ptr.as_ref().unwrap().zone.as_ref().unwrap();
    assert!(asked.registry, "{asked:?}");
    let (letter, _) = written(&found, Ticket::Provider);
    let letter = letter.replace('\n', " ");
    assert!(letter.contains("The address block has no reverse zone: the zone in-addr.arpa"), "{letter}");
    assert!(!letter.contains(&asked.contact), "{letter}");
    let missing = found[0].findings.iter().find(|f| f.code.to_string() == "ptr-missing").unwrap();
    assert!(missing.fix.who.starts_with("holder of the address block"), "{}", missing.fix.who);
    assert!(!missing.fix.who.contains(&asked.contact), "{}", missing.fix.who);
}

#[tokio::test]
async fn nothing_is_asked_for_an_address_that_no_receiver_sees() {
    let zone = format!("{FORWARD}mail A 10.0.0.5\n$ORIGIN in-addr.arpa.\n");
    let found = checks(&["10.0.0.5"], Some("mail.example.net"), &zone).await;
    for to in [Ticket::Provider, Ticket::Customer] {
        let (letter, remarks) = written(&found, to);
        assert_eq!(letter, "", "{letter}");
        assert!(remarks[0].ends_with("10.0.0.5 is a private address (RFC 1918); give --ip the public address"));
    }
}

#[tokio::test]
async fn an_alias_whose_subzone_is_missing_leaves_the_zone_with_its_holder() {
    let zone = format!("{FORWARD}{REVERSE}25 CNAME 25.0-63\n");
    let found = checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await;
    let (letter, _) = written(&found, Ticket::Provider);
    assert!(!letter.contains("not in the zone above it"), "{letter}");
    let step = &found[0].remedy.as_ref().unwrap().steps[0];
    assert!(step.action.contains("0-63.100.51.198.in-addr.arpa delegated"), "{}", step.action);
    assert!(!step.who.contains("perhaps you"), "{}", step.who);
}

#[tokio::test]
async fn where_the_alias_ends_in_the_senders_own_zone_no_provider_is_asked() {
    let zone = format!("{FORWARD}{REVERSE}25 CNAME ptr25.example.net.\n");
    let found = checks(&["198.51.100.25"], Some("mail.example.net"), &zone).await;
    let (letter, remarks) = written(&found, Ticket::Provider);
    assert_eq!(letter, "", "{letter}");
    assert!(
        remarks[0].contains("ptr25.example.net in the zone example.net, which holds your own names"),
        "{remarks:?}"
    );
}

#[tokio::test]
async fn without_an_ehlo_name_a_ptr_name_that_leads_elsewhere_is_not_taken_for_the_servers() {
    let zone = format!("{REVERSE}25 PTR relay.saas.example.\n$ORIGIN saas.example.\nrelay 60 A 192.0.2.88\n");
    let found = checks(&["198.51.100.25"], None, &zone).await;
    let remedy = found[0].remedy.as_ref().unwrap();
    assert_eq!(remedy.name, None, "{remedy:#?}");
    assert!(remedy.steps.iter().all(|s| s.publish.is_empty()), "{remedy:#?}");
}
