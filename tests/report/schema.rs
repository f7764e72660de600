//! Reports keep to the schema of their types (`docs/schema/report.json`, kept by `tests/docs.rs`).

use smtp_preflight::judge::Report;
use smtp_preflight::report::{check_ndjson, report_json, schema_json};

use crate::samples;

#[test]
fn reports_keep_to_the_schema_and_lose_nothing() {
    let schema = serde_json::from_str(&schema_json()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let own = smtp_preflight::judge::judge(&samples::own_evidence());
    let report = Report::new(samples::all().into_iter().map(|(_, c)| c).chain([own]).collect());
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
