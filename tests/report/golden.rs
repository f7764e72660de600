//! Each report against `fixtures/expected/`, to the octet.

use std::path::PathBuf;

use smtp_preflight::judge::{Check, Report, Severity};
use smtp_preflight::report::{
    Format, TableOptions, check_ndjson, markdown, report_json, row, rows_header, summary_line, summary_text, table,
    transcript, whole,
};

use crate::samples;

const REGENERATE: &str = "cargo test --test report -- --ignored write_expected";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/expected")
}

fn at(width: usize) -> TableOptions {
    TableOptions { width, color: false, explain: false }
}

/// Every expected file's name and what it should hold.
fn expected() -> Vec<(String, String)> {
    let mut files = Vec::new();
    for (name, check) in samples::all() {
        for width in [60, 80, 120] {
            files.push((format!("{name}.{width}.txt"), table(&check, &at(width))));
        }
        files.push((format!("{name}.md"), markdown(std::slice::from_ref(&check))));
    }
    let (_, no_ptr) = samples::all().swap_remove(1);
    files.push(("no-ptr.color.txt".into(), table(&no_ptr, &TableOptions { width: 80, color: true, explain: false })));
    let checks: Vec<Check> = samples::all().into_iter().map(|(_, c)| c).collect();
    let report = Report::new(checks.clone());
    for width in [60, 80, 120, 160] {
        let rows: String = checks.iter().map(|c| row(c, &at(width))).collect();
        files.push((format!("rows.{width}.txt"), rows_header(&at(width)) + &rows + &summary_line(&report.summary)));
    }
    files.push(("batch.md".into(), markdown(&checks[..2])));
    for (name, format) in [
        ("batch.csv", Format::Csv),
        ("batch.html", Format::Html),
        ("batch.junit.xml", Format::Junit),
        ("batch.nagios.txt", Format::Nagios),
        ("batch.prom", Format::Prometheus),
    ] {
        files.push((name.into(), whole(format, &checks, Some(Severity::Warning)).unwrap()));
    }
    files.push(("one.nagios.txt".into(), whole(Format::Nagios, &checks[1..2], Some(Severity::Warning)).unwrap()));
    files.push(("summary.txt".into(), summary_text(&report.summary, &at(100))));
    files.push(("report.json".into(), report_json(&report)));
    files.push(("report.ndjson".into(), checks.iter().map(check_ndjson).collect()));
    for (name, evidence) in [
        ("agree", samples::agreeing_evidence()),
        ("no-ptr", samples::no_ptr_evidence()),
        ("unreachable", samples::unreachable_evidence()),
    ] {
        files.push((format!("{name}.transcript.txt"), transcript(&evidence)));
    }
    files
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
fn reports_are_as_expected() {
    for (name, text) in expected() {
        let stored = std::fs::read_to_string(folder().join(&name)).unwrap_or_default();
        assert!(
            stored == text,
            "{name} differs; look at it, then `{REGENERATE}`\n--- now:\n{text}--- expected:\n{stored}"
        );
    }
}

#[test]
fn no_expected_file_is_forgotten() {
    let known: Vec<String> = expected().into_iter().map(|(n, _)| n).collect();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "{name} is compared by no test");
    }
}

#[test]
#[ignore = "writes the expected files"]
#[expect(clippy::disallowed_methods, reason = "a tool to renew fixtures")]
fn write_expected() {
    std::fs::create_dir_all(folder()).unwrap();
    for (name, text) in expected() {
        std::fs::write(folder().join(name), text).unwrap();
    }
}
