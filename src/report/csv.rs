//! CSV: a header and a row a check, for a spreadsheet or the next run.
//!
//! Standard: RFC 4180, with LF ends of lines. Columns are named in docs/bulk.md; their names are stable and new ones
//! come at the end. A list is one text, its items with a space between.
//! Hostile text: no control character gets through (`clean`), and a text that a spreadsheet would take for a formula
//! begins with an apostrophe (OWASP, "CSV injection").

use std::collections::BTreeSet;

use super::cells::fault_words;
use super::clean::clean;
use super::facts::iprev_word;
use crate::judge::{Check, Edge, Gone, Severity, Verdict};

/// The columns, in order.
pub(super) const COLUMNS: [&str; 25] = [
    "label",
    "target",
    "host",
    "port",
    "address",
    "ip",
    "ip_source",
    "ehlo",
    "ehlo_source",
    "verdict",
    "ehlo_ptr",
    "ptr_forward",
    "ehlo_forward",
    "iprev",
    "ptr_status",
    "ptr",
    "errors",
    "warnings",
    "infos",
    "fault",
    "fix",
    "observed_at",
    "change",
    "differences",
    "baseline_verdict",
];

/// The first line.
pub(super) fn csv_header() -> String {
    record(COLUMNS.iter().map(ToString::to_string))
}

/// One check.
pub(super) fn csv_row(check: &Check) -> String {
    let agreement = &check.agreement;
    let (target, client, ptr) = (&check.target, &check.client, check.dns.ptr.as_ref());
    let text = |t: Option<String>| t.unwrap_or_default();
    let label = match &check.label {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(label) => label.clone(),
        other => other.to_string(),
    };
    let codes = |severity| {
        let codes = check.findings.iter().filter(|f| f.severity == severity).map(|f| f.code.entry().slug);
        codes.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(" ")
    };
    let fault = check.smtp.as_ref().and_then(|s| s.fault.as_ref());
    let heaviest = check.findings.iter().filter(|f| f.severity > Severity::Info).max_by_key(|f| f.severity);
    let fix = heaviest.map(|f| f.fix.steps.join(" ")).filter(|s| !s.is_empty());
    let change = check.change.as_ref();
    record(
        [
            label,
            // An identity alone has no target; its address stands in its own column.
            if target.host.is_some() { target.input.clone() } else { String::new() },
            text(target.host.clone()),
            text(target.port.map(|p| p.to_string())),
            text(target.address.map(|a| a.to_string())),
            text(client.ip.map(|ip| ip.to_string())),
            text(client.ip_source.map(word)),
            text(client.ehlo.clone()),
            text(client.ehlo_source.map(word)),
            verdict(agreement.verdict).into(),
            edge(&agreement.ehlo_ptr).into(),
            edge(&agreement.ptr_forward).into(),
            edge(&agreement.ehlo_forward).into(),
            iprev_word(check.iprev).into(),
            text(ptr.map(|p| p.status.to_string())),
            text(ptr.map(|p| p.names.join(" "))),
            codes(Severity::Error),
            codes(Severity::Warning),
            codes(Severity::Info),
            text(fault.map(|f| format!("{}: {}", fault_words(f.kind), f.detail))),
            text(fix),
            check.observed_at.clone(),
            text(change.map(|c| c.kind.as_str().into())),
            text(change.map(|c| c.differences.join("; "))),
            text(change.and_then(|c| c.was.as_ref()).map(|w| verdict(w.verdict).into())),
        ]
        .into_iter(),
    )
}

/// An identity of the baseline that nobody looked at: its verdict and edges are the baseline's.
pub(super) fn csv_gone(gone: &Gone) -> String {
    let (who, was) = (&gone.identity, &gone.was);
    let cells = COLUMNS.iter().map(|column| match *column {
        "target" | "host" => who.target.clone().unwrap_or_default(),
        "ip" => who.ip.map(|ip| ip.to_string()).unwrap_or_default(),
        "ehlo" => was.ehlo.clone().unwrap_or_default(),
        "change" => "gone".into(),
        "baseline_verdict" => verdict(was.verdict).into(),
        _ => String::new(),
    });
    record(cells)
}

fn word(source: impl serde::Serialize) -> String {
    serde_json::to_value(source).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Agree => "agree",
        Verdict::Differ => "differ",
        Verdict::Unknown => "unknown",
    }
}

fn edge(edge: &Edge) -> &'static str {
    edge.state.as_str()
}

fn record(fields: impl Iterator<Item = String>) -> String {
    let mut writer = csv::WriterBuilder::new().from_writer(Vec::new());
    // Writing to memory cannot fail.
    let _ = writer.write_record(fields.map(|f| guarded(&f)));
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}

/// A text that no spreadsheet evaluates and no terminal obeys.
fn guarded(text: &str) -> String {
    let text = clean(text);
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_texts() {
        for (text, shown) in
            [("=1+1", "'=1+1"), ("@SUM(A1)", "'@SUM(A1)"), ("-2", "'-2"), ("a=b", "a=b"), ("\t=1", "\\t=1")]
        {
            assert_eq!(guarded(text), shown);
        }
        assert_eq!(
            record(["a,b".into(), "say \"x\"".into(), String::new()].into_iter()),
            "\"a,b\",\"say \"\"x\"\"\",\n"
        );
    }

    #[test]
    fn a_row_has_a_field_a_column() {
        let text = include_str!("../../fixtures/evidence/no-ptr.json");
        let evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        let check = crate::judge::judge(&evidence);
        let gone = Gone { identity: crate::judge::Identity::of(&check), was: crate::judge::State::of(&check) };
        let all = csv_header() + &csv_row(&check) + &csv_gone(&gone);
        // The reader refuses records of different lengths.
        let mut reader = csv::Reader::from_reader(all.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        let column =
            |row: &csv::StringRecord, name: &str| row[COLUMNS.iter().position(|c| *c == name).unwrap()].to_owned();
        assert_eq!(column(&rows[0], "errors"), "ptr-missing");
        assert_eq!(column(&rows[0], "verdict"), "differ");
        assert_eq!(column(&rows[1], "change"), "gone");
    }
}
