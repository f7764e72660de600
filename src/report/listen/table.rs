//! A session for a person at a terminal, and a run in one line.

use super::words::{ends, session_facts};
use crate::judge::{ListenSummary, Listened};
use crate::report::ink::Ink;
use crate::report::table::{MIN_WIDTH, TableOptions, table};
use crate::report::wrap::{hang, wrap};

/// Longer lines do not read.
const MAX_WIDTH: usize = 120;
/// The keys of the facts.
const KEY: usize = 8;

/// One session, and the table of its identity.
pub fn listen_table(listened: &Listened, options: &TableOptions) -> String {
    arrival_table(listened, options, true)
}

/// The same, with the Received lines or without.
pub(in crate::report) fn arrival_table(listened: &Listened, options: &TableOptions, received: bool) -> String {
    let limit = options.width.clamp(MIN_WIDTH, MAX_WIDTH);
    let ink = Ink { color: options.color };
    let session = &listened.session;
    let title = format!("Session {} · {}", session.number, ends(session.client, session.local));
    let mut lines: Vec<String> = wrap(&title, limit).iter().map(|l| ink.strong(l)).collect();
    for (key, text) in session_facts(listened, received) {
        let lead = ink.faint(&format!(" {key:rest$}", rest = KEY - 1));
        lines.extend(hang(&lead, &text, KEY, limit));
    }
    let mut text = lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n");
    if let Some(check) = &listened.check {
        text.push('\n');
        text.push_str(&table(check, options));
    }
    text
}

/// A run in one line.
pub fn listen_summary(summary: &ListenSummary) -> String {
    let counted = |count: usize, word: &str| format!("{count} {word}");
    let judged = &summary.judged;
    let sessions = if summary.sessions == 1 { "session" } else { "sessions" };
    [
        counted(summary.sessions, sessions),
        counted(judged.agree, "agree"),
        counted(judged.differ, "differ"),
        counted(judged.unknown, "could not be told"),
        counted(summary.sessions - judged.checks, "not judged"),
    ]
    .join(" · ")
}
