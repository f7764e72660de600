//! A check in one line, for batches.
//!
//! Shape: verdict, target, EHLO, PTR, the signs of the three edges in the order EHLO=PTR, PTR→A,
//! EHLO→A, the worst answer of a receiver where there is room for it (in brackets where only rules say so that
//! a stock server does not have), codes. Each line stands alone, so a batch can be written as it is made.

use super::cells::{dialled, edges, label, ordered_findings, state_sign, title};
use super::ink::Ink;
use super::table::{MIN_WIDTH, TableOptions};
use super::wrap::{fit, width};
use crate::judge::{Check, Verdict};

/// The verdict's column.
const VERDICT: usize = 7;
/// The signs' column.
const SIGNS: usize = 5;
/// Between columns.
const GAP: &str = "  ";
/// Below this, EHLO and PTR have no room.
const NAMES_FROM: usize = 72;
/// The worst answer of a receiver.
const RECEIVERS: usize = 9;
/// Below this, the receivers' answer has no room.
const RECEIVERS_FROM: usize = 110;
/// Names need no more.
const MAX_COLUMN: usize = 40;

/// The widths of target, EHLO and PTR, the receivers' answer, and of the codes.
fn columns(options: &TableOptions) -> (usize, usize, usize, usize) {
    let limit = options.width.max(MIN_WIDTH);
    if limit < NAMES_FROM {
        let room = limit - VERDICT - SIGNS - 3 * GAP.len();
        return (room * 3 / 5, 0, 0, room - room * 3 / 5);
    }
    let answer = if limit < RECEIVERS_FROM { 0 } else { RECEIVERS };
    let room = limit - VERDICT - SIGNS - 5 * GAP.len() - if answer > 0 { answer + GAP.len() } else { 0 };
    let target = (room * 3 / 10).min(MAX_COLUMN);
    let name = (room / 4).min(MAX_COLUMN);
    (target, name, answer, room - target - 2 * name)
}

/// The line above the rows.
pub fn rows_header(options: &TableOptions) -> String {
    let parts = ["VERDICT", "TARGET", "EHLO", "PTR", "EDGES", "RECEIVERS", "FINDINGS"].map(str::to_owned);
    let ink = Ink { color: options.color };
    line(options, &parts, |_, text| ink.faint(text))
}

/// One check; names cut with `…` where the column is too narrow.
pub fn row(check: &Check, options: &TableOptions) -> String {
    let verdict = check.agreement.verdict;
    let word = match verdict {
        Verdict::Agree => "agree",
        Verdict::Differ => "differ",
        Verdict::Unknown => "unknown",
    };
    let (target_column, _, _, codes_column) = columns(options);
    let target = target(check, target_column);
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
    let mut said = codes.join(" ");
    if width(&said) > codes_column && codes.len() > 1 {
        said = format!("{} +{}", codes[0], codes.len() - 1);
    }
    let parts = [word.into(), target, ehlo, ptr, signs, super::receivers::word(check).into(), said];
    let ink = Ink { color: options.color };
    line(options, &parts, |place, text| match place {
        0 | 4 => ink.verdict(verdict, text),
        _ => text.to_owned(),
    })
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
    let (target, name, answer, codes) = columns(options);
    let widths = [VERDICT, target, name, name, SIGNS, answer, codes];
    let cells = parts.iter().zip(widths).enumerate().filter(|(_, (_, w))| *w > 0);
    let painted: Vec<String> = cells
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
    fn columns_add_up() {
        for limit in MIN_WIDTH..300 {
            let options = TableOptions { width: limit, color: false, explain: false };
            let (target, name, answer, codes) = columns(&options);
            let gaps = if name == 0 { 3 } else { 5 + usize::from(answer > 0) };
            assert_eq!(VERDICT + target + 2 * name + SIGNS + answer + codes + gaps * GAP.len(), limit);
            assert!(width(rows_header(&options).trim_end()) <= limit);
        }
    }

    #[test]
    fn a_long_label_leaves_room_for_the_target() {
        let text = include_str!("../../fixtures/evidence/agree.json");
        let mut evidence = crate::evidence::EvidenceFile::from_json(text).unwrap().evidence.remove(0);
        for (label, shown) in
            [("ticket-2026-11-24-000000001-x", "ticket-202…: relay.exa…"), ("t1", "t1: relay.example.net:…")]
        {
            evidence.label = label.into();
            let row = row(&crate::judge::judge(&evidence), &TableOptions { width: 100, color: false, explain: false });
            assert!(row.contains(shown), "{row}");
        }
    }
}
