//! What changed since the baseline, or since the round before, for a person: a few lines an identity.

use super::cells::{MAX_NAME, MAX_TEXT, title};
use super::clean::{clean, clean_bounded};
use super::csv::verdict;
use super::ink::Ink;
use super::table::TableOptions;
use super::wrap::hang;
use crate::judge::{ChangeCounts, ChangeKind, Check, Gone, Identity, Verdict};

/// The kind's column: `changed  `.
const KIND: usize = 9;

/// A check that changed. With `timed`, when it was seen stands in front.
pub fn change_text(check: &Check, options: &TableOptions, timed: bool) -> String {
    let Some(change) = &check.change else { return String::new() };
    let ink = Ink { color: options.color };
    let paint = match change.kind {
        ChangeKind::Fixed => Verdict::Agree,
        ChangeKind::Broken => Verdict::Differ,
        ChangeKind::Unknown | ChangeKind::Gone => Verdict::Unknown,
        ChangeKind::New | ChangeKind::Changed => check.agreement.verdict,
    };
    let label = super::cells::label(check).map(|l| format!("{l}: ")).unwrap_or_default();
    let when = if timed { format!("{} ", clock(&check.observed_at)) } else { String::new() };
    let kind = ink.verdict(paint, change.kind.as_str());
    let pad = " ".repeat(KIND - change.kind.as_str().len());
    let mut lines = vec![format!("{when}{kind}{pad}{label}{}", title(check))];
    let mut said = change.differences.clone();
    if said.is_empty() {
        let codes: Vec<&str> = super::cells::ordered_findings(check).iter().map(|f| f.code.entry().slug).collect();
        said.push(format!("verdict {}", verdict(check.agreement.verdict)));
        said.extend((!codes.is_empty()).then(|| codes.join(" ")));
    }
    let indent = when.len() + KIND;
    let text = clean_bounded(&said.join(" · "), MAX_TEXT).into_owned();
    lines.extend(hang(&" ".repeat(indent), &text, indent, options.width));
    lines.join("\n") + "\n"
}

/// An identity that nobody looked at.
pub fn gone_text(gone: &Gone, options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let pad = " ".repeat(KIND - "gone".len());
    let was = verdict(gone.was.verdict);
    format!(
        "{}{pad}{}\n{}was {was}\n",
        ink.verdict(Verdict::Unknown, "gone"),
        identity_words(&gone.identity),
        " ".repeat(KIND)
    )
}

/// An identity in one line.
pub(super) fn identity_words(identity: &Identity) -> String {
    let Identity { target, ip, ehlo } = identity;
    let ip = ip.map(|ip| ip.to_string());
    let mut text = match (target, ip) {
        (Some(target), Some(ip)) if !target.starts_with(&ip) => format!("{target} → {ip}"),
        (Some(target), _) => target.clone(),
        (None, ip) => ip.unwrap_or_default(),
    };
    if let Some(ehlo) = ehlo {
        text.push_str(" as ");
        text.push_str(ehlo);
    }
    clean_bounded(&text, MAX_NAME).into_owned()
}

/// `since the baseline: 1 broken, 2 fixed, 0 changed, 1 new, 0 gone, 0 could not be judged; 36 unchanged`.
pub fn changes_line(counts: &ChangeCounts) -> String {
    let ChangeCounts { new, broken, fixed, changed, unknown, gone, unchanged } = counts;
    if !counts.any() {
        return format!("since the baseline: nothing changed; {unchanged} as they were");
    }
    let parts = [
        (broken, "broken"),
        (fixed, "fixed"),
        (changed, "changed"),
        (new, "new"),
        (gone, "gone"),
        (unknown, "could not be judged this time"),
    ];
    let told: Vec<String> = parts.iter().filter(|(n, _)| **n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    format!("since the baseline: {}; {unchanged} as they were", told.join(", "))
}

/// `2026-11-27 23:12:05Z` of an RFC 3339 instant.
pub(super) fn clock(instant: &str) -> String {
    let text = clean(instant);
    match text.split_once('T') {
        Some((day, time)) => format!("{day} {}Z", time.split(['.', 'Z', '+']).next().unwrap_or_default()),
        None => text.into_owned(),
    }
}
