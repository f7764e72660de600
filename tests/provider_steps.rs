//! The steps that an address with a provider's default name gets: the provider named, its way shown, and what is
//! known filled in.

#![allow(clippy::unwrap_used, reason = "a test may")]
#![allow(clippy::disallowed_macros, reason = "the test prints what it looked at")]

use serde::Deserialize;
use smtp_preflight::judge::{Check, Side, judge};
use smtp_preflight::knowledge::providers::{Settable, by_slug};
use smtp_preflight::lab::{Lab, Scenario};
use smtp_preflight::report::{TableOptions, table};

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
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['198.18.92.14']\nehlo = 'mail.example.net'\n\
         no_connect = true\n[[dns]]\nzone = '''\n$ORIGIN example.net.\nmail A 198.18.92.14\n$ORIGIN {zone}.\n\
         {host} A 198.18.92.14\n$ORIGIN 92.18.198.in-addr.arpa.\n14 PTR {ptr}.\n'''\n[[expect]]\nverdict = 'agree'\n\
         ehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    let scenario = Scenario::parse("provider", &text).unwrap();
    let lab = Lab::start(&scenario).await.unwrap();
    judge(&lab.observe(&scenario).await.unwrap()[0])
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
        if provider.settable == Settable::No {
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
