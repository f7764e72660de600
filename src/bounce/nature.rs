//! Whether a file found among mail is mail at all: a table, a program's data or a page is not.
//!
//! Input: the first octets. Asked only of files that nobody named: what is given by name is read whatever it is.

use super::bounds::has_header;

/// Lines looked at.
const LINES: usize = 8;

/// Whether these octets begin a table of values, JSON, XML, HTML or a script, and no mail header.
pub fn is_data(head: &[u8]) -> bool {
    if has_header(head) {
        return false;
    }
    let text = String::from_utf8_lossy(head);
    let begin = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if ["{", "[{", "[\"", "<?xml", "<!doctype", "<html", "#!", "---\n"]
        .iter()
        .any(|mark| begin.get(..mark.len()).is_some_and(|b| b.eq_ignore_ascii_case(mark)))
    {
        return true;
    }
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(LINES).collect();
    let columns = |mark: char| lines.iter().map(|l| l.matches(mark).count()).collect::<Vec<_>>();
    // A log line has no tabs, and sentences have no equal number of semicolons.
    let table = |mark| {
        let counts = columns(mark);
        counts.len() >= 2 && counts[0] >= 2 && counts[..counts.len() - 1].iter().all(|c| *c == counts[0])
    };
    table('\t') || table(';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_data_are_no_mail() {
        for text in [
            "file\tkind\tcause\na.eml\tdsn\t550 5.7.25 no PTR\nb.eml\tdsn\tx\n",
            "{\"a\": 1}",
            "<!DOCTYPE html><html>",
            "#!/bin/sh\n",
            "a;b;c\n1;2;3\n",
        ] {
            assert!(is_data(text.as_bytes()), "{text}");
        }
        for text in [
            "550 5.7.25 no PTR",
            "From: a@b.example\nSubject: x\n\nbody",
            "Nov 23 10:11:11 mail postfix/smtp[1]: A1: to=<b@c.example>, status=bounced (host said: 550 no)\n",
            "Hello,\n\nplease look: 550 no\n",
            "",
        ] {
            assert!(!is_data(text.as_bytes()), "{text}");
        }
    }
}
