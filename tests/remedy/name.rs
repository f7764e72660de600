//! Which name a remedy chooses, and so what must change: the setting, the PTR or the records.

use smtp_preflight::evidence::Evidence;
use smtp_preflight::judge::{Check, EdgeState, Side, judge};
use smtp_preflight::report::{Ticket, ticket};

use crate::world::{PTR, check, seen};

fn sides(check: &Check) -> Vec<Side> {
    check.remedy.iter().flat_map(|r| &r.steps).map(|s| s.side).collect()
}

fn name(check: &Check) -> Option<&str> {
    check.remedy.as_ref().and_then(|r| r.name.as_deref())
}

#[tokio::test]
async fn a_confirmed_ptr_is_kept_and_the_server_says_it() {
    for said in ["other A 192.0.2.1", ""] {
        let check = check("other.example.net", &format!("mail A 198.51.100.25\n{said}\n{PTR} mail.example.net.")).await;
        assert_eq!(name(&check), Some("mail.example.net"), "{said:?}");
        assert_eq!(sides(&check), [Side::Ehlo, Side::Recheck], "{said:?}");
        let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
        assert!(records.is_empty(), "no finding says otherwise: {records:?}");
    }
}

#[tokio::test]
async fn a_generic_ptr_gives_way_to_the_servers_own_name() {
    let zone = format!("198-51-100-25.dyn A 198.51.100.25\n{PTR} 198-51-100-25.dyn.example.net.");
    let check = check("mail.example.net", &zone).await;
    assert_eq!(name(&check), Some("mail.example.net"));
    assert_eq!(sides(&check), [Side::Forward, Side::Reverse, Side::Recheck]);
}

#[tokio::test]
async fn an_alias_of_the_ptr_name_is_not_asked_for_as_ptr() {
    let zone = format!("mail A 198.51.100.25\nsmtp CNAME mail\n{PTR} mail.example.net.");
    let check = check("smtp.example.net", &zone).await;
    assert_eq!(name(&check), Some("mail.example.net"));
    assert_eq!(sides(&check), [Side::Ehlo, Side::Recheck]);
    let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
    assert!(records.is_empty(), "{records:?}");
}

#[tokio::test]
async fn a_ptr_name_of_nobodys_is_never_wanted() {
    for name_ in ["mail.local", "mx.internal", "relay.lan", "localhost", "mail.home.arpa"] {
        let check = check("mailhost", &format!("$ORIGIN 100.51.198.in-addr.arpa.\n25 PTR {name_}.")).await;
        assert_eq!(name(&check), None, "{name_}");
        let published: Vec<&String> = check.remedy.iter().flat_map(|r| &r.steps).flat_map(|s| &s.publish).collect();
        assert!(published.is_empty(), "{name_}: {published:?}");
        let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
        assert!(records.is_empty(), "{name_}: {records:?}");
    }
}

#[tokio::test]
async fn a_provider_that_sets_no_ptr_is_not_asked_for_one() {
    let name_ = "c-198-51-100-25.hsd1.wa.comcast.net";
    let zone =
        format!("mail A 198.51.100.25\n$ORIGIN comcast.net.\nc-198-51-100-25.hsd1.wa A 198.51.100.25\n{PTR} {name_}.");
    let check = check("mail.example.net", &zone).await;
    let remedy = check.remedy.as_ref().unwrap();
    assert!(remedy.steps.iter().all(|s| s.publish.is_empty() && s.withdraw.is_empty()), "{remedy:#?}");
    assert!(remedy.steps[0].action.contains("relay") && !remedy.by_records_alone, "{remedy:#?}");
    let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
    assert!(records.is_empty(), "a finding prints the plan's records and no others: {records:?}");
    let letter = ticket(&check, Ticket::Customer);
    assert!(letter.contains("Comcast refuses mail from its own"), "{letter}");
    let letter = ticket(&check, Ticket::Provider);
    assert!(letter.contains("nothing to ask") && !letter.contains("IN PTR"), "{letter}");
}

#[tokio::test]
async fn a_providers_command_has_the_address_and_the_name_in_it() {
    let name_ = "172-104-145-53.ip.linodeusercontent.com";
    let zone = format!("mail A 198.51.100.25\n{PTR} {name_}.");
    let check = check("mail.example.net", &zone).await;
    let how = &check.remedy.as_ref().unwrap().steps.iter().find(|s| s.side == Side::Reverse).unwrap().how;
    assert!(
        how.contains(
            &"linode-cli networking ip-update 198.51.100.25 --rdns mail.example.net  # not verified".to_owned()
        ),
        "{how:?}"
    );
    assert!(how.iter().any(|h| h.starts_with("who may: the account")), "{how:?}");
}

