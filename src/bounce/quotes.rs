//! The replies that a bounce's words quote, and what they say of a recipient without one.
//!
//! Input: the words of a bounce, or a pasted line. Output: each [`Quote`], with what stands before it.
//! Design: a reply is known by a code where a quotation can begin: at a line's head, behind a colon, a
//! quotation mark or a bracket. Lines of one reply are joined before anything is looked up in them.

use super::prose::MAX_LINE;
use super::reply::{clip, leading_code};

/// Replies taken.
const MAX_QUOTES: usize = 24;

/// A reply as the words quote it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Quote {
    /// From the code on, lines joined.
    pub raw: String,
    /// What stands before it: who said it, to which command.
    pub context: String,
}

/// The replies quoted in a text, in their order.
pub(super) fn quotes(words: &str) -> Vec<Quote> {
    let lines: Vec<&str> = words.lines().collect();
    let mut found: Vec<Quote> = Vec::new();
    let mut at = 0;
    while at < lines.len() && found.len() < MAX_QUOTES {
        let line = lines[at];
        let Some(start) = quote_start(line, at + 1 < lines.len()) else {
            at += 1;
            continue;
        };
        let mut raw = String::from(&line[start..]);
        let mut context = String::new();
        for before in &lines[paragraph_start(&lines, at)..at] {
            context.push_str(before.trim());
            context.push(' ');
        }
        context.push_str(line[..start].trim());
        let code = leading_code(raw.split_whitespace().next().unwrap_or_default()).map_or(0, |(c, _)| c);
        let transcript = line.trim_start().starts_with("<<<");
        let mut open = raw.as_bytes().get(3) == Some(&b'-');
        at += 1;
        while at < lines.len() && raw.len() < 2 * MAX_LINE {
            let next = lines[at].trim();
            let bare = next.trim_start_matches("<<<").trim_start();
            if let Some((again, _)) = bare.split_whitespace().next().and_then(leading_code) {
                if again != code || !open {
                    break;
                }
                open = bare.as_bytes().get(3) == Some(&b'-');
                raw.push(' ');
                // The last line's "NNN " goes with its code; `NNN-` is dropped when the reply is read.
                let rest = if open { bare } else { bare.get(3..).unwrap_or_default().trim_start() };
                raw.push_str(rest);
            } else if next.is_empty() || transcript || ends_quote(next) {
                break;
            } else {
                raw.push(' ');
                raw.push_str(next);
            }
            at += 1;
        }
        let kept = trim_tail(&raw).to_owned();
        context.push_str(raw.get(kept.len()..).unwrap_or_default());
        found.push(Quote { raw: kept, context: clip(&context, MAX_LINE).to_owned() });
    }
    found
}

/// What a bounce says of a recipient without a code: the words behind `address:`, or the lines below
/// a line that is only an address.
pub(super) fn reasons(words: &str) -> Vec<Quote> {
    let lines: Vec<&str> = words.lines().collect();
    let mut found: Vec<Quote> = Vec::new();
    let mut at = 0;
    while at < lines.len() && found.len() < MAX_QUOTES {
        let line = lines[at].trim();
        at += 1;
        let Some(behind) = behind_address(line) else { continue };
        let mut raw = String::from(behind);
        // qmail and Exim go on below, one empty line at most between.
        let skip = usize::from(behind.is_empty() && lines.get(at).is_some_and(|l| l.trim().is_empty()));
        for next in lines.iter().skip(at + skip).take(4) {
            let next = next.trim();
            if next.is_empty() || behind_address(next).is_some() || ends_quote(next) {
                break;
            }
            raw.push(' ');
            raw.push_str(clip(next, MAX_LINE));
        }
        let raw = raw.trim().to_owned();
        if raw.len() > 3 {
            found.push(Quote { raw, context: line.to_owned() });
        }
    }
    found
}

/// The rest of a line that begins with a mail address as its subject; empty when that is all.
fn behind_address(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(['*', '-', '\u{2022}', ' ']);
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let core = word.trim_matches(['<', '>', ':', '"', '\'', ',', ';']);
    let (local, domain) = core.rsplit_once('@')?;
    if local.is_empty() || !domain.contains('.') || domain.contains(['(', '@']) {
        return None;
    }
    (rest.is_empty() || word.ends_with(':') || rest.starts_with(['[', '(', ':']))
        .then(|| rest.trim_start_matches([':', ' ']))
}

fn paragraph_start(lines: &[&str], at: usize) -> usize {
    let mut start = at;
    while start > 0 && at - start < 4 && !lines[start - 1].trim().is_empty() {
        start -= 1;
    }
    start
}

/// Where in one line of text a quoted reply begins.
pub(super) fn reply_start(line: &str) -> Option<usize> {
    quote_start(line, false)
}

