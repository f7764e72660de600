//! The shape of a host name, written so that a person can read it: `h<digits>n<digits>fls<some>.telia.com`.
//!
//! Input: a pattern of text and of `<class>`, `<class N>` or `<class N-M>` runs; classes are `digits`,
//! `letters`, `letters-` (with hyphens), `alnum`, `word`, `some` (anything) and `one` (one of
//! anything); `<end>` is the name's end. Failure: a pattern that cannot be read is a broken file.

use serde::Deserialize;

/// A pattern, read.
#[derive(Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Shape {
    parts: Vec<Part>,
    /// The longest text in it: a name without it cannot have the shape.
    anchor: String,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Run { class: Class, min: usize, max: usize },
    End,
}

#[derive(Clone, Copy, Debug)]
enum Class {
    Digits,
    Letters,
    LettersAndHyphens,
    Alnum,
    Word,
    Any,
}

impl Class {
    fn holds(self, octet: u8) -> bool {
        match self {
            Self::Digits => octet.is_ascii_digit(),
            Self::Letters => octet.is_ascii_alphabetic(),
            Self::LettersAndHyphens => octet.is_ascii_alphabetic() || octet == b'-',
            Self::Alnum => octet.is_ascii_alphanumeric(),
            Self::Word => octet.is_ascii_alphanumeric() || octet == b'_',
            Self::Any => true,
        }
    }
}

impl TryFrom<String> for Shape {
    type Error = String;

    fn try_from(pattern: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = pattern.as_str();
        while let Some((text, run)) = rest.split_once('<') {
            if !text.is_empty() {
                parts.push(Part::Text(text.to_owned()));
            }
            let (run, after) = run.split_once('>').ok_or_else(|| format!("`{pattern}` has a `<` without `>`"))?;
            parts.push(read_run(run).ok_or_else(|| format!("`<{run}>` in `{pattern}` is no run"))?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let texts = parts.iter().filter_map(|part| if let Part::Text(text) = part { Some(text) } else { None });
        let anchor = texts.max_by_key(|text| text.len()).cloned().unwrap_or_default();
        Ok(Self { parts, anchor })
    }
}

fn read_run(run: &str) -> Option<Part> {
    let (name, count) = run.split_once(' ').map_or((run, None), |(name, count)| (name, Some(count)));
    let class = match name {
        "digits" => Class::Digits,
        "letters" => Class::Letters,
        "letters-" => Class::LettersAndHyphens,
        "alnum" => Class::Alnum,
        "word" => Class::Word,
        "some" => Class::Any,
        "one" if count.is_none() => return Some(Part::Run { class: Class::Any, min: 1, max: 1 }),
        "end" if count.is_none() => return Some(Part::End),
        _ => return None,
    };
    let (min, max) = match count {
        None => (1, usize::MAX),
        Some(count) => {
            let (low, high) = count.split_once('-').unwrap_or((count, count));
            (low.parse().ok()?, high.parse().ok()?)
        }
    };
    Some(Part::Run { class, min, max })
}

impl Shape {
    /// Whether a name begins with this shape.
    pub fn fits(&self, name: &str) -> bool {
        name.contains(&self.anchor) && fits(&self.parts, name.as_bytes())
    }
}

fn fits(parts: &[Part], name: &[u8]) -> bool {
    let Some((part, parts)) = parts.split_first() else { return true };
    match part {
        Part::Text(text) => name.strip_prefix(text.as_bytes()).is_some_and(|rest| fits(parts, rest)),
        Part::End => name.is_empty(),
        Part::Run { class, min, max } => {
            let most = name.iter().take(*max).take_while(|octet| class.holds(**octet)).count();
            (*min..=most).rev().any(|length| fits(parts, &name[length..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(pattern: &str) -> Shape {
        Shape::try_from(pattern.to_owned()).unwrap()
    }

    #[test]
    fn names_have_shapes() {
        let telia = shape("h<digits>n<digits>fls<some>.telia.com");
        assert!(telia.fits("h12n1fls35o845.telia.com.example"));
        assert!(!telia.fits("h12nfls35o845.telia.com") && !telia.fits("h12n1fls.telia.com"));
        let counted = shape("<letters 2>-<some>-<digits 1-3>.<one>.example<end>");
        assert!(counted.fits("ab-x-y-123.z.example"));
        assert!(!counted.fits("abc-x-1.z.example") && !counted.fits("ab-x-1234.z.example"));
        assert!(!counted.fits("ab-x-1.z.example.net"));
        assert!(shape("<some>-<letters 1><digits>-<digits>.").fits("mail-a1-2.example"));
    }

    #[test]
    fn broken_patterns_are_refused() {
        for bad in ["a<digits", "<what>", "<digits x>", "<one 2>"] {
            assert!(Shape::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
