//! The names that `explain` knows: codes, receivers and their rules, mail servers, providers.

use std::sync::LazyLock;

use crate::bounce::{self, Cause};
use crate::judge::Code;
use crate::judge::receivers::{RuleEntry, receiver_names, rule_entries};
use crate::knowledge::{mtas, providers};
use crate::report::{TableOptions, explain_code, explain_mta, explain_provider, explain_receiver, explain_rule};

/// Words that a name may have: `t-online/4.1 host name`.
const MAX_WORDS: usize = 6;
/// Words up to which a list of names may hold one that is none; a longer one is a text at the first such.
const MAX_LISTED: usize = 20;
/// How many names are offered in place of an unknown one.
const OFFERED: usize = 3;

/// What the words of a command line are.
pub(super) enum Reading {
    /// Names, each explained in turn.
    Explained(String),
    /// Names, and these are none.
    Unknown(Vec<String>),
    /// A text: a refusal, or nothing that is known.
    Text,
}

/// All that goes by this name, as text; `None` where nothing does. A product and a receiver may share one.
fn one(name: &str, options: &TableOptions) -> Option<String> {
    // `explain ptr missing` and `PTR_MISSING` are understood as well.
    if let Ok(code) = name.to_ascii_lowercase().replace([' ', '_'], "-").parse::<Code>() {
        return Some(explain_code(code.entry(), options));
    }
    let rules = rule_entries();
    if let Some(rule) = rules.iter().find(|e| e.handle().eq_ignore_ascii_case(name)) {
        return Some(explain_rule(rule, options));
    }
    let same = |slug: &&str| slug.eq_ignore_ascii_case(name);
    let receiver = receiver_names().into_iter().find(same).map(|r| explain_receiver(Some(r), options));
    let mta = mtas::all().iter().find(|m| same(&&*m.slug)).map(|m| explain_mta(m, options));
    let provider = providers::all().iter().find(|p| same(&&*p.slug)).map(|p| explain_provider(p, options));
    let parts: Vec<String> =
        [receiver, mta, provider].into_iter().flatten().map(|t| t.trim_end().to_owned() + "\n").collect();
    if !parts.is_empty() {
        return Some(parts.join("\n"));
    }
    // A rule's own name (`verify_helo`), where one receiver has a rule of that name.
    let mut bare = rules.iter().filter(|e| is_bare_rule(e, name));
    bare.next().filter(|_| bare.next().is_none()).map(|rule| explain_rule(rule, options))
}

/// Whether it is the rule's name without its receiver; a policy's code (`5.7.25`) is a code of many.
fn is_bare_rule(entry: &RuleEntry, name: &str) -> bool {
    let written = |text: &str| text.to_ascii_lowercase().replace('-', "_");
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && written(entry.rule) == written(name)
}

