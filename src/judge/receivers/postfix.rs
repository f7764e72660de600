//! Postfix: what its five identity restrictions answer.
//!
//! Measured: Postfix 3.7.11 (Debian 12, glibc 2.36), one restriction at a time, stock reply codes,
//! `smtpd_delay_reject = yes`; the source of 3.7.11 was read beside it.
//! - Of several PTR records only the first counts, and a first one that is no host name spoils all.
//! - Temporary trouble with the client's name is always 450, whatever `unknown_client_reject_code`.
//! - An EHLO name that resolves passes `reject_unknown_helo_hostname`; its address is never compared
//!   with the client's. A CNAME's target, an MX alone and a null MX all count as resolving.
//! - A literal is checked for syntax only, by all three HELO restrictions.

use super::glibc::{self, Forward, Reverse};
use super::order::{self, Ordered};
use super::prediction::{Answer, Prediction, Text};
use super::world::{Found, Lacking, World};
use crate::dns::{RecordType, Status};

const NAME: &str = "postfix";
const SOURCE: &str = "postconf(5); measured with Postfix 3.7.11";

const MAX_NAME: usize = 255;

/// A restriction's name and what it answers to a session that says an acceptable EHLO.
type Rule = (&'static str, fn(&World<'_>) -> Result<Ordered, Lacking>);

const RULES: [Rule; 6] = [
    ("base", |_| Ok(Answer::accept("no identity rule is switched on").into())),
    ("reject_unknown_reverse_client_hostname", unknown_reverse_client),
    ("reject_unknown_client_hostname", unknown_client),
    ("reject_invalid_helo_hostname", |w| Ok(invalid_helo(helo(w)?).into())),
    ("reject_non_fqdn_helo_hostname", |w| Ok(non_fqdn_helo(helo(w)?).into())),
    ("reject_unknown_helo_hostname", |w| Ok(unknown_helo(w, helo(w)?)?.into())),
];

pub(super) fn predict(world: &World<'_>) -> Vec<(&'static str, Result<Prediction, Lacking>)> {
    RULES.iter().map(|(rule, judge)| (*rule, session(world, rule, *judge))).collect()
}

fn session(
    world: &World<'_>,
    rule: &'static str,
    judge: fn(&World<'_>) -> Result<Ordered, Lacking>,
) -> Result<Prediction, Lacking> {
    let mut assumes = Vec::new();
    match world.ehlo() {
        Ok(ehlo) if words(ehlo).is_empty() => {
            let answer = Answer::of(501, None, "EHLO was said without a name");
            return Ok(answer.predict(NAME, rule, SOURCE, assumes));
        }
        Ok(_) => {}
        Err(_) => assumes.push("an EHLO name is given".into()),
    }
    let judged = judge(world)?;
    if let Some(setting) = stock_code(rule, &judged.seen) {
        assumes.push(setting.into());
    }
    assumes.extend(judged.other_orders());
    Ok(judged.seen.predict(NAME, rule, SOURCE, assumes))
}

/// The setting that turns this 450 into something else.
fn stock_code(rule: &str, answer: &Answer) -> Option<&'static str> {
    let permanent = answer.reply.code == 450 && !answer.because.contains("could not be looked up");
    match rule {
        _ if !permanent => None,
        "reject_unknown_helo_hostname" => Some("unknown_hostname_reject_code = 450 (the default; 550 refuses at once)"),
        _ => Some("unknown_client_reject_code = 450 (the default; 550 refuses at once)"),
    }
}

/// What Postfix makes of the client's address: its name, or why there is none.
enum ClientName<'a> {
    Name(&'a str),
    Temporary,
    None,
}

fn client_name<'a>(ptr: &Found<'a>, first: usize) -> ClientName<'a> {
    match glibc::reverse(ptr, first) {
        Reverse::Name(name) if is_valid_hostname(name) => ClientName::Name(name),
        Reverse::Temporary => ClientName::Temporary,
        _ => ClientName::None,
    }
}

