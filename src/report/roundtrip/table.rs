//! A round trip for a person at a terminal.

use tabled::builder::Builder;
use tabled::settings::Style;

use super::words::{rows, short, title, verdict, way};
use crate::desk::Roundtrip;
use crate::judge::{BothSides, EdgeState};
use crate::report::ink::Ink;
use crate::report::listen::arrival_table;
use crate::report::table::{MIN_WIDTH, TableOptions};
use crate::report::wrap::{hang, width, wrap};

/// Longer lines do not read.
const MAX_WIDTH: usize = 120;
/// The keys of the message's way.
const KEY: usize = 13;
/// Columns of the first and the last cell, the frame and the padding of four.
const FIXED: usize = 9 + 9 + 13;

/// One round trip in full.
pub fn roundtrip_table(roundtrip: &Roundtrip, options: &TableOptions) -> String {
    let limit = options.width.clamp(MIN_WIDTH, MAX_WIDTH);
    let ink = Ink { color: options.color };
    let (words, state) = verdict(roundtrip);
    let mut lines = wrap(&title(roundtrip), limit.saturating_sub(width(words) + 2).max(1));
    let gap = " ".repeat(limit.saturating_sub(width(words) + width(&lines[0])));
    lines[0] = format!("{}{gap}{}", ink.strong(&lines[0]), ink.verdict(state, words));
    if let Some(comparison) = &roundtrip.comparison {
        lines.extend(wrap(&short(&comparison.judged), limit));
        lines.push(String::new());
        lines.extend(frame(comparison, limit, ink));
    }
    let way = way(roundtrip);
    if !way.is_empty() {
        lines.push(String::new());
    }
    for (key, text) in way {
        let lead = ink.faint(&format!(" {key:rest$}", rest = KEY - 1));
        lines.extend(hang(&lead, &text, KEY, limit));
    }
    if !roundtrip.where_to_look.is_empty() {
        lines.extend([String::new(), ink.strong("Where to look")]);
        for (place, text) in roundtrip.where_to_look.iter().enumerate() {
            let lead = format!("{}. ", place + 1);
            lines.extend(hang(&lead, &short(text), lead.len(), limit));
        }
    }
    let mut text = lines.iter().fold(String::new(), |text, line| text + line.trim_end() + "\n");
    if let Some(arrival) = &roundtrip.arrival {
        text.push_str("\nAs it sends, which is what receivers judge:\n\n");
        text.push_str(&arrival_table(arrival, options, false));
    }
    text
}

fn frame(comparison: &BothSides, limit: usize, ink: Ink) -> Vec<String> {
    let rows = rows(comparison);
    let room = (limit.saturating_sub(FIXED) / 2).max(8);
    let mut cells = vec![["", "greets", "sends", ""].map(|h| ink.faint(h)).to_vec()];
    for ([what, greeting, sending, sign], sides) in
        rows.iter().zip([&comparison.name, &comparison.address, &comparison.tls, &comparison.verdict])
    {
        let state = match sides.same {
            Some(true) => EdgeState::Agree,
            Some(false) => EdgeState::Differ,
            None => EdgeState::Unknown,
        };
        let folded = |text: &String| wrap(text, room).join("\n");
        cells.push(vec![what.clone(), folded(greeting), folded(sending), ink.state(state, sign)]);
    }
    let mut table = Builder::from_iter(cells).build();
    table.with(Style::rounded());
    table.to_string().lines().map(str::to_owned).collect()
}
