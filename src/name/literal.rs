//! Address literals: `[192.0.2.1]` and `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address in the brackets in which SMTP carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressLiteral {
    /// The address inside the brackets.
    pub ip: IpAddr,
    /// Written as RFC 5321 asks: dotted quad bare, IPv6 behind its tag.
    pub well_formed: bool,
}

impl AddressLiteral {
    /// Reads a literal. Untagged IPv6 and a tagged IPv4 are read too, as not well formed, because
    /// servers meet both.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        if let Ok(ip) = inner.parse::<Ipv4Addr>() {
            return Some(Self { ip: ip.into(), well_formed: true });
        }
        if let Ok(ip) = inner.parse::<Ipv6Addr>() {
            return Some(Self { ip: unmap(ip.into()), well_formed: false });
        }
        let (tag, address) = inner.split_once(':')?;
        if tag.eq_ignore_ascii_case("ipv6") {
            let ip = address.parse::<Ipv6Addr>().ok()?;
            return Some(Self { ip: unmap(ip.into()), well_formed: true });
        }
        if tag.eq_ignore_ascii_case("ipv4") {
            let ip = address.parse::<Ipv4Addr>().ok()?;
            return Some(Self { ip: ip.into(), well_formed: false });
        }
        None
    }

    /// The literal of an address, as a client writes it in EHLO.
    pub fn of(ip: IpAddr) -> Self {
        Self { ip: unmap(ip), well_formed: true }
    }
}

impl fmt::Display for AddressLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ip {
            IpAddr::V4(ip) => write!(f, "[{ip}]"),
            IpAddr::V6(ip) => write!(f, "[IPv6:{ip}]"),
        }
    }
}

/// An IPv4-mapped IPv6 address is the IPv4 address that it stands for (RFC 4291 §2.5.5.2).
pub fn unmap(ip: IpAddr) -> IpAddr {
    ip.to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_families_and_says_what_is_off() {
        let of = |t: &str| AddressLiteral::parse(t).map(|l| (l.ip.to_string(), l.well_formed));
        assert_eq!(of("[192.0.2.1]"), Some(("192.0.2.1".into(), true)));
        assert_eq!(of("[IPv6:2001:DB8::1]"), Some(("2001:db8::1".into(), true)));
        assert_eq!(of("[2001:db8::1]"), Some(("2001:db8::1".into(), false)));
        assert_eq!(of("[IPv4:192.0.2.1]"), Some(("192.0.2.1".into(), false)));
        assert_eq!(of("[IPv6:::ffff:192.0.2.1]"), Some(("192.0.2.1".into(), true)));
        for bad in ["192.0.2.1", "[192.0.2.1", "[192.0.2.256]", "[]", "[IPv6:]", "[mail.example]", "[fe80::1%eth0]"] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }

    #[test]
    fn mapped_addresses_are_unmapped() {
        assert_eq!(unmap("::ffff:192.0.2.1".parse().unwrap()), "192.0.2.1".parse::<IpAddr>().unwrap());
        assert_eq!(AddressLiteral::of("::ffff:192.0.2.1".parse().unwrap()).to_string(), "[192.0.2.1]");
        assert_eq!(AddressLiteral::of("2001:db8::1".parse().unwrap()).to_string(), "[IPv6:2001:db8::1]");
    }
}