/// The name by which Postfix calls the client, as filters and its Received line have it; `None` is
/// written as `unknown`.
pub(super) fn confirmed_name<'a>(world: &World<'_>, ptr: &Found<'a>, first: usize) -> Result<Option<&'a str>, Lacking> {
    Ok(match client_name(ptr, first) {
        ClientName::Name(name) if glibc::forward(world, name)? == Forward::Confirmed => Some(name),
        _ => None,
    })
}

fn no_reverse(ptr: &Found<'_>, first: usize) -> Text {
    match ptr.data.get(first) {
        Some(name) => format!("the PTR {name} is not a valid host name").into(),
        None => format!("the address has no PTR ({})", ptr.status).into(),
    }
}

fn unknown_reverse_client(world: &World<'_>) -> Result<Ordered, Lacking> {
    let ptr = world.ptr()?;
    order::each_first(ptr, |first| {
        Ok(match client_name(ptr, first) {
            ClientName::Name(name) => Answer::accept(format!("the PTR {name} is there, and is not compared further")),
            ClientName::Temporary => {
                Answer::of(450, Some("4.7.1"), format!("the PTR could not be looked up ({})", ptr.status))
            }
            ClientName::None => Answer::of(450, Some("4.7.1"), no_reverse(ptr, first)),
        })
    })
}

fn unknown_client(world: &World<'_>) -> Result<Ordered, Lacking> {
    const CODE: Option<&str> = Some("4.7.25");
    let ptr = world.ptr()?;
    let (ip, family) = (world.ip()?, world.family()?);
    order::each_first(ptr, |first| {
        let name = match client_name(ptr, first) {
            ClientName::Name(name) => name,
            ClientName::Temporary => {
                return Ok(Answer::of(450, CODE, format!("the PTR could not be looked up ({})", ptr.status)));
            }
            ClientName::None => return Ok(Answer::of(450, CODE, no_reverse(ptr, first))),
        };
        Ok(match glibc::forward(world, name)? {
            Forward::Confirmed => Answer::accept(format!("the PTR {name} leads back to {ip}")),
            Forward::Elsewhere => Answer::of(450, CODE, format!("the PTR {name} leads to another address than {ip}")),
            Forward::None => Answer::of(450, CODE, format!("the PTR {name} has no usable {family}")),
            Forward::Temporary => Answer::of(450, CODE, format!("{family} of the PTR {name} could not be looked up")),
        })
    })
}

/// The EHLO argument as Postfix keeps it: blanks at both ends are dropped, and what is left inside
/// makes the name invalid, as do the characters that it replaces.
fn helo<'a>(world: &World<'a>) -> Result<&'a str, Lacking> {
    Ok(words(world.ehlo()?))
}

