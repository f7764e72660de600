//! Free wording about the sender's identity: a topic, and what is wrong with it, in one sentence.
//!
//! Input: `src/knowledge/bounce/sentences.toml`, embedded, and a folded reply. Output: the leg meant.
//! Design: operators write refusals in their own words and languages, so no list of sentences ends.
//! A topic (`PTR`, `reverse DNS`, `HELO`) with a word near it that finds fault is enough, unless the
//! sentence speaks of another thing in the same words (SPF, a list's entry, a step of the dialogue).

use std::sync::LazyLock;

use serde::Deserialize;

use super::Identity;
use super::address::{addresses, host_name};
use super::phrases::fold;
use super::url::is_url;

/// Octets between a topic and what is said of it.
const NEAR: usize = 90;
/// Octets between a phrase and a word that makes it another thing, and one that denies it.
const NEAR_SPOIL: usize = 40;
const NEAR_DENIAL: usize = 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: String,
    date: String,
    topic: Topic,
    wrong: Wrong,
    spoiled: Spoiled,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Topic {
    reverse: Vec<String>,
    ehlo: Vec<String>,
    host: Vec<String>,
    client: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    missing: Vec<String>,
    unconfirmed: Vec<String>,
    dynamic: Vec<String>,
    generic: Vec<String>,
    seeming: Vec<String>,
    elsewhere: Vec<String>,
    nameless: Vec<String>,
    name: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spoiled {
    always: Vec<String>,
    near: Vec<String>,
    denied: Vec<String>,
    granted: Vec<String>,
    ehlo: Vec<String>,
    generic: Vec<String>,
}

/// The words, each list folded as replies are.
struct Words {
    reverse: Vec<Word>,
    ehlo: Vec<Word>,
    host: Vec<Word>,
    client: Vec<Word>,
    missing: Vec<Word>,
    unconfirmed: Vec<Word>,
    dynamic: Vec<Word>,
    generic: Vec<Word>,
    seeming: Vec<Word>,
    elsewhere: Vec<Word>,
    nameless: Vec<Word>,
    name: Vec<Word>,
    spoiled: Vec<Word>,
    near: Vec<Word>,
    denied: Vec<Word>,
    granted: Vec<Word>,
    not_ehlo: Vec<Word>,
    not_generic: Vec<Word>,
    source: String,
    date: String,
}

/// One word or several that stand together.
struct Word {
    text: String,
    /// Whether the last word may go on.
    open: bool,
}

/// The embedded file is checked by a test; one that does not parse finds nothing.
static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
    let file: File = toml::from_str(include_str!("../knowledge/bounce/sentences.toml")).ok()?;
    Some(Words {
        reverse: words(&file.topic.reverse),
        ehlo: words(&file.topic.ehlo),
        host: words(&file.topic.host),
        client: words(&file.topic.client),
        missing: words(&file.wrong.missing),
        unconfirmed: words(&file.wrong.unconfirmed),
        dynamic: words(&file.wrong.dynamic),
        generic: words(&file.wrong.generic),
        seeming: words(&file.wrong.seeming),
        elsewhere: words(&file.wrong.elsewhere),
        nameless: words(&file.wrong.nameless),
        name: words(&file.wrong.name),
        spoiled: words(&file.spoiled.always),
        near: words(&file.spoiled.near),
        denied: words(&file.spoiled.denied),
        granted: words(&file.spoiled.granted),
        not_ehlo: words(&file.spoiled.ehlo),
        not_generic: words(&file.spoiled.generic),
        source: file.source,
        date: file.date,
    })
});

fn words(list: &[String]) -> Vec<Word> {
    list.iter().map(|w| Word { text: fold(w.trim_end_matches('*')), open: w.ends_with('*') }).collect()
}

/// What a reply says of the identity in words of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub leg: Identity,
    pub possible: Vec<Identity>,
    /// The topic and the fault, as the sentence has them.
    pub what: String,
    pub source: &'static str,
    pub date: &'static str,
}

/// The fault that a folded reply finds with the sender's identity.
pub(super) fn fault(folded: &str) -> Option<Fault> {
    let words = WORDS.as_ref()?;
    // What a URL spells out is nobody's sentence.
    let plain: String = folded.split_inclusive(' ').filter(|w| !is_url(w)).collect();
    let listed = is_listing(&plain);
    sentences(&plain).into_iter().find_map(|sentence| in_sentence(words, sentence, listed))
}

