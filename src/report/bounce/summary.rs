//! Many bounces in a few lines: causes, receivers, addresses, and the one address behind most of them.

use super::words::{cause_word, short, standing_words};
use crate::bounce::{BounceSummary, Cause, Count};
use crate::desk::DeskSummary;
use crate::report::ink::Ink;
use crate::report::table::{MIN_WIDTH, TableOptions};
use crate::report::wrap::hang;

/// Receivers and addresses named; the rest are counted.
const NAMED: usize = 5;
const KEY: usize = 12;

/// The summary for a person.
pub fn bounce_summary(summary: &DeskSummary, options: &TableOptions) -> String {
    let limit = options.width.clamp(MIN_WIDTH, 120);
    let ink = Ink { color: options.color };
    let mut lines = vec![ink.strong(&heading(&summary.bounces))];
    for (key, text) in counts(summary) {
        lines.extend(hang(&ink.faint(&format!(" {key:rest$}", rest = KEY - 1)), &text, KEY, limit));
    }
    for sentence in sentences(&summary.bounces) {
        lines.extend(hang("", &sentence, 0, limit));
    }
    lines.join("\n") + "\n"
}

pub(super) fn heading(summary: &BounceSummary) -> String {
    let many = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let messages = summary.messages - summary.skipped;
    let left_out = [(summary.unreadable, "unreadable"), (summary.skipped, "skipped")];
    [many(messages, "message"), many(summary.bounces, "bounce")]
        .into_iter()
        .chain(left_out.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Key and counts; what was never met is left out.
pub(super) fn counts(summary: &DeskSummary) -> Vec<(&'static str, String)> {
    let bounces = &summary.bounces;
    let identity: usize = bounces.identities.iter().map(|c| c.count).sum();
    let legs = bounces.identities.iter().map(|c| (cause_word(Cause::SenderIdentity, Some(c.what)).to_owned(), c.count));
    let causes = bounces.causes.iter().map(|c| {
        let word = if c.what == Cause::SenderIdentity { "sender's identity" } else { cause_word(c.what, None) };
        (word.to_owned(), c.count)
    });
    let since = summary.since.iter().map(|c| (standing_words(c.what).to_owned(), c.count));
    let named = |counts: &[Count<String>]| -> Vec<(String, usize)> {
        counts.iter().map(|c| (short(&c.what), c.count)).collect()
    };
    let rows = [
        ("Causes", causes.collect(), usize::MAX),
        ("Identity", legs.collect(), usize::MAX),
        ("Now", if identity > 0 { since.collect() } else { Vec::new() }, usize::MAX),
        ("Receivers", named(&bounces.receivers), NAMED),
        ("Sent from", named(&bounces.sending_ips), NAMED),
    ];
    rows.into_iter().filter(|(_, all, _)| !all.is_empty()).map(|(key, all, most)| (key, listed(&all, most))).collect()
}

fn listed(all: &[(String, usize)], most: usize) -> String {
    let mut parts: Vec<String> = all.iter().take(most).map(|(what, count)| format!("{what} {count}")).collect();
    if all.len() > most {
        let rest: usize = all[most..].iter().map(|(_, count)| count).sum();
        parts.push(format!("{} others {rest}", all.len() - most));
    }
    parts.join(" · ")
}

/// The address behind most of them, where there is one.
pub(super) fn sentences(summary: &BounceSummary) -> Vec<String> {
    let mut said = Vec::new();
    let refused: usize = summary.identities.iter().map(|c| c.count).sum();
    if let Some(top) = summary.identity_ips.first().filter(|top| refused > 1 && top.count * 2 > refused) {
        said.push(format!(
            "One address, {}, accounts for {} of the {refused} refusals of the sender's identity.",
            short(&top.what),
            top.count
        ));
    }
    let read = summary.messages - summary.unreadable - summary.skipped;
    let what = if read == summary.bounces { "bounces" } else { "messages" };
    if let Some(top) = summary.sending_ips.first().filter(|top| read > 1 && top.count * 2 > read) {
        said.push(format!("One address, {}, sent {} of these {read} {what}.", short(&top.what), top.count));
    }
    if summary.uncounted > 0 {
        said.push(format!("{} more were not counted by name: too many different ones.", summary.uncounted));
    }
    said
}
