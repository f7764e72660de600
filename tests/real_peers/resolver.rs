//! Trouble of name servers, of every kind: none of it is ever "no PTR".

use serde_json::json;

use crate::nsd;
use crate::postfix::{self, smtpd};
use crate::probe::{check, run};
use crate::world::World;
use crate::zones::{self, CROWD, RESOLVER};

/// Another name server, with zones of its own.
const OTHER: &str = "192.0.2.54";
/// An address that takes questions and never answers.
const SILENT: &str = "192.0.2.99";

fn world() -> World {
    let addresses = [RESOLVER, OTHER, SILENT, "203.0.113.10", "203.0.113.15", "203.0.113.40", "198.51.100.20"];
    let mut world = World::new(&addresses);
    zones::start(&mut world);
    let services = [
        smtpd("203.0.113.10:25", "mx1.example.net"),
        smtpd("203.0.113.15:25", "host-15.broken.example"),
        smtpd("203.0.113.40:25", "crowd.example.net"),
        smtpd("198.51.100.20:25", "mx1.example.net"),
    ];
    postfix::start(&mut world, "postfix.example.net", &services, "");
    world
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn servfail_and_refused() {
    let world = world();
    // The reverse zone does not load.
    let seen = check(&world, &["198.51.100.20", "--resolver", RESOLVER]);
    seen.judged("differ", ["unknown", "unknown", "differ"], "temperror", 1).is(&[
        ("/dns/ptr/status", json!("servfail")),
        ("/dns/ptr/names", json!([])),
        ("/dns/ptr/failed_tries/0/status", json!("servfail")),
    ]);
    seen.finding("ptr-lookup-failed");
    assert!(!seen.codes().contains(&"ptr-missing"), "{:?}", seen.codes());
    // Nothing that was seen differs: it could not be judged.
    let literal = ["--ip", "198.51.100.20", "--ehlo", "[198.51.100.20]", "--no-connect", "--resolver", RESOLVER];
    let literal = check(&world, &[&literal[..], &["--fail-on", "error"]].concat());
    literal.judged("unknown", ["unknown", "unknown", "agree"], "temperror", 3);
    let table = run(&world, &["198.51.100.20", "--resolver", RESOLVER]);
    assert!(table.out.contains("servfail") && !table.out.contains("ptr-missing"), "{}", table.out);

    // The PTR name's zone does not load.
    let seen = check(&world, &["203.0.113.15", "--resolver", RESOLVER]);
    seen.judged("unknown", ["agree", "unknown", "unknown"], "temperror", 3);
    seen.found(&["ptr-forward-lookup-failed", "ehlo-lookup-failed", "tls-not-offered"]);
    seen.is(&[("/dns/forward/0/status", json!("servfail")), ("/dns/ehlo_forward/status", json!("servfail"))]);

    // A zone that is not served there.
    let foreign = ["--ip", "203.0.113.10", "--ehlo", "mail.foreign.example", "--no-connect", "--resolver", RESOLVER];
    let seen = check(&world, &foreign);
    seen.judged("differ", ["differ", "agree", "unknown"], "pass", 1);
    seen.is(&[("/dns/ehlo_forward/status", json!("refused"))]);
    let seen = check(&world, &["--ip", "192.88.99.1", "--no-connect", "--resolver", RESOLVER]);
    seen.judged("unknown", ["unknown"; 3], "temperror", 3).is(&[("/dns/ptr/status", json!("refused"))]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn silence_and_a_closed_port() {
    let world = world();
    world.drop_packets("in", &format!("ip daddr {SILENT}"));
    let seen = check(&world, &["203.0.113.10", "--resolver", SILENT, "--timeout", "6s"]);
    seen.judged("unknown", ["unknown"; 3], "temperror", 3).is(&[
        ("/dns/ptr/status", json!("timeout")),
        ("/dns/ptr/detail", json!(null)),
        ("/smtp/ehlo/name", json!("mx1.example.net")),
    ]);
    assert!(!seen.codes().contains(&"ptr-missing"), "{:?}", seen.codes());
    assert!(seen.took.as_secs_f64() < 8.0, "{:?}", seen.took);
    assert!(world.dropped() >= 4, "two tries of PTR and SOA were dropped");
    let table = run(&world, &["203.0.113.10", "--resolver", SILENT, "--timeout", "4s"]);
    assert_eq!(table.exit, 3);
    assert!(table.out.lines().next().unwrap().ends_with("COULD NOT TELL"), "{}", table.out);

    let closed = check(&world, &["203.0.113.10", "--resolver", "192.0.2.54:5353", "--timeout", "20s"]);
    closed.judged("unknown", ["unknown"; 3], "temperror", 3).is(&[("/dns/ptr/status", json!("timeout"))]);
    let detail = closed.at("/dns/ptr/detail").as_str().unwrap();
    assert!(detail.contains("nothing listens"), "{detail}");
    assert!(closed.took.as_secs_f64() < 2.0, "a closed port is no silence: {:?}", closed.took);

    // A server that answers wins over one that is silent.
    let both = ["203.0.113.10", "--resolver", SILENT, "--resolver", RESOLVER, "--timeout", "6s", "--fail-on", "error"];
    check(&world, &both)
        .judged("agree", ["agree"; 3], "pass", 0)
        .is(&[("/dns/ptr/resolver", json!("192.0.2.53:53"))])
        .finding("resolver-failed");
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn an_answer_that_needs_tcp() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("e.json");
    let saved = ["203.0.113.40", "--resolver", RESOLVER, "--save", file.to_str().unwrap()];
    let seen = check(&world, &saved);
    seen.is(&[("/dns/ptr/status", json!("found"))]);
    assert_eq!(seen.at("/dns/ptr/names").as_array().unwrap().len(), CROWD);
    assert_eq!(seen.at("/dns/forward").as_array().unwrap().len(), 10, "ten names are looked up, no more");
    seen.judged("agree", ["agree"; 3], "pass", 1);
    seen.found(&["ptr-too-many", "ptr-partly-unconfirmed", "tls-not-offered"]);
    let evidence: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let lookups = evidence["evidence"][0]["lookups"].as_array().unwrap();
    let transport = |kind: &str, name: &str| {
        let found = lookups.iter().find(|l| l["type"] == kind && l["name"] == name);
        found.unwrap_or_else(|| panic!("{kind} {name}"))["transport"].clone()
    };
    assert_eq!(transport("PTR", "40.113.0.203.in-addr.arpa"), "tcp");
    assert_eq!(transport("A", "crowd.example.net"), "udp");

    // Without TCP the answer is cut, and a cut answer is none.
    world.drop_packets("in", "tcp dport 53");
    let cut = check(&world, &["203.0.113.40", "--resolver", RESOLVER, "--timeout", "6s"]);
    cut.is(&[("/dns/ptr/status", json!("timeout")), ("/dns/ptr/names", json!([])), ("/iprev", json!("temperror"))]);
    let detail = cut.at("/dns/ptr/detail").as_str().unwrap();
    assert!(detail.contains("truncated"), "{detail}");
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn two_resolvers_that_disagree() {
    let mut world = world();
    nsd::start(
        &mut world,
        OTHER,
        &[
            (
                "example.net",
                Some(nsd::zone(
                    "ns1 IN A 192.0.2.53\nns2 IN A 192.0.2.54\nmx1 IN A 203.0.113.10\nold IN A 203.0.113.10",
                )),
            ),
            ("113.0.203.in-addr.arpa", Some(nsd::zone("10 IN PTR old.example.net."))),
        ],
    );
    let seen = check(&world, &["203.0.113.10", "--resolver", RESOLVER, "--resolver", OTHER]);
    assert_eq!(seen.exit, 1);
    seen.finding("resolvers-disagree");
    let said = seen.at("/dns/disagreements").as_array().unwrap();
    let ptr = said.iter().find(|d| d["question"] == "PTR 10.113.0.203.in-addr.arpa").expect("the PTR is disputed");
    assert_eq!(
        ptr["answers"],
        json!([{"resolver": "192.0.2.53:53", "said": "mx1.example.net"},
               {"resolver": "192.0.2.54:53", "said": "old.example.net"}])
    );
    // Each alone gives its own verdict.
    check(&world, &["203.0.113.10", "--resolver", RESOLVER]).judged("agree", ["agree"; 3], "pass", 0);
    check(&world, &["203.0.113.10", "--resolver", OTHER]).judged("differ", ["differ", "agree", "agree"], "pass", 1);
}
