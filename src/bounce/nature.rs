//! Whether a file found among mail is mail at all: a table, a program's data or a page is not.
//!
//! Input: the first octets. Asked only of files that nobody named: what is given by name is read whatever it is.

use super::bounds::has_header;

/// Lines looked at.
const LINES: usize = 8;

/// What a file holds that is no mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    /// JSON: a service's event, or a program's data.
    Json,
    /// XML or HTML.
    Markup,
    /// A script or a document with a head of its own.
    Script,
    /// Columns of values.
    Table,
}

impl Data {
    /// In a sentence.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Json => "JSON with no refusal in it",
            Self::Markup => "XML or HTML",
            Self::Script => "a script or a program's settings",
            Self::Table => "a table of values",
        }
    }
}

/// What these octets begin that is no mail; `None` where they may be mail or pasted text.
pub fn data(head: &[u8]) -> Option<Data> {
    if has_header(head) {
        return None;
    }
    let text = String::from_utf8_lossy(head);
    let begin = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    // "[192.0.2.1] no PTR" begins a reply.
    let list = begin.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', '"']));
    if begin.starts_with('{') || list {
        return Some(Data::Json);
    }
    let marked =
        |marks: &[&str]| marks.iter().any(|mark| begin.get(..mark.len()).is_some_and(|b| b.eq_ignore_ascii_case(mark)));
    if marked(&["<?xml", "<!doctype", "<html"]) {
        return Some(Data::Markup);
    }
    if marked(&["#!", "---\n"]) {
        return Some(Data::Script);
    }
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(LINES).collect();
    let columns = |mark: char| lines.iter().map(|l| l.matches(mark).count()).collect::<Vec<_>>();
    // A log line has no tabs, and sentences have no equal number of semicolons.
    let table = |mark| {
        let counts = columns(mark);
        counts.len() >= 2 && counts[0] >= 2 && counts[..counts.len() - 1].iter().all(|c| *c == counts[0])
    };
    (table('\t') || table(';')).then_some(Data::Table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_data_are_no_mail() {
        for (text, what) in [
            ("file\tkind\tcause\na.eml\tdsn\t550 5.7.25 no PTR\nb.eml\tdsn\tx\n", Data::Table),
            ("{\"a\": 1}", Data::Json),
            ("[\n  {\"a\": 1}\n]", Data::Json),
            ("<!DOCTYPE html><html>", Data::Markup),
            ("#!/bin/sh\n", Data::Script),
            ("a;b;c\n1;2;3\n", Data::Table),
        ] {
            assert_eq!(data(text.as_bytes()), Some(what), "{text}");
        }
        for text in [
            "550 5.7.25 no PTR",
            "[192.0.2.1] no PTR",
            "From: a@b.example\nSubject: x\n\nbody",
            "Nov 23 10:11:11 mail postfix/smtp[1]: A1: to=<b@c.example>, status=bounced (host said: 550 no)\n",
            "Hello,\n\nplease look: 550 no\n",
            "",
        ] {
            assert_eq!(data(text.as_bytes()), None, "{text}");
        }
    }
}
