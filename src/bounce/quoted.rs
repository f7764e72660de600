//! The client's address in a receiver's own words.
//!
//! Input: a reply's text and the host that said it. Output: the address, if the words are about it.
//! Design: a number is taken only where the words around it speak of a client. The receiver's own
//! name and address, version numbers and addresses that cannot be seen from outside are left out.

use std::net::IpAddr;

use super::address::{Quoted, addresses, can_be_outbound, host_name, same_organisation};

/// The client's address that a reply states. `about_client` where the reply is known to be about the
/// client and nobody else: the only address in it is then the client's, whatever stands around it.
pub(super) fn client_address(text: &str, remote: Option<&str>, not: &[IpAddr], about_client: bool) -> Option<Quoted> {
    let mut best: Option<(u8, Quoted)> = None;
    let mut open: Vec<Quoted> = Vec::new();
    for q in addresses(text) {
        if !can_be_outbound(q.ip) || not.contains(&q.ip) {
            continue;
        }
        match score(text, q, remote) {
            Some(0) => open.push(q),
            Some(score) if best.is_none_or(|(s, _)| score > s) => best = Some((score, q)),
            None | Some(_) => {}
        }
    }
    let only = open.first().copied().filter(|q| about_client && open.iter().all(|o| o.ip == q.ip));
    best.map(|(_, q)| q).or(only)
}

/// Words before an address that make it a client's.
#[rustfmt::skip]
const BEFORE: &[&str] = &[
    "client", "ip", "ips", "address", "host", "for", "from", "server", "sender", "not", "i", "addr", "of",
    "source", "rejecting", "adresse", "ip-adresse", "serveur", "servidor", "direccion", "von", "für", "relay", "connection", "blocked", "query", "lookup", "rdns", "ptr", "hostname", "client-ip",
    "ip-address", "listed", "range", "remote", "rejected", "h", "peer", "access",
];

/// Beginnings of what is said about a client behind its address.
#[rustfmt::skip]
const AFTER: &[&str] = &[
    "is not", "is blocked", "is listed", "is on", "is in", "is currently", "has ", "was ", "were ", "listed",
    "blocked", "rejected", "does not", "doesn't", "not allowed", "not permitted", "is permitted", "no reverse",
    "without", "found in", "found on", "temporarily", "is black", "have been", "weren't", "is denied",
    "forbidden", "denied",
];

/// What goes before the far end of a connection, or before where a name leads.
const ELSEWHERE: [&str; 14] = [
    "connect to",
    "connected to",
    "connecting to",
    "connection to",
    "connection with",
    "talking to",
    "resolves to",
    "resolve to",
    "resolved to",
    "points to",
    "point to",
    "maps to",
    "resolves back to",
    "points back to",
];

/// How much speaks for the client; `None` where it is known not to be.
fn score(text: &str, q: Quoted, remote: Option<&str>) -> Option<u8> {
    let before = &text[..q.start];
    let after = &text[q.end..];
    let tail: String =
        before.chars().rev().take(60).collect::<Vec<_>>().into_iter().rev().collect::<String>().to_ascii_lowercase();
    let bracket = tail.ends_with(['[', '(']);
    let opened = tail.trim_end_matches(['[', '(', '<', '\'', '"', '=', ':', ' ', '{']);
    let spaced = tail.trim_end_matches(['[', '(', '<', '\'', '"', '{']);
    let word = opened.rsplit([' ', '?', '&', '/', '(', '[', ';', ',', '"', '=']).next().unwrap_or_default();
    let next = after.trim_start_matches([']', ')', '>', '\'', '"', ' ', '}']).to_ascii_lowercase();

    let parameter = tail.ends_with('=') && tail.rsplit(' ').next().is_some_and(|w| w.contains("://"));
    if spaced.trim_end().ends_with('-')
        || ["version", "ver", "release", "build", "id", "esmtp", "exim", "postfix"].contains(&word)
        || word == "v" && !parameter
    {
        return None;
    }
    let named = host_name(word).is_some();
    let ahead = if named { opened.strip_suffix(word).unwrap_or(opened).trim_end() } else { opened };
    if ELSEWHERE.iter().any(|w| ahead.ends_with(w)) {
        return None;
    }
    let said = AFTER.iter().any(|w| next.starts_with(w));
    // The receiver naming itself: "mx1.example.net [198.51.100.7]".
    if let (Some(name), Some(remote)) = (host_name(word), remote)
        && same_organisation(name, remote)
        && (bracket || !said)
    {
        return None;
    }
    let mut score = 0;
    if BEFORE.contains(&word) || parameter && !["mx", "server", "host", "to"].contains(&word) {
        score += 3;
    }
    if said {
        score += 3;
    }
    if bracket {
        // Alone in its bracket: "[192.0.2.1]", Gmail's "[192.0.2.1      13]".
        let closed = after.trim_start_matches([' ', '\t']).trim_start_matches(|c: char| c.is_ascii_digit());
        if closed.starts_with([']', ')', ',']) {
            score += 2;
        }
    }
    // At the end, behind a colon: "Reverse DNS required: 192.0.2.1".
    if spaced.ends_with(": ") && after.trim_matches(['.', ' ', ']', ')']).is_empty()
        || before.trim().is_empty() && bracket
    {
        score += 2;
    }
    Some(score)
}

