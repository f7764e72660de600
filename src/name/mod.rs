//! Names and addresses as mail servers write them: parsed once, compared in one place.
//!
//! Standard: RFC 5321 §2.3.5 and §4.1.2–3 (domains and address literals), RFC 1123 §2.1 (host name
//! syntax), RFC 5890 (A-labels), RFC 4343 (case).
//! Input: text from a banner, an EHLO line, a DNS answer or an argument. Output: a [`HostName`]
//! (normalised: A-labels, lower case, no final dot), an [`AddressLiteral`] or an [`EhloName`].
//! Design: the raw text is kept beside the parsed name by whoever owns it; equality of names exists
//! here only, so that no two rooms can disagree about what "the same name" means.

mod ehlo;
mod literal;

pub use ehlo::{EhloFlaw, EhloName};
pub use literal::{AddressLiteral, unmap};

use std::borrow::Cow;
use std::fmt;

/// The longest name in presentation form without its final dot (RFC 1035 §2.3.4).
pub const MAX_NAME: usize = 253;
/// The longest label (RFC 1035 §2.3.4).
pub const MAX_LABEL: usize = 63;

/// A domain name in the form in which names are compared: A-labels, lower case, no final dot.
///
/// Underscores and other letters outside RFC 1123 are let through, since the DNS holds them;
/// [`HostName::is_hostname`] says whether the name keeps to the host name syntax.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

/// Why a text is not a domain name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFault {
    /// Nothing was given.
    Empty,
    /// A label between two dots (or at the start) is empty.
    EmptyLabel,
    /// A label is longer than 63 octets.
    LabelTooLong,
    /// The name is longer than 253 octets.
    TooLong,
    /// White space, a control character or another character that no name can hold.
    BadCharacter,
    /// The non-ASCII letters do not make a valid internationalised name (RFC 5891).
    NotIdna,
    /// It is an IP address, not a name.
    IsAddress,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NameFault::Empty => "the name is empty",
            NameFault::EmptyLabel => "the name has an empty label (two dots in a row, or a leading dot)",
            NameFault::LabelTooLong => "a label is longer than 63 octets",
            NameFault::TooLong => "the name is longer than 253 octets",
            NameFault::BadCharacter => "the name holds a character that no host name may have",
            NameFault::NotIdna => "the name is not a valid internationalised domain name",
            NameFault::IsAddress => "it is an IP address, not a name",
        })
    }
}

impl std::error::Error for NameFault {}

impl HostName {
    /// Parses and normalises: one final dot is dropped, U-labels become A-labels, case is folded.
    pub fn parse(text: &str) -> Result<Self, NameFault> {
        let mut name = Self::ascii(text)?.into_owned();
        name.make_ascii_lowercase();
        Ok(Self(name))
    }

    /// Whether a text is a domain name, without keeping it.
    pub fn reads(text: &str) -> bool {
        Self::ascii(text).is_ok()
    }

