//! Reading host names the way filters do: numbers in them, and words between separators.

/// The runs of digits in a name: start and end of each.
pub(super) struct DigitRuns<'a> {
    name: &'a str,
    runs: Vec<(usize, usize)>,
}

impl<'a> DigitRuns<'a> {
    pub(super) fn of(name: &'a str) -> Self {
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, _) in name.bytes().enumerate().filter(|(_, octet)| octet.is_ascii_digit()) {
            match runs.last_mut() {
                Some((_, end)) if *end == at => *end = at + 1,
                _ => runs.push((at, at + 1)),
            }
        }
        Self { name, runs }
    }

    /// Runs that follow each other with exactly one character between.
    pub(super) fn chains(&self, length: usize) -> impl Iterator<Item = &[(usize, usize)]> {
        self.runs
            .windows(length)
            .filter(|chain| chain.windows(2).all(|pair| self.name[pair[0].1..pair[1].0].chars().count() == 1))
    }
}

/// Where the first digit of a second number stands, as the end of the text up to it.
pub(super) fn digits_then_digits(text: &str) -> Option<usize> {
    let first = text.bytes().position(|b| b.is_ascii_digit())?;
    let gap = first + text[first..].bytes().position(|b| !b.is_ascii_digit())?;
    Some(gap + text[gap..].bytes().position(|b| b.is_ascii_digit())? + 1)
}

/// The word between two separators (`.` or `-`), the first of them not at the very start.
pub(super) fn sits_between(name: &str, word: &str) -> bool {
    let sep = |octet: Option<&u8>| matches!(octet, Some(b'.' | b'-'));
    let octets = name.as_bytes();
    name.match_indices(word).any(|(at, _)| at >= 2 && sep(octets.get(at - 1)) && sep(octets.get(at + word.len())))
}

/// One of the ends, with text before it.
pub(super) fn ends_with_any(name: &str, ends: &[String]) -> bool {
    ends.iter().any(|end| name.len() > end.len() && name.ends_with(end.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names() {
        assert_eq!(DigitRuns::of("ip-1-22-3-4.x").chains(4).count(), 1);
        assert_eq!(DigitRuns::of("ip-1--22-3-4.x").chains(4).count(), 0);
        assert_eq!(DigitRuns::of("1.2.3.4.5").chains(4).count(), 2);
        assert_eq!(digits_then_digits("a12b3"), Some(5));
        assert_eq!(digits_then_digits("a12b"), None);
    }

    #[test]
    fn words_between_separators() {
        assert!(sits_between("a.dyn.example", "dyn") && sits_between("a-dyn-b", "dyn"));
        assert!(!sits_between(".dyn.example", "dyn") && !sits_between("a.dyna.example", "dyn"));
    }
}