/// Reads the words: names between blanks and commas, or a text. `apart`: they came as arguments of their own.
///
/// One wrong name among several is told as such, and is no refusal: each word is a name or a slip away from one
/// (`ehlo-locahost`), or it looks like a name, and no cause of a refusal is read in the whole (`rejected, ptr-missing`).
pub(super) fn read(what: &str, apart: bool, options: &TableOptions) -> Reading {
    let words: Vec<&str> = what.split([' ', '\t', '\n', '\r', ',', ';']).filter(|w| !w.is_empty()).collect();
    let (mut texts, mut unknown, mut known) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = words.as_slice();
    while let Some(first) = rest.first() {
        let longest = (1..=MAX_WORDS.min(rest.len())).rev();
        let found = longest.into_iter().find_map(|n| Some((n, one(&rest[..n].join(" "), options)?)));
        let taken = found.as_ref().map_or(1, |(taken, _)| *taken);
        match found {
            Some((_, text)) => {
                texts.push(text);
                known.push(*first);
            }
            None if words.len() > MAX_LISTED => return Reading::Text,
            None => unknown.push(*first),
        }
        rest = &rest[taken..];
    }
    if unknown.is_empty() {
        return if texts.is_empty() { Reading::Text } else { Reading::Explained(texts.join("\n")) };
    }
    let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
    let marked = |word: &&str| word.contains(['-', '_', '/']);
    let named = |word: &&str| is_name_shaped(word);
    let slip = |word: &&str| is_slip(word, word.len() / 3);
    let several = words.len() > 1 && unknown.iter().all(named) && (!known.is_empty() || unknown.iter().all(marked));
    if several && unknown.iter().all(slip) {
        return Reading::Unknown(owned(unknown));
    }
    // A code in words, with a slip: `ptr mising`. With two, a refusal may be meant: `helo invalid`.
    // A list begins with a name, and the cause that is read in it may be that name (`ptr-missing xyzzy`).
    let begins = words.first().zip(known.first()).is_some_and(|(word, name)| word == name);
    let refused = unknown.iter().any(|word| is_refusing(word))
        || !begins && bounce::read(what.as_bytes()).cause != Cause::Unknown;
    let joined = words.join("-");
    let slips = if refused { 1 } else { 2 };
    if known.is_empty() && (2..=MAX_WORDS).contains(&words.len()) && is_slip(&joined, slips) {
        return Reading::Unknown(vec![joined]);
    }
    let listed = apart || what.contains(',') || known.iter().any(marked);
    let among = listed && known.len() >= unknown.len() && unknown.iter().all(named);
    if among && !refused { Reading::Unknown(owned(unknown)) } else { Reading::Text }
}

/// Whether the word says that something was refused; no name does, beside those that are known.
fn is_refusing(word: &str) -> bool {
    const STEMS: &[&str] = &["reject", "refus", "denied", "block", "fail", "bounc", "defer", "invalid", "error"];
    let word = word.to_ascii_lowercase();
    word.split(['-', '_', '/']).any(|part| STEMS.iter().any(|stem| part.starts_with(stem)))
}

/// Letters, digits and what joins them: no code of a reply, no host's or mailbox's name, no sentence's end.
fn is_name_shaped(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/".contains(&b))
}

/// Every name that there is, with what stands for it: a rule goes by its own name too.
static NAMES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let codes = Code::all().map(|e| e.slug.to_owned());
    let others = mtas::all().iter().map(|m| m.slug.clone()).chain(providers::all().iter().map(|p| p.slug.clone()));
    let whole = codes.chain(receiver_names().into_iter().map(str::to_owned)).chain(others);
    let mut all: Vec<(String, String)> = whole.map(|name| (written(&name), name)).collect();
    for entry in rule_entries() {
        let handle = entry.handle();
        all.push((written(&handle), handle.clone()));
        // A policy's title is no name by itself.
        if is_name_shaped(entry.rule) {
            all.push((written(entry.rule), handle));
        }
    }
    all
});

