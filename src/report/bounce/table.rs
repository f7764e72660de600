//! One bounce in full, for a person: the first screen has the answer.
//!
//! Units: columns; no line is wider than [`TableOptions::width`] but a zone record or command, since one
//! broken in two is none.

use super::advice::{Step, steps};
use super::words::{cause_sentence, facts, leg_words, now, receiver, since_sentence, title, verdict};
use crate::desk::{Entry, Standing};
use crate::judge::EdgeState;
use crate::report::ink::Ink;
use crate::report::table::{MIN_WIDTH, TableOptions};
use crate::report::wrap::{hang, width, wrap};

/// Longer lines do not read.
const MAX_WIDTH: usize = 120;
/// The keys of the facts.
const KEY: usize = 12;

/// One bounce in full.
pub fn bounce_table(entry: &Entry, options: &TableOptions) -> String {
    let limit = options.width.clamp(MIN_WIDTH, MAX_WIDTH);
    let ink = Ink { color: options.color };
    let mut lines = head(entry, limit, ink);
    lines.push(String::new());
    lines.extend(wrap(&cause_sentence(&entry.bounce), limit));
    if let Some(sentence) = since_sentence(entry) {
        lines.extend(wrap(&sentence, limit));
    }
    let facts = facts(entry);
    if !facts.is_empty() {
        lines.push(String::new());
    }
    for (key, text) in facts {
        lines.extend(fact(key, &text, limit, ink));
    }
    lines.extend(then_and_now(entry, limit, ink));
    lines.extend(what_to_do(&steps(entry), limit, ink));
    lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n")
}

fn head(entry: &Entry, limit: usize, ink: Ink) -> Vec<String> {
    let verdict = verdict(entry);
    let room = limit.saturating_sub(width(verdict) + 2).max(1);
    let mut lines = wrap(&title(entry), room);
    let first = &mut lines[0];
    let gap = " ".repeat(limit.saturating_sub(width(verdict) + width(first)));
    *first = format!("{}{gap}{}", ink.strong(first), paint(entry, verdict, ink));
    lines
}

/// Colour as the sign says: bad, good, or in doubt.
pub(super) fn paint(entry: &Entry, text: &str, ink: Ink) -> String {
    if entry.bounce.unreadable.is_some() || entry.bounce.skipped.is_some() {
        return ink.state(EdgeState::Unknown, text);
    }
    match entry.since.as_ref().map(|s| s.standing) {
        Some(Standing::StillBroken | Standing::NotChecked) => ink.state(EdgeState::Differ, text),
        Some(Standing::FixedSince) => ink.state(EdgeState::Agree, text),
        Some(Standing::CouldNotTell | Standing::NotVisible) => ink.state(EdgeState::Unknown, text),
        None => ink.strong(text),
    }
}

fn fact(key: &str, text: &str, limit: usize, ink: Ink) -> Vec<String> {
    let lead = ink.faint(&format!(" {key:rest$}", rest = KEY - 1));
    hang(&lead, text, KEY, limit)
}

fn then_and_now(entry: &Entry, limit: usize, ink: Ink) -> Vec<String> {
    let Some(check) = &entry.check else { return Vec::new() };
    let mut lines = vec![String::new()];
    if let Some(identity) = entry.bounce.identity {
        let then = format!("✗ {}, said {}", leg_words(identity), receiver(&entry.bounce).replacen("The", "the", 1));
        lines.extend(fact("Then", &then, limit, ink));
    }
    for (place, line) in now(check).iter().enumerate() {
        lines.extend(fact(if place == 0 { "Now" } else { "" }, line, limit, ink));
    }
    lines
}

fn what_to_do(steps: &[Step], limit: usize, ink: Ink) -> Vec<String> {
    if steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), ink.strong("What to do")];
    for (place, step) in steps.iter().enumerate() {
        let lead = format!(" {}. ", place + 1);
        lines.extend(hang(&lead, &step.action, lead.len(), limit));
        lines.extend(step.lines().iter().map(|l| ink.record(&format!("      {l}"))));
        if !step.who.is_empty() {
            lines.extend(hang(&format!("    {}", ink.faint("Who: ")), &step.who, 9, limit));
        }
    }
    lines
}
