//! The words that free wording about the identity is told by.
//!
//! Input: `src/knowledge/bounce/sentences.toml`, embedded. Output: its lists, folded as replies are.

use std::sync::LazyLock;

use serde::Deserialize;

use super::phrases::fold;

/// A place in a text: where it begins and ends.
pub(super) type Place = (usize, usize);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    source: String,
    date: String,
    topic: Topic,
    wrong: Wrong,
    lookup: Lookup,
    bound: Bound,
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
    holding: Vec<String>,
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
    message: Vec<String>,
    exchanger: Vec<String>,
    always: Vec<String>,
    near: Vec<String>,
    denied: Vec<String>,
    granted: Vec<String>,
    ehlo: Vec<String>,
    generic: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookup {
    name: Vec<String>,
    by: Vec<String>,
    object: Vec<String>,
    leads: Vec<String>,
    is: Vec<String>,
    other: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bound {
    act: Vec<String>,
    accept: Vec<String>,
    noun: Vec<String>,
    cause: Vec<String>,
    quantity: Vec<String>,
}

/// The words, each list folded as replies are.
pub(super) struct Words {
    pub reverse: Vec<Word>,
    pub ehlo: Vec<Word>,
    pub host: Vec<Word>,
    pub client: Vec<Word>,
    pub missing: Vec<Word>,
    pub unconfirmed: Vec<Word>,
    pub dynamic: Vec<Word>,
    pub generic: Vec<Word>,
    pub seeming: Vec<Word>,
    pub elsewhere: Vec<Word>,
    pub nameless: Vec<Word>,
    pub name: Vec<Word>,
    pub spoiled: Vec<Word>,
    pub near: Vec<Word>,
    pub denied: Vec<Word>,
    pub granted: Vec<Word>,
    pub not_ehlo: Vec<Word>,
    pub not_generic: Vec<Word>,
    pub holding: Vec<Word>,
    pub message: Vec<Word>,
    pub exchanger: Vec<Word>,
    pub name_of: Vec<Word>,
    pub by: Vec<Word>,
    pub object: Vec<Word>,
    pub leads: Vec<Word>,
    pub is: Vec<Word>,
    pub other: Vec<Word>,
    pub act: Vec<Word>,
    pub accept: Vec<Word>,
    pub noun: Vec<Word>,
    pub because: Vec<Word>,
    pub quantity: Vec<Word>,
    pub source: String,
    pub date: String,
}

/// One word or several that stand together.
pub(super) struct Word {
    pub text: String,
    /// Whether the last word may go on.
    open: bool,
}

/// The embedded file is checked by a test; one that does not parse finds nothing.
pub(super) static WORDS: LazyLock<Option<Words>> = LazyLock::new(|| {
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
        holding: words(&file.wrong.holding),
        message: words(&file.spoiled.message),
        exchanger: words(&file.spoiled.exchanger),
        name_of: words(&file.lookup.name),
        by: words(&file.lookup.by),
        object: words(&file.lookup.object),
        leads: words(&file.lookup.leads),
        is: words(&file.lookup.is),
        other: words(&file.lookup.other),
        act: words(&file.bound.act),
        accept: words(&file.bound.accept),
        noun: words(&file.bound.noun),
        because: words(&file.bound.cause),
        quantity: words(&file.bound.quantity),
        source: file.source,
        date: file.date,
    })
});

fn words(list: &[String]) -> Vec<Word> {
    list.iter().map(|w| Word { text: fold(w.trim_end_matches('*')), open: w.ends_with('*') }).collect()
}

/// The first of the words in a text: where it begins and ends.
pub(super) fn first(list: &[Word], text: &str) -> Option<Place> {
    list.iter().filter_map(|w| w.find(text, 0)).min()
}

/// Every place of the words of a list in a text.
pub(super) fn all<'a>(list: &'a [Word], text: &'a str) -> impl Iterator<Item = Place> + 'a {
    list.iter().flat_map(move |w| {
        let mut from = 0;
        std::iter::from_fn(move || {
            let found = w.find(text, from)?;
            from = found.1;
            Some(found)
        })
    })
}

impl Word {
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
        let list = words(&["mx".to_owned(), "generic*".to_owned()]);
        assert_eq!(first(&list, "no mx here"), Some((3, 5)));
        assert_eq!(first(&list, "mx.example has a name"), None);
        assert_eq!(all(&list, "generically an mx").count(), 2);
    }
}
