//! What receivers say, as data, and the search for it in a reply.
//!
//! Input: `src/knowledge/bounce/*.toml`, embedded; each entry with its receiver, source and date.
//! Design: text and phrases are folded alike (case, accents, quotes, hyphens between letters, white space,
//! mail addresses) and phrases are found from an index of their first three letters, so that a search
//! costs one pass over the text whatever the number of phrases. A `*` stands for up to 100 octets;
//! at the end of a phrase it lets the last word go on.

use std::collections::HashMap;
use std::sync::LazyLock;

use icu_normalizer::DecomposingNormalizerBorrowed;
use serde::Deserialize;

use super::url::{is_in_url, is_url};
use super::{Cause, Identity, Stage};

/// Octets of folded text searched.
const MAX_TEXT: usize = 12 << 10;
/// How far a `*` reaches.
const GAP: usize = 100;

/// How much a phrase decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Strength {
    /// A word that hints; even a vague status code counts for more.
    Weak,
    /// Words in common use; a status code that names its cause counts for more.
    General,
    /// Words with one meaning.
    Specific,
    /// A receiver's own sentence.
    Named,
    /// A sentence that must not be taken for what a phrase inside it says.
    Lookalike,
}

/// One thing that receivers say.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    pub text: String,
    pub cause: Cause,
    pub identity: Option<Identity>,
    pub possible: Vec<Identity>,
    pub receiver: Option<String>,
    pub software: Option<String>,
    pub strength: Strength,
    pub source: String,
    pub date: String,
    /// It counts in replies with one of these codes only; any where none is given.
    pub codes: Vec<u16>,
    /// It counts at this stage, or where no stage is told.
    pub stage: Option<Stage>,
    /// It counts where the reply says nothing else.
    pub whole: bool,
    /// It is said whatever the reason.
    pub untold: bool,
    /// Octets of its words.
    pub weight: usize,
    parts: Vec<String>,
    /// Of each part, whether its last word may go on: a `*` stands right behind it.
    open: Vec<bool>,
    /// A piece of a URL, or the name of a list that URLs are of.
    pub of_url: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    phrase: Vec<Entry>,
    #[serde(default)]
    group: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    text: String,
    #[serde(default = "sender_identity")]
    cause: Cause,
    identity: Option<Identity>,
    #[serde(default)]
    possible: Vec<Identity>,
    receiver: Option<String>,
    software: Option<String>,
    #[serde(default = "named")]
    strength: Strength,
    source: String,
    date: String,
    #[serde(default)]
    codes: Vec<u16>,
    stage: Option<Stage>,
    #[serde(default)]
    whole: bool,
    #[serde(default)]
    untold: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    cause: Cause,
    #[serde(default)]
    untold: bool,
    strength: Strength,
    receiver: Option<String>,
    source: String,
    date: String,
    phrases: Vec<String>,
}

const fn sender_identity() -> Cause {
    Cause::SenderIdentity
}

const fn named() -> Strength {
    Strength::Named
}

/// All phrases, indexed.
pub(super) struct Phrases {
    all: Vec<Phrase>,
    index: HashMap<[u8; 3], Vec<usize>>,
}

static PHRASES: LazyLock<Phrases> = LazyLock::new(|| {
    Phrases::load(&[include_str!("../knowledge/bounce/identity.toml"), include_str!("../knowledge/bounce/causes.toml")])
});

/// The embedded phrases.
pub(super) fn phrases() -> &'static Phrases {
    &PHRASES
}

impl Phrases {
    /// The embedded files are checked by a test: a file that does not parse leaves its phrases out.
    fn load(files: &[&str]) -> Self {
        let mut all = Vec::new();
        for file in files {
            let Ok(file) = toml::from_str::<File>(file) else { continue };
            for e in file.phrase {
                all.push(Phrase::new(e));
            }
            for g in file.group {
                for text in g.phrases {
                    all.push(Phrase::new(Entry {
                        text,
                        cause: g.cause,
                        identity: None,
                        possible: Vec::new(),
                        receiver: g.receiver.clone(),
                        software: None,
                        strength: g.strength,
                        source: g.source.clone(),
                        date: g.date.clone(),
                        codes: Vec::new(),
                        stage: None,
                        whole: false,
                        untold: g.untold,
                    }));
                }
            }
        }
        let mut index: HashMap<[u8; 3], Vec<usize>> = HashMap::new();
        for (at, phrase) in all.iter().enumerate() {
            if let Some(key) = phrase.parts.first().and_then(|p| key(p.as_bytes())) {
                index.entry(key).or_default().push(at);
            }
        }
        Self { all, index }
    }

