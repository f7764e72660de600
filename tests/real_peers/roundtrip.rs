//! `roundtrip` through real relays that greet by one name and send by another, from another address.

use serde_json::{Value, json};

use crate::sending::{self, GREETS_AS, GREETS_AT, Out};
use crate::world::World;
use crate::zones::RESOLVER;
use crate::{nsd, probe};

/// Our listener, where the mail of probe.example goes.
const OURS: &str = "203.0.113.50";

const FORWARD: &str = "
greet IN A 203.0.113.10
out IN A 203.0.113.20
out-exim IN A 203.0.113.21
out-opensmtpd IN A 203.0.113.22
ns1 IN A 192.0.2.53
ns2 IN A 192.0.2.53
";
/// Postfix's sending side agrees; Exim's has another server's PTR; OpenSMTPD's has none.
const REVERSE: &str = "
10 IN PTR greet.example.net.
20 IN PTR out.example.net.
21 IN PTR greet.example.net.
";

const POSTFIX: Out = Out { ip: "203.0.113.20", name: "out.example.net" };
const EXIM: Out = Out { ip: "203.0.113.21", name: "out-exim.example.net" };
const OPENSMTPD: Out = Out { ip: "203.0.113.22", name: "out-opensmtpd.example.net" };

fn world() -> World {
    let mut world = World::new(&[RESOLVER, GREETS_AT, POSTFIX.ip, EXIM.ip, OPENSMTPD.ip, OURS]);
    nsd::start(
        &mut world,
        RESOLVER,
        &[
            ("example.net", Some(nsd::zone(FORWARD))),
            ("113.0.203.in-addr.arpa", Some(nsd::zone(REVERSE))),
            ("probe.example", Some(nsd::zone("@ IN MX 10 mx\nmx IN A 203.0.113.50\n"))),
        ],
    );
    world
}

struct Ran {
    exit: i32,
    out: String,
    err: String,
}

/// Runs `roundtrip` against the relay; 90 s at most.
fn run(world: &World, arguments: &[&str]) -> Ran {
    let mut command = world.outside("timeout");
    command.args(["--kill-after=1", "90", &probe::binary(), "roundtrip", "--relay", GREETS_AS]);
    if !arguments.contains(&"--to") {
        command.args(["--to", "t1@probe.example"]);
    }
    if !arguments.contains(&"--wait") {
        command.args(["--wait", "60s"]);
    }
    command.args(["--bind", OURS, "--name", "mx.probe.example", "--resolver", RESOLVER]);
    command.args(["--from", "postmaster@example.net"]).args(arguments);
    let output = command.output().unwrap();
    let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
    Ran { exit: output.status.code().expect("it ended by itself"), out: text(output.stdout), err: text(output.stderr) }
}

fn trip(world: &World, arguments: &[&str]) -> (i32, Value) {
    let ran = run(world, &[arguments, &["--format", "json"]].concat());
    let report: Value = serde_json::from_str(&ran.out).unwrap_or_else(|e| panic!("{e}: {}{}", ran.out, ran.err));
    assert_eq!(report["schema"], "smtp-preflight/1");
    (ran.exit, report["roundtrip"].clone())
}

/// Demands both names, both addresses, and the verdict on the sending side.
#[track_caller]
fn shows(trip: &Value, out: &Out, verdict: &str, edges: [&str; 3]) {
    assert_eq!(trip["outcome"], "arrived", "{trip:#}");
    let sides =
        |what: &str| (trip["comparison"][what]["greeting"].clone(), trip["comparison"][what]["sending"].clone());
    assert_eq!(sides("name"), (json!(GREETS_AS), json!(out.name)), "{trip:#}");
    assert_eq!(sides("address"), (json!(GREETS_AT), json!(out.ip)), "{trip:#}");
    assert_eq!(sides("verdict"), (json!("agree"), json!(verdict)), "{trip:#}");
    assert_eq!(trip["comparison"]["name"]["same"], false);
    assert_eq!(trip["comparison"]["address"]["same"], false);
    let check = &trip["arrival"]["check"];
    assert_eq!((&check["client"]["ip"], &check["client"]["ehlo"]), (&json!(out.ip), &json!(out.name)));
    assert_eq!(
        (&check["client"]["ip_source"], &check["client"]["ehlo_source"]),
        (&json!("listened"), &json!("listened"))
    );
    let seen = ["ehlo_ptr", "ptr_forward", "ehlo_forward"].map(|e| check["agreement"][e]["state"].clone());
    assert_eq!(seen, edges.map(|e| json!(e)), "{check:#}");
    assert_eq!(trip["greeting"]["client"]["ehlo"], GREETS_AS);
    // The message was ours and its hop is shown: from our own address, stamped by the relay.
    assert_eq!(trip["arrival"]["session"]["messages"], 1);
    assert!(trip["hops"].as_array().unwrap().iter().any(|h| h["by"] == GREETS_AS || h["by"] == out.name), "{trip:#}");
    assert!(trip["sending"]["queue_id"].is_string(), "{:#}", trip["sending"]);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim, OpenSMTPD and NSD: .ci/run brings them"]
fn postfix_greets_and_sends_by_two_names() {
    let mut world = world();
    sending::postfix(&mut world, &POSTFIX);
    let (exit, seen) = trip(&world, &[]);
    shows(&seen, &POSTFIX, "agree", ["agree"; 3]);
    assert_eq!(exit, 0, "{:#}", seen["arrival"]["check"]["findings"]);
    assert_eq!(seen["comparison"]["tls"]["sending"], "TLSv1.3");
    let table = run(&world, &[]);
    for words in [
        "greet.example.net:25 sends from 203.0.113.20",
        "AGREES",
        "Receivers judge the sending side: EHLO out.example.net from 203.0.113.20, verdict agree.",
        "│ EHLO name │ greet.example.net │ out.example.net │ ✗ differs │",
        "│ address   │ 203.0.113.10      │ 203.0.113.20    │ ✗ differs │",
    ] {
        let flat = table.out.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&words.split_whitespace().collect::<Vec<_>>().join(" ")), "{words}: {}", table.out);
    }
    assert!(table.err.contains("waiting for it here"), "{}", table.err);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim, OpenSMTPD and NSD: .ci/run brings them"]
