//! Hostile text made fit to be shown: the one place that every string of a check passes through.
//!
//! Input: any text, from the network, from an evidence file or from a caller. Output: the same text
//! with each character that would not be seen, or would move what is seen, written out as `\n`,
//! `\x1b` or `\u{202e}`. Only for reading: a backslash is not doubled, so it cannot be undone.
//! Standard: Unicode general categories Cc, Cf, Zl, Zp, Co and noncharacters, and the default
//! ignorable code points (UAX #44); UTS #36 §2 and §3 on what they can do to a reader.

use std::borrow::Cow;
use std::fmt::Write;

use super::wrap::char_width;

/// Combining marks allowed on one character. Living scripts need up to four; more paint over the
/// lines above and below.
const MAX_MARKS: usize = 4;

/// Whether a character has no shape of its own, or changes the place or order of others.
pub(super) fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    if code < 0x7f {
        return code < 0x20;
    }
    matches!(code,
        0x7f..=0x9f // DEL, C1
        | 0xad | 0x34f | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x890..=0x891 | 0x8e2
        | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f // zero width, bidi, line and paragraph separators
        | 0x3164 | 0xe000..=0xf8ff | 0xfdd0..=0xfdef | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xfff0..=0xfffb
        | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff | 0xf0000..=0x10_ffff)
        || code & 0xfffe == 0xfffe
}

/// The text with everything hidden made visible; borrowed where there was nothing to do.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !pieces(text).any(|p| matches!(p, Piece::Escaped(_))) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for piece in pieces(text) {
        piece.push_to(&mut out);
    }
    Cow::Owned(out)
}

/// The same, in at most `max_chars` characters; a text that was cut ends in `…`. An escape is shown
/// whole or not at all.
pub fn clean_bounded(text: &str, max_chars: usize) -> Cow<'_, str> {
    let mut length = 0usize;
    let mut kept = 0usize;
    for piece in pieces(text) {
        length += piece.chars();
        if length > max_chars {
            break;
        }
        kept += usize::from(length < max_chars);
    }
    if length <= max_chars {
        return clean(text);
    }
    let mut out = String::new();
    for piece in pieces(text).take(kept) {
        piece.push_to(&mut out);
    }
    if max_chars > 0 {
        out.push('…');
    }
    Cow::Owned(out)
}

enum Piece {
    Plain(char),
    Escaped(char),
}

impl Piece {
    fn push_to(&self, out: &mut String) {
        // Writing to a String cannot fail.
        let _ = match self {
            Self::Plain(c) => out.write_char(*c),
            Self::Escaped('\n') => out.write_str("\\n"),
            Self::Escaped('\r') => out.write_str("\\r"),
            Self::Escaped('\t') => out.write_str("\\t"),
            Self::Escaped(c) if c.is_ascii() => write!(out, "\\x{:02x}", u32::from(*c)),
            Self::Escaped(c) => write!(out, "\\u{{{:x}}}", u32::from(*c)),
        };
    }

    fn chars(&self) -> usize {
        match self {
            Self::Plain(_) => 1,
            Self::Escaped('\n' | '\r' | '\t') => 2,
            Self::Escaped(c) if c.is_ascii() => 4,
            Self::Escaped(c) => 4 + (u32::BITS - u32::from(*c).leading_zeros()).div_ceil(4) as usize,
        }
    }
}

fn pieces(text: &str) -> impl Iterator<Item = Piece> {
    let mut marks = 0usize;
    text.chars().map(move |c| {
        if is_hidden(c) {
            marks = 0;
            return Piece::Escaped(c);
        }
        marks = if char_width(c) == 0 { marks + 1 } else { 0 };
        if marks > MAX_MARKS { Piece::Escaped(c) } else { Piece::Plain(c) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_written_out() {
        for (text, shown) in [
            ("mail.example.net", "mail.example.net"),
            ("bücher.例え", "bücher.例え"),
            ("\u{1b}]0;x\u{7}", "\\x1b]0;x\\x07"),
            ("a\r\nb\tc", "a\\r\\nb\\tc"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c"),
            ("a\u{200b}\u{feff}\u{ad}", "a\\u{200b}\\u{feff}\\u{ad}"),
            ("\u{2028}\u{ffff}\u{e0041}", "\\u{2028}\\u{ffff}\\u{e0041}"),
            ("e\u{301}\u{301}\u{301}\u{301}\u{301}", "e\u{301}\u{301}\u{301}\u{301}\\u{301}"),
        ] {
            assert_eq!(clean(text), shown, "{text:?}");
        }
        assert!(matches!(clean("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_bound_cuts_between_escapes() {
        assert_eq!(clean_bounded("abcdef", 6), "abcdef");
        assert_eq!(clean_bounded("abcdefg", 6), "abcde…");
        assert_eq!(clean_bounded("ab\u{1b}cd", 6), "ab…");
        assert_eq!(clean_bounded("ab\u{1b}", 6), "ab\\x1b");
        assert_eq!(clean_bounded("ab", 1), "…");
        assert_eq!(clean_bounded("ab", 0), "");
        assert_eq!(clean_bounded("", 0), "");
    }

    proptest::proptest! {
        #[test]
        fn nothing_hidden_is_left(text: String, bound in 0usize..40) {
            let cleaned = clean(&text);
            proptest::prop_assert!(!cleaned.chars().any(|c| is_hidden(c) || c.is_control()));
            proptest::prop_assert_eq!(clean(&cleaned), cleaned.clone());
            let bounded = clean_bounded(&text, bound);
            proptest::prop_assert!(bounded.chars().count() <= bound);
            let is_whole = bounded == cleaned;
            proptest::prop_assert!(is_whole || cleaned.starts_with(bounded.trim_end_matches('…')));
        }
    }
}
