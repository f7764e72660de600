//! `--baseline`, `--watch` and `--until-agree` on the built program, before zones that change.

#![allow(clippy::format_collect, reason = "a line each, read at a glance")]
#![expect(clippy::disallowed_methods, reason = "the test writes lists and reads reports")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use smtp_preflight::lab::{Lab, RunningLab, Scenario};

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// So many resolvers, each with the zone.
async fn world(resolvers: usize, zone: &str) -> RunningLab {
    let dns = format!("[[dns]]\nzone = '''\n{zone}'''\n").repeat(resolvers);
    let scenario = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['203.0.113.10']\n{dns}[[expect]]\nverdict = 'agree'\n\
         ehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Lab::start(&Scenario::parse("time", &scenario).unwrap()).await.unwrap()
}

/// mail.example.net holds .10 to .12, and each of these has its PTR.
fn zone(ptr: &[(u8, &str)]) -> String {
    let lines: String = ptr.iter().map(|(n, name)| format!("{n} 40 PTR {name}.\n")).collect();
    format!(
        "$ORIGIN example.net.\nmail A 203.0.113.10\nmail A 203.0.113.11\nmail A 203.0.113.12\nold A 203.0.113.10\n\
         old A 203.0.113.11\n$ORIGIN 113.0.203.in-addr.arpa.\n{lines}"
    )
}

fn command(lab: &RunningLab, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", "--no-connect", "--timeout", "5s"]).stdin(Stdio::null()).args(args);
    command.args(["--resolver", &lab.resolvers[0].to_string()]);
    command
}

