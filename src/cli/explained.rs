//! The names that `explain` knows: codes, receivers and their rules, mail servers, providers.

use crate::judge::Code;
use crate::judge::receivers::{receiver_names, rule_entries};
use crate::knowledge::{mtas, providers};
use crate::report::{TableOptions, explain_code, explain_mta, explain_provider, explain_receiver, explain_rule};

/// Words that a name may have: `t-online/4.1 host name`.
const MAX_WORDS: usize = 6;
/// How many names are offered in place of an unknown one.
const OFFERED: usize = 3;

/// All that goes by this name, as text; `None` where nothing does. A product and a receiver may share one.
fn one(name: &str, options: &TableOptions) -> Option<String> {
    // `explain ptr missing` and `PTR_MISSING` are understood as well.
    if let Ok(code) = name.to_ascii_lowercase().replace([' ', '_'], "-").parse::<Code>() {
        return Some(explain_code(code.entry(), options));
    }
    if let Some(rule) = rule_entries().iter().find(|e| e.handle().eq_ignore_ascii_case(name)) {
        return Some(explain_rule(rule, options));
    }
    let same = |slug: &&str| slug.eq_ignore_ascii_case(name);
    let receiver = receiver_names().into_iter().find(same).map(|r| explain_receiver(Some(r), options));
    let mta = mtas::all().iter().find(|m| same(&&*m.slug)).map(|m| explain_mta(m, options));
    let provider = providers::all().iter().find(|p| same(&&*p.slug)).map(|p| explain_provider(p, options));
    let parts: Vec<String> =
        [receiver, mta, provider].into_iter().flatten().map(|t| t.trim_end().to_owned() + "\n").collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// The text of every name in turn, where all of the words are names; `None` where they are a text.
pub(super) fn all(words: &[&str], options: &TableOptions) -> Option<String> {
    let mut texts = Vec::new();
    let mut rest = words;
    while !rest.is_empty() {
        let longest = (1..=MAX_WORDS.min(rest.len())).rev();
        let (taken, text) = longest.into_iter().find_map(|n| Some((n, one(&rest[..n].join(" "), options)?)))?;
        texts.push(text);
        rest = &rest[taken..];
    }
    (!texts.is_empty()).then(|| texts.join("\n"))
}

/// The names that lie nearest: those that hold the word, then those that a slip of the finger or two makes of it.
pub(super) fn nearest(what: &str) -> Vec<String> {
    const LEAST: usize = 3;
    let what: String = what.chars().take(60).collect::<String>().to_ascii_lowercase().replace('_', "-");
    let letters = what.chars().filter(|c| c.is_alphanumeric()).count();
    if letters < LEAST {
        return Vec::new();
    }
    let codes = Code::all().map(|e| e.slug.to_owned());
    let others = mtas::all().iter().map(|m| m.slug.clone()).chain(providers::all().iter().map(|p| p.slug.clone()));
    let names = codes.chain(receiver_names().into_iter().map(str::to_owned)).chain(others);
    let mut near: Vec<(bool, usize, String)> = names
        .map(|name| (!name.contains(&what), distance(&what, &name), name))
        .filter(|(apart, slips, _)| !apart || *slips <= letters / 3)
        .collect();
    near.sort();
    near.dedup();
    near.truncate(OFFERED);
    near.into_iter().map(|(.., name)| name).collect()
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
        let all = |text: &str| all(&text.split_whitespace().collect::<Vec<_>>(), &TableOptions::default());
        for text in ["ptr missing", "ptr-missing EHLO-LOCALHOST", "t-online/4.1 host name hetzner", "postfix"] {
            assert!(all(text).is_some(), "{text}");
        }
        for text in ["", "ptr-missing and more", "550 5.7.25", "gmail says no"] {
            assert!(all(text).is_none(), "{text}");
        }
    }
}