#[tokio::test]
async fn of_too_many_names_all_but_one_are_withdrawn_and_only_those_looked_at_are_spoken_of() {
    let ptrs = |n: usize| (1..=n).map(|n| format!("\n25 PTR n{n}.example.net.")).collect::<Vec<_>>().concat();
    let zone = format!("mail A 198.51.100.25\n$ORIGIN 100.51.198.in-addr.arpa.{}\n25 PTR mail.example.net.", ptrs(13));
    let check = check("mail.example.net", &zone).await;
    assert_eq!(check.agreement.ehlo_ptr.state, EdgeState::Agree, "the fourteenth name is a PTR");
    assert!(check.agreement.ptr_forward.because.starts_with("of 14 PTR names, the first 10: n1.example.net, "));
    let unconfirmed = check.findings.iter().find(|f| f.code.to_string() == "ptr-unconfirmed").unwrap();
    assert!(unconfirmed.detail.starts_with("of 14 PTR names, the first 10: "), "{}", unconfirmed.detail);
    let remedy = check.remedy.as_ref().unwrap();
    let withdrawn: Vec<&String> = remedy.steps.iter().flat_map(|s| &s.withdraw).collect();
    assert_eq!(withdrawn.len(), 13, "{withdrawn:?}");
    assert!(!withdrawn.iter().any(|w| w.contains(" mail.")), "{withdrawn:?}");
    assert_eq!(name(&check), Some("mail.example.net"));
}

#[tokio::test]
async fn the_root_as_ptr_is_printed_as_one_dot() {
    let check = check("mail.example.net", &format!("mail A 198.51.100.25\n{PTR} .")).await;
    let withdrawn: Vec<&String> = check.remedy.iter().flat_map(|r| &r.steps).flat_map(|s| &s.withdraw).collect();
    assert_eq!(withdrawn, ["25.100.51.198.in-addr.arpa. 3600 IN PTR ."]);
}

#[tokio::test]
async fn an_address_is_put_into_nobody_elses_zone() {
    // What the alias leads to, or leads to nothing at.
    for other in ["edge A 198.51.100.99", "other A 198.51.100.99"] {
        let zone = format!("mail 600 CNAME edge.cdn.example.\n{PTR} mail.example.net.\n$ORIGIN cdn.example.\n{other}");
        let check = check("mail.example.net", &zone).await;
        let remedy = check.remedy.as_ref().unwrap();
        let forward = remedy.steps.iter().find(|s| s.side == Side::Forward).unwrap();
        assert_eq!(forward.publish, ["mail.example.net. 3600 IN A 198.51.100.25"], "{other}");
        assert!(forward.withdraw[0].ends_with("IN CNAME edge.cdn.example."), "{:?}", forward.withdraw);
        assert!(forward.who.contains("example.net") && !forward.who.contains("cdn"), "{}", forward.who);
        assert!(forward.action.contains("in place of its alias"), "{}", forward.action);
        assert_eq!(forward.cached_for, Some(600));
    }
}

#[tokio::test]
async fn a_name_of_a_providers_is_not_published_by_its_customer() {
    for name_ in ["hosted-by.leaseweb.com", "a27-29.smtp-out.us-west-2.amazonses.com"] {
        let check = check(name_, &format!("mail A 198.51.100.99\n{PTR} {name_}.")).await;
        let remedy = check.remedy.as_ref().unwrap();
        assert_eq!(remedy.name, None, "{remedy:#?}");
        let records = remedy.steps.iter().flat_map(|s| s.publish.iter());
        assert_eq!(records.count(), 0, "{remedy:#?}");
        assert!(remedy.steps.iter().all(|s| s.side != Side::Forward), "{remedy:#?}");
        let letter = ticket(&check, Ticket::Customer);
        assert!(!letter.contains(" IN A "), "{letter}");
    }
}

#[tokio::test]
async fn a_forgotten_final_dot_is_known() {
    let zone = format!("mail A 198.51.100.25\n{PTR} mail.example.net.100.51.198.in-addr.arpa.");
    let check = check("mail.example.net", &zone).await;
    let remedy = check.remedy.as_ref().unwrap();
    assert_eq!(remedy.name.as_deref(), Some("mail.example.net"));
    assert!(remedy.steps.iter().all(|s| s.side != Side::Forward), "{remedy:#?}");
    assert!(remedy.steps[0].action.contains("final dot"), "{}", remedy.steps[0].action);
    let unconfirmed = check.findings.iter().find(|f| f.code.to_string() == "ptr-unconfirmed").unwrap();
    assert!(unconfirmed.detail.ends_with("mail.example.net was meant."), "{}", unconfirmed.detail);
}

#[tokio::test]
async fn a_name_in_a_domain_that_nobody_registered_is_not_published() {
    let check =
        check("mail.nobodys.test-tld", &format!("{PTR} old.example.net.\n$ORIGIN test-tld.\nx A 192.0.2.1")).await;
    let remedy = check.remedy.as_ref().unwrap();
    assert_ne!(remedy.name.as_deref(), Some("mail.nobodys.test-tld"), "{remedy:#?}");
    let records: Vec<&String> = remedy.steps.iter().flat_map(|s| &s.publish).collect();
    assert!(!records.iter().any(|r| r.contains("nobodys")), "{records:?}");
    let unresolvable = check.findings.iter().find(|f| f.code.to_string() == "ehlo-unresolvable").unwrap();
    assert!(unresolvable.detail.ends_with("Its domain is not delegated, says test-tld."), "{}", unresolvable.detail);
}

