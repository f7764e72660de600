//! `docs/schema/report.json` is the types' schema, and reports keep to it.

use std::path::PathBuf;

use smtp_preflight::judge::Report;
use smtp_preflight::report::{check_ndjson, report_json, schema_json};

use crate::samples;

const REGENERATE: &str = "cargo test --test report -- --ignored write_schema";

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs/schema/report.json")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads the documented schema")]
fn the_documented_schema_is_the_types() {
    let stored = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(stored == schema_json(), "docs/schema/report.json is not what the types say; run `{REGENERATE}`");
}

#[test]
#[ignore = "writes docs/schema/report.json"]
#[expect(clippy::disallowed_methods, reason = "a tool to renew the documented schema")]
fn write_schema() {
    std::fs::write(file(), schema_json()).unwrap();
}

#[test]
fn reports_keep_to_the_schema_and_lose_nothing() {
    let schema = serde_json::from_str(&schema_json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report = Report::new(samples::all().into_iter().map(|(_, c)| c).collect());
    let value: serde_json::Value = serde_json::from_str(&report_json(&report)).unwrap();
    let faults: Vec<String> = validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(serde_json::from_value::<Report>(value.clone()).unwrap(), report);
    for (check, whole) in report.checks.iter().zip(value["checks"].as_array().unwrap()) {
        let line = check_ndjson(check);
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), *whole);
    }

    let mut broken = value;
    broken["checks"][0]["agreement"]["verdict"] = "perhaps".into();
    assert!(!validator.is_valid(&broken), "the schema lets anything through");
}
