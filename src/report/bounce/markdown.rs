//! Bounces as Markdown for a ticket: one in full, many as a table with a summary.
//!
//! Nothing from a bounce can become markup; see [`crate::report::markdown`].

use super::advice::steps;
use super::summary::{counts, heading, sentences};
use super::words::{
    cause_sentence, cause_word, facts, leg_words, now, receiver, short, since_sentence, standing_word, title, verdict,
};
use crate::desk::{DeskSummary, Entry};
use crate::report::markdown::{code, fenced, prose};

/// One bounce in full.
pub fn bounce_markdown(entry: &Entry) -> String {
    let mut lines = vec![format!("## {}: {}", code(&title(entry)), verdict(entry))];
    lines.extend([String::new(), prose(&cause_sentence(&entry.bounce))]);
    lines.extend(since_sentence(entry).into_iter().flat_map(|s| [String::new(), prose(&s)]));
    let facts = facts(entry);
    if !facts.is_empty() {
        lines.push(String::new());
    }
    for (key, text) in facts {
        let text = if matches!(key, "Said" | "Line") { code(&text) } else { prose(&text) };
        lines.push(format!("- {key}: {text}"));
    }
    if let Some(check) = &entry.check {
        lines.push(String::new());
        lines.extend(
            entry
                .bounce
                .identity
                .map(|identity| format!("- Then: ✗ {}, said {}", leg_words(identity), prose(&receiver(&entry.bounce)))),
        );
        lines.extend(now(check).iter().map(|line| format!("- Now: {}", prose(line))));
    }
    let steps = steps(entry);
    if !steps.is_empty() {
        lines.extend([String::new(), "### What to do".into(), String::new()]);
    }
    for (place, step) in steps.iter().enumerate() {
        let who = if step.who.is_empty() { String::new() } else { format!(" ({})", prose(&step.who)) };
        lines.push(format!("{}. {}{who}", place + 1, prose(&step.action)));
        let copied = step.lines();
        if !copied.is_empty() {
            lines.extend(fenced(&copied).into_iter().map(|l| format!("   {l}")));
        }
    }
    lines.join("\n") + "\n"
}

/// The head of a table of many.
pub fn bounce_markdown_header() -> String {
    "| cause | now | sent from | receiver | file |\n| --- | --- | --- | --- | --- |\n".into()
}

/// One of many.
pub fn bounce_markdown_row(entry: &Entry) -> String {
    // A pipe ends a cell even inside a code span, and renderers differ on how one is escaped there.
    let cell = |text: &str| if text.is_empty() { String::new() } else { code(&text.replace('|', "\\x7c")) };
    let bounce = &entry.bounce;
    let ip = bounce.sending_ip.ip.map(|ip| ip.to_string()).unwrap_or_default();
    let (cause, now, receiver) = match (&bounce.unreadable, &bounce.skipped) {
        (Some(why), _) => ("unreadable", "", cell(&short(why))),
        (None, Some(why)) => ("skipped", "", cell(&short(why))),
        (None, None) => (
            if bounce.complaint { "complaint" } else { cause_word(bounce.cause, bounce.identity) },
            entry.since.as_ref().map(|s| standing_word(s.standing)).unwrap_or_default(),
            cell(&bounce.receiver.as_deref().map(short).unwrap_or_default()),
        ),
    };
    format!("| {cause} | {now} | {} | {receiver} | {} |\n", cell(&ip), cell(&title(entry)))
}

/// Under the table.
pub fn bounce_markdown_summary(summary: &DeskSummary) -> String {
    let mut lines = vec![String::new(), format!("**{}**", heading(&summary.bounces)), String::new()];
    lines.extend(counts(summary).iter().map(|(key, text)| format!("- {key}: {}", prose(text))));
    lines.extend(sentences(&summary.bounces).iter().flat_map(|s| [String::new(), prose(s)]));
    lines.join("\n") + "\n"
}
