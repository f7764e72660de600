//! JSON and NDJSON: the contract's shape, safe to print on a terminal.
//!
//! Standard: RFC 8259 §7. Characters that JSON would let through raw (DEL, C1, bidi and other format
//! characters) are written as `\uXXXX`, so the text holds no control character but line ends and
//! parses back to the same value.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::clean::is_hidden;
use crate::judge::{Check, Gone, Report, SCHEMA, Summary};

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

/// One value in one line, with its line end.
pub(super) fn ndjson(value: &impl Serialize) -> String {
    write(value, CompactFormatter)
}

pub(super) fn write(value: &impl Serialize, formatter: impl Formatter) -> String {
    let mut out = Vec::with_capacity(ROOM);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Visible(formatter));
    // Writing to memory cannot fail, and every map in a report has string keys.
    if value.serialize(&mut serializer).is_err() {
        out.clear();
    }
    out.push(b'\n');
    String::from_utf8(out).unwrap_or_default()
}

/// A formatter that writes out what would not be seen.
struct Visible<F>(F);

impl<F: Formatter> Formatter for Visible<F> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // Nearly every string: nothing in it needs a second look. Lower controls are escaped before they come here.
        if fragment.bytes().fold(true, |plain, b| plain & matches!(b, 0x20..0x7f)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
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
