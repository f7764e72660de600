//! What the user typed, parsed once: `host`, `host:port`, an address, `[v6]:port`, `smtps://host`,
//! `submission://host`.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::name::{HostName, NameFault, unmap};

/// The host part of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A name, to be resolved.
    Name(HostName),
    /// An address, dialled as it is.
    Address(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => name.fmt(f),
            Self::Address(ip) => ip.fmt(f),
        }
    }
}

/// One server to dial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// As it was typed.
    pub input: String,
    /// The host.
    pub host: Host,
    /// The port: given, or the scheme's, or 25.
    pub port: u16,
    /// TLS before the greeting: `smtps://`, or port 465 (RFC 8314 §3.3).
    pub implicit_tls: bool,
}

/// Why a text is not a target.
#[derive(Debug, PartialEq, Eq)]
pub struct TargetFault {
    /// As it was typed.
    pub input: String,
    /// What is wrong.
    pub what: TargetFaultKind,
}

/// What is wrong with a target.
#[derive(Debug, PartialEq, Eq)]
pub enum TargetFaultKind {
    /// A scheme that we do not speak.
    Scheme(String),
    /// The part behind the last colon is no port.
    Port(String),
    /// A bracket without its partner, or no address inside.
    Brackets,
    /// The host is not a name.
    Host(NameFault),
    /// A path or a user name behind or before the host.
    NotAHost,
    /// A mailbox where a host belongs.
    Mailbox,
}

impl fmt::Display for TargetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "target `{}`: ", self.input)?;
        match &self.what {
            TargetFaultKind::Scheme(s) => {
                write!(f, "scheme `{s}` is not spoken here; use smtp://, submission:// or smtps://")
            }
            TargetFaultKind::Port(p) => write!(f, "`{p}` is not a port; give a number from 1 to 65535"),
            TargetFaultKind::Brackets => {
                write!(f, "brackets hold an IPv6 address, as in [2001:db8::25]:25")
            }
            TargetFaultKind::Host(fault) => write!(f, "{fault}; give a host name or an IP address"),
            TargetFaultKind::NotAHost => write!(f, "give a host, not a path; for example mail.example.net:25"),
            TargetFaultKind::Mailbox => {
                write!(f, "this is a mailbox; give the mail server's host name")
            }
        }
    }
}

impl std::error::Error for TargetFault {}

impl Target {
    /// Parses a target; `default_port` is what `--port` says.
    pub fn parse(input: &str, default_port: Option<u16>) -> Result<Self, TargetFault> {
        let fail = |what| TargetFault { input: input.to_owned(), what };
        let text = input.trim();
        let (scheme_port, tls, rest) = match text.split_once("://") {
            None => (25, false, text),
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "smtp" => (25, false, rest),
                "submission" => (587, false, rest),
                "smtps" | "submissions" => (465, true, rest),
                _ => return Err(fail(TargetFaultKind::Scheme(scheme.to_owned()))),
            },
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(fail(TargetFaultKind::Mailbox));
        }
        if rest.contains('/') {
            return Err(fail(TargetFaultKind::NotAHost));
        }
        let (host, port) = split_port(rest).map_err(fail)?;
        let host = match host.parse::<IpAddr>() {
            Ok(ip) => Host::Address(unmap(ip)),
            Err(_) => Host::Name(HostName::parse(host).map_err(|f| fail(TargetFaultKind::Host(f)))?),
        };
        let scheme_given = text.contains("://");
        let port = port.or(default_port.filter(|_| !scheme_given)).unwrap_or(scheme_port);
        Ok(Self { input: input.to_owned(), host, port, implicit_tls: tls || (port == 465 && !scheme_given) })
    }
}

/// The host and the port of `host`, `host:port`, `[v6]`, `[v6]:port`; a bare IPv6 address is all host.
fn split_port(text: &str) -> Result<(&str, Option<u16>), TargetFaultKind> {
    let parse = |p: &str| match p.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(TargetFaultKind::Port(p.to_owned())),
    };
    if let Some(inner) = text.strip_prefix('[') {
        let (address, behind) = inner.split_once(']').ok_or(TargetFaultKind::Brackets)?;
        if address.parse::<IpAddr>().is_err() {
            return Err(TargetFaultKind::Brackets);
        }
        return match behind {
            "" => Ok((address, None)),
            _ => Ok((address, Some(parse(behind.strip_prefix(':').ok_or(TargetFaultKind::Brackets)?)?))),
        };
    }
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok((text, None));
    }
    match text.rsplit_once(':') {
        Some((host, port)) => Ok((host, Some(parse(port)?))),
        None => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form() {
        for (text, host, port, tls) in [
            ("relay.example.net", "relay.example.net", 25, false),
            ("Relay.Example.net.:2525", "relay.example.net", 2525, false),
            ("203.0.113.10", "203.0.113.10", 25, false),
            ("203.0.113.10:587", "203.0.113.10", 587, false),
            ("2001:db8::25", "2001:db8::25", 25, false),
            ("[2001:db8::25]", "2001:db8::25", 25, false),
            ("[2001:db8::25]:465", "2001:db8::25", 465, true),
            ("::ffff:203.0.113.10", "203.0.113.10", 25, false),
            ("smtps://relay.example.net", "relay.example.net", 465, true),
            ("smtps://relay.example.net:25", "relay.example.net", 25, true),
            ("smtp://relay.example.net:465", "relay.example.net", 465, false),
            ("submission://relay.example.net/", "relay.example.net", 587, false),
            ("relay.example.net:465", "relay.example.net", 465, true),
            ("bücher.example", "xn--bcher-kva.example", 25, false),
        ] {
            let target = Target::parse(text, None).unwrap();
            assert_eq!(
                (target.host.to_string().as_str(), target.port, target.implicit_tls),
                (host, port, tls),
                "{text}"
            );
        }
        assert_eq!(Target::parse("relay.example.net", Some(2525)).unwrap().port, 2525);
        assert_eq!(Target::parse("smtps://relay.example.net", Some(2525)).unwrap().port, 465);
    }

    #[test]
    fn what_is_no_target_says_why() {
        for (text, words) in [
            ("", "the name is empty"),
            ("http://relay.example.net", "scheme `http`"),
            ("relay.example.net:smtp", "`smtp` is not a port"),
            ("relay.example.net:0", "`0` is not a port"),
            ("relay.example.net:70000", "`70000` is not a port"),
            ("[2001:db8::25", "brackets"),
            ("[relay.example.net]", "brackets"),
            ("user@example.net", "mailbox"),
            ("relay.example.net/x", "not a path"),
            ("two words", "no host name may have"),
            ("a..b", "empty label"),
        ] {
            let fault = Target::parse(text, None).unwrap_err().to_string();
            assert!(fault.contains(words), "{text}: {fault}");
        }
    }
}
