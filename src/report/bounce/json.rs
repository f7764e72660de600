//! `--format json` in pieces, so that a report of any length is written as it is made, and NDJSON.
//!
//! The pieces in order (begin, entries, end) are one [`BounceReport`](crate::desk::BounceReport).

use serde_json::ser::CompactFormatter;

use crate::desk::{DeskSummary, Entry};
use crate::judge::SCHEMA;
use crate::report::json::{indented, write};

/// Opens the report and its array.
pub fn bounces_json_begin() -> String {
    format!("{{\n  \"schema\": \"{SCHEMA}\",\n  \"bounces\": [")
}

/// One element; a comma before every one but the first.
pub fn bounces_json_entry(entry: &Entry, first: bool) -> String {
    let comma = if first { "" } else { "," };
    format!("{comma}\n    {}", indented(entry, "    "))
}

/// Closes the array and the report.
pub fn bounces_json_end(summary: &DeskSummary) -> String {
    let close = if summary.bounces.messages == 0 { "]" } else { "\n  ]" };
    format!("{close},\n  \"summary\": {}\n}}\n", indented(summary, "  "))
}

/// One entry in one line, with its line end.
pub fn bounce_ndjson(entry: &Entry) -> String {
    write(entry, CompactFormatter)
}