fn words(ehlo: &str) -> &str {
    ehlo.trim_matches(|c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c'))
}

/// The EHLO name as Postfix writes it into the Received line: what could mislead a reader becomes `?`.
pub(super) fn written_helo(ehlo: &str) -> String {
    let neuter = |c: char| if c.is_control() || " <>()\\\";@".contains(c) { '?' } else { c };
    words(ehlo).chars().map(neuter).collect()
}

/// The check that all three restrictions make of a name that begins with a bracket.
fn literal(helo: &str) -> Option<Answer> {
    if !helo.starts_with('[') {
        return None;
    }
    let inner = helo.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(helo);
    let valid = match inner.get(..5) {
        Some(tag) if tag.eq_ignore_ascii_case("ipv6:") => is_ipv6(&inner[5..]),
        _ => is_ipv4(inner),
    };
    Some(if valid {
        Answer::accept(format!("{helo} is a literal, and is not compared with the client's address"))
    } else {
        Answer::of(501, Some("5.5.2"), format!("{helo} is not an address literal"))
    })
}

/// The name without its final dot, unless two stand there.
fn without_dot(helo: &str) -> &str {
    match helo.strip_suffix('.') {
        Some(name) if !name.is_empty() && !name.ends_with('.') => name,
        _ => helo,
    }
}

fn invalid_helo(helo: &str) -> Answer {
    if let Some(answer) = literal(helo) {
        return answer;
    }
    let name = without_dot(helo);
    if is_valid_hostname(name) || is_address(name) {
        Answer::accept(format!("{helo} has a valid syntax"))
    } else {
        Answer::of(501, Some("5.5.2"), format!("{helo} is neither a valid host name nor an address"))
    }
}

fn non_fqdn_helo(helo: &str) -> Answer {
    if let Some(answer) = literal(helo) {
        return answer;
    }
    let name = without_dot(helo);
    if is_valid_hostname(name) && name.contains('.') {
        Answer::accept(format!("{helo} has a dot and a valid syntax"))
    } else {
        Answer::of(504, Some("5.5.2"), format!("{helo} is not a fully qualified host name"))
    }
}

/// What came of one question for the EHLO name, in the order in which the more telling one wins.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    NotFound,
    NullMx,
    Failed,
    Malformed,
    Temporary,
    Found,
}

fn unknown_helo(world: &World<'_>, helo: &str) -> Result<Answer, Lacking> {
    const CODE: Option<&str> = Some("4.7.1");
    if let Some(answer) = literal(helo) {
        return Ok(answer);
    }
    if is_address(helo) || !is_valid_rr_name(helo) {
        return Ok(Answer::of(450, CODE, format!("{helo} is not a name that the DNS is asked for")));
    }
    let mut worst = Asked::NotFound;
    for kind in [RecordType::A, RecordType::Aaaa, RecordType::Mx] {
        let asked = helo_answer(&world.ask(helo, kind)?, kind);
        worst = worst.max(asked);
        if asked == Asked::Found {
            return Ok(Answer::accept(format!("{helo} has a record of type {kind}; nothing is compared")));
        }
    }
    Ok(match worst {
        Asked::NullMx => Answer::accept(format!("{helo} has a null MX, which counts as found")),
        Asked::Temporary => Answer::of(450, CODE, format!("{helo} could not be looked up")),
        Asked::Malformed => Answer::of(450, CODE, format!("the DNS answers for {helo} with a name that is none")),
        _ => Answer::of(450, CODE, format!("{helo} has neither an address nor an MX")),
    })
}

fn helo_answer(found: &Found<'_>, kind: RecordType) -> Asked {
    if found.status.is_none() {
        return Asked::NotFound;
    }
    if found.status != Status::Found {
        return if found.is_temporary() { Asked::Temporary } else { Asked::Failed };
    }
    let name_ok = |name: &str| is_address(name) || is_valid_rr_name(name);
    if !found.chain.iter().all(|alias| name_ok(&alias.to)) {
        return Asked::Malformed;
    }
    if kind != RecordType::Mx {
        return Asked::Found;
    }
    let hosts = || found.data.iter().map(|d| mx_host(d));
    if hosts().any(str::is_empty) {
        Asked::NullMx
    } else if hosts().any(name_ok) {
        Asked::Found
    } else {
        Asked::Malformed
    }
}

/// Whether an answer about addresses makes the EHLO name a known one, so that its MX no longer matters.
pub(super) fn address_counts(found: &Found<'_>) -> bool {
    helo_answer(found, RecordType::A) == Asked::Found
}

/// The host of an MX record's data, with or without the preference before it; empty for a null MX.
pub(super) fn mx_host(data: &str) -> &str {
    let host = data.rsplit(' ').next().unwrap_or(data);
    host.strip_suffix('.').unwrap_or(host)
}

/// A host name, or one under a `*` label.
fn is_valid_rr_name(name: &str) -> bool {
    match name.strip_prefix('*') {
        Some("") => true,
        Some(rest) => name.len() <= MAX_NAME && rest.strip_prefix('.').is_some_and(has_valid_labels),
        None => is_valid_hostname(name),
    }
}

