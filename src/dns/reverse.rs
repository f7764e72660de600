//! From an address to the name that holds its PTR (RFC 1035 §3.5, RFC 3596 §2.5).

use std::fmt::Write;
use std::net::IpAddr;

use crate::name::unmap;

/// The reverse name of an address, without its final dot; an IPv4-mapped address is taken as IPv4.
pub fn reverse_name(ip: IpAddr) -> String {
    match unmap(ip) {
        IpAddr::V4(ip) => {
            let mut name = String::with_capacity(28);
            for octet in ip.octets().into_iter().rev() {
                push_decimal(&mut name, octet);
                name.push('.');
            }
            name + "in-addr.arpa"
        }
        IpAddr::V6(ip) => {
            let mut name = String::with_capacity(72);
            for byte in ip.octets().iter().rev() {
                let _ = write!(name, "{:x}.{:x}.", byte & 15, byte >> 4);
            }
            name + "ip6.arpa"
        }
    }
}

/// Without the formatting machinery, which takes ten times as long: every check asks for such names.
fn push_decimal(text: &mut String, octet: u8) {
    for (power, digit) in [(100, octet / 100), (10, octet / 10 % 10), (1, octet % 10)] {
        if octet >= power || power == 1 {
            text.push(char::from(b'0' + digit));
        }
    }
}

/// Whether a name lies in one of the two reverse trees.
pub fn is_reverse_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    name.ends_with(".in-addr.arpa") || name.ends_with(".ip6.arpa")
}

/// Whether a name is a zone's apex or stands below it, in any case, final dots aside.
pub fn is_below(name: &str, apex: &str) -> bool {
    let (name, apex) = (name.trim_end_matches('.'), apex.trim_end_matches('.'));
    let Some(at) = name.len().checked_sub(apex.len()) else { return false };
    let ends = name.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(apex));
    ends && (at == 0 || apex.is_empty() || name.as_bytes().get(at - 1) == Some(&b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_lies_in_a_zone_by_whole_labels() {
        for (name, apex, below) in [
            ("mail.example.net", "Example.NET.", true),
            ("example.net", "example.net", true),
            ("badexample.net", "example.net", false),
            ("net", "example.net", false),
            ("mail.example.net", ".", true),
        ] {
            assert_eq!(is_below(name, apex), below, "{name} {apex}");
        }
    }

    #[test]
    fn octets_and_nibbles_backwards() {
        let of = |ip: &str| reverse_name(ip.parse().unwrap());
        assert_eq!(of("203.0.113.10"), "10.113.0.203.in-addr.arpa");
        assert_eq!(of("100.0.9.255"), "255.9.0.100.in-addr.arpa");
        for octet in 0..=255 {
            assert_eq!(of(&format!("{octet}.1.2.3")), format!("3.2.1.{octet}.in-addr.arpa"));
        }
        assert_eq!(of("::ffff:203.0.113.10"), "10.113.0.203.in-addr.arpa");
        assert_eq!(of("2001:db8::25"), "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
        assert!(is_reverse_name("10.0/25.113.0.203.IN-ADDR.ARPA."));
        assert!(!is_reverse_name("in-addr.arpa.example"));
    }
}
