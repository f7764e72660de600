//! Addresses and host names as they stand in running text, and which of them can be a sending IP.
//!
//! Standard: RFC 6890 (special-purpose addresses), RFC 5321 §4.1.3 (address literals).
//! Design: an address is taken only as a whole word, so that a part of a longer dotted number, of a
//! host name or of a half-redacted IPv6 address is never read as one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::name::unmap;

/// An address in a text, with where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    pub ip: IpAddr,
    /// Octet offsets of the word that holds it.
    pub start: usize,
    pub end: usize,
}

/// More addresses in one text than this are not looked at.
const MAX_ADDRESSES: usize = 64;

/// All addresses that stand as whole words, in the order of the text.
pub(super) fn addresses(text: &str) -> Vec<Quoted> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() && found.len() < MAX_ADDRESSES {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let start = at;
        while at < bytes.len() && is_word(bytes[at]) {
            at += 1;
        }
        // The longest forms are "IPv6:" with 45 characters and a v4 address with a port.
        if at - start > 64 {
            continue;
        }
        if let Some((ip, skip)) = word_address(&text[start..at]) {
            found.push(Quoted { ip, start: start + skip, end: at });
        }
    }
    found
}

const fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'_' | b'-' | b'%')
}

/// The address that a word is, and how many octets stand before it in the word.
fn word_address(word: &str) -> Option<(IpAddr, usize)> {
    let lead = word.len() - word.trim_start_matches(['.', '-', '_', '%']).len();
    let word = word[lead..].trim_end_matches(['.', '-', '_', '%']);
    let core = word.strip_suffix(':').filter(|w| !w.ends_with(':')).unwrap_or(word);
    if !core.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    if let Some(ip) = parse(core) {
        return Some((ip, lead));
    }
    // A tag before it ("IPv6:…", "ip:…", "from:…") or a port behind a dotted quad.
    let (head, tail) = core.split_once(':')?;
    if head.bytes().all(|b| b.is_ascii_alphabetic())
        || head.eq_ignore_ascii_case("ipv6")
        || head.eq_ignore_ascii_case("ipv4")
    {
        return parse(tail).map(|ip| (ip, lead + head.len() + 1));
    }
    if tail.bytes().all(|b| b.is_ascii_digit()) {
        return head.parse::<Ipv4Addr>().ok().map(|ip| (ip.into(), lead));
    }
    None
}

/// One address, its zone dropped and an IPv4-mapped one unmapped.
pub(super) fn parse(word: &str) -> Option<IpAddr> {
    let word = word.split_once('%').map_or(word, |(address, _)| address);
    if let Ok(ip) = word.parse::<Ipv4Addr>() {
        return Some(ip.into());
    }
    if word.bytes().filter(|b| *b == b':').count() < 2 {
        return None;
    }
    word.parse::<Ipv6Addr>().ok().map(|ip| unmap(ip.into()))
}

/// Whether a receiver elsewhere on the Internet can have seen this address as a client's: not
/// private, shared (RFC 6598), loopback, link-local, multicast or reserved. Documentation addresses
/// count, since labs and anonymised samples stand on them.
pub fn can_be_outbound(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || a == 0
                || a >= 224
                || a == 100 && (64..128).contains(&b))
        }
        IpAddr::V6(ip) => ip.segments()[0] & 0xe000 == 0x2000,
    }
}

/// The part of a name that one organisation registers, told without a list of public suffixes: two
/// labels, or three under the usual second levels of the country domains (`co.jp`, `com.br`).
/// `None` where the text is not a name of two labels or more.
pub(super) fn organisation(name: &str) -> Option<String> {
    const SECOND: [&str; 20] = [
        "ac", "ad", "co", "com", "ed", "edu", "go", "gob", "gov", "gr", "gv", "id", "ltd", "me", "ne", "net", "nom",
        "or", "org", "sch",
    ];
    let name = name.trim().trim_end_matches('.').to_ascii_lowercase();
    if name.parse::<IpAddr>().is_ok() || name.starts_with('[') {
        return None;
    }
    let labels: Vec<&str> = name.rsplit('.').take(3).collect();
    let (top, second) = (labels.first()?, labels.get(1)?);
    if top.is_empty() || second.is_empty() || top.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match labels.get(2) {
        Some(third) if top.len() == 2 && SECOND.contains(second) => Some(format!("{third}.{second}.{top}")),
        _ => Some(format!("{second}.{top}")),
    }
}

