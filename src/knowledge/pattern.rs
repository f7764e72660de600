//! Name patterns: the small language in which the data says what a name or a line looks like.
//!
//! Written: `#` is one or more digits, `%` one or more hexadecimal digits, `@` one or more letters,
//! `*` one or more characters of one label, `**` one or more characters of any kind, dots included.
//! All else stands for itself, in any case. A pattern covers the whole name.
//! Time: one pass with a set of positions, so at most text × pattern steps whatever the text is; a
//! name from a stranger's DNS cannot make it slow. That, and the few forms needed, is why no regular
//! expression library is used.

mod index;

use serde::Deserialize;

pub use index::PatternIndex;

/// A pattern over a whole name, read from its written form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct NamePattern {
    written: String,
    tokens: Vec<Token>,
    /// The literal end of the pattern, by which most names are told apart at once.
    tail: String,
    /// Its literal beginning, by which most of the rest are.
    head: usize,
    /// The longest literal text within, without which no name is covered.
    within: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Byte(u8),
    Digits,
    Hex,
    Letters,
    Label,
    Any,
}

impl Token {
    fn takes(self, byte: u8) -> bool {
        match self {
            Self::Byte(own) => own == byte,
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Letters => byte.is_ascii_alphabetic(),
            Self::Label => byte != b'.',
            Self::Any => true,
        }
    }

    fn repeats(self) -> bool {
        !matches!(self, Self::Byte(_))
    }
}

impl NamePattern {
    /// Reads a pattern. An empty one, or one with three `*` in a row, is refused with the reason.
    pub fn parse(written: &str) -> Result<Self, String> {
        let bytes = written.to_ascii_lowercase().into_bytes();
        let mut tokens = Vec::with_capacity(bytes.len());
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            tokens.push(match byte {
                b'#' => Token::Digits,
                b'%' => Token::Hex,
                b'@' => Token::Letters,
                b'*' if bytes.get(at) == Some(&b'*') => {
                    at += 1;
                    if bytes.get(at) == Some(&b'*') {
                        return Err(format!("the pattern {written:?} has three asterisks in a row"));
                    }
                    Token::Any
                }
                b'*' => Token::Label,
                byte => Token::Byte(byte),
            });
        }
        if tokens.is_empty() {
            return Err("a pattern is empty".to_owned());
        }
        let tail = tokens.iter().rev().map_while(|t| if let Token::Byte(b) = t { Some(*b as char) } else { None });
        let tail: String = tail.collect::<Vec<_>>().into_iter().rev().collect();
        let head = tokens.iter().take_while(|t| !t.repeats()).count();
        let within = tokens.split(|t| t.repeats()).max_by_key(|run| run.len()).unwrap_or_default();
        let within = within.iter().filter_map(|t| if let Token::Byte(own) = t { Some(*own) } else { None }).collect();
        Ok(Self { written: written.to_owned(), tokens, tail, head, within })
    }

    /// Whether the pattern covers all of `text`, in any case.
    pub fn covers(&self, text: &str) -> bool {
        let text = text.as_bytes();
        // Hundreds of patterns are held against a name, and nearly all of them end otherwise.
        if let (Some(own), Some(end)) = (self.tail.as_bytes().last_chunk::<4>(), text.last_chunk::<4>())
            && end.map(|octet| octet.to_ascii_lowercase()) != *own
        {
            return false;
        }
        let ends = |(octet, own): (&u8, u8)| octet.to_ascii_lowercase() == own;
        if text.len() < self.tail.len() || !text.iter().rev().zip(self.tail.bytes().rev()).all(ends) {
            return false;
        }
        let begins = |(token, byte): (&Token, &u8)| token.takes(byte.to_ascii_lowercase());
        if text.len() < self.head || !self.tokens[..self.head].iter().zip(text).all(begins) {
            return false;
        }
        if !self.holds_within(text) {
            return false;
        }
        // `reached[n]`: the first n tokens can have been used up, the last of them perhaps repeating.
        let mut reached = vec![false; self.tokens.len() + 1];
        reached[0] = true;
        for byte in text {
            let byte = byte.to_ascii_lowercase();
            let mut any = false;
            for n in (0..reached.len()).rev() {
                let stays = n > 0 && reached[n] && self.tokens[n - 1].repeats() && self.tokens[n - 1].takes(byte);
                let comes = n > 0 && reached[n - 1] && self.tokens[n - 1].takes(byte);
                reached[n] = stays || comes;
                any |= reached[n];
            }
            if !any {
                return false;
            }
        }
        reached[self.tokens.len()]
    }

    fn holds_within(&self, text: &[u8]) -> bool {
        let Some(first) = self.within.first() else { return true };
        let begins = text.len().checked_sub(self.within.len()).and_then(|last| text.get(..=last));
        begins.unwrap_or_default().iter().enumerate().any(|(at, octet)| {
            octet.to_ascii_lowercase() == *first && text[at..at + self.within.len()].eq_ignore_ascii_case(&self.within)
        })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

impl TryFrom<String> for NamePattern {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        Self::parse(&written)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sign_takes_what_it_says() {
        for (pattern, yes, no) in [
            (
                "ec2-#-#-#-#.*.amazonaws.com",
                "ec2-1-22-3-255.compute-1.amazonaws.com",
                "ec2-1-22-3.compute-1.amazonaws.com",
            ),
            ("ec2-#-#-#-#.*.amazonaws.com", "EC2-1-2-3-4.x.AMAZONAWS.com", "ec2-1-2-3-4.a.b.amazonaws.com"),
            ("p%.dip0.t-ipconnect.de", "p549add56.dip0.t-ipconnect.de", "px549add56.dip0.t-ipconnect.de"),
            ("@#.example", "vmi12.example", "12.example"),
            ("**.example", "a.b-c.example", ".example"),
            ("a**b", "axxb", "ab"),
            ("*", "label", "two.labels"),
            ("#", "0123", ""),
            ("plain", "PLAIN", "plainer"),
        ] {
            let pattern = NamePattern::parse(pattern).unwrap();
            assert!(pattern.covers(yes), "{} {yes}", pattern.as_str());
            assert!(!pattern.covers(no), "{} {no}", pattern.as_str());
        }
    }

    #[test]
    fn what_is_no_pattern_says_why() {
        assert!(NamePattern::parse("").is_err());
        assert!(NamePattern::parse("a***").unwrap_err().contains("three asterisks"));
    }

    #[test]
    fn a_long_hostile_text_costs_no_more_than_its_length() {
        let pattern = NamePattern::parse("**a**a**a**a**a**a**a**a**a**b").unwrap();
        assert!(!pattern.covers(&"a".repeat(20_000)));
        assert!(pattern.covers(&format!("{}b", "a".repeat(2_000))));
    }
}
