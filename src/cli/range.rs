//! Addresses and ranges as arguments: `192.0.2.1`, `192.0.2.0/28`, `2001:db8::/120`.
//!
//! A pool is every address of it: network and broadcast addresses are addresses like any other there.
//! Failure: a part of a sentence, for whoever knows where the text stood.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::name::unmap;

/// The most host bits of a range: 65,536 addresses.
const MAX_HOST_BITS: u8 = 16;

/// An address, or a range of at most 65,536 addresses.
pub(super) fn range(text: &str) -> Result<IpNet, String> {
    let range = match text.parse::<IpAddr>() {
        Ok(ip) => IpNet::from(unmap(ip)),
        Err(_) => text.parse::<IpNet>().map_err(|_| {
            let shown = crate::report::clean_bounded(text, 60);
            format!("{shown}: give an IP address or a range such as 192.0.2.0/28")
        })?,
    };
    let host_bits = range.max_prefix_len() - range.prefix_len();
    if host_bits > MAX_HOST_BITS {
        let least = range.max_prefix_len() - MAX_HOST_BITS;
        return Err(format!("{text}: a range of 2^{host_bits} addresses is too large; at most /{least}"));
    }
    Ok(range)
}

/// Whether a text stands for an address or a range, good or bad, and for no host.
pub(super) fn is_range(text: &str) -> bool {
    let (address, bits) = text.split_once('/').unwrap_or((text, "0"));
    address.parse::<IpAddr>().is_ok() && !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit())
}

/// Every address of a range, in order, made as it is asked for.
pub(super) fn each(range: IpNet) -> Box<dyn Iterator<Item = IpAddr> + Send> {
    match range {
        IpNet::V4(net) => {
            Box::new((u32::from(net.network())..=u32::from(net.broadcast())).map(|n| IpAddr::V4(n.into())))
        }
        IpNet::V6(net) => {
            Box::new((u128::from(net.network())..=u128::from(net.broadcast())).map(|n| IpAddr::V6(n.into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_range() {
        let of = |text: &str| range(text).map(|r| each(r).map(|ip| ip.to_string()).collect::<Vec<_>>());
        assert_eq!(of("192.0.2.5/30").unwrap(), ["192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"]);
        assert_eq!(of("::ffff:192.0.2.1").unwrap(), ["192.0.2.1"]);
        assert_eq!(of("2001:db8::/112").unwrap().len(), 65_536);
        assert!(of("10.0.0.0/8").unwrap_err().contains("a range of 2^24 addresses is too large; at most /16"));
        assert!(of("2001:db8::/64").unwrap_err().contains("at most /112"));
        assert!(of("mail.example.net").unwrap_err().contains("give an IP address or a range"));
    }

    #[test]
    fn what_is_meant_as_a_range() {
        for text in ["192.0.2.1", "192.0.2.0/30", "192.0.2.0/99", "2001:db8::1", "2001:db8::/64"] {
            assert!(is_range(text), "{text}");
        }
        for text in ["mail.example.net", "192.0.2.1:25", "[2001:db8::1]", "192.0.2.0/", "smtps://192.0.2.1", "a/30"] {
            assert!(!is_range(text), "{text}");
        }
    }
}