    /// The phrase in a folded text that decides most.
    #[cfg(test)]
    pub(super) fn best(&self, folded: &str) -> Option<&Phrase> {
        self.best_of(folded, |_, _| true)
    }

    /// The phrase that decides most among those wanted, told where each stands. What a URL spells out is
    /// found only by phrases that are pieces of one or name a list.
    pub(super) fn best_of(&self, folded: &str, wanted: impl Fn(&Phrase, (usize, usize)) -> bool) -> Option<&Phrase> {
        let bytes = folded.as_bytes();
        let mut best: Option<&Phrase> = None;
        for at in 0..bytes.len().saturating_sub(2) {
            if !bytes[at].is_ascii_alphanumeric() || at > 0 && bytes[at - 1].is_ascii_alphanumeric() {
                continue;
            }
            let Some(ids) = key(&bytes[at..]).and_then(|k| self.index.get(&k)) else { continue };
            for phrase in ids.iter().map(|id| &self.all[*id]) {
                let better = best.is_none_or(|b| phrase.standing() > b.standing());
                if better
                    && let Some(end) = phrase.stands_at(folded, at)
                    && (phrase.of_url || !is_in_url(folded, at) && !is_in_url(folded, end - 1))
                    && wanted(phrase, (at, end))
                {
                    best = Some(phrase);
                }
            }
        }
        best
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> &[Phrase] {
        &self.all
    }
}

impl Phrase {
    fn new(e: Entry) -> Self {
        let pieces: Vec<&str> = e.text.split('*').collect();
        let (parts, open): (Vec<String>, Vec<bool>) = pieces
            .iter()
            .enumerate()
            .map(|(n, p)| (fold(p.trim()), n + 1 < pieces.len() && !p.ends_with(' ')))
            .filter(|(p, _)| !p.is_empty())
            .unzip();
        let weight = parts.iter().map(String::len).sum();
        let one_word = !e.text.trim().contains(' ');
        // Signs of a URL in a part without spaces: `HELO/EHLO name` is none.
        let of_url = e.text.contains("://")
            || parts.iter().any(|p| !p.contains(' ') && p.contains(['/', '?', '=', '.', '&', '#']))
            || one_word && e.cause != Cause::SenderIdentity && e.strength >= Strength::Specific;
        Self {
            text: e.text,
            cause: e.cause,
            identity: e.identity,
            possible: e.possible,
            receiver: e.receiver,
            software: e.software,
            strength: e.strength,
            source: e.source,
            date: e.date,
            codes: e.codes,
            stage: e.stage,
            whole: e.whole,
            untold: e.untold,
            parts,
            open,
            weight,
            of_url,
        }
    }

    /// By strength, then by length. Among equals an identity's words are the most particular ones, a
    /// policy's the most general.
    fn standing(&self) -> (Strength, u8, usize) {
        let particular = match self.cause {
            Cause::SenderIdentity => 2,
            Cause::Policy => 0,
            _ => 1,
        };
        (self.strength, particular, self.weight)
    }

    /// Where it ends, when it begins at an octet of a text.
    fn stands_at(&self, text: &str, at: usize) -> Option<usize> {
        let bytes = text.as_bytes();
        let mut end = at;
        for (n, part) in self.parts.iter().enumerate() {
            let part = part.as_bytes();
            let open = self.open.get(n).copied().unwrap_or_default();
            let whole = |end: usize| {
                open || !part.last().is_some_and(u8::is_ascii_alphanumeric)
                    || !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
            };
            if n == 0 {
                if !bytes[at..].starts_with(part) || !whole(at + part.len()) {
                    return None;
                }
                end = at + part.len();
                continue;
            }
            let window = &bytes[end..(end + GAP + part.len()).min(bytes.len())];
            let found = window.windows(part.len()).enumerate().find(|(i, w)| {
                let begin = end + i;
                *w == part
                    && (begin == 0 || !bytes[begin - 1].is_ascii_alphanumeric() || !part[0].is_ascii_alphanumeric())
                    && whole(begin + part.len())
            });
            match found {
                Some((i, _)) => end += i + part.len(),
                None => return None,
            }
        }
        Some(end)
    }
}

/// The first three octets; a first word of two letters goes with the space behind it.
fn key(bytes: &[u8]) -> Option<[u8; 3]> {
    match bytes {
        [a, b] => Some([*a, *b, b' ']),
        [a, b, c, ..] => Some([*a, *b, *c]),
        _ => None,
    }
}

/// A text in the form in which phrases are compared.
pub(super) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_TEXT) + 8);
    for word in super::reply::clip(text, MAX_TEXT).split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        // A mail address could hold any phrase; it says nothing here.
        if word.len() > 2 && word.contains('@') && !word.contains("//") {
            out.push('@');
            continue;
        }
        // A URL stays one word.
        let url = is_url(&word.to_lowercase());
        let mut chars = word.chars().peekable();
        let mut before = ' ';
        while let Some(c) = chars.next() {
            match c {
                '\'' | '"' | '`' | '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' | '\u{b4}' => {}
                '-' | '_' if !url && before.is_alphabetic() && chars.peek().is_some_and(|n| n.is_alphabetic()) => {
                    out.push(' ');
                }
                c => out.extend(c.to_lowercase().filter_map(plain)),
            }
            before = c;
        }
    }
    out
}