/// Whether a folded text speaks of the reverse name or of the name said in EHLO.
pub(super) fn is_about_name(folded: &str) -> bool {
    WORDS.as_ref().is_some_and(|w| first(&w.reverse, folded).or_else(|| first(&w.ehlo, folded)).is_some())
}

/// Whether a sentence of a folded text speaks of the client's names and of nobody else's.
pub(super) fn is_about_client(folded: &str) -> bool {
    WORDS
        .as_ref()
        .is_some_and(|w| sentences(folded).into_iter().any(|s| is_about_name(s) && first(&w.client, s).is_some()))
}

/// Whether a folded reply says that a list names the client: a list's reasons are not the receiver's.
pub(super) fn is_listing(folded: &str) -> bool {
    WORDS.as_ref().is_some_and(|w| first(&w.not_generic, folded).is_some())
}

/// Whether the words around a phrase about the identity, which stands at a place of a folded text, turn it
/// into something else: a word of SPF, DKIM or TLS beside it, or one that denies it.
pub(super) fn is_spoiled(folded: &str, place: (usize, usize)) -> bool {
    let Some(words) = WORDS.as_ref() else { return false };
    let from = folded[..place.0].rfind(['.', ';', '!', '?']).filter(|at| folded[at + 1..].starts_with(' '));
    let to = folded[place.1..].find(". ").map_or(folded.len(), |n| place.1 + n);
    let sentence = &folded[from.map_or(0, |at| at + 1)..to];
    let at = (place.0 - from.map_or(0, |at| at + 1), place.1 - from.map_or(0, |at| at + 1));
    let beside = |list: &[Word], before: usize, behind: usize| {
        list.iter().any(|w| {
            let mut next = 0;
            std::iter::from_fn(|| {
                let found = w.find(sentence, next)?;
                next = found.1;
                Some(found)
            })
            .any(|f| f.1 <= at.0 && at.0 - f.1 <= before || f.0 >= at.1 && f.0 - at.1 <= behind)
        })
    };
    beside(&words.near, NEAR_SPOIL, NEAR_SPOIL)
        || beside(&words.denied, NEAR_DENIAL, 0)
        || beside(&words.granted, 0, NEAR_DENIAL)
}

/// Whether a folded reply names the list that holds the client: all that stands beside it is the list's.
pub(super) fn names_list(folded: &str) -> bool {
    const HOLDS: [&str; 12] = [
        "listed at ",
        "listed in ",
        "listed on ",
        "listed by ",
        "blocked using ",
        "rejected using ",
        "blocked by ",
        "found in ",
        "found on ",
        "blacklisted at ",
        "blacklisted by ",
        "denied by ",
    ];
    HOLDS.iter().any(|mark| {
        folded.match_indices(mark).any(|(at, _)| {
            let word = folded[at + mark.len()..].split(' ').next().unwrap_or_default();
            host_name(word).is_some()
        })
    })
}

/// Sentences end with a mark and a space; colons and dots of names and numbers do not.
fn sentences(folded: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, mark) in folded.match_indices(['.', ';', '!', '?']) {
        let end = at + mark.len();
        let short = ["e.g", "i.e", "z.b", "ex", "etc", "bzw", "resp"]
            .iter()
            .any(|a| folded[from..at].strip_suffix(a).is_some_and(|head| !head.ends_with(char::is_alphanumeric)));
        if folded[end..].starts_with(' ') && !short {
            found.push(&folded[from..end]);
            from = end;
        }
    }
    found.push(&folded[from..]);
    found
}

