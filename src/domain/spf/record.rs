//! One SPF record, parsed: RFC 7208 §4.6.1 and §12.
//!
//! Failure: a syntax error anywhere makes the whole record useless (§4.6), and the sentence names the term.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::dns::to_labels;

/// A domain in a term: a name, or a text with macros (§7) that only a receiver can fill in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Spec {
    Name(String),
    Macro,
}

/// A mechanism (§5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    All,
    Include(Spec),
    /// The domain, where it is not the record's own, and the prefix lengths for IPv4 and IPv6.
    A(Option<Spec>, u8, u8),
    Mx(Option<Spec>, u8, u8),
    Ptr,
    Ip(IpNet),
    Exists,
}

/// A mechanism with its qualifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Directive {
    /// As it is written.
    pub(super) text: String,
    /// `+`, or none.
    pub(super) pass: bool,
    pub(super) mechanism: Mechanism,
}

/// A record's terms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SpfRecord {
    pub(super) directives: Vec<Directive>,
    pub(super) redirect: Option<Spec>,
}

/// Whether a TXT record is an SPF record at all (§4.5).
pub(super) fn is_spf(text: &str) -> bool {
    let version = text.get(..6).is_some_and(|v| v.eq_ignore_ascii_case("v=spf1"));
    version && matches!(text.as_bytes().get(6), None | Some(b' '))
}

impl SpfRecord {
    /// Parses the text of a record that [`is_spf`].
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut record = Self::default();
        let mut explained = false;
        for term in text.get(6..).unwrap_or_default().split(' ').filter(|t| !t.is_empty()) {
            let wrong = |why: &str| format!("`{term}`: {why}");
            if let Some((name, value)) = modifier(term) {
                match name.to_ascii_lowercase().as_str() {
                    "redirect" if record.redirect.is_some() => return Err(wrong("a second redirect")),
                    "redirect" => record.redirect = Some(spec(value).map_err(|why| wrong(&why))?),
                    "exp" if explained => return Err(wrong("a second exp")),
                    "exp" => explained = true,
                    _ => {}
                }
                continue;
            }
            let (qualifier, body) = match term.as_bytes()[0] {
                q @ (b'+' | b'-' | b'~' | b'?') => (q, &term[1..]),
                _ => (b'+', term),
            };
            let mechanism = mechanism(body).map_err(|why| wrong(&why))?;
            record.directives.push(Directive { text: term.to_owned(), pass: qualifier == b'+', mechanism });
        }
        Ok(record)
    }
}

/// Name and value of a modifier (§12: a name, and `=` before any `:` or `/`).
fn modifier(term: &str) -> Option<(&str, &str)> {
    let (name, value) = term.split_once('=')?;
    let first = name.starts_with(|c: char| c.is_ascii_alphabetic());
    let rest = name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    (first && rest).then_some((name, value))
}

fn mechanism(body: &str) -> Result<Mechanism, String> {
    let end = body.find([':', '/']).unwrap_or(body.len());
    let (name, rest) = body.split_at(end);
    let value = rest.strip_prefix(':');
    match name.to_ascii_lowercase().as_str() {
        "all" if rest.is_empty() => Ok(Mechanism::All),
        "include" => Ok(Mechanism::Include(spec(value.ok_or("it names no domain")?)?)),
        "exists" => spec(value.ok_or("it names no domain")?).map(|_| Mechanism::Exists),
        "ptr" => match value {
            None if rest.is_empty() => Ok(Mechanism::Ptr),
            Some(value) => spec(value).map(|_| Mechanism::Ptr),
            None => Err("a prefix length has no place here".into()),
        },
        "a" => domain_and_prefixes(rest).map(|(spec, v4, v6)| Mechanism::A(spec, v4, v6)),
        "mx" => domain_and_prefixes(rest).map(|(spec, v4, v6)| Mechanism::Mx(spec, v4, v6)),
        "ip4" => {
            let net = net::<Ipv4Net>(value, 32)?;
            Ok(Mechanism::Ip(IpNet::V4(net.trunc())))
        }
        "ip6" => {
            let net = net::<Ipv6Net>(value, 128)?;
            Ok(Mechanism::Ip(IpNet::V6(net.trunc())))
        }
        _ => Err("no mechanism of SPF".into()),
    }
}

