//! JSON and NDJSON: the contract's shape, safe to print on a terminal.
//!
//! Standard: RFC 8259 §7. Characters that JSON would let through raw (DEL, C1, bidi and other format
//! characters) are written as `\uXXXX`, so the text holds no control character but line ends and
//! parses back to the same value.

use std::fmt::Write;

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::clean::is_hidden;
use crate::judge::{Check, Gone, LastKnown, Report, SCHEMA, Summary};

/// What a check without findings takes as JSON, and somewhat more.
const ROOM: usize = 4096;

/// A whole report, indented, with a final line end.
pub fn report_json(report: &Report) -> String {
    let entries: String = report.checks.iter().enumerate().map(|(n, c)| checks_json_entry(c, n == 0)).collect();
    checks_json_begin() + &entries + &checks_json_end(report.checks.len(), &report.summary, &report.gone)
}

/// Opens a report and its array of checks. The pieces in order (begin, entries, end) are one [`Report`].
pub(super) fn checks_json_begin() -> String {
    format!("{{\n  \"schema\": \"{SCHEMA}\",\n  \"checks\": [")
}

/// One check; a comma before every one but the first.
pub(super) fn checks_json_entry(check: &Check, first: bool) -> String {
    let comma = if first { "" } else { "," };
    format!("{comma}\n    {}", indented(check, "    "))
}

/// Closes the array of so many checks, and the report.
pub(super) fn checks_json_end(checks: usize, summary: &Summary, gone: &[Gone]) -> String {
    let close = if checks == 0 { "]" } else { "\n  ]" };
    let gone = if gone.is_empty() { String::new() } else { format!(",\n  \"gone\": {}", indented(&gone, "  ")) };
    format!("{close}{gone},\n  \"summary\": {}\n}}\n", indented(summary, "  "))
}

/// A value in lines that begin with so much room; line ends stand only between values, never in a string.
pub(super) fn indented(value: &impl Serialize, by: &str) -> String {
    write(value, PrettyFormatter::new()).trim_end().replace('\n', &format!("\n{by}"))
}

/// One check in one line, with its line end.
pub fn check_ndjson(check: &Check) -> String {
    ndjson(check)
}

/// The same for a baseline: beside the check stands what is known from before and was not seen this time.
pub fn baseline_ndjson(check: &Check, last_known: &[LastKnown]) -> String {
    #[derive(Serialize)]
    struct Kept<'a> {
        #[serde(flatten)]
        check: &'a Check,
        last_known: &'a [LastKnown],
    }
    if last_known.is_empty() { ndjson(check) } else { ndjson(&Kept { check, last_known }) }
}

/// One value in one line, with its line end.
pub(super) fn ndjson(value: &impl Serialize) -> String {
    write(value, CompactFormatter)
}

pub(super) fn write(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut out = Vec::with_capacity(ROOM);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    // Writing to memory cannot fail, and every map in a report has string keys.
    if value.serialize(&mut serializer).is_err() {
        out.clear();
    }
    out.push(b'\n');
    visible(String::from_utf8(out).unwrap_or_default())
}

/// JSON in which what would not be seen is written out. It stands in strings only, and a line end, which stands
/// between values only, stays.
fn visible(json: String) -> String {
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some(odd) = next_odd(json.as_bytes(), at) {
        let Some(c) = json.get(odd..).and_then(|rest| rest.chars().next()) else { break };
        at = odd + c.len_utf8();
        if is_hidden(c) {
            out.push_str(&json[copied..odd]);
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
            copied = at;
        }
    }
    if out.is_empty() {
        return json;
    }
    out + &json[copied..]
}

/// The next octet that is no visible ASCII and no line end. Nearly all are, so many are looked at together.
fn next_odd(octets: &[u8], from: usize) -> Option<usize> {
    let plain = |b: u8| matches!(b, b'\n' | 0x20..0x7f);
    let mut at = from;
    for group in octets.get(from..)?.chunks(64) {
        if !group.iter().fold(true, |all, b| all & plain(*b)) {
            return group.iter().position(|b| !plain(*b)).map(|odd| at + odd);
        }
        at += group.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn visible_and_lossless(text: String) {
            let value = serde_json::json!({ text.as_str(): [text, "\u{1b}\u{7f}\u{9b}\u{202e}\u{e0041}"] });
            for json in [write(&value, PrettyFormatter::new()), write(&value, CompactFormatter)] {
                proptest::prop_assert!(!json.chars().any(|c| is_hidden(c) && c != '\n'));
                proptest::prop_assert_eq!(&serde_json::from_str::<serde_json::Value>(&json).unwrap(), &value);
            }
        }
    }
}
