//! OpenSMTPD: the EHLO syntax check, and filters on `rdns` and `fcrdns` at `phase connect`.
//!
//! Measured: OpenSMTPD 6.8.0p2 (Debian 12) with `match !rdns disconnect "550 …"` and
//! `match !fcrdns disconnect "550 …"`; the source of 6.8.0p2, resolver included, was read beside it.
//! - There is no temporary state: a dead resolver is the same as no PTR.
//! - The first PTR that is a host name counts; the ones before it are skipped.
//! - The name is cut to 64 characters before it is looked up, so a longer one never confirms.
//! - A name ends at a NUL octet, and a dot inside a label is a border like any other.
//! - Both filters speak before the EHLO, whose syntax is judged after them.

use std::net::IpAddr;

use super::glibc::is_host_name;
use super::order::{self, Ordered};
use super::prediction::{Answer, Prediction};
use super::world::{Found, Lacking, World};
use crate::dns::{RecordType, Status, to_labels};

const NAME: &str = "opensmtpd";
const SOURCE: &str = "smtpd.conf(5); measured with OpenSMTPD 6.8.0p2";

/// `HOST_NAME_MAX` of Linux.
const MAX_RDNS: usize = 64;
const MAX_DOMAIN: usize = 255;
/// With a longer argument the line is no command any more.
const MAX_ARGUMENT: usize = 2042;

pub(super) fn predict(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    vec![
        ("base", session(world, "base", |_| Ok(Answer::accept("no identity rule is switched on").into()))),
        ("rdns", session(world, "rdns", rdns)),
        ("fcrdns", session(world, "fcrdns", fcrdns)),
    ]
}

