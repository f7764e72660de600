//! The catalogue for a person at a terminal: all codes in short, or one in full.

use super::cells::severity_words;
use super::ink::Ink;
use super::receivers_explain::explain_receiver;
use super::table::{TableOptions, pad};
use super::wrap::{fit, hang_own};
use crate::judge::{Code, Entry};
use crate::knowledge::{mtas, providers};

/// Indent of a section's text.
const BODY: usize = 2;
/// Columns of the longest severity, and a gap.
const SEVERITY: usize = 9;

/// Every code with its severity and title, by subject.
pub fn explain_list(options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let longest = Code::all().map(|e| e.slug.len()).max().unwrap_or_default();
    let mut lines = Vec::new();
    for subject in Code::subjects() {
        lines.push(ink.strong(subject.title));
        for entry in subject.entries {
            let severity = ink.severity(entry.severity, severity_words(entry.severity));
            let fill = pad(SEVERITY - severity_words(entry.severity).len());
            let indent = BODY + SEVERITY + longest + 2;
            let lead = format!("{}{severity}{fill}{}", pad(BODY), fit(entry.slug, longest + 2));
            lines.extend(hang_own(&lead, entry.title, indent, options.width));
        }
        lines.push(String::new());
    }
    lines.push(explain_receiver(None, options));
    for (title, slugs) in [
        ("Mail servers, and where each sets its EHLO name", mtas::all().iter().map(|m| &*m.slug).collect::<Vec<_>>()),
        (
            "Hosting and access providers, and where each sets a PTR",
            providers::all().iter().map(|p| &*p.slug).collect(),
        ),
    ] {
        lines.push(ink.strong(title));
        lines.extend(hang_own(&pad(BODY), &slugs.join(", "), BODY, options.width));
        lines.push(String::new());
    }
    let close = "`smtp-preflight explain NAME` explains any of these (several names: each in turn); \
                 `smtp-preflight explain '550 5.7.25 …'` a refusal.";
    lines.extend(hang_own("", close, 0, options.width));
    lines.join("\n") + "\n"
}

/// One code in full.
pub fn explain_code(entry: &Entry, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let severity = severity_words(entry.severity);
    let mut lines = hang_own("", &format!("{} ({severity}): {}", entry.slug, entry.title), 0, options.width);
    for line in &mut lines {
        *line = ink.severity(entry.severity, line);
    }
    let mut section = |title: &str, texts: &[&str]| {
        lines.push(String::new());
        lines.push(ink.strong(title));
        for text in texts {
            lines.extend(hang_own(&pad(BODY), text, BODY, options.width));
        }
    };
    section("In plain words", &[entry.meaning]);
    section("Precisely", &[entry.precise]);
    section(&format!("Why {severity}"), &[entry.why]);
    if !entry.receivers.is_empty() {
        section("Who acts on it", &[]);
    }
    for rule in entry.receivers {
        let text = format!("{}: {}", rule.name, rule.does);
        lines.extend(hang_own(&format!("{}· ", pad(BODY)), &text, BODY + 2, options.width));
    }
    let mut section = |title: &str, text: &str| {
        lines.push(String::new());
        lines.push(ink.strong(title));
        lines.extend(hang_own(&pad(BODY), text, BODY, options.width));
    };
    section("What removes it", entry.remedy);
    section("Who can remove it", entry.who);
    section("Reference", entry.reference);
    lines.join("\n") + "\n"
}
