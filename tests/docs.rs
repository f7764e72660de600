//! The pages under docs/ that are generated are equal to what the program says.
//!
//! After a change that is meant: `UPDATE_DOCS=1 cargo test --test docs` writes them anew.

#![expect(clippy::disallowed_methods, reason = "the test reads, and when told writes, the pages")]
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::path::Path;

fn same(page: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == now, "{page} is not what the program says; run UPDATE_DOCS=1 cargo test --test docs");
}

#[test]
fn findings() {
    same("docs/findings.md", &smtp_preflight::report::catalogue_markdown());
}

#[test]
fn schema() {
    same("docs/schema/report.json", &smtp_preflight::report::schema_json());
}
