//! A check in a row, for batches.
//!
//! Shape: verdict, target, EHLO, PTR, the signs of the three edges in the order EHLO=PTR, PTR→A,
//! EHLO→A, the worst answer of a receiver (in brackets where only rules say so that a stock server does not have),
//! codes. In one line of columns where the width holds them; else a line for who it is, and indented below it the rest,
//! folded and nothing of it cut. Each row stands alone, so a batch can be written as it is made.

use super::cells::{dialled, edges, label, ordered_findings, state_sign, title};
use super::ink::Ink;
use super::table::{MIN_WIDTH, TableOptions};
use super::wrap::{fit, hang, width};
use crate::judge::Check;

/// The verdict's column, and the indent of what stands below it.
const VERDICT: usize = 7;
/// The signs' column.
const SIGNS: usize = 5;
/// Between columns.
const GAP: &str = "  ";
/// The worst answer of a receiver.
const RECEIVERS: usize = 9;
/// Codes at least: the longest of them, and how many more there are.
const CODES: usize = 30;
/// Below this, names would be cut so short that nobody can tell them apart.
const COLUMNS_FROM: usize = 140;
/// Names need no more.
const MAX_COLUMN: usize = 40;
/// Between the parts of a folded row.
const DOT: &str = " · ";

/// The widths of target, EHLO and PTR, and of the codes; `None` where the width does not hold them.
fn columns(options: &TableOptions) -> Option<(usize, usize, usize)> {
    let limit = options.width;
    if limit < COLUMNS_FROM {
        return None;
    }
    let room = limit - VERDICT - SIGNS - RECEIVERS - 6 * GAP.len();
    let target = ((room - CODES) * 2 / 5).min(MAX_COLUMN);
    let name = ((room - CODES) * 3 / 10).min(MAX_COLUMN);
    Some((target, name, room - target - 2 * name))
}

/// The lines above the rows.
pub fn rows_header(options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let parts = ["VERDICT", "TARGET", "EHLO", "PTR", "EDGES", "RECEIVERS", "FINDINGS"].map(str::to_owned);
    if columns(options).is_some() {
        return line(options, &parts, |_, text| ink.faint(text));
    }
    let [verdict, target, ehlo, ptr, signs, answer, codes] = parts;
    let lines = folded(&verdict, &target, &[signs, ehlo, ptr, answer, codes], options, str::to_owned);
    lines.iter().map(|line| ink.faint(line) + "\n").collect()
}

/// One check.
pub fn row(check: &Check, options: &TableOptions) -> String {
    let verdict = check.agreement.verdict;
    let word = super::csv::verdict(verdict);
    let [ehlo_ptr, ptr_forward, ehlo_forward] = edges(check);
    let signs = [&ehlo_ptr, &ptr_forward, &ehlo_forward].map(|e| state_sign(e.state)).join(" ");
    let first = |lines: &[super::cells::Line]| lines.first().map(|l| l.text.clone()).unwrap_or_default();
    let (ehlo, ptr) = ehlo_ptr.pairs.first().map(|(l, r)| (first(l), first(r))).unwrap_or_default();
    let mut codes: Vec<&str> = Vec::new();
    for finding in ordered_findings(check) {
        if !codes.contains(&finding.code.entry().slug) {
            codes.push(finding.code.entry().slug);
        }
    }
    let answer = super::receivers::word(check);
    let ink = Ink { color: options.color };
    let Some((target_column, _, codes_column)) = columns(options) else {
        let who = label(check).map(|l| format!("{l}: ")).unwrap_or_default() + &title(check);
        let answer = if answer == "-" { String::new() } else { format!("receivers {answer}") };
        let parts = [signs, format!("EHLO {ehlo}"), format!("PTR {ptr}"), answer, codes.join(" ")];
        let lines = folded(word, &who, &parts, options, |text| ink.verdict(verdict, text));
        return lines.join("\n") + "\n";
    };
    let parts =
        [word.into(), target(check, target_column), ehlo, ptr, signs, answer.into(), some(&codes, codes_column)];
    line(options, &parts, |place, text| match place {
        0 | 4 => ink.verdict(verdict, text),
        _ => text.to_owned(),
    })
}

/// As many codes as there is room for, each whole, and how many more there are.
fn some(codes: &[&str], column: usize) -> String {
    let told = |n: usize| match codes.len() - n {
        0 => codes.join(" "),
        more => format!("{} +{more}", codes[..n].join(" ")),
    };
    (1..=codes.len()).rev().map(told).find(|text| width(text) <= column).unwrap_or_default()
}