/// Whether two names belong to one organisation. Unknown counts as "no".
pub(super) fn same_organisation(a: &str, b: &str) -> bool {
    matches!((organisation(a), organisation(b)), (Some(a), Some(b)) if a == b)
}

/// Whether a name lies in a domain set aside for documentation (RFC 2606 and the second levels used
/// the same way): many unrelated parties share it there, so that two names below it need not belong
/// together.
pub(super) fn is_documentation(name: &str) -> bool {
    organisation(name).is_some_and(|o| o.starts_with("example.") || o.ends_with(".example"))
}

/// A word as a host name of two labels or more, without brackets and final dot.
pub(super) fn host_name(word: &str) -> Option<&str> {
    let word = word.trim_matches(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).trim_end_matches('.');
    let plain = word.len() <= 253
        && word.contains('.')
        && word.split('.').all(|l| !l.is_empty() && l.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)));
    let top = word.rsplit('.').next()?;
    (plain && top.len() >= 2 && top.bytes().any(|b| b.is_ascii_alphabetic())).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        addresses(text).iter().map(|q| q.ip.to_string()).collect()
    }

    #[test]
    fn addresses_are_whole_words() {
        assert_eq!(
            all("Client host [192.0.2.7] blocked; see http://x.example/?ip=192.0.2.8."),
            ["192.0.2.7", "192.0.2.8"]
        );
        assert_eq!(
            all("[198.51.100.21]:22222 and 198.51.100.22:25 and ::ffff:192.0.2.1"),
            ["198.51.100.21", "198.51.100.22", "192.0.2.1"]
        );
        assert_eq!(all("[IPv6:2001:db8::25] ip:192.0.2.3 fe80::1%14"), ["2001:db8::25", "192.0.2.3", "fe80::1"]);
        for text in [
            "1.2.3",
            "host-192.0.2.1-dyn.example",
            "2001:db8:1:2:192.0.2.222",
            "15.20.0776.0155.1",
            "192.0.2.1.example",
        ] {
            assert_eq!(all(text), Vec::<String>::new(), "{text}");
        }
        let text = "for IPv4:192.0.2.9:";
        let q = addresses(text)[0];
        assert_eq!((&text[q.start..q.end], q.ip.to_string().as_str()), ("192.0.2.9:", "192.0.2.9"));
    }

    #[test]
    fn what_can_be_outbound() {
        for (ip, yes) in [
            ("192.0.2.1", true),
            ("2001:db8::1", true),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.128.0.1", true),
            ("127.0.0.2", false),
            ("169.254.1.1", false),
            ("0.1.2.3", false),
            ("255.255.255.255", false),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::1", false),
        ] {
            assert_eq!(can_be_outbound(ip.parse().unwrap()), yes, "{ip}");
        }
    }

    #[test]
    fn organisations() {
        assert!(same_organisation("mx1.example.net", "EXAMPLE.net."));
        assert!(same_organisation("a.b.example.co.jp", "example.co.jp"));
        assert!(!same_organisation("a.example.co.jp", "b.other.co.jp"));
        assert!(!same_organisation("localhost", "localhost"));
        assert!(!same_organisation("192.0.2.1", "192.0.2.1"));
        assert_eq!(host_name("<mx.example.net.>,"), Some("mx.example.net"));
        assert_eq!(host_name("4.16.55.1"), None);
    }
}
