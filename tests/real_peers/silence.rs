//! A port that does not answer: this machine's block, a dead server, a closed port.

use serde_json::json;

use crate::postfix::{self, smtpd};
use crate::probe::{check, run};
use crate::world::World;
use crate::zones::{self, RESOLVER};

/// The server to try when the target is silent.
const CONTROL: &str = "203.0.113.30";

fn world() -> World {
    let mut world = World::new(&[RESOLVER, "203.0.113.10", "203.0.113.12", CONTROL]);
    zones::start(&mut world);
    let services = [smtpd("203.0.113.10:25", "mx1.example.net"), smtpd("203.0.113.30:25", "secure.example.net")];
    postfix::start(&mut world, "postfix.example.net", &services, "");
    world
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn a_block_of_port_25_on_this_machine() {
    let world = world();
    let arguments = ["203.0.113.10", "--control", CONTROL, "--resolver", RESOLVER, "--timeout", "6s"];
    check(&world, &arguments).judged("agree", ["agree"; 3], "pass", 0).is(&[("/smtp/controls", json!([]))]);
    world.drop_packets("out", "tcp dport 25");
    // The DNS side is judged all the same.
    let seen = check(&world, &arguments);
    seen.judged("unknown", ["unknown", "agree", "unknown"], "pass", 3).found(&["port-blocked-here"]).is(&[
        ("/smtp/fault/phase", json!("connect")),
        ("/smtp/fault/kind", json!("timed-out")),
        ("/smtp/banner", json!(null)),
        ("/smtp/controls/0/host", json!("203.0.113.30:25")),
        ("/smtp/controls/0/connected", json!(false)),
    ]);
    assert!(world.dropped() >= 2, "the target's and the control's connections were dropped");
    // Where the EHLO name is known, the check is done, and only the connection is wanting.
    let given = [&arguments[..], &["--ip", "203.0.113.10", "--ehlo", "mx1.example.net"]].concat();
    check(&world, &given).judged("agree", ["agree"; 3], "pass", 3).found(&["port-blocked-here"]);
    let hurried = ["203.0.113.10", "--control", CONTROL, "--resolver", RESOLVER, "--timeout", "800ms"];
    check(&world, &hurried).found(&["connect-timeout"]).is(&[("/smtp/controls/0/connected", json!(null))]);
    let table = run(&world, &arguments);
    assert!(table.out.contains("port-blocked-here"), "{}", table.out);
    assert_eq!(table.exit, 3);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim and NSD: .ci/run brings them"]
fn a_dead_server_and_a_closed_port() {
    let world = world();
    world.drop_packets("out", "ip daddr 203.0.113.10 tcp dport 25");
    let dead = check(&world, &["203.0.113.10", "--control", CONTROL, "--resolver", RESOLVER, "--timeout", "6s"]);
    dead.judged("unknown", ["unknown", "agree", "unknown"], "pass", 3)
        .found(&["connect-timeout"])
        .is(&[("/smtp/controls/0/address", json!("203.0.113.30")), ("/smtp/controls/0/connected", json!(true))]);
    // Too little time to try another server is no sign of a block.
    let hurried = ["203.0.113.10", "--control", CONTROL, "--resolver", RESOLVER, "--timeout", "500ms"];
    check(&world, &hurried).found(&["connect-timeout"]);
    let alone = ["203.0.113.10", "--control", "none", "--resolver", RESOLVER, "--timeout", "4s"];
    check(&world, &alone).found(&["connect-timeout"]).is(&[("/smtp/controls", json!([]))]);

    let closed = check(&world, &["203.0.113.12", "--control", CONTROL, "--resolver", RESOLVER]);
    closed.is(&[("/smtp/fault/kind", json!("connection-refused")), ("/smtp/controls", json!([]))]);
    closed.finding("connect-refused");
    assert_eq!(closed.exit, 1, "no PTR there either");
    assert!(closed.took.as_secs_f64() < 2.0, "{:?}", closed.took);
}
