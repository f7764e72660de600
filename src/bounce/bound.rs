//! Whether a word of fault is said of the name that stands near it.
//!
//! Input: a sentence, a topic's place and a fault's place in it. Output: whether the one is said of the other.
//! Design: "no", "not", "cannot" are in every refusal. They speak of the client's names only where nothing
//! comes between: no bracket, no other noun that they deny, no other doer. A name in a list of particulars
//! (`(rdns=mail.x.example, helo=…)`) tells who was refused, not why, unless the value itself is the fault.

use super::address::{host_name, parse};
use super::words::{Place, Words, all, first};

/// How a topic stands in its sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Spoken of.
    Subject,
    /// One of the particulars of who was refused; its value begins here.
    Particular(usize),
}

/// How a topic stands in its sentence: `rdns=…`, or with its name in a bracket.
pub(super) fn standing(sentence: &str, topic: Place) -> Standing {
    let rest = &sentence[topic.1..];
    let value = rest.trim_start_matches([' ', ':', '=', '[', '(', '<']);
    let at = topic.1 + rest.len() - value.len();
    if rest.trim_start().starts_with('=') {
        return Standing::Particular(at);
    }
    let word = value.split([' ', ',', ';', ')', ']', '>']).next().unwrap_or_default();
    let named = host_name(word).is_some() || parse(word).is_some();
    let behind = value[word.len()..].trim_start_matches([']', '>']);
    let ends = behind.trim().is_empty() || behind.starts_with([',', ')', ';']) || value[word.len()..].starts_with(')');
    if named && ends && opened(&sentence[..topic.0]) && closes(&sentence[topic.1..]) {
        return Standing::Particular(at);
    }
    Standing::Subject
}

/// Whether a bracket is open at the end of a text.
fn opened(text: &str) -> bool {
    text.rfind(['(', '[']).is_some_and(|at| !text[at..].contains([')', ']']))
}

fn closes(text: &str) -> bool {
    text.contains([')', ']'])
}

/// Whether a word that denies (`no`, `not`, `rejected`) is said of a topic.
pub(super) fn is_bound(words: &Words, sentence: &str, topic: Place, wrong: Place) -> bool {
    let what = &sentence[wrong.0..wrong.1];
    let act = words.bound.act.iter().any(|w| w.text == what);
    if let Standing::Particular(value) = standing(sentence, topic) {
        return wrong.0 == value && !act || wrong.1 <= topic.0 && sentence[wrong.1..topic.0].trim().is_empty() && !act;
    }
    // "no more than 5 connections", "not later than".
    if first(&words.bound.quantity, &sentence[wrong.1..]).is_some_and(|q| q.0 <= 1) {
        return false;
    }
    if wrong.1 <= topic.0 { before(words, sentence, topic, wrong) } else { behind(words, sentence, topic, wrong) }
}

/// "no valid PTR", "cannot find your reverse name", "not accepted because of the PTR".
fn before(words: &Words, sentence: &str, topic: Place, wrong: Place) -> bool {
    let gap = without_brackets(&sentence[wrong.1..topic.0]);
    if first(&words.bound.cause, &gap).is_some() {
        return true;
    }
    let alone = sentence[topic.1..].starts_with([')', ']']);
    if gap.contains(['(', '[']) && !alone || gap.contains([')', ']']) {
        return false;
    }
    // "Missing: PTR" names what is missing; "not whitelisted: …" has named it already.
    // "The host name … is invalid, please check the PTR": it was said of a name.
    if gap.contains(',') && first(&words.lookup.name, &sentence[..wrong.0]).is_some() {
        return true;
    }
    if gap.contains([',', ';']) || gap.contains(" - ") || gap.trim_end().len() > 1 && gap.contains(": ") {
        return false;
    }
    // "no mail from … rDNS", "not accept connections from": it is they who are denied.
    first(&words.bound.noun, &gap).is_none_or(|n| holds(&gap[n.1..]))
}

/// Words by which a host is told from others: "no mail from hosts without PTR".
fn holds(text: &str) -> bool {
    ["with", "without", "whose", "having", "have", "has", "lacking", "unless", "until", "ohne", "sans", "sin", "senza"]
        .iter()
        .any(|w| text.split(' ').any(|t| t == *w))
}