fn in_sentence(words: &'static Words, sentence: &str, listed: bool) -> Option<Fault> {
    if first(&words.spoiled, sentence).is_some() {
        return None;
    }
    let reverse = first(&words.reverse, sentence);
    let ehlo = first(&words.ehlo, sentence).filter(|_| first(&words.not_ehlo, sentence).is_none());
    let near = |topic: (usize, usize), list: &[Word]| near(list, sentence, topic);
    let fault = |leg, possible: &[Identity], topic: (usize, usize), wrong: (usize, usize)| {
        let (a, b) = if topic.0 <= wrong.0 { (topic, wrong) } else { (wrong, topic) };
        let what = if b.0 <= a.1 {
            sentence[a.0..b.1.max(a.1)].to_owned()
        } else {
            format!("{} … {}", &sentence[a.0..a.1], &sentence[b.0..b.1])
        };
        // "not about …": whole words of denial only, since "is not" is itself how a fault is found.
        let denied = words
            .denied
            .iter()
            .filter(|w| w.text.len() > 8)
            .any(|w| w.find(sentence, 0).is_some_and(|d| d.1 <= a.0 && a.0 - d.1 <= NEAR_DENIAL));
        let granted = words
            .granted
            .iter()
            .any(|w| w.find(sentence, b.1.max(a.1)).is_some_and(|g| g.0 - b.1.max(a.1) <= NEAR_DENIAL));
        if denied || granted {
            return None;
        }
        Some(Fault { leg, possible: possible.to_vec(), what, source: &words.source, date: &words.date })
    };
    // "HELO does not match your rDNS" is about the name said, "no PTR for HELO name" about the PTR.
    if let Some(topic) = ehlo.filter(|e| reverse.is_none_or(|r| e.0 < r.0)) {
        let wrong = [&words.unconfirmed, &words.name, &words.missing].into_iter().find_map(|list| near(topic, list));
        if let Some(wrong) = wrong {
            let possible: &[Identity] = if reverse.is_some() { &[Identity::PtrMissing] } else { &[] };
            return fault(Identity::EhloBad, possible, topic, wrong);
        }
    }
    if let Some(topic) = reverse {
        let shape = near(topic, &words.dynamic).or_else(|| near(topic, &words.generic));
        if let Some(wrong) = shape.filter(|_| !listed) {
            return fault(Identity::PtrGeneric, &[], topic, wrong);
        }
        if let Some(wrong) = near(topic, &words.unconfirmed) {
            return fault(Identity::PtrUnconfirmed, &[Identity::PtrMissing], topic, wrong);
        }
        if let Some(wrong) = near(topic, &words.missing) {
            return fault(Identity::PtrMissing, &[Identity::PtrUnconfirmed], topic, wrong);
        }
    }
    if let Some(topic) = first(&words.client, sentence)
        && let Some(wrong) = near(topic, &words.nameless)
    {
        return fault(Identity::PtrMissing, &[Identity::PtrUnconfirmed], topic, wrong);
    }
    // "192.0.2.1 has no hostname".
    if let Some(wrong) = first(&words.nameless, sentence)
        && let Some(at) = addresses(sentence).iter().find(|q| q.end <= wrong.0 && wrong.0 - q.end < 4)
    {
        return fault(Identity::PtrMissing, &[Identity::PtrUnconfirmed], (at.start, at.end), wrong);
    }
    // "m.example does not resolve to 192.0.2.1": a name, and the client's address behind it.
    if let Some(wrong) = first(&words.elsewhere, sentence)
        && let Some(at) = addresses(&sentence[wrong.1..]).first().filter(|q| q.start < 4)
    {
        return fault(Identity::PtrUnconfirmed, &[Identity::EhloBad], wrong, (wrong.1, wrong.1 + at.end));
    }
    let topic = first(&words.host, sentence)?;
    let named = sentence.contains("name");
    let held =
        |wrong| [&words.missing, &words.name, &words.seeming].into_iter().any(|list| near(wrong, list).is_some());
    let shape = near(topic, &words.dynamic).or_else(|| near(topic, &words.generic).filter(|_| named));
    if let Some(wrong) = shape.filter(|w| !listed && held(*w)) {
        return fault(Identity::PtrGeneric, &[], topic, wrong);
    }
    // "DNS name and IP address do not match": a name and an address in one sentence.
    let numbered = sentence.contains(" ip") || sentence.contains("address");
    if let Some(wrong) = near(topic, &words.unconfirmed).filter(|_| named && numbered) {
        return fault(Identity::PtrUnconfirmed, &[], topic, wrong);
    }
    None
}

/// The first of the words in a text: where it begins and ends.
fn first(list: &[Word], text: &str) -> Option<(usize, usize)> {
    list.iter().filter_map(|w| w.find(text, 0)).min()
}

/// The word of a list that stands nearest to a place, within [`NEAR`].
fn near(list: &[Word], text: &str, place: (usize, usize)) -> Option<(usize, usize)> {
    let distance = |at: (usize, usize)| place.0.saturating_sub(at.1).max(at.0.saturating_sub(place.1));
    let all = list.iter().flat_map(|w| {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = w.find(text, from)?;
            from = found.1;
            Some(found)
        })
    });
    all.filter(|at| distance(*at) <= NEAR && (at.0 >= place.1 || at.1 <= place.0)).min_by_key(|at| distance(*at))
}