/// A Latin letter without its accent, since refusals are written with and without (`kaydı bulunamadı` and `kaydi
/// bulunamadi`); other scripts as they are.
fn plain(c: char) -> Option<char> {
    match c {
        '\u{300}'..='\u{36f}' => None,
        'ı' => Some('i'),
        'ł' => Some('l'),
        'ø' => Some('o'),
        'đ' => Some('d'),
        '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => {
            DecomposingNormalizerBorrowed::new_nfd().normalize_iter(std::iter::once(c)).next()
        }
        c => Some(c),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_do_not_tell_words_apart() {
        assert_eq!(fold("Kaydı bulunamadı, ZPĚTNÝ záznam, łódź, für"), "kaydi bulunamadi, zpetny zaznam, lodz, fur");
        assert_eq!(fold("re\u{301}solution İleti"), "resolution ileti");
        assert_eq!(fold("обратный 역방향 できません й"), "обратный 역방향 できません й");
    }

    #[test]
    fn the_embedded_phrases_are_whole() {
        for file in [include_str!("../knowledge/bounce/identity.toml"), include_str!("../knowledge/bounce/causes.toml")]
        {
            toml::from_str::<File>(file).unwrap();
        }
        let phrases = phrases();
        assert!(phrases.all().len() > 300, "{}", phrases.all().len());
        let mut seen = std::collections::HashSet::new();
        for p in phrases.all() {
            let begin = p.parts.first().unwrap_or_else(|| panic!("empty: {}", p.text));
            assert!(begin.len() >= 2 && begin.as_bytes()[0].is_ascii_alphanumeric(), "cannot be indexed: {}", p.text);
            assert!(!p.source.is_empty() && p.date.len() >= 4, "{}", p.text);
            assert_eq!(p.identity.is_some(), p.cause == Cause::SenderIdentity, "{}", p.text);
            assert!(!p.untold || matches!(p.cause, Cause::Policy | Cause::Transport), "{}", p.text);
            assert!(!p.whole || p.parts.len() == 1, "{}", p.text);
            assert!(seen.insert(p.parts.join("*")), "twice: {}", p.text);
            // Every phrase finds itself in its own words, or a stronger one there.
            let own = p.parts.join(" x ");
            assert!(phrases.best(&own).is_some_and(|b| b.strength >= p.strength), "{}", p.text);
        }
    }

    #[test]
    fn folding_and_gaps() {
        assert_eq!(fold("Client-Host  [192.0.2.1] <a@b.example>: doesn\u{2019}t"), "client host [192.0.2.1] @ doesnt");
        let p = Phrase::new(Entry {
            text: "host * has no PTR*".into(),
            cause: Cause::Unknown,
            identity: None,
            possible: vec![],
            receiver: None,
            software: None,
            strength: Strength::Weak,
            source: "s".into(),
            date: "2026".into(),
            codes: vec![],
            stage: None,
            whole: false,
            untold: false,
        });
        assert!(p.stands_at("host 192.0.2.1 has no ptrs", 0).is_some());
        assert!(p.stands_at(&format!("host {} has no ptr", "x".repeat(200)), 0).is_none());
        assert!(p.stands_at("hosts has no ptr", 0).is_none());
        let best = |text: &str| phrases().best(&fold(text)).map(|p| p.text.clone());
        assert_eq!(best("Service refuse. LPN007_107").as_deref(), Some("LPN*_107"));
        assert_eq!(best("Service refuse. OFR004_104").as_deref(), Some("OFR*_104"));
    }
}