/// Postfix's idea of a host name: labels of letters, digits, `_` and inner hyphens, not all digits.
fn is_valid_hostname(name: &str) -> bool {
    name.len() <= MAX_NAME && has_valid_labels(name) && !name.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

fn has_valid_labels(name: &str) -> bool {
    let label_ok = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.split('.').all(label_ok)
}

fn is_address(text: &str) -> bool {
    if text.contains(':') { is_ipv6(text) } else { is_ipv4(text) }
}

/// Four decimal numbers up to 255, leading zeros allowed; an initial zero only in `0.0.0.0`.
fn is_ipv4(text: &str) -> bool {
    let part = |p: &str| {
        let digits = !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        let significant = p.trim_start_matches('0');
        if significant.is_empty() {
            return digits.then_some(0);
        }
        significant.parse::<u8>().ok().filter(|_| digits)
    };
    let Some(parts) = text.split('.').map(part).collect::<Option<Vec<u8>>>() else { return false };
    parts.len() == 4 && (parts[0] != 0 || parts.iter().all(|p| *p == 0))
}

/// Groups of one to four hexadecimal digits between two and seven colons, `::` at most once. That
/// there are eight groups is not asked: `1:2:3` passes.
fn is_ipv6(text: &str) -> bool {
    let mut colons = 0;
    let mut gap = None;
    let mut rest = text;
    let mut group = "";
    loop {
        match rest.bytes().next() {
            None => return colons >= 2 && (!group.is_empty() || gap == Some(colons - 1)),
            Some(b'.') => {
                return (2..=6).contains(&colons) && is_ipv4(&text[text.len() - rest.len() - group.len()..]);
            }
            Some(b':') => {
                let next = rest.as_bytes().get(1);
                if colons == 0 && group.is_empty() && next.is_some_and(u8::is_ascii_alphanumeric) {
                    return false;
                }
                colons += 1;
                if colons > 7 || (next == Some(&b':') && gap.replace(colons).is_some()) {
                    return false;
                }
                (rest, group) = (&rest[1..], "");
            }
            Some(_) => {
                let end = rest.bytes().position(|b| !b.is_ascii_hexdigit()).unwrap_or(rest.len());
                if !(1..=4).contains(&end) {
                    return false;
                }
                (group, rest) = rest.split_at(end);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_postfix_reads_them() {
        for ok in ["203.0.113.1", "203.000.113.010", "0.0.0.0", "1:2:3", "::", "::1", "a::", "1::2", "::ffff:1.2.3.4"] {
            assert!(is_address(ok), "{ok}");
        }
        for bad in [
            "",
            "1.2.3",
            "1.2.3.4.",
            "0.1.2.3",
            "1.2.3.256",
            "1.2.3.x",
            "1:2",
            "a:b:",
            ":1:2",
            ":::",
            "1::2::3",
            "12345::",
            "fe80::1%eth0",
            "1:2:3:4:5:6:7:8:9",
            "1:1.2.3.4",
            "\u{e9}::1",
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn host_names_as_postfix_reads_them() {
        for ok in ["mail.example", "mail_out.example", "x", "a.123", "1a"] {
            assert!(is_valid_hostname(ok), "{ok}");
        }
        for bad in ["", "a..b", ".a", "a.", "-a.b", "a-.b", "12345", "1.2.3", "m\u{e4}il.example", "a b", "a?b"] {
            assert!(!is_valid_hostname(bad), "{bad}");
        }
        assert_eq!(without_dot("a.example."), "a.example");
        assert_eq!(without_dot("a.example.."), "a.example..");
        assert_eq!(
            (mx_host("10 mx.example."), mx_host("0 ."), mx_host("mx.example")),
            ("mx.example", "", "mx.example")
        );
    }
}
