//! STARTTLS and implicit TLS, of Postfix (OpenSSL) and of Exim (`GnuTLS`).

use serde_json::json;

use crate::postfix::{self, Service, smtpd};
use crate::probe::{check, run};
use crate::world::World;
use crate::zones::{self, RESOLVER};
use crate::{certificate, exim};

const KEY_OWNER_POSTFIX: u32 = 0;
const KEY_OWNER_EXIM: u32 = 2003;

fn secure(listen: &str, pem: &str) -> Service {
    smtpd(listen, "secure.example.net").set("smtpd_tls_security_level", "may").set("smtpd_tls_chain_files", pem)
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn postfix_starttls_and_ehlo_again() {
    let mut world = World::new(&[RESOLVER, "203.0.113.30"]);
    zones::start(&mut world);
    let good = certificate::write(&world, "secure.example.net", 2098, KEY_OWNER_POSTFIX);
    let old = certificate::write(&world, "old.example.net", 2021, KEY_OWNER_POSTFIX);
    let services = [
        secure("203.0.113.30:25", &good).set("smtpd_tls_auth_only", "yes"),
        secure("203.0.113.30:465", &good).set("smtpd_tls_wrappermode", "yes"),
        secure("203.0.113.30:2525", &good).set("smtpd_tls_protocols", "TLSv1.2"),
        secure("203.0.113.30:2526", &old),
        secure("203.0.113.30:2527", "/world/no-such.pem"),
        secure("203.0.113.30:2528", &good).set("smtpd_tls_wrappermode", "yes"),
    ];
    postfix::start(&mut world, "postfix.example.net", &services, "");

    let seen = check(&world, &["203.0.113.30", "--resolver", RESOLVER]);
    seen.judged("agree", ["agree"; 3], "pass", 0).found(&["tls-untrusted"]).is(&[
        ("/smtp/tls/version", json!("TLSv1.3")),
        ("/smtp/tls/cipher", json!("TLS_AES_256_GCM_SHA384")),
        ("/smtp/tls/names", json!(["secure.example.net", "*.mail.example.net"])),
        ("/smtp/tls/not_before", json!("2020-01-01T00:00:00Z")),
        ("/smtp/tls/not_after", json!("2098-12-31T00:00:00Z")),
        ("/smtp/tls/issuer", json!("CN=secure.example.net")),
        ("/smtp/tls/trusted", json!(false)),
        ("/smtp/tls_fault", json!(null)),
        ("/smtp/ehlo/name", json!("secure.example.net")),
        ("/smtp/ehlo_before_tls/name", json!("secure.example.net")),
    ]);
    assert!(seen.extensions("/smtp/ehlo_before_tls").contains(&"STARTTLS".to_owned()));
    assert!(!seen.extensions("/smtp/ehlo").contains(&"STARTTLS".to_owned()));
    assert!(seen.at("/smtp/timing_ms/tls").as_f64().unwrap() > 0.0);
    world.wait("Postfix to write down the commands", |w| {
        w.read("postfix.log").contains(" ehlo=2 starttls=1 quit=1 commands=4").then_some(())
    });
    let table = run(&world, &["203.0.113.30", "--resolver", RESOLVER]);
    assert!(table.out.contains("TLSv1.3"), "{}", table.out);

    let off = check(&world, &["203.0.113.30", "--tls", "off", "--resolver", RESOLVER]);
    off.judged("agree", ["agree"; 3], "pass", 0).is(&[("/smtp/tls", json!(null))]);

    let implicit = check(&world, &["smtps://203.0.113.30", "--resolver", RESOLVER]);
    implicit.judged("agree", ["agree"; 3], "pass", 0).found(&["tls-untrusted"]).is(&[
        ("/target/port", json!(465)),
        ("/smtp/tls/version", json!("TLSv1.3")),
        ("/smtp/banner/name", json!("secure.example.net")),
        ("/smtp/ehlo_before_tls", json!(null)),
    ]);
    let older = check(&world, &["203.0.113.30:2525", "--resolver", RESOLVER]);
    older.judged("agree", ["agree"; 3], "pass", 0).is(&[("/smtp/tls/version", json!("TLSv1.2"))]);

    let expired = check(&world, &["203.0.113.30:2526", "--resolver", RESOLVER]);
    expired.judged("agree", ["agree"; 3], "pass", 1).found(&["tls-expired", "tls-name-mismatch"]);

    // Offered, and no certificate behind it: the plain dialogue stands.
    let broken = check(&world, &["203.0.113.30:2527", "--resolver", RESOLVER]);
    broken.judged("agree", ["agree"; 3], "pass", 1).found(&["tls-failed"]);
    broken.is(&[("/smtp/tls", json!(null)), ("/smtp/ehlo/name", json!("secure.example.net"))]);
    let detail = broken.finding("tls-failed")["detail"].as_str().unwrap();
    assert!(detail.contains("HandshakeFailure"), "{detail}");

    // TLS first on a port that is dialled plainly: both wait for the other.
    let waits = check(&world, &["203.0.113.30:2528", "--timeout", "3s", "--resolver", RESOLVER]);
    waits.judged("unknown", ["unknown", "agree", "unknown"], "pass", 3).found(&["no-greeting"]);
    assert!(waits.took.as_secs_f64() < 5.0, "{:?}", waits.took);
    // And the other way round: TLS at a plain port.
    let plain = check(&world, &["smtps://203.0.113.30:25", "--timeout", "8s", "--resolver", RESOLVER]);
    plain.judged("unknown", ["unknown", "agree", "unknown"], "pass", 3).found(&["tls-not-spoken"]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn exim_starttls_and_another_name_inside() {
    let mut world = World::new(&[RESOLVER, "203.0.113.31"]);
    zones::start(&mut world);
    let pem = certificate::write(&world, "exim.example.net", 2098, KEY_OWNER_EXIM);
    let settings = format!("tls_advertise_hosts = *\ntls_certificate = {pem}\ntls_privatekey = {pem}");
    let inside =
        "  accept condition = ${if def:tls_in_cipher}\n         message = inside.example.net is my name in here";
    exim::start(&mut world, "203.0.113.31", "exim.example.net", &settings, inside);
    let seen = check(&world, &["203.0.113.31", "--resolver", RESOLVER]);
    seen.judged("differ", ["differ", "agree", "absent"], "pass", 1).is(&[
        ("/smtp/tls/version", json!("TLSv1.3")),
        ("/smtp/tls/names", json!(["exim.example.net", "*.mail.example.net"])),
        ("/smtp/ehlo_before_tls/name", json!("exim.example.net")),
        ("/smtp/ehlo/name", json!("inside.example.net")),
        ("/client/ehlo", json!("inside.example.net")),
    ]);
    seen.finding("ehlo-differs-after-tls");
    assert!(seen.extensions("/smtp/ehlo_before_tls").contains(&"STARTTLS".to_owned()));
    let plain = check(&world, &["203.0.113.31", "--tls", "off", "--resolver", RESOLVER]);
    plain.judged("agree", ["agree"; 3], "pass", 0).is(&[("/client/ehlo", json!("exim.example.net"))]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn exim_offers_starttls_and_refuses_it() {
    let mut world = World::new(&[RESOLVER, "203.0.113.31"]);
    zones::start(&mut world);
    let settings = "tls_advertise_hosts = *\ntls_certificate = /world/no-such.pem\ntls_privatekey = /world/no-such.pem";
    exim::start(&mut world, "203.0.113.31", "exim.example.net", settings, "");
    let seen = check(&world, &["203.0.113.31", "--resolver", RESOLVER]);
    seen.judged("agree", ["agree"; 3], "pass", 1).found(&["starttls-refused"]);
    seen.is(&[("/smtp/tls", json!(null)), ("/smtp/ehlo/name", json!("exim.example.net"))]);
    let detail = seen.finding("starttls-refused")["detail"].as_str().unwrap();
    assert!(detail.contains("454"), "{detail}");
}