fn exim_greets_and_sends_by_two_names_and_wants_a_login() {
    let mut world = world();
    sending::exim(&mut world, &EXIM);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("login");
    std::fs::write(&file, "sender\nopen sesame\n").unwrap();
    let login = ["--credentials", file.to_str().unwrap(), "--any-certificate", "--quiet"];
    for mechanism in ["plain", "login", "cram-md5"] {
        let (exit, seen) = trip(&world, &[&login[..], &["--auth", mechanism]].concat());
        shows(&seen, &EXIM, "differ", ["differ", "differ", "agree"]);
        assert_eq!(exit, 1);
        assert_eq!(seen["sending"]["authenticated"], true, "{mechanism}");
    }
    // Without a login the relay's own words are what is told.
    let (exit, seen) = trip(&world, &[]);
    assert_eq!((exit, &seen["outcome"]), (3, &json!("not-sent")));
    assert!(seen["where_to_look"].to_string().contains("log in first"), "{seen:#}");
    // A certificate that nobody vouches for: the credentials stay here.
    let (exit, seen) = trip(&world, &login[..2]);
    assert_eq!((exit, &seen["sending"]["fault"]["stage"]), (3, &json!("auth")), "{seen:#}");
    assert!(!world.read("exim-main.log").contains("open sesame"));
    std::fs::write(&file, "sender\nwrong\n").unwrap();
    let (exit, seen) = trip(&world, &login);
    assert_eq!((exit, &seen["outcome"], &seen["sending"]["fault"]["stage"]), (3, &json!("not-sent"), &json!("auth")));
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim, OpenSMTPD and NSD: .ci/run brings them"]
fn opensmtpd_greets_and_sends_by_two_names() {
    let mut world = world();
    sending::opensmtpd(&mut world, &OPENSMTPD);
    // It offers no STARTTLS, and that is an end unless we are told to go on.
    let (exit, seen) = trip(&world, &[]);
    assert_eq!((exit, &seen["sending"]["fault"]["stage"]), (3, &json!("tls")), "{seen:#}");
    let (exit, seen) = trip(&world, &["--tls", "auto"]);
    shows(&seen, &OPENSMTPD, "differ", ["absent", "absent", "agree"]);
    assert_eq!(exit, 1);
}

#[test]
#[ignore = "needs root and Debian's Postfix, Exim, OpenSMTPD and NSD: .ci/run brings them"]
fn a_message_that_does_not_come_is_named_by_its_queue() {
    let mut world = world();
    sending::postfix(&mut world, &POSTFIX);
    // The MX leads to us, and we listen elsewhere.
    let (exit, seen) = trip(&world, &["--to", "t1@nowhere.example", "--wait", "3s"]);
    assert_eq!((exit, &seen["outcome"]), (3, &json!("not-arrived")), "{seen:#}");
    let id = seen["sending"]["queue_id"].as_str().unwrap();
    let look = seen["where_to_look"].to_string();
    assert!(
        look.contains(&format!("queued it as {id}")) && look.contains("postqueue -p") && !look.contains("exim -bp"),
        "{look}"
    );
    assert!(world.read("postfix.log").contains(id), "the name is the queue's own");
}