/// Who it is, and below it the parts that are not empty.
fn folded(
    word: &str,
    who: &str,
    parts: &[String],
    options: &TableOptions,
    paint: impl Fn(&str) -> String,
) -> Vec<String> {
    let (indent, limit) = (VERDICT + GAP.len(), options.width.max(MIN_WIDTH));
    let lead = paint(word) + &" ".repeat(indent - word.len());
    let told: Vec<&str> = parts.iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
    let mut lines = hang(&lead, who, indent, limit);
    // A part is begun on a line that holds it, so that a name stays with its label.
    let mut said = String::new();
    for part in told {
        if !said.is_empty() && indent + width(&said) + width(DOT) + width(part) > limit {
            lines.extend(hang(&" ".repeat(indent), &said, indent, limit));
            said.clear();
        }
        said = if said.is_empty() { part.to_owned() } else { said + DOT + part };
    }
    lines.extend(hang(&" ".repeat(indent), &said, indent, limit));
    lines
}

/// The label and the target. A label that does not fit beside the target has half of the column.
fn target(check: &Check, column: usize) -> String {
    let Some(label) = label(check) else {
        return Some(title(check)).filter(|t| width(t) <= column).unwrap_or_else(|| dialled(check));
    };
    let (whole, short) = (format!("{label}: {}", title(check)), dialled(check));
    if width(&whole) <= column {
        return whole;
    }
    let share = (column / 2).max((column.saturating_sub(2)).saturating_sub(width(&short)));
    let label = if width(&label) > share { fit(&label, share) } else { label };
    format!("{label}: {short}")
}

fn line(options: &TableOptions, parts: &[String; 7], paint: impl Fn(usize, &str) -> String) -> String {
    let (target, name, codes) = columns(options).unwrap_or_default();
    let widths = [VERDICT, target, name, name, SIGNS, RECEIVERS, codes];
    let painted: Vec<String> = parts
        .iter()
        .zip(widths)
        .enumerate()
        .map(|(place, (text, column))| {
            let fitted = fit(text, column);
            let fitted = if place == 6 { fitted.trim_end() } else { &fitted };
            paint(place, fitted)
        })
        .collect();
    painted.join(GAP).trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_add_up_and_hold_any_code() {
        let longest = crate::judge::Code::all().map(|entry| entry.slug.len()).max().unwrap_or_default();
        for limit in MIN_WIDTH..300 {
            let options = TableOptions { width: limit, color: false, explain: false };
            assert!(rows_header(&options).lines().all(|line| width(line) <= limit));
            let Some((target, name, codes)) = columns(&options) else { continue };
            assert_eq!(VERDICT + target + 2 * name + SIGNS + RECEIVERS + codes + 6 * GAP.len(), limit);
            assert!(codes >= longest + " +10".len());
        }
        assert_eq!(some(&["one", "two", "three"], 9), "one +2");
        assert_eq!(some(&["one", "two", "three"], 10), "one two +1");
        assert_eq!((some(&["one", "two"], 7), some(&[], 7)), ("one two".into(), String::new()));
    }

    #[test]
    fn a_narrow_row_is_folded_and_nothing_is_cut() {
        let text = include_str!("../../fixtures/evidence/no-ptr.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        evidence.label = serde_json::json!({"customer": "Foo", "label": "t1", "empty": ""});
        let check = crate::judge::judge(&evidence);
        for limit in [MIN_WIDTH, 80, 120] {
            let row = row(&check, &TableOptions { width: limit, color: false, explain: false });
            assert!(row.lines().all(|line| width(line) <= limit) && !row.contains('…'), "{row}");
            assert!(check.findings.iter().all(|f| row.contains(f.code.entry().slug)), "{row}");
            let said = row.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(said.starts_with("differ customer: Foo, t1: relay.example.org:25"), "{said}");
        }
    }

    #[test]
    fn a_long_label_leaves_room_for_the_target() {
        let text = include_str!("../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        for (label, shown) in
            [("ticket-2026-11-24-000000001-x", "ticket-2026-11…: relay.exampl…"), ("t1", "t1: relay.example.net:25 ")]
        {
            evidence.label = label.into();
            let row = row(&crate::judge::judge(&evidence), &TableOptions { width: 140, color: false, explain: false });
            assert!(row.contains(shown), "{row}");
        }
    }
}