    /// The name in A-labels, without its final dot.
    fn ascii(text: &str) -> Result<Cow<'_, str>, NameFault> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            return Err(NameFault::Empty);
        }
        let is_address = || text.parse::<std::net::IpAddr>().is_ok();
        // Names are read by the thousand: what begins with no digit and whose octets may stand in a name is no address.
        if text.as_bytes()[0].is_ascii_digit() && is_address() {
            return Err(NameFault::IsAddress);
        }
        let ascii = if text.is_ascii() {
            Cow::Borrowed(text)
        } else {
            idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::EMPTY).map_err(|_| NameFault::NotIdna)?
        };
        match labels_stand(ascii.as_bytes()) {
            Ok(()) => Ok(ascii),
            Err(_) if is_address() => Err(NameFault::IsAddress),
            Err(fault) => Err(fault),
        }
    }

    /// The normalised name, without the final dot.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with U-labels for people to read, where it has any.
    pub fn unicode(&self) -> Option<String> {
        if !self.0.contains("xn--") {
            return None;
        }
        let (text, result) = idna::domain_to_unicode(&self.0);
        (result.is_ok() && text != self.0).then_some(text)
    }

    /// Letters, digits and inner hyphens only (RFC 1123 §2.1).
    pub fn is_hostname(&self) -> bool {
        self.0.split('.').all(|label| {
            label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
    }

    /// More than one label, and the last is not all digits: a fully qualified name can look like this.
    pub fn is_fqdn(&self) -> bool {
        self.0.rsplit_once('.').is_some_and(|(_, last)| !last.bytes().all(|b| b.is_ascii_digit()))
    }

    /// The last label.
    pub fn top(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or(&self.0)
    }

    /// Whether `pattern`, a certificate's DNS name, covers this name (RFC 6125 §6.4.3: a wildcard
    /// stands for exactly one left-most label).
    pub fn covered_by(&self, pattern: &str) -> bool {
        if let Some(rest) = pattern.strip_prefix("*.") {
            let Ok(rest) = HostName::parse(rest) else { return false };
            return self.0.split_once('.').is_some_and(|(_, tail)| tail == rest.0);
        }
        HostName::parse(pattern).is_ok_and(|p| p == *self)
    }
}

/// Whether the labels of an ASCII name are such as a name may have.
fn labels_stand(ascii: &[u8]) -> Result<(), NameFault> {
    if ascii.len() > MAX_NAME {
        return Err(NameFault::TooLong);
    }
    let mut length = 0;
    for &octet in ascii {
        if octet == b'.' {
            if length == 0 {
                return Err(NameFault::EmptyLabel);
            }
            length = 0;
        } else if !MAY_STAND[usize::from(octet)] {
            return Err(NameFault::BadCharacter);
        } else if length == MAX_LABEL {
            return Err(NameFault::LabelTooLong);
        } else {
            length += 1;
        }
    }
    if length == 0 { Err(NameFault::EmptyLabel) } else { Ok(()) }
}

/// Whether a name may hold this octet at all.
const MAY_STAND: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = b'!';
    while octet <= b'~' {
        table[octet as usize] =
            !matches!(octet, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'\\' | b',' | b';' | b':' | b'@' | b'"');
        octet += 1;
    }
    table
};

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_after_case_dot_and_idna() {
        let a = HostName::parse("Mail.Example.NET.").unwrap();
        assert_eq!(a, HostName::parse("mail.example.net").unwrap());
        assert_eq!(HostName::parse("bücher.example").unwrap(), HostName::parse("XN--BCHER-KVA.example").unwrap());
        assert_eq!(HostName::parse("xn--bcher-kva.example").unwrap().unicode().as_deref(), Some("bücher.example"));
        assert_ne!(a, HostName::parse("mail.example.net.example").unwrap());
    }

    #[test]
    fn what_is_not_a_name_says_why() {
        let long = format!("{}.example", "a".repeat(64));
        let longer = ["a"; 140].join(".");
        for (text, fault) in [
            ("", NameFault::Empty),
            (".", NameFault::Empty),
            ("a..b", NameFault::EmptyLabel),
            (".a", NameFault::EmptyLabel),
            ("a.b..", NameFault::EmptyLabel),
            (long.as_str(), NameFault::LabelTooLong),
            (longer.as_str(), NameFault::TooLong),
            ("a b", NameFault::BadCharacter),
            ("a\u{1b}b", NameFault::BadCharacter),
            ("192.0.2.1", NameFault::IsAddress),
            ("2001:db8::1", NameFault::IsAddress),
        ] {
            assert_eq!(HostName::parse(text), Err(fault), "{text:?}");
        }
    }

    #[test]
    fn shapes() {
        let name = |t: &str| HostName::parse(t).unwrap();
        assert!(name("mail.example.net").is_fqdn());
        assert!(!name("mailhost").is_fqdn());
        assert!(!name("10.20.30.40.50").is_fqdn());
        assert!(!name("mail_out.example.net").is_hostname());
        assert!(!name("-a.example").is_hostname());
        assert!(name("0/25.2.0.192.in-addr.arpa").as_str().contains('/'));
    }

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let name = HostName::parse("mail.example.net").unwrap();
        assert!(name.covered_by("*.example.net"));
        assert!(name.covered_by("MAIL.example.net"));
        assert!(!name.covered_by("*.net"));
        assert!(!HostName::parse("a.mail.example.net").unwrap().covered_by("*.example.net"));
        assert!(!HostName::parse("example.net").unwrap().covered_by("*.example.net"));
    }
}
