//! What stands behind `EHLO`: a name, an address literal, or something that is neither.
//!
//! Standard: RFC 5321 §4.1.1.1 (the argument), §2.3.5 (a fully qualified primary host name),
//! §4.1.3 (literals); RFC 6761, 6762 and 7686 (special-use names); RFC 6531 §3.7.1 (no raw UTF-8).

use std::net::IpAddr;

use super::{AddressLiteral, HostName, MAX_NAME, NameFault, unmap};

/// An EHLO argument, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EhloName {
    /// A domain name, perhaps with flaws.
    Host(HostName),
    /// An address literal.
    Literal(AddressLiteral),
    /// A bare IP address, without the brackets of a literal.
    BareAddress(IpAddr),
    /// Neither.
    Invalid(NameFault),
}

/// What is wrong with the shape of an EHLO name, whatever the DNS says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EhloFlaw {
    /// Not syntactically a name nor a literal.
    Invalid,
    /// An IP address without brackets.
    BareAddress,
    /// A literal that is not written as RFC 5321 §4.1.3 asks.
    LiteralSyntax,
    /// `localhost`, or a name under it.
    Localhost,
    /// A name under a top-level domain that never resolves publicly (`.local`, `.lan`, `.internal`, …).
    SpecialUse,
    /// A single label, or a name whose last label is all digits.
    NotFqdn,
    /// An underscore or another character outside RFC 1123's host names.
    NotHostname,
    /// A dot behind the last label.
    FinalDot,
    /// Raw UTF-8 where an A-label belongs.
    NotAscii,
    /// Longer than a domain name can be.
    TooLong,
}

/// Top-level domains that never resolve publicly: RFC 6761, 6762, 7686, 8375, 9476, ICANN's
/// `.internal`, and the private ones that routers and directory servers hand out.
const SPECIAL_USE: &[&str] = &[
    "local",
    "localdomain",
    "internal",
    "lan",
    "home",
    "corp",
    "intranet",
    "private",
    "invalid",
    "test",
    "onion",
    "alt",
];

impl EhloName {
    /// Reads an EHLO argument. Total: whatever was said becomes a variant.
    pub fn read(text: &str) -> Self {
        if let Some(literal) = AddressLiteral::parse(text) {
            return Self::Literal(literal);
        }
        match HostName::parse(text) {
            Ok(name) => Self::Host(name),
            Err(fault) => match text.parse::<IpAddr>() {
                Ok(ip) => Self::BareAddress(unmap(ip)),
                Err(_) => Self::Invalid(fault),
            },
        }
    }

    /// The name to ask the DNS for, where there is one.
    pub fn host(&self) -> Option<&HostName> {
        match self {
            Self::Host(name) => Some(name),
            _ => None,
        }
    }

    /// The flaws of this name's shape, given the text it was read from; in order of weight.
    pub fn flaws(&self, text: &str) -> Vec<EhloFlaw> {
        let mut flaws = Vec::new();
        match self {
            Self::Literal(literal) => {
                if !literal.well_formed {
                    flaws.push(EhloFlaw::LiteralSyntax);
                }
            }
            Self::BareAddress(_) => flaws.push(EhloFlaw::BareAddress),
            Self::Invalid(_) if text.len() > MAX_NAME => flaws.push(EhloFlaw::TooLong),
            Self::Invalid(_) => flaws.push(EhloFlaw::Invalid),
            Self::Host(name) => {
                if name.top() == "localhost" || name.as_str() == "localhost.localdomain" {
                    flaws.push(EhloFlaw::Localhost);
                } else if !name.is_fqdn() {
                    flaws.push(EhloFlaw::NotFqdn);
                } else if SPECIAL_USE.contains(&name.top()) || name.as_str().ends_with(".home.arpa") {
                    flaws.push(EhloFlaw::SpecialUse);
                }
                if !text.is_ascii() {
                    flaws.push(EhloFlaw::NotAscii);
                }
                if !name.is_hostname() {
                    flaws.push(EhloFlaw::NotHostname);
                }
                if text.trim_end().ends_with('.') {
                    flaws.push(EhloFlaw::FinalDot);
                }
            }
        }
        flaws
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_has_its_flaw() {
        for (text, flaws) in [
            ("mail.example.net", vec![]),
            ("[192.0.2.1]", vec![]),
            ("[IPv6:2001:db8::1]", vec![]),
            ("[2001:db8::1]", vec![EhloFlaw::LiteralSyntax]),
            ("192.0.2.1", vec![EhloFlaw::BareAddress]),
            ("2001:db8::1", vec![EhloFlaw::BareAddress]),
            ("localhost", vec![EhloFlaw::Localhost]),
            ("localhost.localdomain", vec![EhloFlaw::Localhost]),
            ("mailhost", vec![EhloFlaw::NotFqdn]),
            ("mail.corp.local", vec![EhloFlaw::SpecialUse]),
            ("router.home.arpa", vec![EhloFlaw::SpecialUse]),
            ("mail_out.example.net", vec![EhloFlaw::NotHostname]),
            ("mail.example.net.", vec![EhloFlaw::FinalDot]),
            ("localhost.", vec![EhloFlaw::Localhost, EhloFlaw::FinalDot]),
            ("bücher.example.net", vec![EhloFlaw::NotAscii]),
            ("[not-a-literal", vec![EhloFlaw::Invalid]),
            ("a..b", vec![EhloFlaw::Invalid]),
            ("", vec![EhloFlaw::Invalid]),
        ] {
            assert_eq!(EhloName::read(text).flaws(text), flaws, "{text:?}");
        }
        let long = "a.".repeat(300);
        assert_eq!(EhloName::read(&long).flaws(&long), vec![EhloFlaw::TooLong]);
    }
}
