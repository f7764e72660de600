//! A bounce for the support desk: in full, as a row, as Markdown, as an answer to paste, as JSON.
//!
//! Shape: the cause in plain words first, then the refusal quoted, where the mail came from, then and
//! now, what to do. Input may be hostile; every text from it is cleaned and bounded.

mod advice;
mod json;
mod markdown;
mod row;
mod schema;
mod summary;
mod table;
mod ticket;
mod words;

pub use json::{bounce_ndjson, bounces_json_begin, bounces_json_end, bounces_json_entry};
pub use markdown::{bounce_markdown, bounce_markdown_header, bounce_markdown_row, bounce_markdown_summary};
pub use row::{bounce_row, bounce_rows_header};
pub use schema::bounces_schema_json;
pub use summary::bounce_summary;
pub use table::bounce_table;
pub use ticket::bounce_ticket;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bounce::read;
    use crate::desk::{DeskSummary, Entry};
    use crate::report::TableOptions;
    use crate::report::clean::is_hidden;
    use crate::report::wrap::width;

    fn entries() -> Vec<Entry> {
        let texts = [
            "550 5.7.25 [203.0.113.10] The IP address sending this message does not have a PTR record setup",
            "450 4.7.1 <a\u{202e}\u{1b}[2J`b|c>: Helo command rejected: Host not found, [203.0.113.9]",
            "Subject: x\r\nReceived: from m.example (\u{9b}31m [2001:db8:1:2:3:4:5:6]) by mx.receiver.example\r\n\r\nhi",
            "",
        ];
        let hostile = "\u{1b}]0;x\u{7}/\u{202e}a-very-long-directory-name/`code`|cell|/<b>bounce</b>.eml";
        let entry = |text: &&str| {
            let mut bounce = read(text.as_bytes());
            bounce.file = Some(hostile.into());
            Entry::checked(bounce, None)
        };
        texts.iter().map(entry).collect()
    }

    #[test]
    fn no_line_is_wider_and_nothing_hidden_comes_out() {
        let mut summary = DeskSummary::default();
        for entry in entries() {
            summary.add(&entry);
            for columns in [40, 60, 80, 120] {
                let options = TableOptions { width: columns, color: false, explain: false };
                let whole = bounce_table(&entry, &options);
                for line in whole.lines().filter(|l| !l.contains("smtp-preflight check")) {
                    assert!(width(line) <= columns, "{columns}: {line}");
                }
                assert!(!whole.chars().any(|c| is_hidden(c) && c != '\n'), "{whole:?}");
            }
            for text in [bounce_row(&entry, &TableOptions::default()), bounce_ticket(&entry), bounce_markdown(&entry)] {
                assert!(!text.chars().any(|c| is_hidden(c) && c != '\n'), "{text:?}");
            }
            let row = bounce_markdown_row(&entry);
            assert_eq!(row.matches('|').count(), 6, "{row}");
            assert_eq!(bounce_row(&entry, &TableOptions::default()).lines().count(), 1);
        }
        let summary = summary.finish();
        let text = bounce_summary(&summary, &TableOptions { width: 40, color: false, explain: false });
        assert!(text.starts_with("4 messages") && text.lines().all(|l| width(l) <= 40), "{text}");
    }

    #[test]
    fn the_pieces_are_one_report() {
        let entries = entries();
        for some in [&entries[..0], &entries[..1], &entries] {
            let report = crate::desk::BounceReport::new(some.to_vec());
            let mut text = bounces_json_begin();
            for (place, entry) in some.iter().enumerate() {
                text += &bounces_json_entry(entry, place == 0);
            }
            text += &bounces_json_end(&report.summary);
            let whole: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(whole, serde_json::to_value(&report).unwrap());
            assert_eq!(text, crate::report::json::write(&report, serde_json::ser::PrettyFormatter::new()));
        }
    }
}
