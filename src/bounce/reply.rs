//! One refusal as text: code, enhanced code and the words, with the lines of a long reply joined.
//!
//! Standard: RFC 5321 §4.2 (reply codes, `NNN-` continues), RFC 3463 (enhanced status codes).
//! Input: what a bounce quotes of a reply, often folded by a mail program in the middle of its
//! continuation lines (`550-5.7.25 … 550-5.7.25 …`). Output: a [`Reply`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Octets of text kept of one reply.
pub(super) const MAX_TEXT: usize = 4096;

/// A reply as a bounce quotes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reply {
    /// The three digits; `null` when only words were quoted.
    pub code: Option<u16>,
    /// The enhanced status code, `5.7.25`.
    pub enhanced: Option<String>,
    /// The enhanced code is the report's `Status` field: the server that replied did not say it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub enhanced_of_report: bool,
    /// The words, lines joined, codes taken out, control characters removed.
    pub text: String,
}

impl Reply {
    /// Reads a quoted reply: `smtp; 550-5.7.1 [192.0.2.1] no`, `550 5.7.1 no`, `5.7.1 no`, `no`.
    pub(super) fn read(raw: &str) -> Self {
        let raw = clip(raw, MAX_TEXT);
        let mut words: Vec<&str> = raw.split_whitespace().collect();
        let code = words.first().and_then(|w| leading_code(w));
        let mut reply = Self { code: code.map(|(c, _)| c), ..Self::default() };
        let mut text: Vec<&str> = Vec::with_capacity(words.len());
        if let Some((code, rest)) = code {
            words[0] = rest.trim_start_matches(['\'', '"']);
            let digits = code.to_string();
            for (at, word) in words.iter().enumerate() {
                let mut word = *word;
                // A continuation that folding put into the middle: "550-5.7.25" or "550-text".
                if at > 0
                    && let Some(rest) = word.strip_prefix(digits.as_str()).and_then(|w| w.strip_prefix('-'))
                {
                    word = rest;
                } else if at > 0 && word == digits {
                    // "550 5.7.25" behind such lines, or the code said twice at the beginning.
                    let follows = words.get(at + 1).is_some_and(|w| enhanced_word(w).is_some());
                    if follows || at == 1 && text.is_empty() {
                        continue;
                    }
                }
                if let Some(status) = enhanced_word(word)
                    && (text.is_empty() || reply.enhanced.as_deref() == Some(status))
                {
                    reply.enhanced.get_or_insert_with(|| status.to_owned());
                    continue;
                }
                if !word.is_empty() {
                    text.push(word);
                }
            }
        } else {
            text = words;
            if let Some(status) = text.first().and_then(|w| enhanced_word(w)) {
                reply.enhanced = Some(status.to_owned());
                text.remove(0);
            }
        }
        reply.text = clean(&text.join(" "));
        if reply.enhanced.is_none() {
            reply.enhanced = find_enhanced(super::callout::own(&reply.text));
        }
        reply
    }
}

/// A reply code at the head of a word, and what stands behind it and its separator.
pub(super) fn leading_code(word: &str) -> Option<(u16, &str)> {
    let digits = word.get(..3).filter(|d| d.bytes().all(|b| b.is_ascii_digit()))?;
    let code: u16 = digits.parse().ok()?;
    if !matches!(code, 200..=259 | 400..=459 | 500..=599) {
        return None;
    }
    let rest = &word[3..];
    match rest.as_bytes().first() {
        None => Some((code, rest)),
        Some(b'-' | b':' | b'#' | b',' | b';' | b'=') => Some((code, &rest[1..])),
        Some(_) => None,
    }
}

/// A word that is an enhanced status code, bare or as `#5.1.1`, `(5.1.1)`, `(#5.1.1)`, `5.1.1:`.
fn enhanced_word(word: &str) -> Option<&str> {
    let word = word.trim_start_matches(['(', '#', '[', '\'', '"']).trim_end_matches([')', ':', ']', ',', ';', '.']);
    is_enhanced(word).then_some(word)
}

/// `class.subject.detail` with class 2, 4 or 5 (RFC 3463 §2).
pub(super) fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let (Some(class), Some(subject), Some(detail), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let number = |p: &str| (1..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_digit());
    matches!(class, "2" | "4" | "5") && number(subject) && number(detail)
}

/// The first enhanced status code anywhere in a text.
pub(super) fn find_enhanced(text: &str) -> Option<String> {
    text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | '=' | '@')))
        .map(|w| w.trim_end_matches('.'))
        .find(|w| is_enhanced(w))
        .map(str::to_owned)
}

/// At most `limit` octets, cut at a character.
pub(super) fn clip(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let mut end = limit;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// Without control characters and marks that reorder a terminal's line, white space in runs of one.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT));
    for c in clip(text, MAX_TEXT).chars() {
        let c = if c.is_whitespace() || c.is_control() || is_reordering(c) { ' ' } else { c };
        if c != ' ' || !out.is_empty() && !out.ends_with(' ') {
            out.push(c);
        }
    }
    out.truncate(out.trim_end().len());
    out
}

fn is_reordering(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_in_every_dress() {
        for (raw, code, enhanced, text) in [
            ("550 5.7.1 no entry", Some(550), Some("5.7.1"), "no entry"),
            (
                "550-5.7.25 [192.0.2.1] one 550-5.7.25 two 550 5.7.25 three",
                Some(550),
                Some("5.7.25"),
                "[192.0.2.1] one two three",
            ),
            ("554 554 5.7.1 twice", Some(554), Some("5.7.1"), "twice"),
            ("550-first 550-second 550 third", Some(550), None, "first second 550 third"),
            ("550 #5.1.0 Address rejected.", Some(550), Some("5.1.0"), "Address rejected."),
            ("571 no record", Some(571), None, "no record"),
            ("sorry, no mailbox here (#5.1.1)", None, Some("5.1.1"), "sorry, no mailbox here (#5.1.1)"),
            ("5.1.0 - Unknown address", None, Some("5.1.0"), "- Unknown address"),
            ("550: 5.1.1 gone", Some(550), Some("5.1.1"), "gone"),
            ("550", Some(550), None, ""),
            ("not 5.1.1.1 nor 15.1.2", None, None, "not 5.1.1.1 nor 15.1.2"),
            ("", None, None, ""),
        ] {
            let reply = Reply::read(raw);
            assert_eq!((reply.code, reply.enhanced.as_deref(), reply.text.as_str()), (code, enhanced, text), "{raw}");
        }
    }

    #[test]
    fn nothing_reaches_a_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\r\n\u{9b}d"), "a [31mb c d");
        assert_eq!(clip("aé", 2), "a");
    }
}
