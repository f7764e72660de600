//! The project's own bounces, each with what must be read from it (`fixtures/bounces/expected.tsv`).

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "a test reads its fixtures and prints its figures"
)]

use std::collections::HashMap;
use std::path::PathBuf;

use smtp_preflight::bounce;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/bounces")
}

fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(s)) => s,
        Ok(serde_json::Value::Null) | Err(_) => String::new(),
        Ok(other) => other.to_string(),
    }
}

#[test]
fn every_sample_is_read_as_expected() {
    let table = std::fs::read_to_string(folder().join("expected.tsv")).unwrap();
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap().split('\t').collect();
    let mut seen = 0;
    let mut wrong = Vec::new();
    for line in lines {
        let row: HashMap<&str, &str> = names.iter().copied().zip(line.split('\t')).collect();
        let bytes = std::fs::read(folder().join(row["file"])).unwrap();
        let got = bounce::read(&bytes);
        seen += 1;
        let reply = got.reply.clone().unwrap_or_default();
        for (what, value) in [
            ("kind", word(&got.kind)),
            ("cause", word(&got.cause)),
            ("identity", word(&got.identity)),
            ("code", word(&reply.code)),
            ("enhanced", reply.enhanced.unwrap_or_default()),
            ("ip", word(&got.sending_ip.ip)),
            ("source", word(&got.sending_ip.source)),
            ("ehlo", got.ehlo.clone().unwrap_or_default()),
            ("receiver", got.receiver.clone().unwrap_or_default()),
        ] {
            if row[what] != value {
                wrong.push(format!("{}: {what} is {value:?}, not {:?} ({:?})", row["file"], row[what], got.matched));
            }
        }
        assert!(got.unreadable.is_none(), "{}", row["file"]);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 60, "only {seen} samples");
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, seen + 1, "each sample has a line, and the other way round");
}

/// Refusals in many wordings and languages, labelled before they were first read: whether the sender's
/// identity was refused, the legs that are right, the families, the address stated (`none`; `*` where both
/// answers can be defended).
#[test]
fn the_labelled_refusals() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/refusals");
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let (mut seen, mut stated, mut ips, mut families) = (0, 0, 0, 0);
    let (mut identity, mut address, mut other) = (Vec::new(), Vec::new(), Vec::new());
    for line in table.lines().skip(1) {
        let [file, is_identity, legs, family, ip] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("five columns: {line}")
        };
        let got = bounce::read(&std::fs::read(folder.join(file)).unwrap());
        seen += 1;
        let cause = word(&got.cause);
        let found = cause == "sender-identity";
        if found != (is_identity == "yes") {
            identity.push(format!("{file}: {cause} ({:?})", got.matched));
        } else if found && !legs.split('|').any(|l| l == word(&got.identity)) {
            identity.push(format!("{file}: leg {}, not {legs}", word(&got.identity)));
        }
        let right = family == "*" || family.split('|').any(|f| f == cause);
        families += usize::from(right);
        if !right {
            other.push(format!("{file}: {cause}, not {family}"));
        }
        let claimed = word(&got.sending_ip.ip);
        match ip {
            "none" if !claimed.is_empty() => address.push(format!("{file}: {claimed} is claimed")),
            "*" | "none" => {}
            _ => {
                stated += 1;
                ips += usize::from(claimed == ip);
                if claimed != ip {
                    address.push(format!("{file}: {claimed:?}, not {ip}"));
                }
            }
        }
    }
    println!("{seen} refusals; family {families}/{seen}; address {ips}/{stated}");
    let wrong = [identity, address, other].concat();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen >= 260, "only {seen} refusals");
    let files = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(files, seen + 1, "each refusal has a line, and the other way round");
}
