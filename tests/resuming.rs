//! `--resume` on the built program: what the earlier output holds is not done again, and counts.

#![expect(clippy::disallowed_methods, reason = "the test writes lists and reads reports")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;
use std::process::{Command, Output, Stdio};

use smtp_preflight::lab::{Lab, RunningLab, Scenario};

/// .10 agrees, .11 has another PTR name, .12 has none, .13 cannot be told.
async fn world() -> RunningLab {
    let zone = "$ORIGIN example.net.\nhere A 127.0.0.1\nmail A 203.0.113.10\nmail A 203.0.113.11\nmail A 203.0.113.12\n\
                mail A 203.0.113.13\nother A 203.0.113.11\n\
                $ORIGIN 113.0.203.in-addr.arpa.\n10 PTR mail.example.net.\n11 PTR other.example.net.\n";
    let fault = "[[dns.fault]]\nname = '13.113.0.203.in-addr.arpa.'\nfault = 'servfail'\n";
    let scenario = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['203.0.113.10']\n[[dns]]\nzone = '''\n{zone}'''\n{fault}\
         [[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\n\
         findings = []\n"
    );
    Lab::start(&Scenario::parse("resuming", &scenario).unwrap()).await.unwrap()
}

/// A list of these addresses, done with these options; what is printed is added to `out`.
async fn run(lab: &RunningLab, folder: &Path, addresses: &[u8], more: &[&str]) -> Output {
    let lines: Vec<String> = addresses.iter().map(|n| format!("203.0.113.{n}")).collect();
    let list = folder.join("list");
    std::fs::write(&list, lines.join("\n")).unwrap();
    let out = folder.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", "--no-connect", "--timeout", "5s", "--ehlo", "mail.example.net", "--input"]).arg(&list);
    command.args(["--resolver", &lab.resolvers[0].to_string(), "--resume"]).arg(&out).args(more).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || {
        let output = command.output().unwrap();
        let mut text = std::fs::read(&out).unwrap();
        text.extend(&output.stdout);
        std::fs::write(&out, text).unwrap();
        output
    })
    .await
    .unwrap()
}

fn told(out: &Output) -> (Option<i32>, String) {
    (out.status.code(), String::from_utf8(out.stderr.clone()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exit_is_the_whole_list_s_and_it_is_said_how_much_was_held() {
    let lab = world().await;
    for format in ["ndjson", "csv"] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let with = |more: &[&'static str]| [&["--format", format], more].concat();
        std::fs::write(folder.join("out"), "").unwrap();
        let (code, err) = told(&run(&lab, folder, &[11, 13], &with(&[])).await);
        assert_eq!(code, Some(1), "{err}");
        assert!(err.contains("it held nothing of the list; 2 identities left"), "{err}");
        // What is left is clean; what was done before is not.
        let (code, err) = told(&run(&lab, folder, &[10, 11, 13], &with(&[])).await);
        assert_eq!(code, Some(1), "{format}: {err}");
        assert!(err.contains("it held 2 identities of the list, 1 left; the exit code is that of all"), "{err}");
        let (code, err) = told(&run(&lab, folder, &[10, 11, 13], &with(&[])).await);
        assert_eq!(code, Some(1), "{format}: {err}");
        assert!(err.contains("it held 3 identities of the list; nothing is left to check"), "{err}");
        // As severe as asked for, and only what the list holds.
        for (list, more, want) in [
            (&[10, 11][..], &[][..], 1),
            (&[10, 11, 13], &["--fail-on", "never"], 3),
            (&[10, 11], &["--fail-on", "never"], 0),
            (&[10, 13], &[], 3),
            (&[10], &[], 0),
            (&[10, 11], &["--shard", "1/1"], 1),
        ] {
            let out = run(&lab, folder, list, &with(&[more, &["-q"]].concat())).await;
            assert_eq!(told(&out), (Some(want), String::new()), "{format} {list:?} {more:?}");
            assert_eq!(String::from_utf8(out.stdout).unwrap(), "", "nothing is done twice");
        }
        let text = std::fs::read_to_string(folder.join("out")).unwrap();
        assert_eq!(text.lines().count(), if format == "csv" { 4 } else { 3 }, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_name_is_done_again_whole_and_its_rows_come_back_where_the_list_has_it_not() {
    let lab = world().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    std::fs::write(&out, "").unwrap();
    let (list, other) = (folder.path().join("list"), folder.path().join("other"));
    std::fs::write(&other, "127.0.0.9\n").unwrap();
    // Nothing listens there: dialling ends at once, with a finding.
    std::fs::write(&list, "here.example.net\n").unwrap();
    let (resolver, file) = (lab.resolvers[0].to_string(), out.clone());
    let run = move |list: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        command.args(["check", "--format", "ndjson", "--control", "none", "--timeout", "5s", "--port", "1"]);
        command.args(["--resolver", &resolver]).arg("--resume").arg(&file).arg("--input").arg(list);
        command.stdin(Stdio::null()).output().unwrap()
    };
    let (first, again, elsewhere) = tokio::task::spawn_blocking(move || {
        let first = run(&list);
        std::fs::write(&out, &first.stdout).unwrap();
        let again = run(&list);
        assert_eq!(std::fs::read_to_string(&out).unwrap(), "", "what is done again is no longer there");
        std::fs::write(&out, &again.stdout).unwrap();
        let elsewhere = run(&other);
        (first, again, elsewhere)
    })
    .await
    .unwrap();
    assert_eq!(first.status.code(), Some(1), "{}", told(&first).1);
    let (code, err) = told(&again);
    let rows = |out: &[u8]| String::from_utf8_lossy(out).lines().count();
    assert_eq!((code, rows(&first.stdout), rows(&again.stdout)), (Some(1), 1, 1), "{err}");
    assert!(
        err.contains("it held 1 identity of the list (the last is done again") && err.contains("nothing is left"),
        "{err}"
    );
    let elsewhere = String::from_utf8(elsewhere.stdout).unwrap();
    let put_back = String::from_utf8(again.stdout).unwrap();
    assert!(elsewhere.lines().count() == 2 && elsewhere.contains(&put_back), "{elsewhere}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_format_is_refused_with_the_one_to_give() {
    let lab = world().await;
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    for (holds, other) in [("ndjson", "csv"), ("csv", "ndjson"), ("csv", "json")] {
        std::fs::write(&out, "").unwrap();
        run(&lab, folder.path(), &[10], &["--format", holds]).await;
        let before = std::fs::read_to_string(&out).unwrap();
        let (code, err) = told(&run(&lab, folder.path(), &[10, 11], &["--format", other]).await);
        assert_eq!((code, err.lines().count()), (Some(2), 1), "{err}");
        let advice = format!("give --format {}", if other == "json" { "ndjson or --format csv" } else { holds });
        assert!(err.contains(&advice), "{err}");
        assert_eq!(std::fs::read_to_string(&out).unwrap(), before);
    }
    let (code, err) = told(&run(&lab, folder.path(), &[10, 11], &[]).await);
    assert_eq!((code, err.contains("give --format ndjson or --format csv")), (Some(2), true), "{err}");
}
