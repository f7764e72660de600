//! Default names and reverse zones of providers: each case of `fixtures/providers/` gives its provider.

use std::collections::BTreeSet;

use serde::Deserialize;
use smtp_preflight::knowledge::names::{Weight, generic};
use smtp_preflight::knowledge::providers::{By, Fixed, NameKind, ZoneClue, one_server, recognise};
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
                By::PtrName { kind: NameKind::Default, .. } => "default",
                By::PtrName { kind: NameKind::Own, .. } => "own",
                By::PtrName { kind: NameKind::Mail, .. } => "mail",
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

#[test]
fn what_nobody_can_change_is_known() {
    let fixed = |ptr: &str, ip: &str| {
        let found = recognise(&[ptr.to_owned()], None).unwrap_or_else(|| panic!("{ptr}"));
        (found.provider.slug.as_str(), found.fixed(Some(ip.parse().expect("an address"))))
    };
    let (four, six) = ("198.18.92.14", "2001:db8::14");
    for (ptr, ip, slug, why) in [
        ("p3plsmtpa06-02.prod.phx3.secureserver.net", four, "godaddy", Some(Fixed::MailService)),
        ("14.92.18.198.host.secureserver.net", four, "godaddy", None),
        ("relay3-d.mail.gandi.net", four, "gandi", Some(Fixed::MailService)),
        ("xvm-92-14.dc0.ghst.net", four, "gandi", None),
        ("smtpdh12.ad.aruba.it", four, "aruba", Some(Fixed::MailService)),
        ("host14-92-18-198.serverdedicati.aruba.it", four, "aruba", None),
        ("smtp-4.mail.infomaniak.ch", four, "infomaniak", Some(Fixed::MailService)),
        ("a27-29.smtp-out.us-west-2.amazonses.com", four, "amazon-ses", Some(Fixed::MailService)),
        ("vps32678.dreamhostps.com", four, "dreamhost", Some(Fixed::Address)),
        ("ip-198-18-92-14.dreamhost.com", four, "dreamhost", None),
        ("c-198-18-92-14.hsd1.wa.comcast.net", four, "comcast", Some(Fixed::Address)),
        ("ec2-198-18-92-14.eu-west-1.compute.amazonaws.com", four, "aws-ec2", None),
        ("ec2-198-18-92-14.eu-west-1.compute.amazonaws.com", six, "aws-ec2", Some(Fixed::Ipv6)),
        ("p20010db800000000000000000000000e.dip0.t-ipconnect.de", six, "deutsche-telekom", Some(Fixed::Ipv6)),
        ("2001-db8--14.ip.linodeusercontent.com", six, "linode", None),
    ] {
        assert_eq!(fixed(ptr, ip), (slug, why), "{ptr} at {ip}");
    }
}

#[test]
fn one_server_among_others_decides_nothing() {
    let servers = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    let by = |primary: &str, names: &[&str]| {
        let servers = servers(names);
        let clue = ZoneClue { apex: "92.18.198.in-addr.arpa", primary, servers: &servers };
        (recognise(&[], Some(clue)).map(|f| f.provider.slug.as_str()), one_server(clue).map(|(p, _)| p.slug.as_str()))
    };
    let customers = ["ns1.customer.example", "ns2.linode.com"];
    assert_eq!(by("ns1.customer.example", &customers), (None, Some("linode")));
    assert_eq!(by("ns1.linode.com.", &customers).0, Some("linode"));
    // The primary may be hidden.
    assert_eq!(by("hidden.example", &["ns1.linode.com.", "NS2.linode.com"]).0, Some("linode"));
    assert_eq!(by("ns1.customer.example", &[]), (None, None));
}