async fn run(lab: &RunningLab, args: &[&str]) -> Output {
    let mut command = command(lab, args);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

const ALL: [(u8, &str); 3] = [(10, "mail.example.net"), (11, "mail.example.net"), (12, "mail.example.net")];

fn list(folder: &Path, last: &[u8]) -> String {
    let lines: String =
        last.iter().map(|n| format!("{{\"ip\":\"203.0.113.{n}\",\"ehlo\":\"mail.example.net\"}}\n")).collect();
    let file = folder.join("list");
    std::fs::write(&file, lines).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_shows_what_changed_in_every_form() {
    let folder = tempfile::tempdir().unwrap();
    for format in ["json", "ndjson", "csv"] {
        let lab =
            world(1, &zone(&[(10, "mail.example.net"), (11, "gone.example.net"), (12, "mail.example.net")])).await;
        let first = run(&lab, &["--input", &list(folder.path(), &[10, 11, 12, 13]), "--format", format]).await;
        let baseline = folder.path().join("last");
        std::fs::write(&baseline, &first.stdout).unwrap();
        let baseline = baseline.to_str().unwrap();
        // .10 loses its PTR, .11 gets it, .12 stays, .13 is looked at no more, .9 is new.
        lab.publish(0, &zone(&[(11, "mail.example.net"), (12, "mail.example.net")])).unwrap();
        let now = list(folder.path(), &[9, 10, 11, 12]);
        let out = run(&lab, &["--input", &now, "--baseline", baseline]).await;
        assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
        let printed = text(&out.stdout);
        let mut kinds: Vec<&str> =
            printed.lines().take_while(|l| !l.is_empty()).filter(|l| !l.starts_with(' ')).collect();
        kinds.sort_unstable();
        assert_eq!(
            kinds,
            [
                "broken   203.0.113.10",
                "fixed    203.0.113.11",
                "gone     203.0.113.13 as mail.example.net",
                "new      203.0.113.9"
            ],
            "{format}:\n{printed}"
        );
        assert!(printed.contains("PTR mail.example.net → none") && printed.contains("new: ptr-missing"), "{printed}");
        assert!(printed.contains("since the baseline: 1 broken, 1 fixed, 1 new, 1 gone; 1 as they were"), "{printed}");
        let out = run(&lab, &["--input", &now, "--baseline", baseline, "--format", "ndjson"]).await;
        let mut lines: Vec<Value> = text(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        lines.sort_by_key(|l| l["change"]["kind"].to_string());
        let kinds: Vec<&str> = lines.iter().map(|l| l["change"]["kind"].as_str().unwrap_or("gone")).collect();
        assert_eq!(kinds, ["broken", "fixed", "new", "gone"], "{}", text(&out.stdout));
        assert_eq!(lines[0]["change"]["was"]["ptr"][0], "mail.example.net");
        assert_eq!(lines[3]["gone"]["identity"]["ip"], "203.0.113.13");
        let out = run(&lab, &["--input", &now, "--baseline", baseline, "--format", "json"]).await;
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(report["checks"].as_array().unwrap().len(), 3);
        assert_eq!(report["gone"][0]["was"]["verdict"], "differ");
        assert_eq!(report["summary"]["changes"]["unchanged"], 1);
        assert_eq!(report["summary"]["checks"], 4);
        let out = run(&lab, &["--input", &now, "--baseline", baseline, "--format", "csv"]).await;
        assert_eq!(text(&out.stdout).lines().count(), 1 + 3 + 1, "{}", text(&out.stdout));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_baseline_updates_itself_and_only_by_a_whole_run() {
    let folder = tempfile::tempdir().unwrap();
    let lab = world(1, &zone(&ALL)).await;
    let baseline = folder.path().join("last.ndjson");
    let names = baseline.to_str().unwrap();
    let all = list(folder.path(), &[10, 11, 12]);
    let nightly = ["--input", &all, "--baseline", names, "--update-baseline", "-q"];
    let out = run(&lab, &["--input", &all, "--baseline", names]).await;
    assert_eq!(out.status.code(), Some(2));
    assert!(text(&out.stderr).contains("add --update-baseline to begin one"), "{}", text(&out.stderr));
    let out = run(&lab, &nightly).await;
    assert_eq!((out.status.code(), text(&out.stdout).matches("new ").count()), (Some(0), 3), "{}", text(&out.stdout));
    let out = run(&lab, &nightly).await;
    assert_eq!((out.status.code(), text(&out.stdout).as_str()), (Some(0), ""), "nothing changed, nothing to mail");
    lab.publish(0, &zone(&ALL[1..])).unwrap();
    let out = run(&lab, &nightly).await;
    assert!(
        out.status.code() == Some(1) && text(&out.stdout).starts_with("broken   203.0.113.10"),
        "{}",
        text(&out.stdout)
    );
    let before = std::fs::read_to_string(&baseline).unwrap();
    assert_eq!(before.lines().count(), 3);
    // A list that could not be read whole leaves the baseline alone.
    std::fs::write(&all, "{\"ip\":\"203.0.113.10\"}\nnot a host!\n").unwrap();
    let out = run(&lab, &nightly).await;
    assert_eq!(out.status.code(), Some(2));
    assert!(!text(&out.stdout).contains("gone"), "{}", text(&out.stdout));
    assert_eq!(std::fs::read_to_string(&baseline).unwrap(), before);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "no part is left: {left:?}");
    std::fs::write(&baseline, "{\"checks\":[{}]}").unwrap();
    let out = run(&lab, &nightly).await;
    assert_eq!((out.status.code(), text(&out.stderr).lines().count()), (Some(2), 1), "{}", text(&out.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_no_absence_and_erases_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("last.ndjson").to_str().unwrap().to_owned();
    let all = list(folder.path(), &[10, 11]);
    let nightly = ["--input", &all, "--baseline", &baseline, "--update-baseline", "-q"];
    let lab = world(1, &zone(&ALL)).await;
    run(&lab, &nightly).await;
    // Two nights on which no resolver answers; only the first is news.
    for night in 0..2 {
        let mut dead = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
        dead.args(["check", "--no-connect", "--timeout", "1s", "--resolver", "127.0.0.1:1"]).args(nightly);
        let out = tokio::task::spawn_blocking(move || dead.output().unwrap()).await.unwrap();
        let printed = text(&out.stdout);
        assert_eq!(out.status.code(), Some(3), "{}", text(&out.stderr));
        assert_eq!(printed.matches("verdict agree → unknown (").count(), if night == 0 { 2 } else { 0 }, "{printed}");
        assert!(!printed.contains("none") && !printed.contains("PTR mail"), "{printed}");
    }
    // The PTR of .11 is another by now, that of .10 the same.
    lab.publish(0, &zone(&[(10, "mail.example.net"), (11, "old.example.net")])).unwrap();
    let printed = text(&run(&lab, &nightly).await.stdout);
    assert!(printed.contains("PTR mail.example.net → old.example.net"), "{printed}");
    assert_eq!(printed.matches("PTR mail").count(), 1, "{printed}");
    assert!(printed.contains("broken   203.0.113.11") && printed.contains("changed  203.0.113.10"), "{printed}");
    assert_eq!(text(&run(&lab, &nightly).await.stdout), "", "all is known again");
}

fn page() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bulk.md")).unwrap()
}

/// The block of docs/bulk.md that begins so.
fn block(fence: &str, begin: &str) -> String {
    let page = page();
    let found = page.split(&format!("```{fence}\n")).find(|block| block.starts_with(begin)).unwrap();
    found.split("```").next().unwrap().to_owned()
}

/// A script of docs/bulk.md in a folder of its own, with the program and stand-ins for others on its path.
#[cfg(unix)]
struct Script {
    folder: tempfile::TempDir,
}

#[cfg(unix)]
impl Script {
    fn new(script: &str, others: &[(&str, &str)]) -> Self {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("script", script)].iter().chain(others) {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        symlink(env!("CARGO_BIN_EXE_smtp-preflight"), folder.path().join("smtp-preflight")).unwrap();
        Self { folder }
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("sh");
        let path = format!("{}:{}", self.folder.path().display(), std::env::var("PATH").unwrap());
        command.arg(self.at("script")).env("PATH", path).current_dir(self.folder.path()).stdin(Stdio::null());
        command
    }
}

/// The script of docs/bulk.md, with a mail server that keeps what it is given, and is down at times.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_nightly_script_mails_only_what_changed_and_loses_nothing_when_the_mail_fails() {
    let sendmail = "#!/bin/sh\n[ ! -e down ] || exit 75\ncat >> sent\n";
    let nightly = Script::new(&block("sh", "#!/bin/sh"), &[("sendmail", sendmail)]);
    let lab = world(1, &zone(&ALL)).await;
    let all = list(nightly.folder.path(), &[10, 11, 12]);
    let night = |down: bool| {
        let mut command = nightly.command();
        command.arg(&all).arg(nightly.at("last")).arg("postmaster@example.net");
        command.args(["--no-connect", "--resolver", &lab.resolvers[0].to_string()]);
        let (sent, mark) = (nightly.at("sent"), nightly.at("down"));
        async move {
            if down {
                std::fs::write(&mark, "").unwrap();
            }
            let status = tokio::task::spawn_blocking(move || command.status().unwrap()).await.unwrap();
            let mail = std::fs::read_to_string(&sent).unwrap_or_default();
            let _ = (std::fs::remove_file(&sent), std::fs::remove_file(&mark));
            (status.code(), mail)
        }
    };
    assert_eq!(night(true).await, (Some(75), String::new()));
    let (code, sent) = night(false).await;
    assert_eq!((code, sent.matches("\nnew ").count()), (Some(0), 3), "what could not be mailed is mailed: {sent}");
    assert!(sent.starts_with("To: postmaster@example.net\nSubject: ") && sent.contains("charset=utf-8"), "{sent}");
    assert_eq!(night(true).await, (Some(0), String::new()), "nothing changed, and nothing is mailed");
    lab.publish(0, &zone(&ALL[..2])).unwrap();
    assert_eq!(night(true).await, (Some(75), String::new()));
    assert_eq!(night(true).await, (Some(75), String::new()));
    let (code, sent) = night(false).await;
    assert_eq!(code, Some(1));
    assert!(sent.contains("\n\nbroken   203.0.113.12") && !sent.contains("\nnew "), "{sent}");
    assert_eq!(night(false).await, (Some(1), String::new()), "still broken, and that is no change");
    // A run that cannot be made leaves the baseline for the next.
    let before = std::fs::read_to_string(nightly.at("last")).unwrap();
    std::fs::rename(&all, nightly.at("away")).unwrap();
    assert_eq!(night(false).await, (Some(2), String::new()));
    assert_eq!(std::fs::read_to_string(nightly.at("last")).unwrap(), before);
    std::fs::rename(nightly.at("away"), &all).unwrap();
    lab.publish(0, &zone(&ALL)).unwrap();
    let (code, sent) = night(false).await;
    assert_eq!((code, sent.matches("\nfixed ").count()), (Some(0), 1), "{sent}");
    assert!(!nightly.at("last.next").exists());
}

/// What keeps a setgid or setuid program from its privileges keeps the local mail server from taking the message.
#[test]
fn the_nightly_unit_lets_a_local_mail_server_take_the_message() {
    // systemd.exec(5), of systemd 252: each implies NoNewPrivileges= where the service has not CAP_SYS_ADMIN.
    const IMPLY: [&str; 18] = [
        "NoNewPrivileges",
        "DynamicUser",
        "LockPersonality",
        "MemoryDenyWriteExecute",
        "PrivateDevices",
        "ProtectClock",
        "ProtectHostname",
        "ProtectKernelLogs",
        "ProtectKernelModules",
        "ProtectKernelTunables",
        "RestrictAddressFamilies",
        "RestrictNamespaces",
        "RestrictRealtime",
        "RestrictSUIDSGID",
        "SystemCallArchitectures",
        "SystemCallFilter",
        "SystemCallLog",
        "CapabilityBoundingSet",
    ];
    let unit = block("ini", "[Unit]\nDescription=What changed");
    let settings: std::collections::BTreeMap<&str, &str> =
        unit.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')).collect();
    let kept: Vec<&&str> = IMPLY.iter().filter(|name| settings.contains_key(**name)).collect();
    assert_eq!(kept, Vec::<&&str>::new());
    assert_ne!(settings.get("ProtectSystem"), Some(&"strict"), "the queue is written");
    let user = block("", "u ");
    assert_eq!(user.split_whitespace().nth(1), Some(settings["User"]));
    let state = format!("/var/lib/{}/", settings["StateDirectory"]);
    let script = page().contains("`/usr/local/bin/smtp-identity-changes`:");
    let words: Vec<&str> = settings["ExecStart"].split(' ').collect();
    assert!(script && words[0] == "/usr/local/bin/smtp-identity-changes" && words[2].starts_with(&state), "{words:?}");
    assert!(settings.contains_key("TimeoutStartSec") && settings["SuccessExitStatus"] == "1 3");
}

/// The recipe for the textfile collector: metrics are replaced by metrics, never by what a failed run leaves.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_textfile_recipe_keeps_the_last_metrics_where_a_run_cannot_be_made() {
    let folder = tempfile::tempdir().unwrap();
    let metrics = folder.path().join("smtp.prom");
    let script = block("sh", "metrics=").replace("/var/lib/node_exporter/smtp.prom", metrics.to_str().unwrap());
    let lab = world(1, &zone(&ALL)).await;
    let resolver = lab.resolvers[0].to_string();
    let recipe = Script::new(&script.replace("check ", &format!("check --no-connect --resolver {resolver} ")), &[]);
    let run = || {
        let mut command = recipe.command();
        async move { tokio::task::spawn_blocking(move || command.status().unwrap().success()).await.unwrap() }
    };
    assert!(!run().await && !metrics.exists(), "there is no list");
    std::fs::rename(list(recipe.folder.path(), &[10, 9]), recipe.at("relays.csv")).unwrap();
    assert!(run().await);
    let first = std::fs::read_to_string(&metrics).unwrap();
    assert!(first.contains("smtp_preflight_checks{verdict=\"differ\"} 1\n"), "{first}");
    std::fs::remove_file(recipe.at("relays.csv")).unwrap();
    assert!(!run().await);
    assert_eq!(std::fs::read_to_string(&metrics).unwrap(), first);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
}

/// A running watch, and its output line by line.
fn watch(lab: &RunningLab, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = command(lab, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

/// Reads on until a line holds the words; gives all that was read.
fn until(output: &mut impl BufRead, words: &str) -> String {
    let mut all = String::new();
    loop {
        let begin = all.len();
        assert_ne!(output.read_line(&mut all).unwrap(), 0, "it ended without {words}:\n{all}");
        if all[begin..].contains(words) {
            return all;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn until_agree_shows_who_holds_the_old_answer_and_ends_with_0() {
    // Resolver, a second resolver, and the zone's own server; the change is published there first.
    let old = zone(&[(10, "old.example.net")]);
    let lab = world(3, &old).await;
    let [_, second, authority] = [0, 1, 2].map(|n| lab.resolvers[n].to_string());
    let args =
        ["--ip", "203.0.113.10", "--ehlo", "mail.example.net", "--until-agree", "--watch", "150ms", "--for", "60s"];
    let more = ["--resolver", &second, "--authority", &authority];
    let (mut child, mut output) = watch(&lab, &[&args[..], &more].concat());
    let (lab, code, all) = tokio::task::spawn_blocking(move || {
        let mut all = until(&mut output, "old.example.net at all 3 asked");
        lab.publish(2, &zone(&ALL)).unwrap();
        all += &until(&mut output, "(old, for 40 s at most)");
        lab.publish(0, &zone(&ALL)).unwrap();
        all += &until(&mut output, "no more: ehlo-differs-from-ptr");
        // One resolver still holds the old name: three agree by the other's answer, and that is not all.
        lab.publish(1, &zone(&ALL)).unwrap();
        output.read_to_string(&mut all).unwrap();
        (lab, child.wait().unwrap().code(), all)
    })
    .await
    .unwrap();
    assert_eq!(code, Some(0), "{all}");
    assert!(all.contains("fixed"), "{all}");
    assert!(all.contains("PTR 10.113.0.203.in-addr.arpa: mail.example.net at all 3 asked"), "{all}");
    drop(lab);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn watch_shows_changes_with_their_time_and_an_interrupt_ends_with_the_last_state() {
    let lab = world(1, &zone(&ALL)).await;
    let folder = tempfile::tempdir().unwrap();
    let all = list(folder.path(), &[10, 11]);
    let (mut child, mut output) = watch(&lab, &["--input", &all, "--watch", "150ms", "--authority", "127.0.0.1:1"]);
    let (code, printed, err) = tokio::task::spawn_blocking(move || {
        let mut printed = until(&mut output, "203.0.113.11");
        lab.publish(0, &zone(&ALL[1..])).unwrap();
        printed += &until(&mut output, "broken");
        let kill = format!("kill -INT {}", child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        output.read_to_string(&mut printed).unwrap();
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        (child.wait().unwrap().code(), printed, err)
    })
    .await
    .unwrap();
    assert_eq!(code, Some(1), "the last state is broken: {printed}{err}");
    let broken = printed.lines().find(|l| l.contains("broken")).unwrap();
    let time = broken.split(" broken").next().unwrap();
    assert!(time.len() == "2026-11-27 23:12:05Z".len() && time.ends_with('Z'), "{broken}");
    assert_eq!(printed.matches("broken").count(), 1, "said once:\n{printed}");
    assert!(printed.contains("2 checks: 1 agree, 1 differ, 0 unknown"), "{printed}");
    assert!(err.contains("checking again every 0.15 s"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_has_an_end_and_its_options_their_sentences() {
    let lab = world(1, &zone(&[(10, "old.example.net")])).await;
    let identity = ["--ip", "203.0.113.10", "--ehlo", "mail.example.net"];
    let out = run(
        &lab,
        &[&identity[..], &["--until-agree", "--for", "300ms", "--watch", "100ms", "--format", "ndjson"]].concat(),
    )
    .await;
    assert_eq!(out.status.code(), Some(1), "it never agreed: {}", text(&out.stderr));
    let lines: Vec<Value> = text(&out.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 1, "nothing changed: {}", text(&out.stdout));
    assert_eq!(lines[0]["propagation"][0]["resolvers"][0]["said"], "old.example.net");
    for (args, words) in [
        (vec!["--for", "1m"], "--for is for --watch"),
        (vec!["--watch", "0"], "--watch 0: give a time"),
        (vec!["--until-agree", "--for", "soon"], "--for soon: give a time"),
        (vec!["--until-agree", "--format", "junit"], "print as table, json, ndjson or csv"),
        (vec!["--until-agree", "--authority", "ns1.example"], "--authority ns1.example: give the server's IP"),
    ] {
        let out = run(&lab, &[&identity[..], &args].concat()).await;
        assert_eq!(
            (out.status.code(), text(&out.stderr).lines().count()),
            (Some(2), 1),
            "{args:?}: {}",
            text(&out.stderr)
        );
        assert!(text(&out.stderr).contains(words), "{args:?}: {}", text(&out.stderr));
    }
}
