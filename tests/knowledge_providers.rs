//! Default names and reverse zones of providers: each case of `fixtures/providers/` gives its provider.

use std::collections::BTreeSet;

use serde::Deserialize;
use smtp_preflight::knowledge::names::{Weight, generic};
use smtp_preflight::knowledge::providers::{By, ZoneClue, recognise};
use smtp_preflight::name::HostName;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    ptr: Vec<String>,
    zone: Option<Zone>,
    expect: Option<Expect>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Zone {
    apex: String,
    primary: String,
    servers: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Expect {
    provider: String,
    by: String,
}

fn cases() -> Vec<Case> {
    toml::from_str::<File>(include_str!("../fixtures/providers/defaults.toml")).expect("the fixture parses").case
}

#[test]
fn every_default_names_its_provider() {
    let mut known = BTreeSet::new();
    for case in cases() {
        let zone = case.zone.as_ref();
        let clue = zone.map(|z| ZoneClue { apex: &z.apex, primary: &z.primary, servers: &z.servers });
        let found = recognise(&case.ptr, clue).map(|found| Expect {
            provider: found.provider.slug.clone(),
            by: match found.by {
                By::PtrName { default: true, .. } => "default",
                By::PtrName { default: false, .. } => "own",
                By::ZoneServer { .. } => "zone",
            }
            .to_owned(),
        });
        assert_eq!(found, case.expect, "{:?} {:?}", case.ptr, zone.map(|z| &z.primary));
        known.extend(found.filter(|f| f.by == "default").map(|f| f.provider));
    }
    assert!(known.len() >= 10, "only {} providers' default names: {known:?}", known.len());
}

#[test]
fn a_default_is_generic_and_the_providers_other_names_are_not() {
    let ip = "198.18.92.14".parse().expect("an address");
    for case in cases() {
        let Some(expect) = case.expect.filter(|expect| expect.by != "zone") else { continue };
        let name = HostName::parse(case.ptr.last().expect("a name")).expect("a host name");
        let shape = generic(&name, ip);
        let default = shape
            .as_ref()
            .is_some_and(|s| s.weight == Weight::ProviderDefault && s.provider == Some(expect.provider.as_str()));
        assert_eq!(default, expect.by == "default", "{name}: {shape:?}");
        assert_eq!(shape.is_some(), expect.by == "default", "{name}: {shape:?}");
    }
}
