//! The human report: the verdict, the three-way table, short facts, then what to do.
//!
//! Shape: a reader of the first screen has the answer. Signs and words carry it, colour only helps.
//! Units: columns; no line is wider than [`TableOptions::width`] but one that holds what is there to be copied:
//! a zone record, a command, a setting, the address of a page. Broken in two it would be none.

use tabled::builder::Builder;
use tabled::settings::Style;

use super::cells::{
    EdgeRow, Line, MAX_TEXT, edges, finding_sign, open_edges, ordered_findings, state_sign, state_words, title,
    verdict_words,
};
use super::clean::clean_bounded;
use super::facts::facts;
use super::ink::Ink;
use super::receivers::{IN_ORDER, despite, receivers_lines};
use super::todo::todo;
use super::wrap::{hang, verbatim, width, wrap};
use crate::judge::{Check, EdgeState, Finding, Fix};

/// The narrowest width that is kept to; less counts as this.
pub const MIN_WIDTH: usize = 40;
/// The widest: longer lines do not read.
pub(super) const MAX_WIDTH: usize = 120;
/// The label in a cell and the space behind it.
const LABEL: usize = 5;
/// The result column: `? unknown`.
const RESULT: usize = 9;
/// The keys of the facts.
const KEY: usize = 10;
/// Indent of a finding's body.
const BODY: usize = 3;
/// Stands for a space at which no line is folded, until the folding is done.
const NO_BREAK: &str = "\u{a0}";
/// `Fix: ` and `Who: `.
const FIX: usize = 5;

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableOptions {
    /// Columns to keep to.
    pub width: usize,
    /// Write ANSI colours.
    pub color: bool,
    /// Show what each finding means and its own remedy too.
    pub explain: bool,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { width: 80, color: false, explain: false }
    }
}

