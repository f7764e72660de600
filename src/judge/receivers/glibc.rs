//! The resolver of the GNU C library, as Postfix and Sendmail see it: addresses to names and back.
//!
//! Measured: glibc 2.36 (Debian 12), through Postfix and Sendmail.
//! - A name is a host name when it holds letters, digits, `-` and `_` only, and its first label does
//!   not begin with `-`. A first PTR that is none spoils the whole answer; later ones do not matter.
//! - A name in text that reads as an address, in any form that `inet_aton` takes (`0xc0a80001`,
//!   `12345`, `10.1`), is that address.
//! - `localhost`, in any case, is this machine whatever the DNS says: it stands in every hosts file.
//! - SERVFAIL, REFUSED, NOTIMP, silence and nonsense are temporary; FORMERR and any other response
//!   code are not.

use std::net::{IpAddr, Ipv4Addr};

use super::world::{Found, Lacking, World};
use crate::dns::{Status, to_labels};
use crate::name::MAX_NAME;

/// What `gethostbyaddr` makes of the client's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reverse<'a> {
    /// The first PTR's name; empty for the root.
    Name(&'a str),
    /// Temporary trouble.
    Temporary,
    /// No name.
    None,
}

/// What `gethostbyname` makes of a name, in the client's family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Forward {
    /// The client's address is among its addresses.
    Confirmed,
    /// It has other addresses.
    Elsewhere,
    /// It has none.
    None,
    /// Temporary trouble.
    Temporary,
}

/// Reads a PTR answer whose record `first` stands at the head.
pub(super) fn reverse<'a>(ptr: &Found<'a>, first: usize) -> Reverse<'a> {
    if ptr.status == Status::Found {
        return match ptr.data.get(first) {
            Some(&".") => Reverse::Name(""),
            Some(name) if is_host_name(name) => Reverse::Name(name),
            _ => Reverse::None,
        };
    }
    if ptr.is_temporary() { Reverse::Temporary } else { Reverse::None }
}

/// Looks a name up in the client's family.
pub(super) fn forward(world: &World<'_>, name: &str) -> Result<Forward, Lacking> {
    let ip = world.ip()?;
    if let Some(address) = inet_aton(name) {
        return Ok(match ip {
            IpAddr::V4(ip) if ip == address => Forward::Confirmed,
            IpAddr::V4(_) => Forward::Elsewhere,
            IpAddr::V6(_) => Forward::None,
        });
    }
    if name.eq_ignore_ascii_case("localhost") {
        return Ok(if ip.is_loopback() { Forward::Confirmed } else { Forward::Elsewhere });
    }
    // Digits and dots that are no address are no name either.
    if name.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Ok(Forward::None);
    }
    let found = world.ask(name, world.family()?)?;
    Ok(match found.status {
        _ if found.is_temporary() => Forward::Temporary,
        Status::Found if found.addresses().any(|a| a == ip) => Forward::Confirmed,
        Status::Found => Forward::Elsewhere,
        _ => Forward::None,
    })
}

/// glibc's idea of a host name (`res_hnok`), the name in presentation form.
pub(super) fn is_host_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !name.contains('\\') {
        let name = name.strip_suffix('.').unwrap_or(name);
        let label = |l: &str| (1..=63).contains(&l.len()) && l.bytes().all(plain);
        return name.len() <= MAX_NAME && !name.starts_with('-') && name.split('.').all(label);
    }
    let Some(labels) = to_labels(name) else { return false };
    labels.first().is_none_or(|first| first.first() != Some(&b'-')) && labels.iter().flatten().all(|b| plain(*b))
}

/// An IPv4 address in any of the forms that `inet_aton` takes: one to four parts, decimal, octal
/// (`0` before it) or hexadecimal (`0x`), the last one filling the rest.
pub(super) fn inet_aton(text: &str) -> Option<Ipv4Addr> {
    let parts: Vec<u32> = text.split('.').map(number).collect::<Option<_>>()?;
    let (last, head) = parts.split_last()?;
    if head.len() > 3 || head.iter().any(|p| *p > 255) {
        return None;
    }
    let free = 32 - 8 * u32::try_from(head.len()).ok()?;
    if u64::from(*last) >= 1 << free {
        return None;
    }
    let high = head.iter().zip([24, 16, 8]).fold(0, |sum, (part, shift)| sum | part << shift);
    Some(Ipv4Addr::from(high | last))
}

fn number(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // `from_str_radix` takes a sign, `inet_aton` does not.
    digits.starts_with(|c: char| c.is_ascii_hexdigit()).then(|| u32::from_str_radix(digits, radix).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names() {
        let long = "a".repeat(64);
        for (name, ok) in [
            ("mail.example.net", true),
            ("mail_out.example.net", true),
            ("mail-.example.net", true),
            ("x.-y.example", true),
            ("12345", true),
            ("-mail.example", false),
            ("mail/1.example", false),
            ("mail\\032out.example", false),
            ("mail\\.out.example", false),
            ("*.example", false),
            ("a..b", false),
            ("mail\\097.example", true),
            (long.as_str(), false),
        ] {
            assert_eq!(is_host_name(name), ok, "{name}");
        }
    }

    #[test]
    fn addresses_in_odd_forms() {
        let of = |t: &str| inet_aton(t).map(|a| a.to_string());
        assert_eq!(of("203.0.113.1").as_deref(), Some("203.0.113.1"));
        assert_eq!(of("0xcb007101").as_deref(), Some("203.0.113.1"));
        assert_eq!(of("12345").as_deref(), Some("0.0.48.57"));
        assert_eq!(of("10.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(of("010.0.0.010").as_deref(), Some("8.0.0.8"));
        assert_eq!(of("0").as_deref(), Some("0.0.0.0"));
        for bad in ["", ".", "1.2.3.4.5", "256.1.1.1", "1.2.3.256", "0x", "08", "a", "1.2.3.4.", "+1", "4294967296"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