fn net<N: std::str::FromStr>(value: Option<&str>, whole: u8) -> Result<N, String> {
    let value = value.ok_or("it names no address")?;
    let text = if value.contains('/') { value.to_owned() } else { format!("{value}/{whole}") };
    text.parse().map_err(|_| "not an address or a range".into())
}

/// `[:domain][/v4][//v6]` (§5.3, §5.6).
fn domain_and_prefixes(rest: &str) -> Result<(Option<Spec>, u8, u8), String> {
    let (domain, prefixes) = match rest.find('/') {
        // A slash inside of a macro's braces belongs to the macro.
        Some(at) if !rest[..at].contains('{') || rest[..at].ends_with('}') => rest.split_at(at),
        Some(_) | None => (rest, ""),
    };
    let spec = match domain.strip_prefix(':') {
        Some(name) => Some(spec(name)?),
        None if domain.is_empty() => None,
        None => return Err("not a domain".into()),
    };
    let (v4, v6) = match prefixes.split_once("//") {
        Some((v4, v6)) => (v4, Some(v6)),
        None => (prefixes, None),
    };
    let length = |text: &str, most: u8| match text.parse::<u8>() {
        Ok(length) if length <= most && !(text.len() > 1 && text.starts_with('0')) => Ok(length),
        _ => Err(format!("`{text}` is not a prefix length")),
    };
    let v4 = match v4.strip_prefix('/') {
        Some(text) => length(text, 32)?,
        None => 32,
    };
    let v6 = v6.map(|text| length(text, 128)).transpose()?.unwrap_or(128);
    Ok((spec, v4, v6))
}

fn spec(text: &str) -> Result<Spec, String> {
    if text.contains('%') {
        return Ok(Spec::Macro);
    }
    let bare = text.strip_suffix('.').unwrap_or(text);
    match to_labels(bare) {
        Some(labels) if !labels.is_empty() && bare.is_ascii() => Ok(Spec::Name(bare.to_ascii_lowercase())),
        _ => Err("not a domain".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms() {
        let record = SpfRecord::parse(
            "v=spf1 A mx/28//64 a:Relay.Example/24 ip4:192.0.2.7/28 ip6:2001:db8::1 -include:_Spf.example ~all exp=x.%{d} unknown=1",
        )
        .unwrap();
        let mechanisms: Vec<_> = record.directives.iter().map(|d| (d.pass, d.mechanism.clone())).collect();
        let name = |text: &str| Spec::Name(text.into());
        assert_eq!(
            mechanisms,
            [
                (true, Mechanism::A(None, 32, 128)),
                (true, Mechanism::Mx(None, 28, 64)),
                (true, Mechanism::A(Some(name("relay.example")), 24, 128)),
                (true, Mechanism::Ip("192.0.2.0/28".parse().unwrap())),
                (true, Mechanism::Ip("2001:db8::1/128".parse().unwrap())),
                (false, Mechanism::Include(name("_spf.example"))),
                (false, Mechanism::All),
            ]
        );
        assert_eq!(SpfRecord::parse("v=spf1 redirect=%{d}.x.example").unwrap().redirect, Some(Spec::Macro));
        assert_eq!(SpfRecord::parse("v=spf1").unwrap(), SpfRecord::default());
    }

    #[test]
    fn what_is_no_record_says_which_term() {
        for term in [
            "ip4:192.0.2.256",
            "ip4:192.0.2.1/33",
            "ip4:",
            "ip4",
            "ip6:192.0.2.1",
            "a/33",
            "a/",
            "mx//129",
            "a/024",
            "include",
            "include:",
            "include:a..b",
            "exists",
            "ptr/24",
            "all:x",
            "foo",
            "foo:bar",
            "redirect=",
        ] {
            let why = SpfRecord::parse(&format!("v=spf1 {term} -all")).unwrap_err();
            assert!(why.starts_with(&format!("`{term}`: ")), "{term}: {why}");
        }
        assert!(SpfRecord::parse("v=spf1 redirect=a.example redirect=b.example").is_err());
    }

    #[test]
    fn the_version_is_a_word() {
        assert!(is_spf("v=spf1") && is_spf("V=SPF1 -all"));
        assert!(!is_spf("v=spf10 -all") && !is_spf("v=spf2.0/pra") && !is_spf("") && !is_spf("é=spf1"));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_record_or_a_sentence(text: String) {
            let _ = SpfRecord::parse(&format!("v=spf1 {text}"));
        }
    }
}