fn session(
    world: &World<'_>,
    rule: &'static str,
    judge: fn(&World<'_>) -> Result<Ordered, Lacking>,
) -> Result<Prediction, Lacking> {
    let judged = judge(world)?;
    let mut assumes = Vec::new();
    if rule != "base" {
        assumes.push(format!("a filter with `match !{rule} disconnect \"550 …\"`").into());
    }
    assumes.extend(judged.other_orders());
    if judged.seen.reply.code != 250 {
        return Ok(judged.seen.predict(NAME, rule, SOURCE, assumes));
    }
    match world.ehlo() {
        Ok(ehlo) => {
            if let Some(refused) = refused_syntax(ehlo) {
                return Ok(refused.predict(NAME, rule, SOURCE, assumes));
            }
        }
        Err(_) => assumes.push("an EHLO name of valid syntax is given".into()),
    }
    Ok(judged.seen.predict(NAME, rule, SOURCE, assumes))
}

/// The check of the EHLO argument. Blanks before it are skipped, blanks behind it are part of it.
fn refused_syntax(ehlo: &str) -> Option<Answer> {
    if ehlo.is_empty() {
        return Some(Answer::of(501, Some("5.5.1"), "EHLO was said without a name"));
    }
    if ehlo.len() > MAX_ARGUMENT {
        return Some(Answer::of(500, Some("5.0.0"), "the EHLO line is too long"));
    }
    let name = ehlo.trim_start_matches(|c: char| c == ' ' || ('\t'..='\r').contains(&c));
    let valid = match name.strip_prefix('[') {
        Some(inner) => {
            let tagged = inner.get(..5).is_some_and(|tag| tag.eq_ignore_ascii_case("ipv6:"));
            let inner = if tagged { &inner[5..] } else { inner };
            inner.len() <= MAX_DOMAIN && inner.strip_suffix(']').is_some_and(|a| a.parse::<IpAddr>().is_ok())
        }
        None => !name.is_empty() && name.len() <= MAX_DOMAIN && !name.ends_with('.') && is_host_name(name),
    };
    (!valid).then(|| Answer::of(501, Some("5.5.4"), format!("{name} is not a valid domain name")))
}

/// A PTR name as the server writes it down: the octets of the labels with dots between, up to a NUL.
fn written(name: &str) -> Option<String> {
    let mut octets = Vec::new();
    for label in to_labels(name)? {
        octets.extend(label);
        octets.push(b'.');
    }
    let end = octets.iter().position(|b| *b == 0).unwrap_or(octets.len());
    // The last character before the end, meant to be the final dot, is dropped whatever it is.
    octets.truncate(end.saturating_sub(1));
    let text = String::from_utf8(octets).ok()?;
    (text.is_empty() || is_host_name(&text)).then(|| text.chars().take(MAX_RDNS).collect())
}

/// The first PTR record, from `first` on and round, that is a host name.
fn name_of(ptr: &Found<'_>, first: usize) -> Option<String> {
    if ptr.status != Status::Found {
        return None;
    }
    let (before, from) = ptr.data.split_at(first.min(ptr.data.len()));
    from.iter().chain(before).find_map(|name| written(name))
}

/// The names that the fcrdns filter asks the DNS for.
pub(super) fn asked(ptr: &Found<'_>) -> impl Iterator<Item = String> {
    ptr.data.iter().filter_map(|name| written(name)).filter(|n| !n.is_empty())
}

fn no_name(ptr: &Found<'_>) -> String {
    match ptr.status {
        Status::Found => "no PTR name is a valid host name".into(),
        status if status.is_none() => format!("the address has no PTR ({status})"),
        status => format!("the PTR could not be looked up ({status}), which counts as no PTR"),
    }
}

fn rdns(world: &World<'_>) -> Result<Ordered, Lacking> {
    let ptr = world.ptr()?;
    order::each_first(ptr, |first| {
        Ok(match name_of(ptr, first) {
            None => Answer::of(550, None, no_name(ptr)),
            Some(name) if is_net(&name) => Answer::of(550, None, format!("the PTR {name} is an address in text")),
            Some(name) => Answer::accept(format!("the PTR {name} is there, and is not compared further")),
        })
    })
}

fn fcrdns(world: &World<'_>) -> Result<Ordered, Lacking> {
    let ptr = world.ptr()?;
    let (ip, family) = (world.ip()?, world.family()?);
    order::each_first(ptr, |first| {
        let Some(name) = name_of(ptr, first) else { return Ok(Answer::of(550, None, no_name(ptr))) };
        if name.is_empty() {
            return Ok(Answer::of(550, None, "the PTR names the root"));
        }
        let (confirmed, trouble) = match name.parse::<IpAddr>() {
            Ok(address) if address.is_ipv4() == (family == RecordType::A) => (address == ip, None),
            _ => {
                let found = world.ask(&name, family)?;
                let trouble = Some(found.status).filter(|status| !status.is_definite());
                (found.addresses().any(|a| a == ip), trouble)
            }
        };
        if confirmed {
            return Ok(Answer::accept(format!("the PTR {name} leads back to {ip}")));
        }
        let shown = if name.len() == MAX_RDNS { format!("the PTR, cut to {name},") } else { format!("the PTR {name}") };
        Ok(Answer::of(
            550,
            None,
            match trouble {
                Some(status) => {
                    format!("{shown} could not be looked up ({status}), which counts as not leading back")
                }
                None => format!("{shown} does not lead back to {ip}"),
            },
        ))
    })
}

/// Whether the name reads as an IPv4 network (`inet_net_pton`): one to four decimal octets, or
/// hexadecimal digits behind `0x`.
fn is_net(name: &str) -> bool {
    if let Some(digits) = name.strip_prefix("0x").or_else(|| name.strip_prefix("0X")) {
        return (1..=8).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    }
    let octet = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.trim_start_matches('0').parse::<u16>().map_or(part.trim_start_matches('0').is_empty(), |n| n <= 255)
    };
    name.split('.').count() <= 4 && name.split('.').all(octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_written_down() {
        let of = |n: &str| written(n);
        assert_eq!(of("mail.example").as_deref(), Some("mail.example"));
        assert_eq!(of("mail\\.out.example").as_deref(), Some("mail.out.example"));
        assert_eq!(of("ma\\000il.example").as_deref(), Some("m"));
        assert_eq!(of(".").as_deref(), Some(""));
        assert_eq!(of("mail\\032out.example"), None);
        assert_eq!(of(&format!("{}.{}", "a".repeat(50), "b".repeat(50))).map(|n| n.len()), Some(64));
    }

    #[test]
    fn networks_in_text() {
        for yes in ["203.0.113.9", "10", "192.0.2", "0xc0a8", "000.1"] {
            assert!(is_net(yes), "{yes}");
        }
        for no in ["12345", "mail", "1.2.3.4.5", "0xzz", "0x", "256.1", "1..2", ""] {
            assert!(!is_net(no), "{no}");
        }
    }
}
