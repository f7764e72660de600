//! postscreen before Postfix: a teaser line at once, the rest of the greeting later, and a note in the
//! log about every client that could not wait.

use serde_json::json;

use crate::postfix;
use crate::probe::check;
use crate::world::World;
use crate::zones::{self, RESOLVER};

const WAIT: f64 = 3000.0;

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn the_teaser_is_waited_out() {
    let mut world = World::new(&[RESOLVER, "203.0.113.32", "203.0.113.33"]);
    zones::start(&mut world);
    let settings = "postscreen_greet_banner = screened.example.net please wait\npostscreen_greet_wait = 3s\n\
                    postscreen_greet_action = enforce";
    postfix::start(&mut world, "screened.example.net", &[postfix::postscreen("203.0.113.32:25")], settings);

    // A client that speaks first is caught, so the log would tell on ours too.
    let hasty =
        "exec 3<>/dev/tcp/203.0.113.32/25; printf 'EHLO hasty.example.org\\r\\n' >&3; read -r -t 10 line <&3; sleep 1";
    let status = world.outside("bash").args(["-c", hasty]).status().unwrap();
    assert!(status.success());
    world.wait("postscreen to note the hasty client", |w| {
        w.read("postfix.log").contains("PREGREET 24 after").then_some(())
    });

    let seen = check(&world, &["203.0.113.32", "--source", "203.0.113.33", "--resolver", RESOLVER]);
    seen.judged("agree", ["agree"; 3], "pass", 0).found(&["greeting-slow", "tls-not-offered"]).is(&[
        ("/smtp/source", json!("203.0.113.33")),
        (
            "/smtp/banner",
            json!({"code": 220, "lines": ["screened.example.net please wait", "screened.example.net ESMTP"],
                "name": "screened.example.net"}),
        ),
        ("/smtp/ehlo/name", json!("screened.example.net")),
    ]);
    let first = seen.at("/smtp/timing_ms/first_octet").as_f64().unwrap();
    let whole = seen.at("/smtp/timing_ms/banner").as_f64().unwrap();
    assert!(first < WAIT / 2.0 && whole >= WAIT * 0.95, "first octet after {first} ms, greeting after {whole} ms");

    let passed = world.wait("postscreen to let ours pass", |w| {
        let log = w.read("postfix.log");
        log.contains("PASS NEW [203.0.113.33]").then_some(log)
    });
    let ours: Vec<&str> = passed.lines().filter(|l| l.contains("[203.0.113.33]")).collect();
    assert!(!ours.iter().any(|l| l.contains("PREGREET") || l.contains("HANGUP")), "{ours:#?}");
}
