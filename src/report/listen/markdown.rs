//! A session for a ticket.

use super::words::{ends, session_facts};
use crate::judge::Listened;
use crate::report::markdown::{code, markdown, prose};

/// One session under its own heading, and the check of its identity under the next.
pub fn listen_markdown(listened: &Listened) -> String {
    arrival_markdown(listened, true)
}

/// The same, with the Received lines or without.
pub(in crate::report) fn arrival_markdown(listened: &Listened, received: bool) -> String {
    let session = &listened.session;
    let mut lines = vec![format!("## Session {}: {}", session.number, code(&ends(session.client, session.local)))];
    lines.push(String::new());
    lines.extend(session_facts(listened, received).iter().map(|(key, fact)| format!("- {key}: {}", prose(fact))));
    let mut text = lines.join("\n") + "\n";
    if let Some(check) = &listened.check {
        text.push('\n');
        text.push_str(&markdown(std::slice::from_ref(check)));
    }
    text
}
