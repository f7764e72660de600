//! Many patterns held against one name.
//!
//! Design: nearly every pattern ends in an organisation's domain. So they lie by their last two labels, and a
//! name meets only those that end as it does and the few that may end in anything.

use super::NamePattern;
use crate::name::HostName;
use foldhash::{HashMap, HashMapExt};

/// Patterns, each with what it stands for.
pub struct PatternIndex<T> {
    by_end: HashMap<&'static str, Vec<Entry<T>>>,
    any_end: Vec<Entry<T>>,
}

/// A pattern and its place among all.
struct Entry<T> {
    place: usize,
    pattern: &'static NamePattern,
    of: T,
}

impl<T: Copy> PatternIndex<T> {
    /// The first pattern, in the order in which they were given, that covers the name.
    pub fn first(&self, name: &HostName) -> Option<(&'static NamePattern, T)> {
        let name = name.as_str();
        let end = last_two_labels(name).unwrap_or(name);
        let covering = |all: &'_ [Entry<T>]| {
            let entry = all.iter().find(|entry| entry.pattern.covers(name))?;
            Some((entry.place, entry.pattern, entry.of))
        };
        let known = self.by_end.get(end).and_then(|all| covering(all));
        let any = covering(&self.any_end);
        let (_, pattern, of) = known.into_iter().chain(any).min_by_key(|(place, ..)| *place)?;
        Some((pattern, of))
    }
}

impl<T> FromIterator<(&'static NamePattern, T)> for PatternIndex<T> {
    fn from_iter<I: IntoIterator<Item = (&'static NamePattern, T)>>(all: I) -> Self {
        let mut index = Self { by_end: HashMap::new(), any_end: Vec::new() };
        for (place, (pattern, of)) in all.into_iter().enumerate() {
            let entry = Entry { place, pattern, of };
            match end(pattern) {
                Some(end) => index.by_end.entry(end).or_default().push(entry),
                None => index.any_end.push(entry),
            }
        }
        index
    }
}

/// The last two labels of every name that the pattern covers, where it fixes them.
fn end(pattern: &NamePattern) -> Option<&str> {
    let whole = pattern.head == pattern.tokens.len();
    last_two_labels(&pattern.tail).or_else(|| whole.then_some(pattern.tail.as_str()))
}

/// Behind the last dot but one.
fn last_two_labels(text: &str) -> Option<&str> {
    let (at, _) = text.rmatch_indices('.').nth(1)?;
    text.get(at + 1..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_covers_whatever_its_end() {
        let written = ["a*.example.net", "**.example.net", "*", "example.com", "b.example.com", "#.*", "**e.org"];
        let patterns: &'static [NamePattern] = written.map(|w| NamePattern::parse(w).unwrap()).to_vec().leak();
        let index: PatternIndex<usize> = patterns.iter().zip(0..).collect();
        for name in [
            "a1.example.net",
            "b.example.net",
            "x.a1.example.net",
            "example.net",
            "host",
            "example.com",
            "b.example.com",
            "c.example.com",
            "7.com",
            "some.org",
            "a.some.org",
            "A1.EXAMPLE.NET",
        ] {
            let name = HostName::parse(name).unwrap();
            let one_by_one = patterns.iter().position(|p| p.covers(name.as_str()));
            assert_eq!(index.first(&name).map(|(_, of)| of), one_by_one, "{name}");
        }
        assert_eq!(index.any_end.len(), 3);
    }
}
