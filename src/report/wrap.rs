//! Columns: how wide a text is on a terminal, and how to fold it.
//!
//! Standard: UAX #11 (East Asian width). The measure is the one that the table's frame is drawn by,
//! so that a cell folded here never breaks the frame. Input is cleaned text, without line ends.
//! In texts of our own, what is there to be copied (an address of a page, a command in backticks) stays in one piece,
//! though the line be wider than asked for; what the network says gets no such say over the layout.

use tabled::grid::util::string::{get_char_width, get_string_width};

/// Columns of one character.
pub(super) fn char_width(c: char) -> usize {
    get_char_width(c)
}

/// Columns of a text, escapes for colour not allowed in it.
pub(super) fn width(text: &str) -> usize {
    // The whole may be narrower than its parts (joined forms); a fold must count the parts.
    text.chars().map(char_width).sum::<usize>().max(get_string_width(text))
}

/// Where a long word is folded, behind the mark: first between labels and parts, then within them.
const JOINTS: [&[char]; 2] = [&['.', '/', ':', '@'], &['-', '_', '=']];

/// Folds at spaces; a word that is too long for a line, at its joints; what has none, anywhere. At
/// least one line; none wider than `limit`, as long as `limit` holds one character.
pub(super) fn wrap(text: &str, limit: usize) -> Vec<String> {
    lay(text.split(' ').filter(|w| !w.is_empty()), limit, |_| false)
}

/// The same, but breaks nothing that is there to be copied.
fn prose(text: &str, limit: usize) -> Vec<String> {
    lay(words(text).into_iter(), limit, is_whole)
}

/// Words in lines; one that is wider than a line is broken, unless it is to stay whole.
fn lay<'a>(words: impl Iterator<Item = &'a str>, limit: usize, whole: fn(&str) -> bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words {
        let gap = if line.is_empty() { "" } else { " " };
        if width(&line) + gap.len() + width(word) <= limit {
            line.push_str(gap);
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        if whole(word) {
            line.push_str(word);
        } else {
            fold(word, limit, &JOINTS, &mut line, &mut lines);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

fn fold(word: &str, limit: usize, joints: &[&[char]], line: &mut String, lines: &mut Vec<String>) {
    let Some((marks, finer)) = joints.split_first() else {
        for c in word.chars() {
            if width(line) + char_width(c) > limit && !line.is_empty() {
                lines.push(std::mem::take(line));
            }
            line.push(c);
        }
        return;
    };
    for piece in word.split_inclusive(*marks) {
        if width(line) + width(piece) > limit && !line.is_empty() {
            lines.push(std::mem::take(line));
        }
        if width(piece) <= limit {
            line.push_str(piece);
        } else {
            fold(piece, limit, finer, line, lines);
        }
    }
}

/// The longest command in backticks that is kept in one piece: further apart, two backticks are no pair.
const MAX_QUOTED: usize = 200;

/// The words of a text, a stretch in backticks being one word with its blanks.
pub(super) fn words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut start, mut quoted_until) = (0, 0);
    for (at, c) in text.char_indices() {
        match c {
            '`' if at >= quoted_until => {
                let closing = text[at + 1..].find('`').filter(|span| *span <= MAX_QUOTED);
                quoted_until = closing.map_or(quoted_until, |span| at + span + 2);
            }
            ' ' if at >= quoted_until => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.retain(|w| !w.is_empty());
    words
}

/// Whether a word is there to be copied.
fn is_whole(word: &str) -> bool {
    word.contains("https://") || word.contains("http://") || word.contains('`')
}

/// Folds, with `lead` (of `indent` columns) before the first line and as much space before the others.
pub(super) fn hang(lead: &str, text: &str, indent: usize, limit: usize) -> Vec<String> {
    behind(lead, wrap(text, limit.saturating_sub(indent).max(1)), indent)
}

/// The same for a text of our own: what is there to be copied stays whole.
pub(super) fn hang_own(lead: &str, text: &str, indent: usize, limit: usize) -> Vec<String> {
    behind(lead, prose(text, limit.saturating_sub(indent).max(1)), indent)
}

/// A line to be copied, whole; moved to the left as far as its width needs.
pub(super) fn verbatim(line: &str, indent: usize, limit: usize) -> String {
    " ".repeat(indent.min(limit.saturating_sub(width(line)))) + line
}

fn behind(lead: &str, mut lines: Vec<String>, indent: usize) -> Vec<String> {
    let pad = " ".repeat(indent);
    for (place, line) in lines.iter_mut().enumerate() {
        let before = if place == 0 { lead } else { &pad };
        line.insert_str(0, before);
    }
    lines
}

/// Cut to `limit` columns, a cut marked by `…`, and filled up with spaces.
pub(super) fn fit(text: &str, limit: usize) -> String {
    let mut out = String::new();
    if width(text) <= limit {
        out.push_str(text);
    } else {
        for c in text.chars() {
            if width(&out) + char_width(c) + 1 > limit {
                break;
            }
            out.push(c);
        }
        if limit > 0 {
            out.push('…');
        }
    }
    let fill = limit.saturating_sub(get_string_width(&out));
    out + &" ".repeat(fill)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_at_spaces_then_at_joints_then_anywhere() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("mail-relay.example.net", 14), ["mail-relay.", "example.net"]);
        assert_eq!(wrap("a-long-label.example", 8), ["a-long-", "label.", "example"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("例え例え", 5), ["例え", "例え"]);
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(hang("Fix: ", "ask the owner", 5, 12), ["Fix: ask the", "     owner"]);
    }

    #[test]
    fn what_is_copied_stays_whole() {
        let text =
            "see https://www.example.net/a/long/way/to/the/page.html, then `postconf -e smtp_helo_name=a.example`";
        let lines = hang_own("", text, 0, 30);
        assert_eq!(
            lines,
            [
                "see",
                "https://www.example.net/a/long/way/to/the/page.html,",
                "then",
                "`postconf -e smtp_helo_name=a.example`"
            ]
        );
        assert_eq!(words("a `b c` d` e"), ["a", "`b c`", "d`", "e"]);
        assert_eq!(words(&format!("`a {} b`", "x".repeat(MAX_QUOTED))).len(), 3);
        assert!(hang("", text, 0, 30).iter().all(|l| width(l) <= 30));
        assert_eq!(verbatim("0123456789", 4, 12), "  0123456789");
        assert_eq!(verbatim("0123456789", 4, 8), "0123456789");
    }

    #[test]
    fn a_column_is_filled_or_cut() {
        assert_eq!(fit("ab", 4), "ab  ");
        assert_eq!(fit("abcde", 4), "abc…");
        assert_eq!(fit("例え例", 4), "例… ");
        assert_eq!(fit("例", 1), "…");
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_wider_and_no_character_is_lost(text: String, limit in 2usize..60) {
            let text = crate::report::clean(&text).into_owned();
            let lines = wrap(&text, limit);
            for line in &lines {
                proptest::prop_assert!(get_string_width(line) <= limit, "{line:?}");
            }
            let bare = |t: &str| t.chars().filter(|c| *c != ' ').collect::<String>();
            proptest::prop_assert_eq!(bare(&lines.concat()), bare(&text));
            proptest::prop_assert_eq!(bare(&hang_own("", &text, 0, limit).concat()), bare(&text));
            proptest::prop_assert_eq!(get_string_width(&fit(&text, limit)), limit);
        }
    }
}
