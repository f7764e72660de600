//! The three-way agreement: Postfix under several names and addresses, NSD with the zones.

use std::os::unix::fs::FileTypeExt;

use serde_json::json;

use crate::postfix::{self, smtpd};
use crate::probe::{check, run};
use crate::world::World;
use crate::zones::{self, RESOLVER};

fn world() -> World {
    let mut world = World::new(&[
        RESOLVER,
        "203.0.113.10",
        "203.0.113.11",
        "203.0.113.12",
        "203.0.113.13",
        "203.0.113.14",
        "203.0.113.15",
        "203.0.113.16",
        "203.0.113.34",
        "192.0.2.130",
        "192.0.2.131",
        "2001:db8:25::10",
    ]);
    zones::start(&mut world);
    let services = [
        smtpd("203.0.113.10:25", "mx1.example.net"),
        smtpd("203.0.113.11:25", "nxdomain.example.net"),
        smtpd("203.0.113.12:25", "nodata.example.net"),
        smtpd("203.0.113.13:25", "mx1.example.net"),
        smtpd("203.0.113.14:25", "elsewhere.example.net"),
        smtpd("203.0.113.15:25", "host-15.broken.example"),
        smtpd("203.0.113.16:25", "only6.example.net"),
        smtpd("203.0.113.34:25", "inbound.example.net"),
        smtpd("192.0.2.130:25", "delegated.example.net"),
        smtpd("192.0.2.131:25", "delegated.example.net"),
        smtpd("[2001:db8:25::10]:25", "mx1.example.net"),
    ];
    postfix::start(&mut world, "postfix.example.net", &services, "smtp_helo_name = sender.example.net");
    world
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn all_three_agree() {
    let world = world();
    let resolver = ["--resolver", RESOLVER];
    check(&world, &["203.0.113.10", resolver[0], resolver[1]])
        .judged("agree", ["agree"; 3], "pass", 0)
        .found(&["tls-not-offered"])
        .is(&[
            ("/target/address", json!("203.0.113.10")),
            ("/target/port", json!(25)),
            (
                "/client",
                json!({"ip": "203.0.113.10", "ip_source": "dialled", "ehlo": "mx1.example.net",
                "ehlo_source": "replied", "assumes_greets_as_it_sends": true}),
            ),
            ("/smtp/banner", json!({"code": 220, "lines": ["mx1.example.net ESMTP"], "name": "mx1.example.net"})),
            ("/smtp/fault", json!(null)),
            ("/dns/ptr/question", json!("10.113.0.203.in-addr.arpa")),
            ("/dns/ptr/names", json!(["mx1.example.net"])),
            ("/dns/ptr/ttl", json!(600)),
            ("/dns/ptr/resolver", json!("192.0.2.53:53")),
            ("/dns/ptr/flags", json!({"aa": true, "ad": false, "ra": false})),
            (
                "/dns/ptr/zone",
                json!({"apex": "113.0.203.in-addr.arpa", "primary": "ns1.example.net",
                "contact": "hostmaster@example.net", "servers": ["ns1.example.net", "ns2.example.net"]}),
            ),
            ("/dns/forward/0/addresses", json!(["203.0.113.10"])),
            ("/dns/forward/0/other_family", json!(["2001:db8:25::10"])),
            ("/dns/ehlo_forward/holds_ip", json!(true)),
        ]);
    let table = run(&world, &["203.0.113.10", "--resolver", RESOLVER]);
    assert_eq!((table.exit, table.err.as_str()), (0, ""));
    let first = table.out.lines().next().unwrap();
    assert!(first.starts_with("203.0.113.10:25") && first.ends_with("AGREES"), "{first}");
    assert_eq!(table.out.matches("✓ agree").count(), 3, "{}", table.out);

    // A name with two families is two identities, each on its own.
    let both = run(&world, &["mx1.example.net", "--resolver", RESOLVER, "--format", "ndjson"]);
    let lines: Vec<serde_json::Value> = both.out.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let judged: Vec<_> =
        lines.iter().map(|c| (c["client"]["ip"].as_str(), c["agreement"]["verdict"].as_str())).collect();
    assert_eq!(judged, [(Some("203.0.113.10"), Some("agree")), (Some("2001:db8:25::10"), Some("agree"))]);
    assert_eq!(both.exit, 0);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn no_ptr_is_nxdomain_or_nodata() {
    let world = world();
    let seen = check(&world, &["203.0.113.11", "--resolver", RESOLVER]);
    seen.judged("differ", ["absent", "absent", "agree"], "permerror", 1).is(&[
        ("/dns/ptr/status", json!("nxdomain")),
        ("/dns/ptr/names", json!([])),
        ("/dns/ptr/ttl", json!(300)),
        ("/dns/ptr/zone/apex", json!("113.0.203.in-addr.arpa")),
    ]);
    let records = &seen.finding("ptr-missing")["fix"]["records"];
    assert_eq!(records, &json!(["11.113.0.203.in-addr.arpa. 3600 IN PTR nxdomain.example.net."]));
    check(&world, &["203.0.113.12", "--resolver", RESOLVER])
        .judged("differ", ["absent", "absent", "agree"], "permerror", 1)
        .is(&[("/dns/ptr/status", json!("nodata")), ("/dns/ptr/zone/contact", json!("hostmaster@example.net"))])
        .finding("ptr-missing");
    let table = run(&world, &["203.0.113.12", "--resolver", RESOLVER]);
    assert!(table.out.contains("none (nodata)"), "{}", table.out);
    assert_eq!(table.exit, 1);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn a_ptr_that_does_not_lead_back() {
    let world = world();
    check(&world, &["203.0.113.13", "--resolver", RESOLVER])
        .judged("differ", ["differ", "differ", "differ"], "fail", 1)
        .is(&[
            ("/dns/ptr/names", json!(["host-13.isp.example"])),
            ("/dns/forward/0/addresses", json!(["198.51.100.13"])),
            ("/dns/forward/0/holds_ip", json!(false)),
        ])
        .finding("ptr-unconfirmed");
    // The name has an address of the other family only.
    check(&world, &["203.0.113.16", "--resolver", RESOLVER])
        .judged("differ", ["agree", "absent", "absent"], "fail", 1)
        .is(&[("/dns/forward/0/status", json!("nodata")), ("/dns/forward/0/other_family", json!(["2001:db8:25::16"]))])
        .finding("ptr-unconfirmed");
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn an_ehlo_name_that_points_elsewhere() {
    let world = world();
    check(&world, &["203.0.113.14", "--resolver", RESOLVER])
        .judged("differ", ["differ", "agree", "differ"], "pass", 1)
        .found(&["ehlo-differs-from-ptr", "ehlo-address-differs", "tls-not-offered"])
        .is(&[("/client/ehlo", json!("elsewhere.example.net")), ("/dns/ptr/names", json!(["real.example.net"]))]);
    // An alias of the PTR name leads to the address and is another name all the same.
    let alias = ["--ip", "203.0.113.10", "--ehlo", "alias.example.net", "--no-connect", "--resolver", RESOLVER];
    check(&world, &alias)
        .judged("differ", ["differ", "agree", "agree"], "pass", 1)
        .found(&["ehlo-differs-from-ptr", "ehlo-alias"])
        .is(&[("/dns/ehlo_forward/chain", json!(["alias.example.net", "mx1.example.net"]))]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn greets_under_one_name_and_sends_under_another() {
    let world = world();
    // smtp_helo_name is sender.example.net: dialling sees myhostname, and says that it assumes.
    check(&world, &["203.0.113.34", "--resolver", RESOLVER])
        .judged("differ", ["differ", "agree", "absent"], "pass", 1)
        .is(&[
            ("/client/ehlo", json!("inbound.example.net")),
            ("/client/assumes_greets_as_it_sends", json!(true)),
            ("/dns/ehlo_forward/status", json!("nxdomain")),
        ]);
    let given = ["203.0.113.34", "--ip", "203.0.113.34", "--ehlo", "sender.example.net", "--resolver", RESOLVER];
    check(&world, &given).judged("agree", ["agree"; 3], "pass", 0).is(&[
        ("/client/ehlo_source", json!("given")),
        ("/client/assumes_greets_as_it_sends", json!(false)),
        ("/smtp/ehlo/name", json!("inbound.example.net")),
    ]);
    let offline = ["--ip", "203.0.113.34", "--ehlo", "sender.example.net", "--no-connect", "--resolver", RESOLVER];
    check(&world, &offline).judged("agree", ["agree"; 3], "pass", 0).is(&[("/smtp", json!(null))]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn an_ipv6_identity() {
    let world = world();
    check(&world, &["[2001:db8:25::10]:25", "--resolver", RESOLVER]).judged("agree", ["agree"; 3], "pass", 0).is(&[
        ("/client/ip", json!("2001:db8:25::10")),
        ("/dns/ptr/question", json!("0.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa")),
        ("/dns/ptr/zone/apex", json!("5.2.0.0.8.b.d.0.1.0.0.2.ip6.arpa")),
        ("/dns/forward/0/addresses", json!(["2001:db8:25::10"])),
        ("/dns/forward/0/other_family", json!(["203.0.113.10"])),
    ]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn a_reverse_zone_delegated_by_alias() {
    let world = world();
    check(&world, &["192.0.2.130", "--resolver", RESOLVER])
        .judged("agree", ["agree"; 3], "pass", 0)
        .found(&["ptr-delegated", "tls-not-offered"])
        .is(&[
            ("/dns/ptr/chain", json!(["130.2.0.192.in-addr.arpa", "130.128/26.2.0.192.in-addr.arpa"])),
            ("/dns/ptr/names", json!(["delegated.example.net"])),
            ("/dns/ptr/zone/apex", json!("128/26.2.0.192.in-addr.arpa")),
        ]);
    // The alias leads to a name that is not there.
    check(&world, &["192.0.2.131", "--resolver", RESOLVER])
        .judged("differ", ["absent", "absent", "differ"], "permerror", 1)
        .is(&[
            ("/dns/ptr/status", json!("nxdomain")),
            ("/dns/ptr/chain", json!(["131.2.0.192.in-addr.arpa", "131.128/26.2.0.192.in-addr.arpa"])),
            ("/dns/ptr/zone/apex", json!("128/26.2.0.192.in-addr.arpa")),
        ])
        .finding("ptr-missing");
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn saved_evidence_is_judged_the_same() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("e.json");
    let file = file.to_str().unwrap();
    for target in ["203.0.113.10", "203.0.113.11", "203.0.113.13", "192.0.2.130"] {
        let live = run(&world, &[target, "--resolver", RESOLVER, "--format", "json", "--save", file]);
        let replayed = run(&world, &["--replay", file, "--format", "json"]);
        assert_eq!((replayed.out, replayed.exit), (live.out, live.exit), "{target}");
    }
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn saving_into_a_pipe_leaves_it_a_pipe() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::read_to_string(pipe).unwrap()
    });
    let saved = check(&world, &["203.0.113.10", "--resolver", RESOLVER, "--save", pipe.to_str().unwrap()]);
    assert_eq!(saved.exit, 0);
    // As root the same would take /dev/null from the whole machine.
    assert!(std::fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo(), "the pipe was replaced by a file");
    let evidence: serde_json::Value = serde_json::from_str(&reader.join().unwrap()).unwrap();
    assert_eq!(evidence["evidence"][0]["target"]["input"], "203.0.113.10");
}