/// A resolver's cache tells what is left of a TTL; the zone's own server tells the TTL.
#[tokio::test]
async fn records_have_the_ttl_of_their_set_where_its_server_said_it() {
    let zone = "mail 60 A 198.51.100.99\n$ORIGIN 100.51.198.in-addr.arpa.\n25 300 PTR old.example.net.";
    let mut evidence = seen("mail.example.net", zone, "").await;
    let forward = |evidence: &Evidence| {
        let steps = judge(evidence).remedy.unwrap().steps;
        let withdrawn: Vec<String> = steps.iter().flat_map(|s| s.withdraw.clone()).collect();
        (steps[0].publish[0].clone(), steps[0].action.clone(), withdrawn[0].clone())
    };
    for lookup in &mut evidence.lookups {
        lookup.flags.aa = false;
    }
    let (line, action, _) = forward(&evidence);
    assert_eq!(line, "mail.example.net. 3600 IN A 198.51.100.25");
    assert!(action.contains("with the TTL that those have"), "{action}");
    for lookup in &mut evidence.lookups {
        lookup.flags.aa = true;
    }
    let (line, action, withdrawn) = forward(&evidence);
    assert_eq!(line, "mail.example.net. 60 IN A 198.51.100.25");
    assert!(!action.contains("with the TTL"), "{action}");
    assert_eq!(withdrawn, "25.100.51.198.in-addr.arpa. 300 IN PTR old.example.net.");
}

/// No host can bear such a name, and no certificate names it.
#[tokio::test]
async fn a_name_that_no_host_can_have_is_never_proposed() {
    let long = format!("{}.{}.example.net", "a".repeat(40), "b".repeat(20));
    assert!(long.len() > 64 && long.split('.').all(|label| label.len() <= 63));
    let host = long.strip_suffix(".example.net").unwrap();
    for (said, zone, chosen) in [
        // Said by the server, and in the DNS or not.
        (&*long, format!("{host} A 198.51.100.25"), None),
        (&*long, String::new(), None),
        // The PTR's, which leads back.
        ("mail.example.net", format!("{host} A 198.51.100.25\n{PTR} {long}."), Some("mail.example.net")),
        ("mailhost", format!("{host} A 198.51.100.25\n{PTR} {long}."), None),
        // The PTR's, which lacks its address, or its final dot.
        ("mailhost", format!("{PTR} {long}."), None),
        ("mailhost", format!("{PTR} {long}"), None),
        // Said, while the PTR has one that a host can have.
        (
            &*long,
            format!("{host} A 198.51.100.25\nmail A 198.51.100.25\n{PTR} mail.example.net."),
            Some("mail.example.net"),
        ),
        // In place in both directions: it is kept.
        (&*long, format!("{host} A 198.51.100.25\n{PTR} {long}.\n25 PTR old.example.net."), Some(&*long)),
    ] {
        let check = check(said, &zone).await;
        assert_eq!(name(&check), chosen, "{said} {zone}");
        let why = check.remedy.iter().flat_map(|r| &r.steps).any(|s| s.action.contains("at most 64 characters"));
        assert_eq!(why, chosen.is_none() && said == long, "{said} {zone}: {:?}", check.remedy);
        let published: Vec<&String> = check.remedy.iter().flat_map(|r| &r.steps).flat_map(|s| &s.publish).collect();
        let records: Vec<&String> = check.findings.iter().flat_map(|f| &f.fix.records).collect();
        for line in published.into_iter().chain(records) {
            assert!(!line.contains(&long), "{said} {zone}: {line}");
        }
    }
}

#[tokio::test]
async fn the_check_afterwards_asks_the_resolvers_that_were_asked_for() {
    let mut evidence = seen("mail.example.net", "mail A 198.51.100.25", "").await;
    let command = |evidence: &Evidence| {
        let remedy = judge(evidence).remedy.unwrap();
        let step = remedy.steps.iter().find(|s| s.side == Side::Recheck).unwrap();
        assert_eq!(step.how, step.verbatim);
        step.how[0].clone()
    };
    let plain = "smtp-preflight check --ip 198.51.100.25 --ehlo mail.example.net --no-connect";
    assert_eq!(command(&evidence), plain, "the system's are asked anyway");
    evidence.resolvers_given = true;
    // Evidence may come from a file: nothing but an address gets into a line for a shell.
    evidence.resolvers = vec!["192.0.2.53:53".into(), "[2001:db8::53]:5353".into(), "$(reboot)".into()];
    assert_eq!(command(&evidence), format!("{plain} --resolver 192.0.2.53:53 --resolver [2001:db8::53]:5353"));
}
