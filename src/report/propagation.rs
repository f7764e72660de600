//! Who still holds an old answer, for a person: a question, and a line a server.

use super::cells::MAX_NAME;
use super::clean::clean_bounded;
use super::ink::Ink;
use super::table::TableOptions;
use super::todo::span;
use super::wrap::width;
use crate::judge::{Holding, Propagation, Verdict};

/// The servers' column at most.
const SERVER: usize = 48;

/// The same answer everywhere, which need not be the right one: a tick is for what agrees.
const SAME: &str = "=";

/// All questions; those to which everybody gives the same answer take one line.
pub fn propagation_text(propagation: &[Propagation], options: &TableOptions) -> String {
    let ink = Ink { color: options.color };
    let mut lines = Vec::new();
    for one in propagation {
        let question = clean_bounded(&one.question, MAX_NAME);
        if one.settled()
            && let Some(published) = &one.published
        {
            let asked = one.authority.len() + one.resolvers.len();
            let said = clean_bounded(published, MAX_NAME);
            lines.push(format!("{} {question}: {said} at all {asked} asked", ink.faint(SAME)));
            continue;
        }
        lines.push(format!("{} {question}", ink.verdict(Verdict::Unknown, if one.settled() { "?" } else { "…" })));
        let column = one.authority.iter().chain(&one.resolvers).map(|h| width(&h.server)).max().unwrap_or_default();
        let column = column.min(SERVER);
        for (role, holdings) in [("authority", &one.authority), ("resolver", &one.resolvers)] {
            lines.extend(holdings.iter().map(|h| holding(role, h, column, ink)));
        }
        if one.authority.is_empty() {
            lines.push("  authority  none could be found".into());
        }
    }
    if lines.is_empty() { String::new() } else { lines.join("\n") + "\n" }
}

fn holding(role: &str, holding: &Holding, column: usize, ink: Ink) -> String {
    let server = clean_bounded(&holding.server, SERVER);
    let said = clean_bounded(&holding.said, MAX_NAME);
    let (sign, note) = match (role, holding.current) {
        (_, Some(true)) => (ink.faint(SAME), String::new()),
        (_, None) => (ink.verdict(Verdict::Unknown, "?"), String::new()),
        (_, Some(false)) => {
            let left = holding.ttl.map(|ttl| format!(", for {} at most", span(ttl))).unwrap_or_default();
            (ink.verdict(Verdict::Differ, "✗"), format!("  (old{left})"))
        }
    };
    format!("  {role:9}  {server:column$}  {sign} {said}{note}")
}