/// One check for a person.
pub fn table(check: &Check, options: &TableOptions) -> String {
    let limit = options.width.clamp(MIN_WIDTH, MAX_WIDTH);
    let ink = Ink { color: options.color };
    let mut lines = head(check, limit, ink);
    lines.push(String::new());
    lines.extend(frame(&edges(check), limit, ink));
    lines.push(String::new());
    for (key, text) in facts(check) {
        let lead = ink.faint(&format!(" {key:width$}", width = KEY - 1));
        lines.extend(hang(&lead, &keep_together(&text), KEY, limit).iter().map(|l| l.replace(NO_BREAK, " ")));
    }
    lines.extend(receivers_lines(check, limit, ink));
    let findings = ordered_findings(check);
    // Where there is a remedy it says once, in order, what the findings would say each for itself.
    let fixes = options.explain || check.remedy.is_none();
    if let Some(remedy) = &check.remedy {
        lines.push(String::new());
        lines.extend(todo(remedy, options.explain, limit, ink));
    }
    for finding in &findings {
        lines.push(String::new());
        lines.extend(one_finding(finding, options.explain, limit, ink));
        if fixes {
            lines.extend(the_fix(&finding.fix, limit, ink));
        }
    }
    if findings.is_empty() {
        lines.push(String::new());
        let open = open_edges(check);
        if open.is_empty() {
            lines.extend(nothing_to_change(&despite(check), limit));
        }
        for (state, because) in open {
            let lead = ink.state(state, &format!("{:BODY$}", state_sign(state)));
            lines.extend(hang(&lead, &because, BODY, limit));
        }
    }
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

/// The end of a report without findings: who does not take the mail all the same, and why.
pub(super) fn nothing_to_change(despite: &[String], limit: usize) -> Vec<String> {
    if despite.is_empty() {
        return wrap("Nothing to change.", limit);
    }
    let mut lines = wrap(IN_ORDER, limit);
    lines.extend(despite.iter().flat_map(|sentence| hang(" ", sentence, BODY, limit)));
    lines
}

/// Binds the words of each short part, so that a fold falls between parts.
fn keep_together(text: &str) -> String {
    const SHORT: usize = 28;
    let parts = text.split(" · ").map(|p| if width(p) <= SHORT { p.replace(' ', NO_BREAK) } else { p.to_owned() });
    parts.collect::<Vec<_>>().join(&format!("{NO_BREAK}· "))
}

/// The title on the left, folded where it is long; the verdict on the right of its first line.
fn head(check: &Check, limit: usize, ink: Ink) -> Vec<String> {
    let verdict = verdict_words(check.agreement.verdict);
    let room = limit - width(verdict) - 2;
    let mut lines = wrap(&title(check), room);
    let first = &mut lines[0];
    let gap = " ".repeat(limit - width(verdict) - width(first));
    *first = format!("{}{gap}{}", ink.strong(first), ink.verdict(check.agreement.verdict, verdict));
    lines
}

/// The three edges in a frame: side by side where nothing has to be folded for it, else one side
/// above the other, since a name in one piece reads better.
fn frame(rows: &[EdgeRow; 3], limit: usize, ink: Ink) -> Vec<String> {
    let widest = |right: bool| {
        let sides = rows.iter().flat_map(|r| &r.pairs).flat_map(|(l, r)| if right { r } else { l });
        LABEL + sides.map(|l| width(&shown(l))).max().unwrap_or(0)
    };
    let (left, right) = (widest(false), widest(true));
    // Frame and padding take ten columns with three cells, seven with two.
    if left + right + RESULT + 10 <= limit {
        side_by_side(rows, left, right, ink)
    } else {
        stacked(rows, limit - RESULT - 7, ink)
    }
}

fn shown(line: &Line) -> String {
    if line.marked { format!("{} ✓", line.text) } else { line.text.clone() }
}

fn side_by_side(rows: &[EdgeRow; 3], left_width: usize, right_width: usize, ink: Ink) -> Vec<String> {
    let mut cells = vec![["compared", "with", "result"].map(|h| ink.faint(h)).to_vec()];
    for row in rows {
        let (mut left, mut right) = (Vec::new(), Vec::new());
        for (l, r) in &row.pairs {
            side(&mut left, row.left_label, l, left_width, ink);
            side(&mut right, row.right_label, r, right_width, ink);
            let level = left.len().max(right.len());
            left.resize(level, String::new());
            right.resize(level, String::new());
        }
        cells.push(vec![left.join("\n"), right.join("\n"), result(row.state, ink)]);
    }
    draw(cells)
}

fn stacked(rows: &[EdgeRow; 3], cell_width: usize, ink: Ink) -> Vec<String> {
    let mut cells = vec![["compared", "result"].map(|h| ink.faint(h)).to_vec()];
    for row in rows {
        let mut lines = Vec::new();
        for (l, r) in &row.pairs {
            side(&mut lines, row.left_label, l, cell_width, ink);
            side(&mut lines, row.right_label, r, cell_width, ink);
        }
        cells.push(vec![lines.join("\n"), result(row.state, ink)]);
    }
    draw(cells)
}

/// One side of an edge: the label before its first line, long names folded.
fn side(into: &mut Vec<String>, label: &str, lines: &[Line], cell_width: usize, ink: Ink) {
    for (place, line) in lines.iter().enumerate() {
        let lead = if place == 0 { ink.faint(&format!("{label:LABEL$}")) } else { " ".repeat(LABEL) };
        into.extend(hang(&lead, &shown(line), LABEL, cell_width));
    }
}

fn result(state: EdgeState, ink: Ink) -> String {
    ink.state(state, state_words(state))
}

fn draw(cells: Vec<Vec<String>>) -> Vec<String> {
    let tall = cells.iter().flatten().any(|c| c.contains('\n'));
    let mut table = Builder::from_iter(cells).build();
    if tall {
        table.with(Style::modern_rounded());
    } else {
        table.with(Style::rounded());
    }
    table.to_string().lines().map(str::to_owned).collect()
}

fn one_finding(finding: &Finding, explain: bool, limit: usize, ink: Ink) -> Vec<String> {
    let text = |t: &str| clean_bounded(t, MAX_TEXT).into_owned();
    let pad = pad(BODY);
    let lead = ink.severity(finding.severity, &format!("{:BODY$}", finding_sign(finding)));
    let heading = format!("{}: {}", finding.code, text(&finding.title));
    let mut lines: Vec<String> = wrap(&heading, limit - BODY).iter().map(|l| ink.strong(l)).collect();
    for (place, line) in lines.iter_mut().enumerate() {
        line.insert_str(0, if place == 0 { &lead } else { &pad });
    }
    let detail = match finding.reference.as_str() {
        "" => text(&finding.detail),
        reference => format!("{} ({})", text(&finding.detail), text(reference).replace(' ', NO_BREAK)),
    };
    lines.extend(hang(&pad, &detail, BODY, limit).iter().map(|l| l.replace(NO_BREAK, " ")));
    if explain {
        lines.extend(hang(&pad, finding.code.entry().meaning, BODY, limit));
    }
    lines
}

/// What to do, the records to publish, and who can.
fn the_fix(fix: &Fix, limit: usize, ink: Ink) -> Vec<String> {
    let text = |t: &str| clean_bounded(t, MAX_TEXT).into_owned();
    let lead = |key: &str| format!("{:BODY$}{}", "", ink.faint(&format!("{key:FIX$}")));
    let indent = BODY + FIX;
    let mut lines = Vec::new();
    for (place, step) in fix.steps.iter().enumerate() {
        let lead = lead(if place == 0 { "Fix:" } else { "" });
        if fix.steps.len() == 1 {
            lines.extend(hang(&lead, &text(step), indent, limit));
        } else {
            let number = format!("{}. ", place + 1);
            lines.extend(hang(&(lead + &number), &text(step), indent + number.len(), limit));
        }
    }
    for record in &fix.records {
        lines.push(ink.record(&one_record(&text(record), limit)));
    }
    if !fix.who.is_empty() {
        lines.extend(hang(&lead("Who:"), &text(&fix.who), indent, limit));
    }
    lines
}

/// White space of that many columns.
pub(super) fn pad(columns: usize) -> String {
    " ".repeat(columns)
}

/// A zone line, never folded: pasted into a zone file it must be one line.
pub(super) fn one_record(record: &str, limit: usize) -> String {
    verbatim(record, BODY + FIX + 2, limit)
}