/// "PTR record not found", "HELO name rejected", "reverse DNS (none)".
fn behind(words: &Words, sentence: &str, topic: Place, wrong: Place) -> bool {
    let gap = without_brackets(&sentence[topic.1..wrong.0]);
    let inside = opened(&sentence[..topic.0]);
    let mut alone = gap.as_str();
    if inside {
        // A topic that fills its bracket: "mail.x.example (HELO) is not".
        match gap.trim_start().strip_prefix([')', ']']) {
            Some(rest) => alone = rest,
            None if gap.contains([')', ']']) => return false,
            None => {}
        }
    } else if gap.contains([')', ']']) {
        return false;
    }
    // Another doer or another thing behind a stop: "EHLO x: sender not allowed".
    let stop = alone
        .rfind([',', ':', '(', ';'])
        .map(|at| at + 1)
        .or_else(|| [" but ", " and ", " - "].iter().filter_map(|w| alone.rfind(w).map(|at| at + w.len())).max());
    if let Some(stop) = stop
        && first(&words.bound.noun, &alone[stop..]).is_some()
    {
        return false;
    }
    // "… we do not accept mail": the receiver's act, and on something else.
    let next = &sentence[wrong.1..];
    let accepts = first(&words.bound.accept, next).filter(|a| a.0 <= 4);
    accepts.is_none_or(|a| first(&words.bound.noun, &next[a.1..]).is_none_or(|n| n.0 > 12))
}

/// Octets between "according to" and what it names.
const NEAR_SOURCE: usize = 40;

/// Whether a word of another thing stands beside a fault in its own clause: "URL host has no PTR".
pub(super) fn is_of_another(words: &Words, sentence: &str, span: Place, reach: usize) -> bool {
    let mut from = clause_start(&sentence[..span.0]);
    // "…, whose address has only …" is said of what stands before.
    let relative = ["whose ", "which ", "that ", "where ", "dessen ", "deren ", "dont ", "cuyo ", "cuya "];
    if relative.iter().any(|w| sentence[from..].starts_with(w)) {
        let of = clause_start(sentence[..from].trim_end_matches([',', ' ']));
        if first(&words.spoiled.message, &sentence[of..from]).is_some() {
            return true;
        }
        from = of;
    }
    let to = clause_end(&sentence[span.1..]).map_or(sentence.len(), |n| span.1 + n);
    let clause = &sentence[from..to];
    let at = (span.0 - from, span.1 - from);
    let beside = |p: &Place| p.1 <= at.0 && at.0 - p.1 <= reach || p.0 >= at.1 && p.0 - at.1 <= reach;
    // "according to its second Received header": however far, it tells where the address was found.
    let found = ["according to", "as seen in", "found in", "taken from", "laut", "selon"];
    let told = found.iter().filter_map(|w| clause[at.1..].find(w)).any(|n| {
        let rest = &clause[at.1 + n..];
        all(&words.spoiled.message, rest).any(|p| p.0 <= NEAR_SOURCE)
    });
    let message = told || all(&words.spoiled.message, clause).any(|p| beside(&p) || p.0 < at.1 && p.1 > at.0);
    let mx = all(&words.spoiled.exchanger, clause).any(|p| {
        let ours = ["our", "this", "the receiving", "ours", "unser", "unserem", "unseren", "a/", "an"];
        let head = clause[..p.0].trim_end();
        let joined = ["a or", "a/", "nor", "nor an", "nor a", "or an", "or", "and", "/", "a and"];
        let mine = ours
            .iter()
            .chain(&joined)
            .any(|w| head.strip_suffix(w).is_some_and(|h| !h.ends_with(|c: char| c.is_alphanumeric())));
        // "no PTR for your MX", not "no PTR, and your domain no MX".
        let owned = p.0 < at.1 || [" of ", " for "].iter().any(|w| clause[at.1..p.0].starts_with(w));
        beside(&p) && owned && !mine
    });
    message || mx
}

const CLAUSE: [&str; 6] = [", ", " but ", ": ", " - ", " however ", " although "];

fn clause_start(text: &str) -> usize {
    CLAUSE.iter().filter_map(|m| text.rfind(m).map(|at| at + m.len())).max().unwrap_or_default()
}

fn clause_end(text: &str) -> Option<usize> {
    CLAUSE.iter().filter_map(|m| text.find(m)).min()
}

/// A text without what stands in whole brackets.
pub(super) fn without_brackets(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find(['(', '[', '<']) {
        let close = match rest.as_bytes()[open] {
            b'(' => ')',
            b'[' => ']',
            _ => '>',
        };
        let Some(end) = rest[open..].find(close) else { break };
        out.push_str(&rest[..open]);
        rest = &rest[open + end + 1..];
    }
    out.push_str(rest);
    out
}
