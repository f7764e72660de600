//! Several addresses of one request, as the built program shows them: a row an address, findings once.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::{Command, Output, Stdio};

use smtp_preflight::lab::{Lab, RunningLab, Scenario};

/// 203.0.113.0/29 behind one name: in order but for one without PTR, one that leads elsewhere, one that
/// another name stands for.
const ZONE: &str = "
$ORIGIN example.net.
mail A 203.0.113.0
mail A 203.0.113.1
mail A 203.0.113.2
mail A 203.0.113.3
mail A 203.0.113.4
mail A 203.0.113.5
elsewhere A 198.51.100.9
other A 203.0.113.5
$ORIGIN 113.0.203.in-addr.arpa.
0 PTR mail.example.net.
1 PTR mail.example.net.
2 PTR mail.example.net.
4 PTR elsewhere.example.net.
5 PTR other.example.net.
";

async fn world() -> RunningLab {
    let text = format!(
        "title = 't'\nabout = 'a'\nexit = 0\n[check]\nip = ['203.0.113.1']\n[[dns]]\nzone = '''{ZONE}'''\n\
         [[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\n\
         iprev = 'pass'\nfindings = []\n"
    );
    Lab::start(&Scenario::parse("pool", &text).unwrap()).await.unwrap()
}

async fn check(lab: &RunningLab, more: &[&str]) -> Output {
    let resolver = lab.resolvers[0].to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.args(["check", "--ehlo", "mail.example.net", "--resolver", &resolver]).args(more).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn text(out: &Output) -> String {
    String::from_utf8(out.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_is_a_row_an_address_and_its_findings_once() {
    let lab = world().await;
    let out = check(&lab, &["--ip", "203.0.113.0/29"]).await;
    let shown = text(&out);
    assert_eq!(out.status.code(), Some(1));
    assert!(shown.contains("203.0.113.0 … 203.0.113.7, 8 addresses") && shown.contains("5 OF 8 DIFFER"), "{shown}");
    let rows: Vec<&str> = shown.lines().filter(|l| l.starts_with("│ 203.0.113.")).collect();
    assert_eq!(rows.len(), 8, "{shown}");
    let row = |n: usize| rows[n];
    assert!(row(0).contains("mail.example.net") && row(0).matches('✓').count() == 3 && row(0).contains("agrees"));
    assert!(row(3).contains("none (nxdomain)") && row(3).contains("no PTR"), "{}", row(3));
    assert!(row(4).contains("✗    │ ✗    │ ✓    │ PTR leads"), "{}", row(4));
    assert!(row(5).contains("EHLO is not the PTR"), "{}", row(5));
    for code in ["ptr-missing:", "ptr-unconfirmed:", "address-not-public:"] {
        assert_eq!(shown.matches(code).count(), 1, "{code} {shown}");
    }
    assert!(shown.contains("ptr-missing: No PTR record (3 of 8: 203.0.113.3, 203.0.113.6, 203.0.113.7)"), "{shown}");
    assert!(shown.contains("3.113.0.203.in-addr.arpa. 3600 IN PTR mail.example.net."), "{shown}");
    assert!(shown.lines().all(|l| l.chars().count() <= 80), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_given_one_by_one_and_what_stays_in_full() {
    let lab = world().await;
    let two = ["--ip", "203.0.113.1", "--ip", "203.0.113.3"];
    let shown = text(&check(&lab, &two).await);
    assert!(shown.contains("1 OF 2 DIFFERS") && shown.contains("what differs"), "{shown}");
    let whole = text(&check(&lab, &[&two[..], &["--explain"]].concat()).await);
    assert_eq!(whole.matches("│ compared").count(), 2, "--explain shows each in full: {whole}");
    let rows = text(&check(&lab, &[&two[..], &["-q"]].concat()).await);
    assert!(!rows.contains('│') && rows.lines().count() == 2, "{rows}");
    let alone = text(&check(&lab, &["--ip", "203.0.113.1"]).await);
    assert!(alone.contains("│ compared"), "{alone}");
    let json = text(&check(&lab, &[&two[..], &["--format", "json"]].concat()).await);
    assert!(json.contains("\"checks\": 2"), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn markdown_and_replay_show_the_same_pool() {
    let lab = world().await;
    let file = std::env::temp_dir().join(format!("smtp-preflight-pool-{}.json", std::process::id()));
    let path = file.to_str().unwrap();
    let pool = ["--ip", "203.0.113.0/29", "--save", path];
    let live = text(&check(&lab, &pool).await);
    let mut replay = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    let again = text(&replay.args(["check", "--replay", path]).output().unwrap());
    assert_eq!(live, again);
    let mut replay = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    let shown = text(&replay.args(["check", "--replay", path, "--format", "markdown"]).output().unwrap());
    std::fs::remove_file(&file).unwrap();
    assert_eq!(shown.matches("## `203.0.113.0 … 203.0.113.7, 8 addresses`: 5 OF 8 DIFFER").count(), 1, "{shown}");
    assert_eq!(shown.lines().filter(|l| l.starts_with("| `203.0.113.")).count(), 8, "{shown}");
    assert_eq!(shown.matches("`ptr-missing`").count(), 1, "{shown}");
}

/// What is said beside the rows does not grow with them.
#[tokio::test(flavor = "multi_thread")]
async fn a_pool_of_a_thousand_is_one_report() {
    let lab = world().await;
    let out = check(&lab, &["--ip", "198.51.100.0/22"]).await;
    let shown = text(&out);
    assert_eq!(shown.lines().filter(|l| l.starts_with("│ 198.51.")).count(), 1024);
    let rest = shown.lines().filter(|l| !l.starts_with('│')).count();
    assert!(rest < 80, "{rest} lines beside the rows");
    assert!(shown.contains("more; --format ndjson has them all"));
}

/// What receivers answer stands in every report of a pool: each different answer once, with whose it is.
#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_told_once_an_answer() {
    let lab = world().await;
    let two = ["--ip", "203.0.113.1", "--ip", "203.0.113.3", "--receivers", "gmail"];
    let shown = text(&check(&lab, &two).await);
    let at = shown.find("Receivers:\n").unwrap_or_else(|| panic!("{shown}"));
    let told: Vec<&str> = shown[at..].lines().skip(1).take(2).collect();
    assert_eq!(
        told,
        [" 1 of 2 (203.0.113.3): refused by gmail", " 1 of 2 (203.0.113.1): accepted by all (2 rules)"],
        "{shown}"
    );
    let markdown = text(&check(&lab, &[&two[..], &["--format", "markdown"]].concat()).await);
    assert!(markdown.contains("**Receivers:**\n\n- 1 of 2 "), "{markdown}");
    let html = text(&check(&lab, &[&two[..], &["--format", "html"]].concat()).await);
    assert_eq!(html.matches("<dt>Receivers</dt>").count(), 2, "{html}");
    let alike = ["--ip", "203.0.113.0", "--ip", "203.0.113.1", "--receivers", "gmail"];
    let shown = text(&check(&lab, &alike).await);
    assert!(shown.contains("Receivers: accepted by all (2 rules)"), "{shown}");
    let none = text(&check(&lab, &[&two[..4], &["--receivers", "none"]].concat()).await);
    assert!(!none.contains("Receivers"), "{none}");
}

/// A record goes to the holder of its zone: addresses behind an RFC 2317 alias are a step of their own, and a step for
/// one address says which.
#[tokio::test(flavor = "multi_thread")]
async fn steps_are_kept_apart_by_holder() {
    let zone = "$ORIGIN example.net.\nmail A 203.0.113.1\nmail A 203.0.113.2\nmail A 203.0.113.3\n\
                $ORIGIN 113.0.203.in-addr.arpa.\n3 CNAME 3.0/28\n\
                $ORIGIN 0/28.113.0.203.in-addr.arpa.\n4 PTR mail.example.net.\n";
    let text_of = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['203.0.113.1']\n[[dns]]\nzone = '''{zone}'''\n\
         [[expect]]\nverdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\n\
         iprev = 'pass'\nfindings = []\n"
    );
    let lab = Lab::start(&Scenario::parse("holders", &text_of).unwrap()).await.unwrap();
    let out = check(&lab, &["--ip", "203.0.113.1", "--ip", "203.0.113.2", "--ip", "203.0.113.3"]).await;
    let shown = text(&out);
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    let steps: Vec<&str> = flat.split("Have the PTR set to mail.example.net.").skip(1).collect();
    assert_eq!(steps.len(), 2, "{shown}");
    assert!(steps[0].contains("zone 113.0.203.in-addr.arpa,") && steps[0].contains("[2 addresses]"), "{shown}");
    assert!(steps[0].contains("2.113.0.203.in-addr.arpa. ") && !steps[0].contains("3.0/28"), "{shown}");
    assert!(steps[1].contains("zone 0/28.113.0.203.in-addr.arpa,") && steps[1].contains("[203.0.113.3]"), "{shown}");
    assert!(steps[1].contains("3.0/28.113.0.203.in-addr.arpa. 3600 IN PTR mail.example.net."), "{shown}");
}
