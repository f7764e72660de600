//! The client's address in a receiver's own words.
//!
//! Input: a reply's text and the host that said it. Output: the address, if the words are about it.
//! Design: a number is taken only where the words around it speak of a client. The receiver's own
//! name and address, version numbers and addresses that cannot be seen from outside are left out.

use std::net::IpAddr;

use super::address::{Quoted, addresses, can_be_outbound, parse};
use super::beside::score;
use super::phrases::fold;
use super::sentence::is_about_name_of;

/// The client's address that a reply states. `about_client` where the reply is known to be about the
/// client and nobody else: an address beside a word that means the client, or in a sentence about its
/// reverse name, is then the client's.
pub(super) fn client_address(text: &str, remote: Option<&str>, not: &[IpAddr], about_client: bool) -> Option<Quoted> {
    let mut best: Option<(u8, Quoted)> = None;
    let mut open: Vec<Quoted> = Vec::new();
    let mut other = false;
    for q in addresses(text).into_iter().chain(reversed(text)) {
        if !can_be_outbound(q.ip) || not.contains(&q.ip) {
            continue;
        }
        match score(text, q, remote) {
            None => other |= true,
            Some(0) => open.push(q),
            Some(score) if best.is_none_or(|(s, _)| score > s) => best = Some((score, q)),
            Some(_) => {}
        }
    }
    let only = open.first().copied().filter(|q| {
        about_client && open.iter().all(|o| o.ip == q.ip) && (!other || open.len() == 1) && is_told_of(text, *q)
    });
    best.map(|(_, q)| q).or(only)
}

/// Addresses written as names of the reverse zone: `9.2.0.192.in-addr.arpa`.
fn reversed(text: &str) -> Vec<Quoted> {
    let lower = text.to_ascii_lowercase();
    let mut found = Vec::new();
    for (zone, v4) in [(".in-addr.arpa", true), (".ip6.arpa", false)] {
        for (at, _) in lower.match_indices(zone).take(8) {
            let start = lower[..at]
                .rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/')))
                .map_or(0, |n| n + 1);
            let mut labels: Vec<&str> = lower[start..at].split('.').collect();
            labels.reverse();
            let ip = if v4 {
                // A delegated zone has its own label between the third and the fourth octet (RFC 2317).
                if labels.len() == 5 {
                    labels.remove(3);
                }
                (labels.len() == 4).then(|| labels.join(".")).and_then(|w| parse(&w))
            } else {
                let nibbles = labels.len() == 32 && labels.iter().all(|l| l.len() == 1);
                let groups: Vec<String> = labels.chunks(4).map(<[&str]>::concat).collect();
                nibbles.then(|| groups.join(":")).and_then(|w| parse(&w))
            };
            if let Some(ip) = ip {
                found.push(Quoted { ip, start, end: at + zone.len() });
            }
        }
    }
    found
}

/// Octets between an address without a mark of its own and the name that is told of it.
const TOLD: usize = 36;

/// Whether an address without a mark of its own is what a reverse name is told of: it begins the reply, or
/// the topic stands beside it with no stop between.
fn is_told_of(text: &str, q: Quoted) -> bool {
    // Spectrum and others begin a refusal with whom they refuse.
    if text[..q.start].trim().is_empty() {
        return true;
    }
    let stop = [',', ';', ':', '.', '!', '?', '\u{3002}', '\u{ff0c}'];
    let mut from = q.start.saturating_sub(TOLD);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let before = text[from..q.start].rsplit(stop).next().unwrap_or_default();
    let behind = super::reply::clip(&text[q.end..], TOLD).split(stop).next().unwrap_or_default();
    is_about_name_of(&fold(before)) || is_about_name_of(&fold(behind))
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
            ("mx1.recv.example [192.0.2.1] rejects mail without PTR", ""),
            ("mx1.recv.example [192.0.2.1] PTR record missing", ""),
            ("message rejected by 192.0.2.1, no PTR", ""),
            ("message refused by server gw.recv.example [192.0.2.1]: no PTR", ""),
            ("DNS server 192.0.2.53 returned SERVFAIL for the PTR", ""),
            ("PTR name m.example has A record 192.0.2.8, not your address", ""),
            ("4.16.55.1 rejected due to reverse DNS", ""),
            ("no PTR, see https://docs.recv.example/4.2.1.0/ptr and http://192.0.2.7/why", ""),
            ("no PTR. Open a ticket from 192.0.2.9 page", ""),
            ("see https://x.example/query/ip/192.0.2.1", "192.0.2.1"),
            ("gw.recv.example gw.recv.example 192.0.2.1 Comcast requires a PTR", "192.0.2.1"),
            ("FCrDNS check failed: 192.0.2.1 -> m.example -> 192.0.2.10", "192.0.2.1"),
            ("PTR of 192.0.2.1 is m.example which resolves to 192.0.2.10", "192.0.2.1"),
            ("HELO m.example resolves to 192.0.2.10, but you connect from 192.0.2.1", "192.0.2.1"),
            ("HELO m.example does not match 192.0.2.1", "192.0.2.1"),
            ("PTR: forward DNS of m.example returned 192.0.2.8, client is 192.0.2.1", "192.0.2.1"),
            ("mx3.other.example[192.0.2.25]: no PTR for client", ""),
            ("no PTR (server 192.0.2.25 port 25)", ""),
            ("HELO 192.0.2.70 is not your address 192.0.2.1, PTR", "192.0.2.1"),
            ("rejected by mx3 (192.0.2.25), PTR required", ""),
            ("mail to 192.0.2.25 needs a PTR", ""),
            ("PTR missing (filter 12.4.0.7)", ""),
            ("Received line of 192.0.2.60 is forged", ""),
            ("error: 192.0.2.1 has no PTR", "192.0.2.1"),
            ("Your mail server at 192.0.2.1 has a bad PTR", "192.0.2.1"),
            ("Invalid HELO name (See RFC2821 4.1.1.1), no PTR", ""),
            ("could not verify the PTR, RFC 1912 2.1.0.4", ""),
            ("gateway 192.0.2.4 could not verify PTR of the client", ""),
            ("no PTR; this decision was made by node 192.0.2.12", ""),
            ("contact postmaster or call from 192.0.2.13; PTR missing", ""),
            ("PTR for your host missing, checked against 192.0.2.53", ""),
            ("PTR lookup for 192.0.2.1 returned NXDOMAIN", "192.0.2.1"),
            ("m.example does not resolve to 192.0.2.1", "192.0.2.1"),
            ("no PTR at 1.2.0.192.in-addr.arpa", "192.0.2.1"),
            ("逆引き 送信元IPアドレス 192.0.2.1 の逆引きが設定されていません", "192.0.2.1"),
            ("", ""),
        ] {
            let got = client_address(text, Some("mx.example.org"), &[], text.contains("PTR"))
                .map(|q| q.ip.to_string())
                .unwrap_or_default();
            assert_eq!(got, ip, "{text}");
        }
        assert!(client_address("Client host [192.0.2.1]", None, &["192.0.2.1".parse().unwrap()], true).is_none());
    }
}
