//! What a reply holds against this client, without what it takes back or says of others.
//!
//! Input: a folded reply. Output: the same without those clauses.
//! Design: a clause of denial ("neither about … nor about …"), one that grants ("PTR and HELO are in order, but …")
//! and a remark on other hosts ("(hosts without reverse DNS wait longer)") hold the words of a complaint and are
//! none. They are cut out before anything is looked for.

use std::borrow::Cow;

/// Hosts in general; with "your" or "this" before them they are the client.
const OTHERS: [&str; 16] = [
    "hosts",
    "servers",
    "senders",
    "clients",
    "systems",
    "machines",
    "relays",
    "connections",
    "rechner",
    "hotes",
    "serveurs",
    "servidores",
    "all hosts",
    "other hosts",
    "some hosts",
    "mail servers",
];

/// What is said of them that is not said of a refused client.
const FARES: [&str; 12] = [
    " wait",
    " longer",
    " are delayed",
    " are greylisted",
    " are deferred",
    " take longer",
    " get a",
    " have to wait",
    " are slowed",
    " mussen warten",
    " warten",
    " attend",
];

/// Words that grant what stands before them, and the one that the complaint begins with.
const GRANTS: [&str; 14] = [
    "in order",
    "ok",
    "okay",
    "fine",
    "correct",
    "valid",
    "good",
    "all right",
    "as they should be",
    "in ordnung",
    "correcto",
    "correctos",
    "corrects",
    "a posto",
];
const BUT: [&str; 9] =
    [", but ", " but ", ", however ", " however ", ", aber ", " aber ", ", mais ", ", pero ", ", ma "];

/// The reply without what is denied, granted or said of others.
pub(super) fn affirmed(folded: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(folded);
    for cut in [denied, granted, of_others] {
        if let Some((from, to)) = cut(&text) {
            let mut kept = text[..from].to_owned();
            kept.push_str(&text[to..]);
            text = Cow::Owned(kept);
        }
    }
    text
}

/// "neither about your content nor about a list", up to the stop behind it.
fn denied(text: &str) -> Option<(usize, usize)> {
    let of =
        ["about ", "because of ", "due to ", "caused by ", "a matter of ", "related to ", "a question of ", "for "];
    let from = text.match_indices("neither ").map(|(at, _)| at).find(|at| {
        let rest = &text[at + 8..];
        (*at == 0 || text[..*at].ends_with(' ')) && of.iter().any(|w| rest.starts_with(w))
    })?;
    let nor = from + text[from..].find(" nor ")?;
    let stop = [": ", "; ", ". ", ", ", " - ", " but "].iter().filter_map(|s| text[nor..].find(s)).min()?;
    Some((from, nor + stop))
}

/// "your PTR and HELO are in order, but", up to what follows.
fn granted(text: &str) -> Option<(usize, usize)> {
    let (at, but) = BUT.iter().filter_map(|b| text.find(b).map(|at| (at, b.len()))).min()?;
    let from = text[..at].rfind([';', '!', '?']).map_or(0, |n| n + 1);
    let from = text[from..at].rfind(". ").map_or(from, |n| from + n + 2);
    let head = &text[from..at];
    let grants = GRANTS.iter().any(|g| head.strip_suffix(g).is_some_and(|h| h.ends_with(' ')));
    let denies = [" not ", " no ", " nicht ", " pas "].iter().any(|w| head.contains(w));
    (grants && !denies).then_some((from, at + but))
}

/// "(hosts without a PTR wait longer)", in a bracket or behind a stop.
fn of_others(text: &str) -> Option<(usize, usize)> {
    for (open, close) in [("(", ")"), ("[", "]"), ("; ", ";"), (" - ", " - "), (", ", ","), (". ", ". ")] {
        for (at, _) in text.match_indices(open) {
            let rest = &text[at + open.len()..];
            let other = OTHERS.iter().any(|w| rest.strip_prefix(w).is_some_and(|r| r.starts_with(' ')));
            let end = rest.find(close).unwrap_or(rest.len());
            let said = &rest[..end];
            let client = [" you ", " your ", "this "].iter().any(|w| said.contains(w));
            if other && !client && FARES.iter().any(|w| said.contains(w)) {
                return Some((at, at + open.len() + end));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_back_or_said_of_others_goes() {
        for (text, kept) in [
            ("this is neither about spam nor about a list: no ptr", "this is : no ptr"),
            ("your ptr and helo are fine, but your mail is spam", "your mail is spam"),
            ("retry. your ptr is valid but the helo is not", "retry. the helo is not"),
            ("greylisted (hosts without rdns wait longer), see x", "greylisted ), see x"),
            ("try later; servers without ptr are delayed", "try later"),
            // Not granted, about this client, no remark on how others fare.
            ("your ptr is not valid, but mail is", "your ptr is not valid, but mail is"),
            ("refused (hosts without ptr are not accepted)", "refused (hosts without ptr are not accepted)"),
            ("neither ptr nor helo found: refused", "neither ptr nor helo found: refused"),
            ("", ""),
        ] {
            assert_eq!(affirmed(text), kept, "{text}");
        }
    }
}
