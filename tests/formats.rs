//! The formats for machines, from the built program, each read by a parser that is not ours.

#![expect(clippy::disallowed_methods, reason = "the test writes lists and reads reports")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::process::{Command, Output, Stdio};

use serde_json::Value;
use smtp_preflight::judge::{Check, judge};
use smtp_preflight::lab::{Lab, RunningLab, Scenario};
use smtp_preflight::report::{Format, whole};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_smtp-preflight"));
    command.stdin(Stdio::null());
    command
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// Four identities: one agrees, one has no PTR, one's PTR is another name, one cannot be told.
async fn world() -> RunningLab {
    let zone = "$ORIGIN example.net.\nmail A 203.0.113.10\nmail A 203.0.113.11\nmail A 203.0.113.12\nmail A 203.0.113.13\nother A 203.0.113.11\n\
                $ORIGIN 113.0.203.in-addr.arpa.\n10 PTR mail.example.net.\n11 PTR other.example.net.\n";
    let fault = "[[dns.fault]]\nname = '13.113.0.203.in-addr.arpa.'\nfault = 'servfail'\n";
    let scenario = format!(
        "title = 't'\nabout = 'a'\nexit = 1\n[check]\nip = ['203.0.113.10']\n[[dns]]\nzone = '''\n{zone}'''\n{fault}[[expect]]\n\
         verdict = 'agree'\nehlo_ptr = 'agree'\nptr_forward = 'agree'\nehlo_forward = 'agree'\niprev = 'pass'\nfindings = []\n"
    );
    Lab::start(&Scenario::parse("formats", &scenario).unwrap()).await.unwrap()
}

const LIST: &str = "ip,ehlo,label\n203.0.113.10,mail.example.net,\"=cmd|' /C calc'!A0\"\n203.0.113.11,mail.example.net,b & <c>\n\
                    203.0.113.12,mail.example.net,\n203.0.113.13,mail.example.net,\n";