/// Where in a line a quoted reply begins: at its head, or behind a mark that opens a quotation.
fn quote_start(line: &str, more: bool) -> Option<usize> {
    let bytes = line.as_bytes();
    let lead = line.len() - line.trim_start_matches([' ', '\t', '<', '"', '\'', '#', '*']).len();
    let mut at = 0;
    while at + 3 <= bytes.len() {
        let here = at;
        at += 1;
        if !matches!(bytes[here], b'4' | b'5') || !line.is_char_boundary(here) {
            continue;
        }
        let before_ok = here == lead || here > 0 && opens(&line[..here]);
        if !before_ok {
            continue;
        }
        let word = line[here..].split_whitespace().next().unwrap_or_default();
        let Some((code, rest)) = leading_code(word) else { continue };
        if code < 400 {
            continue;
        }
        let behind = line[here + word.len()..].trim_start();
        let has_text = !rest.is_empty() || !behind.is_empty() || more && here != lead;
        // "550 5th Avenue", "421 messages": at a line's head the next word decides little, so only
        // counts of things are refused.
        let counted = here == lead
            && rest.is_empty()
            && starts_with_any(behind, &["messages", "bytes", "minutes", "seconds", "hours", "days", "kb"]);
        if has_text && !counted {
            return Some(here);
        }
    }
    None
}

/// Whether a quotation can begin behind this text.
fn opens(before: &str) -> bool {
    let trimmed = before.trim_end();
    let Some(last) = trimmed.chars().last() else { return true };
    let spaced = trimmed.len() < before.len();
    match last {
        ':' | ',' | '>' => spaced || last == ':',
        '\'' | '"' | '(' | '#' | '<' | '=' | '`' | '|' | '\u{2018}' | '\u{201c}' => true,
        '-' | ';' => spaced,
        _ => {
            let lower = trimmed.rsplit(' ').next().unwrap_or_default().to_ascii_lowercase();
            spaced
                && ["error", "said", "code", "reply", "returned", "response", "was", "status"].contains(&lower.as_str())
        }
    }
}

fn starts_with_any(text: &str, words: &[&str]) -> bool {
    let lower = clip(text, 16).to_ascii_lowercase();
    words.iter().any(|w| lower.starts_with(w))
}

/// A line that begins something new behind a quoted reply.
fn ends_quote(line: &str) -> bool {
    let lower = clip(line, 64).to_ascii_lowercase();
    let address = line.starts_with('<') && line.contains('@') && line.contains(">:");
    address
        || [
            "--",
            "==",
            ">>>",
            "...",
            "giving up",
            "i'm not going",
            "content-",
            "reporting-mta",
            "final-recipient",
            "action:",
            "status:",
            "remote-mta",
            "last-attempt",
            "diagnostic-code",
            "original message",
            "message headers",
            "***",
            "host ",
            "sent by",
            "generating server",
        ]
        .iter()
        .any(|m| lower.starts_with(m))
}

/// Without what the quoting program adds behind a reply.
pub(super) fn trim_tail(raw: &str) -> &str {
    let mut end = raw.len();
    for mark in [
        " (in reply to",
        " (state ",
        " giving up on",
        " [rcpt_to]",
        "; from=<",
        " remote system:",
        " (delivery attempts",
    ] {
        if let Some(at) = raw.to_ascii_lowercase().find(mark) {
            end = end.min(at);
        }
    }
    raw.get(..end).unwrap_or(raw).trim_end_matches(['\'', '"', '\u{2019}', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raws(text: &str) -> Vec<String> {
        quotes(text).into_iter().map(|q| q.raw).collect()
    }

    #[test]
    fn replies_are_found_where_a_quotation_begins() {
        for (text, want) in [
            (
                "<a@b.example>: host mx.b.example[192.0.2.2] said: 550-5.7.25\n    [192.0.2.1] one\n    550 5.7.25 two (in reply to end of DATA command)\n",
                vec!["550-5.7.25 [192.0.2.1] one 5.7.25 two"],
            ),
            (
                "   ----- Transcript -----\n... while talking to mx.example.:\n>>> DATA\n<<< 550-5.7.1 first\n<<< 550 5.7.1 second\n554 5.0.0 Service unavailable\n",
                vec!["550-5.7.1 first 5.7.1 second", "554 5.0.0 Service unavailable"],
            ),
            ("Remote Server returned '550 5.1.1 gone <x>'\n", vec!["550 5.1.1 gone <x>"]),
            ("Remote host said: 421 4.7.0 later\nGiving up on 192.0.2.2.\n", vec!["421 4.7.0 later"]),
            (
                "#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n",
                vec!["550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##"],
            ),
            ("(reason: 550 5.6.9 improper use)\n", vec!["550 5.6.9 improper use)"]),
            ("the other server returned was: 554 554 5.7.1 no (state 13).\n", vec!["554 554 5.7.1 no"]),
            ("unable to deliver in 540 minutes\nin room 550 of\n421 messages waiting\n", vec![]),
        ] {
            assert_eq!(raws(text), want, "{text}");
        }
    }
}
