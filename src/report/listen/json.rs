//! `--format json` in pieces, so that a run of any length is written as it is made, and NDJSON; and their schema.
//!
//! The pieces in order (begin, entries, end) are one [`ListenReport`].

use serde::Serialize;
use serde_json::ser::{CompactFormatter, PrettyFormatter};

use crate::judge::{ListenReport, ListenSummary, Listened, SCHEMA};
use crate::report::json::write;

/// Opens the report and its array.
pub fn listen_json_begin() -> String {
    format!("{{\n  \"schema\": \"{SCHEMA}\",\n  \"sessions\": [")
}

/// One element; a comma before every one but the first.
pub fn listen_json_entry(listened: &Listened, first: bool) -> String {
    let comma = if first { "" } else { "," };
    format!("{comma}\n    {}", indented(listened, "    "))
}

/// Closes the array and the report.
pub fn listen_json_end(summary: &ListenSummary) -> String {
    let close = if summary.sessions == 0 { "]" } else { "\n  ]" };
    format!("{close},\n  \"summary\": {}\n}}\n", indented(summary, "  "))
}

/// One session in one line, with its line end.
pub fn listen_ndjson(listened: &Listened) -> String {
    write(listened, CompactFormatter)
}

/// The schema of [`ListenReport`], indented, with a final line end.
pub fn listen_schema_json() -> String {
    write(&schemars::schema_for!(ListenReport), PrettyFormatter::new())
}

/// Line ends stand only between values, never in a string.
fn indented(value: &impl Serialize, by: &str) -> String {
    write(value, PrettyFormatter::new()).trim_end().replace('\n', &format!("\n{by}"))
}
