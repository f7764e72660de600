//! The receivers' rules in words: for a person at a terminal, and as the tables of docs/receivers.md.

use std::fmt::Write;

use super::ink::Ink;
use super::table::{TableOptions, pad};
use super::wrap::{fit, hang_own};
use crate::judge::receivers::{Basis, RuleEntry, rule_entries};

/// Indent of a section's text.
const BODY: usize = 2;

/// One rule in full.
pub fn explain_rule(entry: &RuleEntry, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let mut lines = vec![ink.strong(&entry.handle())];
    let mut section = |title: &str, texts: &[String]| {
        if texts.is_empty() {
            return;
        }
        lines.push(String::new());
        lines.push(ink.strong(title));
        for text in texts {
            lines.extend(hang_own(&pad(BODY), text, BODY, options.width));
        }
    };
    let measured = entry.basis == Basis::Measured;
    section(if measured { "What it looks at" } else { "Met when" }, std::slice::from_ref(&entry.looks_at));
    section("Reply where that fails", std::slice::from_ref(&entry.reply));
    let settings: Vec<String> = entry
        .settings
        .iter()
        .map(|s| format!("{}, as shipped {}. Otherwise: {}.", s.name, s.stock, s.otherwise))
        .collect();
    section("What changes the answer", &settings);
    let notes: Vec<String> = entry.notes.iter().map(ToString::to_string).collect();
    section("Mind", &notes);
    section("How it is known", &[known(entry)]);
    lines.join("\n") + "\n"
}

fn known(entry: &RuleEntry) -> String {
    let RuleEntry { receiver, source, version, .. } = entry;
    match entry.basis {
        Basis::Measured => format!("{source}; measured with {receiver} {version} (see docs/receivers.md)"),
        Basis::Documented => format!("the receiver publishes it: {source}, read {version}"),
        Basis::Reported => format!("others have seen the reply: {source}, {version}"),
    }
}

/// The rules of one receiver, or of all, a line each.
pub fn explain_receiver(receiver: Option<&str>, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let entries = rule_entries();
    let shown = || entries.iter().filter(|e| receiver.is_none_or(|r| e.receiver == r));
    let longest = shown().map(|e| e.handle().len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    if receiver.is_none() {
        lines.push(ink.strong("Receivers' rules"));
    }
    for entry in shown() {
        let lead = format!("{}{}", pad(BODY), fit(&entry.handle(), longest + 2));
        lines.extend(hang_own(&lead, &entry.looks_at, BODY + longest + 2, options.width));
    }
    lines.push(String::new());
    lines.join("\n") + "\n"
}

/// The measured rules, as a table of docs/receivers.md.
pub fn rules_markdown() -> String {
    let mut table = String::from("| receiver | rule | what it looks at | source | version |\n|---|---|---|---|---|\n");
    for e in rule_entries().iter().filter(|e| e.basis == Basis::Measured) {
        let _ = writeln!(table, "| `{}` | `{}` | {} | {} | {} |", e.receiver, e.rule, e.looks_at, e.source, e.version);
    }
    table
}

/// The settings that change an answer, as a table of docs/receivers.md.
pub fn settings_markdown() -> String {
    let mut table = String::from("| receiver | setting | stock | otherwise |\n|---|---|---|---|\n");
    let mut seen = Vec::new();
    for entry in rule_entries() {
        for setting in entry.settings {
            if !seen.contains(&(entry.receiver, setting.name)) {
                seen.push((entry.receiver, setting.name));
                let (name, stock, otherwise) = (setting.name, setting.stock, setting.otherwise);
                let _ = writeln!(table, "| `{}` | {name} | {stock} | {otherwise} |", entry.receiver);
            }
        }
    }
    table
}

/// The documented and reported rules, as a table of docs/receivers.md.
pub fn policies_markdown() -> String {
    let head = "| receiver | rule | met when | reply | basis | source |\n|---|---|---|---|---|---|\n";
    let mut table = String::from(head);
    for e in rule_entries().iter().filter(|e| e.basis != Basis::Measured) {
        let basis = if e.basis == Basis::Documented { "documented" } else { "reported" };
        let RuleEntry { receiver, rule, looks_at, reply, source, version, .. } = e;
        let _ = writeln!(table, "| `{receiver}` | `{rule}` | {looks_at} | {reply} | {basis} | {source} ({version}) |");
    }
    table
}
