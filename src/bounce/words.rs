//! The words that free wording about the identity is told by.
//!
//! Input: `src/knowledge/bounce/sentences.toml`, embedded. Output: its lists, folded as replies are.

use std::sync::LazyLock;

use serde::Deserialize;

use super::phrases::fold;

/// A place in a text: where it begins and ends.
pub(super) type Place = (usize, usize);

/// The words, by what they tell; the file says more of each list.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Words {
    pub source: String,
    pub date: String,
    pub topic: Topic,
    pub wrong: Wrong,
    pub lookup: Lookup,
    pub bound: Bound,
    pub spoiled: Spoiled,
}

/// What a sentence may be about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Topic {
    pub reverse: Vec<Word>,
    pub turned: Vec<Word>,
    pub entry: Vec<Word>,
    pub ehlo: Vec<Word>,
    pub host: Vec<Word>,
    pub client: Vec<Word>,
}

/// What is wrong with it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wrong {
    pub holding: Vec<Word>,
    pub missing: Vec<Word>,
    pub unconfirmed: Vec<Word>,
    pub dynamic: Vec<Word>,
    pub generic: Vec<Word>,
    pub seeming: Vec<Word>,
    pub elsewhere: Vec<Word>,
    pub nameless: Vec<Word>,
    pub name: Vec<Word>,
}

/// The reverse lookup in other words, and where a name leads.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lookup {
    pub name: Vec<Word>,
    pub by: Vec<Word>,
    pub object: Vec<Word>,
    pub leads: Vec<Word>,
    pub is: Vec<Word>,
    pub other: Vec<Word>,
}

/// What a denial near a topic is said of.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Bound {
    pub act: Vec<Word>,
    pub accept: Vec<Word>,
    pub noun: Vec<Word>,
    pub cause: Vec<Word>,
    pub quantity: Vec<Word>,
}

/// What makes a sentence speak of another thing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Spoiled {
    pub message: Vec<Word>,
    pub exchanger: Vec<Word>,
    pub always: Vec<Word>,
    pub near: Vec<Word>,
    pub denied: Vec<Word>,
    pub granted: Vec<Word>,
    pub ehlo: Vec<Word>,
    pub waiting: Vec<Word>,
    pub looking: Vec<Word>,
    pub generic: Vec<Word>,
}

/// One word or several that stand together, folded as replies are.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct Word {
    pub text: String,
    /// Whether the last word may go on.
    open: bool,
}

impl From<String> for Word {
    fn from(word: String) -> Self {
        Self { text: fold(word.trim_end_matches('*')), open: word.ends_with('*') }
    }
}

/// The embedded file is checked by a test; one that does not parse finds nothing.
pub(super) static WORDS: LazyLock<Option<Words>> =
    LazyLock::new(|| toml::from_str(include_str!("../knowledge/bounce/sentences.toml")).ok());

impl Topic {
    /// Every place where a text speaks of the reverse name: by a term for it, or by a word for "reverse" and one
    /// for an entry of DNS beside it, in either order and inflected as the language will have it.
    pub(super) fn reverse_in(&self, text: &str) -> Vec<Place> {
        let mut found: Vec<Place> = all(&self.reverse, text).collect();
        let entries: Vec<Place> = all(&self.entry, text).collect();
        let next =
            |from: usize, to: usize| text.get(from..to).is_some_and(|gap| matches!(gap, " " | " ip " | "/" | " ("));
        for turned in all(&self.turned, text) {
            let end = word_end(text, turned.1);
            for entry in &entries {
                if next(end, entry.0) {
                    found.push((turned.0, entry.1));
                } else if next(word_end(text, entry.1), turned.0) {
                    found.push((entry.0, end));
                }
            }
        }
        found.sort_unstable();
        found
    }
}

/// Where the letters behind a place end: a word that may go on ends there.
fn word_end(text: &str, from: usize) -> usize {
    text[from..].find(|c: char| !c.is_alphanumeric()).map_or(text.len(), |n| from + n)
}

/// The first of the words in a text: where it begins and ends.
pub(super) fn first(list: &[Word], text: &str) -> Option<Place> {
    list.iter().filter_map(|w| w.find(text, 0)).min()
}

/// Every place of the words of a list in a text.
pub(super) fn all<'a>(list: &'a [Word], text: &'a str) -> impl Iterator<Item = Place> + 'a {
    list.iter().flat_map(move |w| w.all(text))
}

impl Word {
    /// Every place in a text.
    pub(super) fn all<'a>(&'a self, text: &'a str) -> impl Iterator<Item = Place> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = self.find(text, from)?;
            from = found.1;
            Some(found)
        })
    }

    /// From an octet on: where it begins and ends. Labels of host names are no words (`mx.example`,
    /// `dsl.isp.example`). A word in a script without spaces stands anywhere.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<Place> {
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

    #[test]
    fn the_embedded_words_are_whole() {
        assert!(WORDS.is_some());
    }

    #[test]
    fn words_are_whole_ones() {
        let list = ["mx", "generic*"].map(|w| Word::from(w.to_owned()));
        assert_eq!(first(&list, "no mx here"), Some((3, 5)));
        assert_eq!(first(&list, "mx.example has a name"), None);
        assert_eq!(all(&list, "generically an mx").count(), 2);
    }
}
