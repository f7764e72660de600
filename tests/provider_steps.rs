//! The steps that an address with a provider's default name gets: the provider named, its way shown, and what is
//! known filled in.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(clippy::disallowed_macros, reason = "the test prints what it looked at")]

use serde::Deserialize;
use smtp_preflight::judge::{Check, RemedyStep, Side, judge};
use smtp_preflight::knowledge::providers::{Settable, by_slug};
use smtp_preflight::lab::{Lab, Scenario};
use smtp_preflight::report::{TableOptions, Ticket, Tickets, table};

#[derive(Deserialize)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    ptr: Vec<String>,
    expect: Option<Expect>,
}

#[derive(Deserialize)]
struct Expect {
    provider: String,
    by: String,
}

/// 198.18.92.14 has this default name, which leads back, and its server says mail.example.net.
async fn check(ptr: &str) -> Check {
    let ptr = ptr.trim_end_matches('.');
    let (host, zone) = ptr.split_once('.').unwrap();
    let zones = format!(
        "$ORIGIN example.net.\nmail A 198.18.92.14\n$ORIGIN {zone}.\n{host} A 198.18.92.14\n\
         $ORIGIN 92.18.198.in-addr.arpa.\n14 PTR {ptr}.\n"
    );
    seen("198.18.92.14", &zones).await
}

/// The address's server says mail.example.net, in these zones.
async fn seen(ip: &str, zones: &str) -> Check {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['{ip}']\nehlo = 'mail.example.net'\n\
         no_connect = true\n[[dns]]\nzone = '''\n{zones}'''\n[[expect]]\nverdict = 'agree'\n\
         ehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    let scenario = Scenario::parse("provider", &text).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    judge(&lab.observe(&scenario).await.unwrap()[0])
}

fn reverse(check: &Check) -> &RemedyStep {
    check.remedy.as_ref().unwrap().steps.iter().find(|s| s.side == Side::Reverse).unwrap()
}

fn ticket(check: &Check) -> (String, Vec<String>) {
    let mut tickets = Tickets::new(Ticket::Provider);
    tickets.add(check);
    tickets.finish()
}

/// Whether the word stands there by itself.
fn alone(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric()).any(|w| w == word)
}

#[tokio::test]
async fn every_providers_default_name_gets_its_steps() {
    let cases = toml::from_str::<File>(include_str!("../fixtures/providers/defaults.toml")).unwrap().case;
    let mut seen = std::collections::BTreeSet::new();
    for case in cases {
        let Some(expect) = case.expect.filter(|e| e.by == "default") else { continue };
        if !seen.insert(expect.provider.clone()) {
            continue;
        }
        let provider = by_slug(&expect.provider).unwrap();
        let check = check(case.ptr.last().unwrap()).await;
        let remedy = check.remedy.as_ref().unwrap();
        let shown = table(&check, &TableOptions { width: 200, color: false, explain: false });
        let (_, shown) = shown.split_once("To do").unwrap();
        println!("{}\nTo do{}", expect.provider, shown.split("\n\n").next().unwrap());
        assert!(shown.contains(&provider.name), "{shown}");
        let reverse = remedy.steps.iter().find(|s| s.side == Side::Reverse).unwrap();
        let fixed = provider.fixed_names.iter().any(|p| p.covers(case.ptr.last().unwrap().trim_end_matches('.')));
        if provider.settable == Settable::No || fixed {
            assert!(reverse.publish.is_empty() && reverse.action.contains("relay"), "{reverse:?}");
            continue;
        }
        assert_eq!(remedy.name.as_deref(), Some("mail.example.net"), "{}", expect.provider);
        let scripted = provider.command.is_some() || provider.api.is_some();
        assert_eq!(
            reverse.who.contains("API"),
            scripted && provider.settable == Settable::SelfService,
            "{}",
            reverse.who
        );
        // What is in place already is no condition any more.
        assert!(!shown.contains("the forward record must be there first"), "{shown}");
        for way in provider.panel.iter().chain(&provider.command).chain(&provider.api).chain(&provider.who) {
            let start: String =
                way.split(' ').take_while(|w| !alone(w, "NAME") && !alone(w, "IP")).collect::<Vec<_>>().join(" ");
            assert!(reverse.how.iter().any(|h| h.contains(&start)), "{}: {start}: {:?}", expect.provider, reverse.how);
        }
        for how in &reverse.how {
            assert!(!alone(how, "NAME"), "{}: {how}", expect.provider);
        }
        let filled = provider.command.iter().chain(&provider.api).any(|way| alone(way, "IP"));
        assert_eq!(
            filled,
            reverse.how.iter().any(|h| h.contains("198.18.92.14")),
            "{}: {:?}",
            expect.provider,
            reverse.how
        );
    }
    assert!(seen.len() >= 10, "{seen:?}");
}