async fn report(lab: &RunningLab, list: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("list.csv");
    std::fs::write(&file, list).unwrap();
    let mut command = program();
    command.args(["check", "--no-connect", "--timeout", "5s", "--input"]).arg(&file);
    command.args(["--resolver", &lab.resolvers[0].to_string()]).args(more);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_reads_back_and_holds_no_formula() {
    let lab = world().await;
    let out = report(&lab, LIST, &["--format", "csv"]).await;
    assert_eq!(out.status.code(), Some(1), "{}", text(&out.stderr));
    let mut reader = csv::Reader::from_reader(out.stdout.as_slice());
    let header = reader.headers().unwrap().clone();
    let mut rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cell = |row: &csv::StringRecord, name: &str| row[header.iter().position(|c| c == name).unwrap()].to_owned();
    rows.sort_by_key(|row| cell(row, "ip"));
    let verdicts: Vec<String> = rows.iter().map(|r| cell(r, "verdict")).collect();
    assert_eq!(verdicts, ["agree", "differ", "differ", "unknown"]);
    assert_eq!(cell(&rows[0], "label"), "'=cmd|' /C calc'!A0");
    assert_eq!(cell(&rows[2], "errors"), "ptr-missing");
    assert!(rows.iter().all(|r| r.iter().all(|c| !c.starts_with(['=', '+', '-', '@']))));
    // A report is a list: the same identities, with the same labels.
    let again = report(&lab, &text(&out.stdout), &["--format", "ndjson"]).await;
    let mut ips: Vec<String> = text(&again.stdout)
        .lines()
        .map(|l| serde_json::from_str::<Value>(l).unwrap()["client"]["ip"].as_str().unwrap().to_owned())
        .collect();
    ips.sort();
    assert_eq!(ips, ["203.0.113.10", "203.0.113.11", "203.0.113.12", "203.0.113.13"], "{}", text(&again.stderr));
    assert!(text(&again.stdout).contains("\"label\":\"=cmd|' /C calc'!A0\""), "{}", text(&again.stdout));
}

#[tokio::test(flavor = "multi_thread")]
async fn junit_is_xml_with_a_testcase_an_identity() {
    let lab = world().await;
    let out = report(&lab, LIST, &["--format", "junit"]).await;
    let xml = text(&out.stdout);
    let tree = roxmltree::Document::parse(&xml).unwrap();
    let suite = tree.descendants().find(|n| n.has_tag_name("testsuite")).unwrap();
    let counts = ["tests", "failures", "errors"].map(|name| suite.attribute(name).unwrap());
    assert_eq!(counts, ["4", "2", "1"]);
    let named = |name: &str| tree.descendants().filter(|n| n.has_tag_name(name)).count();
    assert_eq!((named("testcase"), named("failure"), named("error")), (4, 2, 1));
    let failure = tree.descendants().find(|n| n.attribute("type") == Some("ptr-missing")).unwrap();
    assert!(failure.text().unwrap().contains("ptr-missing (error)"), "{xml}");
    let labelled = tree.descendants().find_map(|n| n.attribute("name").filter(|name| name.starts_with("b & <c>")));
    assert_eq!(labelled, Some("b & <c>: 203.0.113.11"), "{xml}");
}

/// Whatever stands in a check, the markup stays whole and holds no character that XML forbids.
#[tokio::test(flavor = "multi_thread")]
async fn markup_survives_hostile_text() {
    let nasty = "]]> --> <script>alert(1)</script> \u{0}\u{1b}[2J\u{b}\u{fffe}\u{202e}\"'& =x\r\nnext";
    let lab = Lab::start(&Lab::scenario("ptr-missing").unwrap()).await.unwrap();
    let evidence = lab.observe(&Lab::scenario("ptr-missing").unwrap()).await.unwrap();
    let mut check = judge(&evidence[0]);
    check.label = nasty.into();
    nasty.clone_into(&mut check.target.input);
    check.target.host = Some(nasty.into());
    for finding in &mut check.findings {
        nasty.clone_into(&mut finding.detail);
        nasty.clone_into(&mut finding.title);
        finding.fix.steps = vec![nasty.into()];
        finding.fix.records = vec![nasty.into()];
    }
    let checks: Vec<Check> = vec![check; 3];
    let junit = whole(Format::Junit, &checks, None).unwrap();
    let tree = roxmltree::Document::parse(&junit).unwrap();
    assert_eq!(tree.descendants().filter(|n| n.has_tag_name("testcase")).count(), 3);
    let html = whole(Format::Html, &checks, None).unwrap();
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"), "{html}");
    let body = html.split_once("<body>").unwrap().1.replace("<br>", "<br/>").replace("<details open>", "<details>");
    let xml = format!("<body>{}", body.trim_end().trim_end_matches("</html>"));
    let tree = roxmltree::Document::parse(&xml).unwrap();
    assert_eq!(tree.descendants().filter(|n| n.has_tag_name("details")).count(), 3, "well formed");
    for format in [Format::Csv, Format::Junit, Format::Html, Format::Nagios, Format::Prometheus, Format::Markdown] {
        let printed = whole(format, &checks, None).unwrap();
        let raw = printed.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}' || *c == '\u{fffe}');
        assert_eq!(raw, None, "{format:?}: {printed}");
    }
    let nagios = whole(Format::Nagios, &checks, None).unwrap();
    assert_eq!(nagios.lines().next().unwrap().matches('|').count(), 1, "{nagios}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nagios_has_its_own_exits_and_one_status_line() {
    let lab = world().await;
    let row = |n: u8| format!("ip,ehlo\n203.0.113.{n},mail.example.net\n");
    for (list, more, code, state) in [
        (row(10), &[][..], 0, "OK"),
        (row(11), &[], 1, "WARNING"),
        (row(12), &[], 2, "CRITICAL"),
        (row(13), &[], 3, "UNKNOWN"),
        (row(12), &["--fail-on", "never"], 0, "OK"),
        (LIST.to_owned(), &[], 2, "CRITICAL"),
        (row(10) + "not an address,x\n", &[], 3, "UNKNOWN"),
        ("ip\n".into(), &[], 3, "UNKNOWN - --input: nothing to check: it holds no target"),
        ("ip\nnot an address\n".into(), &[], 3, "UNKNOWN - nothing was checked; input line 2: ip not an address"),
        (row(12) + "not an address,x\n", &[], 2, "CRITICAL"),
    ] {
        let out = report(&lab, &list, &[&["--format", "nagios"], more].concat()).await;
        let printed = text(&out.stdout);
        assert_eq!(out.status.code(), Some(code), "{list}: {printed}{}", text(&out.stderr));
        let line = printed.lines().next().unwrap_or_default();
        let (status, performance) = line.split_once('|').unwrap_or((line, ""));
        assert!(status.starts_with(&format!("SMTP IDENTITY {state}")), "{printed}");
        // Label, value and unit, as the guidelines have them.
        for item in performance.split_whitespace() {
            let (_, value) = item.split_once('=').unwrap();
            let number = value.split(';').next().unwrap().trim_end_matches('s');
            assert!(number.parse::<f64>().is_ok(), "{item}");
        }
    }
}

/// A monitor shows standard output only: whatever keeps a run from being made stands there, in one line.
#[tokio::test(flavor = "multi_thread")]
async fn nagios_tells_why_nothing_ran() {
    let folder = tempfile::tempdir().unwrap();
    let torn = folder.path().join("torn");
    std::fs::write(&torn, "no evidence | \u{1b}[2J\n").unwrap();
    let torn = torn.to_str().unwrap();
    for (args, reason) in [
        (&["--no-such-option"][..], "unexpected argument '--no-such-option' found"),
        (&[], "nothing to check: give a TARGET"),
        (&["a b"], "target `a b`"),
        (&["a|b\u{1b}c"], "target `a\\x7cb\\x1bc`"),
        (&["--input", "/no/such/list"], "--input /no/such/list: No such file"),
        (&["--replay", "/no/such/file"], "--replay /no/such/file: No such file"),
        (&["--replay", torn], "not saved evidence"),
        (&["192.0.2.1", "--save", "/no/such/folder/file"], "--save /no/such/folder/file: No such file"),
        (&["192.0.2.1", "--baseline", "/no/such/file"], "--baseline /no/such/file: No such file"),
        (&["192.0.2.1", "--resume", torn], "give --format ndjson or --format csv"),
        (&["192.0.2.1", "--watch"], "print as table, json, ndjson or csv"),
        (&["192.0.2.1", "--resolver", "dns.example"], "--resolver dns.example: give the server's IP address"),
    ] {
        let out = program().args(["check", "--format", "nagios"]).args(args).output().unwrap();
        let printed = text(&out.stdout);
        assert_eq!((out.status.code(), printed.lines().count()), (Some(3), 1), "{args:?}: {printed}");
        assert!(printed.starts_with("SMTP IDENTITY UNKNOWN - ") && printed.contains(reason), "{args:?}: {printed}");
        assert!(!printed.contains(['|', '\u{1b}']), "{args:?}: {printed}");
    }
}

/// One sample a line, each family once with its head; as the format's page has it.
#[tokio::test(flavor = "multi_thread")]
async fn prometheus_families_stand_once_and_are_bounded() {
    let lab = world().await;
    let out = report(&lab, LIST, &["--format", "prometheus"]).await;
    let printed = text(&out.stdout);
    let mut families: Vec<&str> = Vec::new();
    let mut samples = std::collections::BTreeSet::new();
    for line in printed.lines() {
        if let Some(head) = line.strip_prefix("# TYPE ") {
            let name = head.split(' ').next().unwrap();
            assert!(!families.contains(&name), "{name} twice:\n{printed}");
            families.push(name);
        } else if !line.starts_with('#') {
            let (series, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            assert_eq!(Some(&series.split('{').next().unwrap()), families.last(), "{line}");
            assert!(samples.insert(series.to_owned()), "{line}");
        }
    }
    assert!(printed.contains("smtp_preflight_checks{verdict=\"differ\"} 2\n"), "{printed}");
    assert!(printed.contains("smtp_preflight_findings{code=\"ptr-missing\",severity=\"error\"} 1\n"), "{printed}");
    assert!(printed.contains("smtp_preflight_agree{target=\"203.0.113.12\",ip=\"203.0.113.12\"} 0\n"), "{printed}");
    assert!(!printed.contains("smtp_preflight_agree{target=\"203.0.113.13\""), "it could not be told:\n{printed}");
    assert!(printed.contains("smtp_preflight_identity_series 1\n"), "{printed}");
    let evidence = lab.observe(&Lab::scenario("pool").unwrap()).await.unwrap();
    let one = judge(&evidence[0]);
    let many: Vec<Check> = (0..1001)
        .map(|n| {
            let mut check = one.clone();
            check.label = format!("customer {n}").into();
            check
        })
        .collect();
    let printed = whole(Format::Prometheus, &many, None).unwrap();
    assert!(printed.contains("smtp_preflight_identity_series 0\n") && printed.lines().count() < 200, "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn json_streams_and_the_summary_names_findings_and_the_worst() {
    let lab = world().await;
    let out = report(&lab, LIST, &["--format", "json"]).await;
    let report_: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(report_["checks"].as_array().unwrap().len(), 4);
    let summary = &report_["summary"];
    assert_eq!((&summary["checks"], &summary["differ"]), (&4.into(), &2.into()));
    let missing = summary["findings"].as_array().unwrap().iter().find(|f| f["code"] == "ptr-missing").unwrap();
    assert_eq!((&missing["checks"], &missing["severity"]), (&1.into(), &"error".into()));
    let worst: Vec<&str> = summary["worst"].as_array().unwrap().iter().map(|w| w["target"].as_str().unwrap()).collect();
    assert_eq!(worst, ["203.0.113.12", "203.0.113.11", "203.0.113.13"]);
    // Before the last check is asked for, the first stands on standard output.
    let mut command = program();
    command.args(["check", "--no-connect", "--input", "-", "--format", "json"]);
    command.args(["--resolver", &lab.resolvers[0].to_string()]);
    let printed = tokio::task::spawn_blocking(move || {
        use std::io::{BufRead, BufReader, Read, Write};
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut all = String::new();
        for _ in 0..3 {
            input.write_all(b"{\"ip\":\"203.0.113.10\",\"ehlo\":\"mail.example.net\"}\n").unwrap();
            while !all.ends_with("\"verdict\": \"agree\",\n") {
                assert_ne!(output.read_line(&mut all).unwrap(), 0, "{all}");
            }
            all.push(' ');
        }
        drop(input);
        output.read_to_string(&mut all).unwrap();
        assert!(child.wait().unwrap().success());
        all
    })
    .await
    .unwrap();
    let report_: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report_["summary"]["agree"], 3);
}