fn written(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// Whether so many slips of the finger lie between the word and a name.
fn is_slip(word: &str, most: usize) -> bool {
    let word = written(word);
    most > 0 && word.len() <= 60 && NAMES.iter().any(|(name, _)| distance(&word, name) <= most)
}

/// The names that lie nearest: those that hold the word, then those that a slip of the finger or two makes of it.
pub(super) fn nearest(what: &str) -> Vec<String> {
    const LEAST: usize = 3;
    let what = written(&what.chars().take(60).collect::<String>());
    let letters = what.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < LEAST {
        return Vec::new();
    }
    let mut near: Vec<(bool, usize, String)> = NAMES
        .iter()
        .map(|(name, shown)| (!name.contains(&what), distance(&what, name), shown.clone()))
        .filter(|(apart, slips, _)| !apart || *slips <= letters / 3)
        .collect();
    near.sort();
    let mut shown: Vec<String> = Vec::new();
    for (.., name) in near {
        if !shown.contains(&name) {
            shown.push(name);
        }
    }
    shown.truncate(OFFERED);
    shown
}

/// Letters to insert, delete or replace (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_names() {
        assert_eq!(nearest("ptr-mising")[0], "ptr-missing");
        assert_eq!(nearest("ehlo_alias")[0], "ehlo-alias");
        assert_eq!(nearest("generic")[0], "ptr-generic");
        assert_eq!(nearest("hetzer")[0], "hetzner");
        for text in ["", "?", "????", "xyzzy", "qwertyuiop"] {
            assert_eq!(nearest(text), [""; 0], "{text}");
        }
        assert_eq!((distance("abc", "abc"), distance("", "abc"), distance("kitten", "sitting")), (0, 3, 3));
    }

    #[test]
    fn names_in_turn_or_a_text() {
        let read = |text: &str| read(text, false, &TableOptions::default());
        for text in [
            "ptr missing",
            "ptr-missing EHLO-LOCALHOST",
            "ptr-missing,ehlo-localhost, hetzner",
            "t-online/4.1 host name hetzner",
            "postfix",
            "verify_helo",
            "REJECT-unknown-client-hostname",
        ] {
            assert!(matches!(read(text), Reading::Explained(_)), "{text}");
        }
        for text in [
            "",
            ",",
            "ptr-missing and more",
            "550 5.7.25",
            "550 5.7.25 ptr-missing",
            "gmail says no",
            "gmail rejects",
            "mailbox full",
            "no ptr",
            "no ptr, no mail",
            "Client host rejected: cannot find your hostname",
            "postfix: host not found",
            "relay.example.net hetzner",
            "helo invalid",
            "sender-rejected anti-spam",
            "rejected, ptr-missing",
            "ptr-missing, rejected",
            "no-ptr no-mail",
            "non-FQDN helo-name",
            "ehlo-invalid host-unknown, try-again",
        ] {
            assert!(matches!(read(text), Reading::Text), "{text}");
        }
        for (text, wrong) in [
            ("ptr-missing ehlo-locahost", vec!["ehlo-locahost"]),
            ("ptr-missing,ehlo-locahost", vec!["ehlo-locahost"]),
            ("hetzner potsfix", vec!["potsfix"]),
            ("ptr-missing xyzzy", vec!["xyzzy"]),
            ("hetzner, xyzzy", vec!["xyzzy"]),
            ("ptr-mising ehlo-locahost", vec!["ptr-mising", "ehlo-locahost"]),
            ("ptr-missing ehlo-locahost postfx", vec!["ehlo-locahost", "postfx"]),
            ("ptr mising", vec!["ptr-mising"]),
            ("postfix/base postfix/bose", vec!["postfix/bose"]),
        ] {
            match read(text) {
                Reading::Unknown(found) => assert_eq!(found, wrong, "{text}"),
                _ => panic!("{text} is a list of names"),
            }
        }
    }

    #[test]
    fn a_long_text_is_given_up_and_a_long_list_is_not() {
        let read = |text: &str| read(text, true, &TableOptions::default());
        assert!(matches!(read(&"ptr-missing ".repeat(MAX_LISTED + 1)), Reading::Explained(_)));
        assert!(matches!(read(&("ptr-missing ".repeat(MAX_LISTED - 1) + "xyzzy")), Reading::Unknown(_)));
        assert!(matches!(read(&("ptr-missing ".repeat(MAX_LISTED) + "xyzzy")), Reading::Text));
    }

    #[test]
    fn a_rule_of_several_receivers_is_offered_with_each() {
        assert!(one("base", &TableOptions::default()).is_none());
        assert!(nearest("base").iter().all(|name| name.ends_with("/base")), "{:?}", nearest("base"));
        assert_eq!(nearest("reject_unkown_client_hostname")[0], "postfix/reject_unknown_client_hostname");
        assert_eq!(nearest("postfix/reject_unkown_client_hostname")[0], "postfix/reject_unknown_client_hostname");
    }
}