#[tokio::test]
async fn what_nobody_can_change_is_asked_of_nobody() {
    for (ptr, words) in [
        ("p3plsmtpa06-02.prod.phx3.secureserver.net", "PTR and EHLO name of this address are GoDaddy's"),
        ("vps32678.dreamhostps.com", "DreamHost sets no PTR of one's own for this address"),
    ] {
        let check = check(ptr).await;
        let step = reverse(&check);
        assert!(step.action.contains(words) && step.publish.is_empty() && step.how.is_empty(), "{step:?}");
        assert!(!check.remedy.as_ref().unwrap().provider.as_ref().unwrap().settable);
        let (letter, remarks) = ticket(&check);
        assert!(
            letter.is_empty() && remarks[0].contains("there is nothing to ask of the provider"),
            "{letter} {remarks:?}"
        );
    }
}

#[tokio::test]
async fn where_ipv6_addresses_get_no_ptr_the_mail_goes_by_ipv4() {
    let ip = "2001:db8::14";
    let owner = smtp_preflight::dns::reverse_name(ip.parse().unwrap());
    let (host, zone) = owner.split_at(owner.find(".8.b.d.0").unwrap());
    let zones = |servers: &str| {
        format!(
            "$ORIGIN example.net.\nmail AAAA {ip}\n$ORIGIN {}.\n@ SOA {servers}. hostmaster.{servers}.\n@ NS {servers}.\n{host} TXT x\n",
            &zone[1..]
        )
    };
    for (servers, provider) in [("x1.amazonaws.com", "Amazon AWS EC2"), ("rdns1.alidns.com", "Alibaba Cloud")] {
        let check = seen(ip, &zones(servers)).await;
        let step = reverse(&check);
        assert!(step.action.starts_with("Have the server send by IPv4"), "{step:?}");
        assert!(step.how.is_empty() && step.verbatim.is_empty() && step.action.contains(provider), "{step:?}");
        let (letter, remarks) = ticket(&check);
        assert!(letter.is_empty() && remarks.len() == 1, "{letter} {remarks:?}");
    }
    let check = seen(ip, &zones("ns1.linode.com")).await;
    assert!(reverse(&check).how.iter().any(|h| h.contains("--rdns mail.example.net")), "{:?}", reverse(&check));
}

#[tokio::test]
async fn a_customers_zone_with_a_providers_secondary_stays_the_customers() {
    let check = seen(
        "198.18.92.14",
        "$ORIGIN example.net.\nmail A 198.18.92.14\n$ORIGIN 92.18.198.in-addr.arpa.\n\
         @ SOA ns1.customer.example. hostmaster.customer.example.\n@ NS ns1.customer.example.\n@ NS ns2.linode.com.\n",
    )
    .await;
    let step = reverse(&check);
    assert_eq!(
        step.who,
        "holder of the zone 92.18.198.in-addr.arpa, perhaps a customer of Linode (Akamai), whose ns2.linode.com serves \
         the zone too; its contact is hostmaster@customer.example"
    );
    assert!(step.how.is_empty() && check.remedy.as_ref().unwrap().provider.is_none(), "{step:?}");
}

#[tokio::test]
async fn a_form_that_two_give_shows_both_ways() {
    let check = check("ip198-18-92-14.pbiaas.com").await;
    let step = reverse(&check);
    let way = |text: &str| step.how.iter().any(|h| h.contains(text));
    assert!(way("IONOS Cloud: Data Center Designer"), "{:?}", step.how);
    assert!(
        way("IONOS (1&1) servers: Cloud Panel > Network > Public IP > the IP > Reverse DNS (not verified)"),
        "{:?}",
        step.how
    );
    assert_eq!(step.who, "the customer of IONOS Cloud or IONOS (1&1) servers, in its panel or by its API");
    let shown = table(&check, &TableOptions { width: 200, color: false, explain: false });
    assert!(shown.contains("IONOS Cloud or IONOS (1&1) servers (recognised by"), "{shown}");
}

#[tokio::test]
async fn a_command_of_one_product_says_so() {
    let check = check("xvm-92-14.dc0.ghst.net").await;
    let command =
        "gandi ip update 198.18.92.14 --reverse mail.example.net  # for servers of the old IaaS only; not verified";
    assert_eq!(reverse(&check).verbatim, [command]);
}
