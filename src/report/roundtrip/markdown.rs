//! A round trip for a ticket.

use super::words::{rows, short, title, verdict, way};
use crate::desk::Roundtrip;
use crate::report::listen::arrival_markdown;
use crate::report::markdown::{code, prose};

/// One round trip under its own heading, and the session in which the message came.
pub fn roundtrip_markdown(roundtrip: &Roundtrip) -> String {
    let mut lines = vec![format!("# {}: {}", code(&title(roundtrip)), verdict(roundtrip).0), String::new()];
    if let Some(comparison) = &roundtrip.comparison {
        lines.extend([prose(&short(&comparison.judged)), String::new()]);
        lines.extend(["| | greets | sends | |", "| --- | --- | --- | --- |"].map(str::to_owned));
        // A pipe would end a cell even inside code (GFM §4.10).
        let cell = |text: &str| code(&text.replace('|', "\\x7c"));
        lines.extend(
            rows(comparison)
                .iter()
                .map(|[what, g, s, sign]| format!("| {what} | {} | {} | {sign} |", cell(g), cell(s))),
        );
        lines.push(String::new());
    }
    lines.extend(way(roundtrip).iter().map(|(key, text)| match *key {
        "" => format!("  - {}", prose(text)),
        key => format!("- {key}: {}", prose(text)),
    }));
    if !roundtrip.where_to_look.is_empty() {
        lines.extend([String::new(), "**Where to look:**".into(), String::new()]);
        let numbered = roundtrip.where_to_look.iter().enumerate();
        lines.extend(numbered.map(|(place, text)| format!("{}. {}", place + 1, prose(&short(text)))));
    }
    let mut text = lines.join("\n") + "\n";
    if let Some(arrival) = &roundtrip.arrival {
        text.push('\n');
        text.push_str(&arrival_markdown(arrival, false));
    }
    text
}
