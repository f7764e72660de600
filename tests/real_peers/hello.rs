//! Greetings and replies to EHLO and HELO, of Postfix and of Exim, without TLS.

use serde_json::json;

use crate::exim;
use crate::postfix::{self, smtpd};
use crate::probe::{US, check, run};
use crate::world::World;
use crate::zones::{self, RESOLVER};

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn postfix_banner_and_extensions() {
    let mut world = World::new(&[RESOLVER, "203.0.113.10", "203.0.113.30", "203.0.113.31"]);
    zones::start(&mut world);
    let services = [
        smtpd("203.0.113.10:25", "mx1.example.net")
            .set("smtpd_banner", "gate.example.net ESMTP $mail_name (Debian)")
            .set("message_size_limit", "12345678")
            .set("smtpd_discard_ehlo_keywords", "dsn, chunking, etrn"),
        smtpd("203.0.113.30:25", "secure.example.net").set("smtpd_banner", "*************"),
        smtpd("203.0.113.31:2525", "localhost").set("smtpd_banner", "ESMTP ready"),
    ];
    postfix::start(&mut world, "postfix.example.net", &services, "");
    let seen = check(&world, &["203.0.113.10", "--resolver", RESOLVER]);
    seen.judged("agree", ["agree"; 3], "pass", 0).found(&["banner-differs-from-ehlo", "tls-not-offered"]).is(&[
        ("/smtp/helo_as", json!(US)),
        ("/smtp/source", json!("203.0.113.10")),
        (
            "/smtp/banner",
            json!({"code": 220, "lines": ["gate.example.net ESMTP Postfix (Debian)"], "name": "gate.example.net"}),
        ),
        ("/smtp/ehlo/code", json!(250)),
        ("/smtp/ehlo/name", json!("mx1.example.net")),
        (
            "/smtp/ehlo/extensions",
            json!(["PIPELINING", "SIZE 12345678", "VRFY", "ENHANCEDSTATUSCODES", "8BITMIME", "SMTPUTF8"]),
        ),
        ("/smtp/ehlo_before_tls", json!(null)),
        ("/smtp/helo", json!(null)),
        ("/smtp/tls", json!(null)),
    ]);
    let masked = check(&world, &["203.0.113.30", "--resolver", RESOLVER]);
    masked.judged("agree", ["agree"; 3], "pass", 0).found(&["banner-no-name", "tls-not-offered"]);
    masked.is(&[("/smtp/banner/name", json!(null)), ("/smtp/ehlo/name", json!("secure.example.net"))]);
    check(&world, &["203.0.113.31:2525", "--resolver", RESOLVER])
        .is(&[("/smtp/banner/name", json!(null)), ("/client/ehlo", json!("localhost"))])
        .finding("ehlo-localhost");
    // One command a reply, and no mail: Postfix wrote down all that it was told.
    world.wait("Postfix to write down the commands", |w| {
        let whole = "disconnect from mx1.example.net[203.0.113.10] ehlo=1 quit=1 commands=2";
        w.read("postfix.log").contains(whole).then_some(())
    });
    let verbose = run(&world, &["203.0.113.10", "--resolver", RESOLVER, "-v"]);
    assert!(verbose.err.contains(&format!("EHLO {US}")), "{}", verbose.err);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn exim_refuses_ehlo_and_takes_helo() {
    let mut world = World::new(&[RESOLVER, "203.0.113.31"]);
    zones::start(&mut world);
    let refuse = "  deny condition = ${if match{$smtp_command}{\\N^(?i)ehlo\\N}}\n       message = say HELO";
    let settings = "tls_advertise_hosts =\nsmtp_banner = $primary_hostname ESMTP Exim at your service";
    exim::start(&mut world, "203.0.113.31", "exim.example.net", settings, refuse);
    check(&world, &["203.0.113.31", "--resolver", RESOLVER])
        .judged("agree", ["agree"; 3], "pass", 0)
        .found(&["ehlo-fell-back-to-helo", "tls-not-offered"])
        .is(&[
            ("/smtp/banner/lines", json!(["exim.example.net ESMTP Exim at your service"])),
            ("/smtp/ehlo/code", json!(550)),
            ("/smtp/ehlo/lines", json!(["say HELO"])),
            ("/smtp/ehlo/name", json!("exim.example.net")),
            ("/smtp/helo/code", json!(250)),
            ("/smtp/helo/name", json!("exim.example.net")),
        ]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn exim_refuses_us_at_the_greeting() {
    let mut world = World::new(&[RESOLVER, "203.0.113.31"]);
    zones::start(&mut world);
    let connect = "  accept\nconnect:\n  deny message = 554 exim.example.net does not serve you\\nask postmaster";
    let settings = "tls_advertise_hosts =\nacl_smtp_connect = connect";
    exim::start(&mut world, "203.0.113.31", "exim.example.net", settings, connect);
    let seen = check(&world, &["203.0.113.31", "--resolver", RESOLVER]);
    // The DNS side is judged all the same; the banner name never stands in for the EHLO reply's.
    seen.judged("unknown", ["unknown", "agree", "unknown"], "pass", 3).is(&[
        ("/smtp/banner/code", json!(554)),
        ("/smtp/banner/lines", json!(["exim.example.net does not serve you", "ask postmaster"])),
        ("/smtp/ehlo", json!(null)),
        ("/client/ehlo", json!(null)),
        ("/dns/ptr/names", json!(["exim.example.net"])),
    ]);
    seen.found(&["greeting-refused"]);
}