/// The EHLO name that a reply quotes: `<name>: Helo command rejected`, `HELO=[name]`, `helo=<name>`.
pub(super) fn quoted_ehlo(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    // Exim's own log: "rejected EHLO or HELO name: why".
    if let Some(at) = lower.find("rejected ehlo or helo ") {
        let word = text[at + 22..].split([' ', ':']).next().unwrap_or_default();
        return Some(word.to_owned()).filter(|w| !w.is_empty() && w.len() <= 253);
    }
    for mark in [": helo command rejected", ": ehlo command rejected"] {
        if let Some(at) = lower.find(mark) {
            let word = text[..at].rsplit([' ', '<']).find(|w| !w.is_empty())?;
            return Some(word.trim_end_matches('>').to_owned()).filter(|w| !w.is_empty() && w.len() <= 253);
        }
    }
    for mark in [
        "helo=",
        "ehlo=",
        "helo name ",
        "ehlo name ",
        "helo argument ",
        "ehlo argument ",
        "ehlo ",
        "helo ",
        "bad helo: ",
    ] {
        let Some(at) = lower.find(mark) else { continue };
        if at > 0 && lower.as_bytes()[at - 1].is_ascii_alphanumeric() {
            continue;
        }
        let rest = text[at + mark.len()..].trim_start_matches(['[', '<', '(', '"', '\'', ' ']);
        let word = rest.split([' ', ']', '>', ')', '"', '\'', ',', ';']).next().unwrap_or_default();
        if let Some(name) = host_name(word) {
            return Some(name.to_owned());
        }
        // Gmail: "HELO/EHLO argument MAILSRV invalid", where the fault is that it is no full name.
        let behind = rest.strip_prefix(word).unwrap_or_default().trim_start_matches([']', '>', ')', '"', '\'', ' ']);
        let judged = ["invalid", "is invalid", "is malformed"].iter().any(|w| behind.starts_with(w));
        if mark.ends_with("argument ") && judged && !word.is_empty() && word.len() <= 253 && word != "syntax" {
            return Some(word.to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_words_speak_of() {
        for (text, ip) in [
            ("[192.0.2.1] The IP address sending this message does not have a PTR record", "192.0.2.1"),
            ("[192.0.2.1      13] Messages with multiple addresses", "192.0.2.1"),
            ("Client host rejected: cannot find your hostname, [192.0.2.1]", "192.0.2.1"),
            ("Messages from 192.0.2.1 temporarily deferred due to complaints - 4.16.55.1; see x", "192.0.2.1"),
            ("Fix reverse DNS for 192.0.2.1", "192.0.2.1"),
            ("No PTR Record found. Reverse DNS required: 192.0.2.1", "192.0.2.1"),
            ("a.example is not 192.0.2.1", "192.0.2.1"),
            ("192.0.2.1 is not allowed to send from <example.net>", "192.0.2.1"),
            ("see https://x.example/lookup.cgi?ip=192.0.2.1", "192.0.2.1"),
            ("Bad DNS PTR resource record. See http://x.example/err?c=rdns&ip=192.0.2.1&l=1", "192.0.2.1"),
            ("Frequency limited [Q1Yz= Blocked IP 192.0.2.1]", "192.0.2.1"),
            ("mail0.example.net [192.0.2.1]:22222 is not permitted to relay", "192.0.2.1"),
            ("mx1.example.org [192.0.2.1] user unknown", ""),
            ("Service unavailable, version 4.16.55.1", ""),
            ("for 127.0.0.1 and from 10.0.0.1", ""),
            ("queued at 192.0.2.1", ""),
            ("450 4.4.316 refused [{LED=no};{FQDN=mx.example.org};{IP=192.0.2.1};{LRT=1}]", ""),
            ("4.4.7 expired; LastAttemptedServerName=mx.example.org;LastAttemptedIP=192.0.2.1:25", ""),
            ("[192.0.2.1, out.example.net] is not permitted", "192.0.2.1"),
            ("", ""),
        ] {
            let got =
                client_address(text, Some("mx.example.org"), &[], false).map(|q| q.ip.to_string()).unwrap_or_default();
            assert_eq!(got, ip, "{text}");
        }
        assert!(client_address("Client host [192.0.2.1]", None, &["192.0.2.1".parse().unwrap()], true).is_none());
    }

    #[test]
    fn the_ehlo_name() {
        for (text, name) in [
            ("<mailhost>: Helo command rejected: need fully-qualified hostname", Some("mailhost")),
            ("H=x.example [192.0.2.1] HELO=[m.example] F=[a]", Some("m.example")),
            ("proto=ESMTP helo=<m.example>", Some("m.example")),
            ("HELO argument [m.example] is malformed", Some("m.example")),
            ("H=(mailhost) [192.0.2.1] rejected EHLO or HELO mailhost: not qualified", Some("mailhost")),
            ("HELO/EHLO argument MAILSRV invalid, closing connection.", Some("MAILSRV")),
            ("HELO argument \"my server\" is invalid", None),
            ("HELO argument invalid", None),
            ("Empty HELO/EHLO argument not allowed", None),
            ("no name", None),
        ] {
            assert_eq!(quoted_ehlo(text).as_deref(), name, "{text}");
        }
    }
}