impl Word {
    /// From an octet on: where it begins and ends. Labels of host names are no words (`mx.example`,
    /// `dsl.isp.example`). A word in a script without spaces stands anywhere.
    fn find(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        // A script without spaces ends a word by beginning.
        let letter = |c: char| c.is_alphanumeric() && c < '\u{2e80}';
        let goes_on = |text: &str| {
            let mut next = text.chars();
            match next.next() {
                Some('.' | '-') => next.next().is_some_and(letter),
                c => c.is_some_and(|c| letter(c) || c == '_'),
            }
        };
        let goes_before = |text: &str| {
            let c = text.chars().next_back();
            c.is_some_and(|c| letter(c) || matches!(c, '_' | '.' | '-'))
        };
        let spaced = self.text.starts_with(|c: char| c < '\u{2e80}' && c.is_alphanumeric());
        let found = text.get(from..)?.match_indices(self.text.as_str());
        found
            .map(|(at, w)| (from + at, from + at + w.len()))
            .find(|(begin, end)| !spaced || !goes_before(&text[..*begin]) && (self.open || !goes_on(&text[*end..])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(text: &str) -> Option<Identity> {
        fault(&fold(text)).map(|f| f.leg)
    }

    #[test]
    fn the_embedded_words_are_whole() {
        assert!(WORDS.is_some());
    }

    #[test]
    fn free_words_about_the_identity() {
        use Identity::{EhloBad, PtrGeneric, PtrMissing, PtrUnconfirmed};
        for (text, want) in [
            ("Your mail server at 203.0.113.1 lacks a reverse DNS record.", PtrMissing),
            ("Kein gültiger Reverse-DNS-Eintrag für 203.0.113.1 gefunden", PtrMissing),
            ("L'adresse IP 203.0.113.1 n'a pas d'enregistrement DNS inverse (PTR).", PtrMissing),
            ("La IP 203.0.113.1 no tiene registro PTR", PtrMissing),
            ("送信元IPアドレスの逆引きができません", PtrMissing),
            ("PTR record of 203.0.113.1 does not match its A record", PtrUnconfirmed),
            ("Mail refused: PTR record points to a dynamic pool", PtrGeneric),
            ("Dialup/transient IP/hostname not allowed.", PtrGeneric),
            ("HELO mail.example.net does not resolve to your IP 203.0.113.1", EhloBad),
            ("the A record of your HELO host is not your IP", EhloBad),
            ("HELO name must be a FQDN", EhloBad),
            ("送信元サーバのPTRレコードが存在しないため拒否", PtrMissing),
            ("Verbindung von dynamischer IP 203.0.113.1 nicht erlaubt", PtrGeneric),
            ("the IP 203.0.113.1 resolves to a name that is assigned to dynamic customers", PtrGeneric),
            ("Sender IP 203.0.113.1 not resolvable", PtrMissing),
            ("Your server is misconfigured: DNS name and IP address do not match", PtrUnconfirmed),
        ] {
            assert_eq!(leg(text), Some(want), "{text}");
        }
    }

    #[test]
    fn the_same_words_about_something_else() {
        for text in [
            "503 5.5.1 Error: send HELO/EHLO first",
            "EHLO command not recognized",
            "rejected by SPF: ptr mechanism failed",
            "spam score 12 (RDNS_NONE, no PTR)",
            "Client host blocked using dul.example; dynamic IP address not allowed",
            "Your IP has a good PTR. Mailbox not found",
            "No such user here",
            "the IP address of host mx.example.net could not be resolved",
            "Your address was rejected by default policy",
            "IP address 203.0.113.1 rejected: generic error",
            "TLS handshake failed: certificate host name and IP address do not match",
            "Sender domain has no MX and no PTR",
            "",
        ] {
            assert_eq!(leg(text), None, "{text}");
        }
    }

    #[test]
    fn a_dot_in_a_name_ends_no_sentence() {
        let all = sentences("no ptr for 192.0.2.1. see x.example");
        assert_eq!(all, ["no ptr for 192.0.2.1.", " see x.example"]);
        assert_eq!(sentences("say a real name, e.g. helo x").len(), 1);
    }
}
